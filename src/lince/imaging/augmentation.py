"""Augmentation of whole batches, on the device, repeatable from a seed."""

from __future__ import annotations

from typing import final

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor


@final
class AugmentationSpec(BaseModel):
    """How much training images may be changed; each a range around no change.

    No vertical flip and no colour: both make images that a scanner does not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    horizontal_flip: bool = Field(True, description="mirror left and right, half of the time")
    rotation: float = Field(10.0, ge=0, le=180, description="degrees, at most, either way")
    translation: float = Field(0.05, ge=0, le=0.5, description="share of the side, at most, either way")
    scale: float = Field(0.10, ge=0, le=0.5, description="zoom in or out, at most")
    brightness: float = Field(0.10, ge=0, le=1, description="change of brightness, at most")
    contrast: float = Field(0.15, ge=0, le=1, description="change of contrast, at most")


def augment(pixels: Tensor, spec: AugmentationSpec, *, seed: int) -> Tensor:
    """Change a batch at random.

    Parameters
    ----------
    pixels
        (N, S, S, C) uint8.
    spec
        The ranges.
    seed
        The same seed gives the same changes; the global random state is left as it was.

    Returns
    -------
    Tensor
        (N, S, S, C) uint8, on the device of ``pixels``.
    """
    from kornia.augmentation import AugmentationSequential, ColorJiggle, RandomAffine, RandomHorizontalFlip

    with torch.random.fork_rng(devices=[pixels.device] if pixels.is_cuda else []), torch.no_grad():
        torch.manual_seed(seed)
        images = pixels.permute(0, 3, 1, 2).float() / 255
        steps = AugmentationSequential(
            RandomHorizontalFlip(p=0.5 if spec.horizontal_flip else 0.0),
            RandomAffine(
                degrees=spec.rotation,
                translate=(spec.translation, spec.translation),
                scale=(1 - spec.scale, 1 + spec.scale),
                p=1.0,
            ),
            ColorJiggle(brightness=spec.brightness, contrast=spec.contrast, p=1.0),
            data_keys=["input"],
        )
        # ColorJiggle knows RGB only; a grey image is three equal planes.
        grey = images.shape[1] == 1
        changed = steps(images.expand(-1, 3, -1, -1) if grey else images)
        changed = changed[:, :1] if grey else changed
        output: Tensor = changed.mul(255).round_().clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
        return output
