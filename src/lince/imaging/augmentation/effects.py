"""Every effect there is."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lince.imaging.augmentation.geometry import (
    Elastic,
    Flip,
    Lens,
    QuarterTurns,
    Rotation,
    Shear,
    Translation,
    Zoom,
)
from lince.imaging.augmentation.tones import (
    Blur,
    Brightness,
    Contrast,
    Cutout,
    Gamma,
    GaussianNoise,
    Speckle,
    StainJitter,
)

__all__ = [
    "AnyEffect",
    "Blur",
    "Brightness",
    "Contrast",
    "Cutout",
    "Elastic",
    "Flip",
    "Gamma",
    "GaussianNoise",
    "Lens",
    "QuarterTurns",
    "Rotation",
    "Shear",
    "Speckle",
    "StainJitter",
    "Translation",
    "Zoom",
]

AnyEffect = Annotated[
    Flip
    | QuarterTurns
    | Rotation
    | Translation
    | Zoom
    | Shear
    | Elastic
    | Lens
    | Brightness
    | Contrast
    | Gamma
    | GaussianNoise
    | Speckle
    | Blur
    | Cutout
    | StainJitter,
    Field(discriminator="kind"),
]
