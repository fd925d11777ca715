"""Effects on values: light, noise, sharpness, holes, stains. A grey image stays grey under each of them."""

from __future__ import annotations

import math
from typing import Literal, final

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import interpolate
from typing_extensions import override

from lince.imaging.augmentation.draws import Draws
from lince.imaging.augmentation.effect import Tone
from lince.imaging.augmentation.geometry import pixel_centres

# Columns: what haematoxylin, eosin and DAB take from red, green and blue (Ruifrok and Johnston, Anal Quant Cytol
# Histol 23(4), 2001).
_STAINS = ((0.65, 0.70, 0.29), (0.07, 0.99, 0.11), (0.27, 0.57, 0.78))
# The standard deviation that is left of white noise after it is enlarged twice, bilinearly: 10/16.
_ENLARGED = 0.625
# Mean distance between the channels of a picture, as a share of black to white, up to which it counts as grey.
_TRACE = 0.02


@final
class Brightness(Tone):
    """Multiply: black stays black, and with it what surrounds the picture."""

    kind: Literal["brightness"] = "brightness"
    share: float = Field(0.10, ge=0, le=1, description="at most, brighter or darker")

    @override
    def change(self, images: Tensor, draws: Draws) -> Tensor:
        return images.mul_(_each(draws.between(1 - self.share, 1 + self.share, neutral=1.0)))

    @override
    def _range(self) -> str:
        return f"brightness ±{self.share:.0%}"


@final
class Contrast(Tone):
    """Spread values about the image's mean, or draw them together."""

    kind: Literal["contrast"] = "contrast"
    share: float = Field(0.15, ge=0, le=1, description="at most, more or less")

    @override
    def change(self, images: Tensor, draws: Draws) -> Tensor:
        factor = _each(draws.between(1 - self.share, 1 + self.share, neutral=1.0))
        offset = images.mean(dim=(1, 2, 3), keepdim=True) * (1 - factor)
        return images.mul_(factor).add_(offset)

    @override
    def _range(self) -> str:
        return f"contrast ±{self.share:.0%}"


@final
class Gamma(Tone):
    """Raise to a power: lighter or darker greys between a black and a white that stay."""

    kind: Literal["gamma"] = "gamma"
    share: float = Field(0.20, ge=0, le=1, description="the power lies between 1 / (1 + share) and 1 + share")

    @override
    def change(self, images: Tensor, draws: Draws) -> Tensor:
        # As many darker as lighter: uniform in the logarithm.
        power = draws.around_zero(math.log1p(self.share)).exp()
        return images.clamp_(0, 1).pow_(_each(power))

    @override
    def _range(self) -> str:
        return f"gamma ±{self.share:.0%}"


@final
class GaussianNoise(Tone):
    """Add noise, the same to every channel."""

    kind: Literal["gaussian-noise"] = "gaussian-noise"
    deviation: float = Field(0.03, ge=0, le=0.5, description="at most, as a share of black to white")

    @override
    def change(self, images: Tensor, draws: Draws) -> Tensor:
        strength = draws.between(0, self.deviation, neutral=0.0)
        return images.add_(draws.normal(1, *images.shape[2:]).mul_(_each(strength)))

    @override
    def _range(self) -> str:
        return f"noise to {self.deviation:.0%}"


@final
class Speckle(Tone):
    """Multiply with noise, as ultrasound interferes with itself: bright tissue is grainy, black stays black.

    The grain is two pixels wide, since speckle is as wide as the beam, not as a pixel.
    """

    kind: Literal["speckle"] = "speckle"
    deviation: float = Field(0.10, ge=0, le=0.5, description="at most, as a share of the value")

    @override
    def change(self, images: Tensor, draws: Draws) -> Tensor:
        side = images.shape[-1]
        coarse = draws.normal(1, (side + 1) // 2, (side + 1) // 2)
        grain = interpolate(coarse, size=(side, side), mode="bilinear", align_corners=False)
        strength = draws.between(0, self.deviation / _ENLARGED, neutral=0.0)
        return images.mul_(grain.mul_(_each(strength)).add_(1))

    @override
    def _range(self) -> str:
        return f"speckle to {self.deviation:.0%}"


@final
class Blur(Tone):
    """Soften with a Gaussian."""

    kind: Literal["blur"] = "blur"
    share: float = Field(0.005, gt=0, le=0.05, description="its standard deviation at most, of the side")
    probability: float = Field(0.3, ge=0, le=1, description="share of the images that are softened")

    @override
    def change(self, images: Tensor, draws: Draws) -> Tensor:
        from kornia.filters import gaussian_blur2d

        chosen = draws.touched.nonzero()[:, 0].to(images.device)
        if not len(chosen):
            return images
        most = self.share * images.shape[-1]
        deviation = draws.between(0.2 * most, most, neutral=most)[chosen]
        # Mirrored at the edge, which kornia can do for as many pixels as there are, less one.
        reach = min(max(1, math.ceil(3 * most)), images.shape[-1] - 1)
        soft = gaussian_blur2d(images[chosen], 2 * reach + 1, torch.stack([deviation, deviation], dim=1))
        images[chosen] = soft
        return images

    @override
    def _range(self) -> str:
        return f"blur to {100 * self.share:.2g}%"


@final
class Cutout(Tone):
    """Cover a rectangle with the image's mean, so that no single place decides (DeVries and Taylor, 2017)."""

    kind: Literal["cutout"] = "cutout"
    share: float = Field(0.2, gt=0, le=0.5, description="of the side that a rectangle covers, at most")
    probability: float = Field(0.3, ge=0, le=1, description="share of the images with a rectangle")

    @override
    def change(self, images: Tensor, draws: Draws) -> Tensor:
        middle = draws.around_zero(1.0, 2)[:, None, None]
        half = torch.stack([draws.between(0.3 * self.share, self.share, neutral=0.0) for _ in range(2)], dim=1)
        away = (pixel_centres(images.shape[-1], images.device) - middle).abs()
        covered = (away < half[:, None, None]).all(-1)[:, None]
        return torch.where(covered, images.mean(dim=(2, 3), keepdim=True), images)

    @override
    def _range(self) -> str:
        return f"cutout to {self.share:.0%}"


@final
class StainJitter(Tone):
    """Vary how strongly haematoxylin and eosin have taken, as between laboratories.

    Optical density is unmixed into stains, each is scaled and shifted, and mixed again (Tellez et al., IEEE TMI 37(9),
    2018). An image without colour is left as it is: it has no stains.
    """

    kind: Literal["stain"] = "stain"
    scale: float = Field(0.10, ge=0, le=0.5, description="change of each stain, at most")
    shift: float = Field(0.01, ge=0, le=0.2, description="stain added or taken everywhere, at most, in optical density")

    @override
    def change(self, images: Tensor, draws: Draws) -> Tensor:
        factor, offset = draws.around_zero(self.scale, 3) + 1, draws.around_zero(self.shift, 3)
        if images.shape[1] != 3:
            return images
        # Compression leaves traces of colour in grey pictures; a stain is more than that.
        chroma = images.amax(1) - images.amin(1)
        stained = chroma.mean(dim=(1, 2)) > _TRACE
        mixing = torch.tensor(_STAINS, device=images.device)
        mixing = mixing / mixing.norm(dim=1, keepdim=True)
        change = torch.linalg.inv(mixing) @ torch.diag_embed(factor) @ mixing
        density = images.clamp(1 / 255, 1).log_().neg_()
        # Rows are (red, green, blue) of one pixel: row vectors, so the planes are multiplied with the transpose.
        mixed = torch.baddbmm((offset @ mixing)[:, :, None], change.transpose(1, 2), density.flatten(2))
        return torch.where(_each(stained), mixed.neg_().exp_().view_as(images), images)

    @override
    def _range(self) -> str:
        return f"stain ±{self.scale:.0%}"


def has_colour(images: Tensor) -> Tensor:
    """(N,) bool: whether any pixel of (N, C, S, S) images is not grey."""
    if images.shape[1] == 1:
        return torch.zeros(len(images), dtype=torch.bool, device=images.device)
    return (images != images[:, :1]).flatten(1).any(1)


def _each(values: Tensor) -> Tensor:
    """(N,) as (N, 1, 1, 1)."""
    return values.view(-1, 1, 1, 1)
