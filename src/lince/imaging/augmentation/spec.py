"""The recipe of an augmentation, and `augment`, which follows it."""

from __future__ import annotations

from typing import final

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from lince.core.seeds import derived_seed
from lince.imaging.augmentation.draws import Draws
from lince.imaging.augmentation.effect import Affine, Deformation, Tone
from lince.imaging.augmentation.effects import AnyEffect, Flip, QuarterTurns, Rotation
from lince.imaging.augmentation.geometry import Fill, move, pixel_centres, product
from lince.imaging.augmentation.tones import has_colour

# Degrees beyond which a picture no longer stands upright.
_UPRIGHT = 45
# Values changed at once on the processor, which stay in its cache, and images at once on an accelerator.
_BLOCK_VALUES, _BLOCK_ON_DEVICE = 2**20, 512


@final
class AugmentationSpec(BaseModel):
    """Which effects, with which ranges. JSON keeps it whole, so a bundle tells how its model was trained.

    Effects that move pixels come first, all in one sampling; the others follow in their order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field("own", description="of the policy it comes from")
    effects: tuple[AnyEffect, ...]
    fill: Fill = Field("black", description="what moves in from outside: black, or the image mirrored at its edge")

    @property
    def caption(self) -> str:
        """Every effect with its range, in English."""
        return ", ".join(effect.caption for effect in self.effects)

    @property
    def mirrors(self) -> bool:
        """Whether left and right may change sides."""
        return any(isinstance(e, Flip) and e.axis == "horizontal" and e.probability > 0 for e in self.effects)

    @property
    def turns_over(self) -> bool:
        """Whether an image may end upside down, or lying on its side."""
        vertical = any(isinstance(e, Flip) and e.axis == "vertical" and e.probability > 0 for e in self.effects)
        turned = any(isinstance(e, Rotation) and e.degrees > _UPRIGHT for e in self.effects)
        return vertical or turned or any(isinstance(e, QuarterTurns) for e in self.effects)


def augment(pixels: Tensor, spec: AugmentationSpec, *, seed: int) -> Tensor:
    """Change a batch at random, on the device where it is.

    Parameters
    ----------
    pixels
        (N, S, S, C) uint8 with one or three channels, in any layout; N may be 0.
    spec
        The recipe.
    seed
        The same seed gives the same changes; the global random state is left as it was.

    Returns
    -------
    Tensor
        (N, S, S, C) uint8, contiguous. An image whose channels are equal keeps them equal.
    """
    size = _BLOCK_ON_DEVICE if pixels.is_cuda else max(1, _BLOCK_VALUES // max(1, pixels[:1].numel()))
    changed = torch.empty(pixels.shape, dtype=torch.uint8, device=pixels.device)
    with torch.no_grad():
        for start in range(0, len(pixels), size):
            block = pixels[start : start + size]
            changed[start : start + size] = _augment_block(block, spec, derived_seed(seed, start))
    return changed


def _augment_block(pixels: Tensor, spec: AugmentationSpec, seed: int) -> Tensor:
    planes = pixels.permute(0, 3, 1, 2)
    if planes.shape[1] == 3 and not has_colour(planes).any():
        # Grey in three equal planes, as most medical images reach a network: one is enough, in a third of the time.
        planes = planes[:, :1]
    images = planes.float().div_(255)
    draws = [
        Draws(derived_seed(seed, position, effect.kind), len(images), images.device, effect.probability)
        for position, effect in enumerate(spec.effects)
    ]
    pairs = list(zip(spec.effects, draws, strict=True))
    affine = product([effect.matrix(drawn) for effect, drawn in pairs if isinstance(effect, Affine)])
    points = pixel_centres(images.shape[-1], images.device)
    shifts = [effect.shift(points, drawn) for effect, drawn in pairs if isinstance(effect, Deformation)]
    images = move(images, affine, torch.stack(shifts).sum(0) if shifts else None, spec.fill)
    for effect, drawn in pairs:
        if isinstance(effect, Tone):
            images = effect.change(images, drawn)
    return images.mul_(255).round_().clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
