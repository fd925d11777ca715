"""Recipes by name. Each may be seen before it is used: ``lince data preview SOURCE --augment NAME``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lince.core.options import AugmentName
from lince.imaging.augmentation.effects import (
    Blur,
    Brightness,
    Contrast,
    Cutout,
    Elastic,
    Flip,
    Gamma,
    GaussianNoise,
    Lens,
    QuarterTurns,
    Rotation,
    Shear,
    Speckle,
    StainJitter,
    Translation,
    Zoom,
)
from lince.imaging.augmentation.spec import AugmentationSpec

_SPECS = (
    # Noise and blur touch the fewer images: those that are to be judged come without them.
    # Safe for any image: nothing is mirrored.
    AugmentationSpec(
        name="light",
        effects=(
            Rotation(degrees=5),
            Translation(share=0.03),
            Zoom(share=0.05),
            Brightness(share=0.05),
            Contrast(share=0.10),
        ),
    ),
    AugmentationSpec(
        name="medium",
        effects=(
            Flip(axis="horizontal"),
            Rotation(degrees=10),
            Translation(share=0.05),
            Zoom(share=0.10),
            Brightness(share=0.10),
            Contrast(share=0.15),
        ),
    ),
    AugmentationSpec(
        name="strong",
        effects=(
            Flip(axis="horizontal"),
            Rotation(degrees=20),
            Translation(share=0.08),
            Zoom(share=0.20),
            Shear(degrees=5),
            Elastic(share=0.03),
            Lens(strength=0.05),
            Brightness(share=0.20),
            Contrast(share=0.25),
            Gamma(share=0.30),
            GaussianNoise(deviation=0.03, probability=0.3),
            Blur(share=0.005, probability=0.2),
            Cutout(share=0.2, probability=0.3),
        ),
    ),
    # The probe is above: shadows fall downwards, so nothing is mirrored top to bottom and turns are small.
    AugmentationSpec(
        name="ultrasound",
        effects=(
            Flip(axis="horizontal"),
            Rotation(degrees=10),
            Translation(share=0.05),
            Zoom(share=0.15),
            Elastic(share=0.02, probability=0.5),
            Brightness(share=0.15),
            Contrast(share=0.20),
            Gamma(share=0.20),
            Speckle(deviation=0.08, probability=0.3),
            Blur(share=0.004, probability=0.2),
        ),
    ),
    # The heart lies left: a chest is mirrored now and then, against leaning on a side, and never upside down.
    AugmentationSpec(
        name="xray",
        effects=(
            Flip(axis="horizontal", probability=0.2),
            Rotation(degrees=7),
            Translation(share=0.05),
            Zoom(share=0.10),
            Shear(degrees=3),
            Brightness(share=0.10),
            Contrast(share=0.20),
            Gamma(share=0.25),
            GaussianNoise(deviation=0.02, probability=0.3),
        ),
    ),
    # A slide has no upside and no side; what differs between laboratories is the stain.
    AugmentationSpec(
        name="histology",
        effects=(
            Flip(axis="horizontal"),
            Flip(axis="vertical"),
            QuarterTurns(),
            Rotation(degrees=15),
            Zoom(share=0.10),
            Elastic(share=0.02, probability=0.5),
            StainJitter(scale=0.12, shift=0.01),
            Brightness(share=0.08),
            Contrast(share=0.10),
            Blur(share=0.004, probability=0.2),
        ),
        fill="mirror",
    ),
    # The liver lies right, and the patient is fixed: no mirroring. Values are calibrated, so tones hardly vary.
    AugmentationSpec(
        name="ct",
        effects=(
            Rotation(degrees=7),
            Translation(share=0.05),
            Zoom(share=0.10),
            Elastic(share=0.02, probability=0.5),
            Brightness(share=0.05),
            Contrast(share=0.08),
            GaussianNoise(deviation=0.02, probability=0.3),
        ),
    ),
    # As CT, but values have no unit: they depend on sequence, coil and scanner.
    AugmentationSpec(
        name="mr",
        effects=(
            Rotation(degrees=7),
            Translation(share=0.05),
            Zoom(share=0.10),
            Elastic(share=0.02, probability=0.5),
            Brightness(share=0.15),
            Contrast(share=0.20),
            Gamma(share=0.25),
            GaussianNoise(deviation=0.02, probability=0.3),
        ),
    ),
)


# Every name of `AugmentName` but "auto" and "none".
POLICIES: Mapping[str, AugmentationSpec] = MappingProxyType({spec.name: spec for spec in _SPECS})


def policy(name: AugmentName) -> AugmentationSpec | None:
    """The recipe of a policy; None for ``none``, and ``medium`` for an ``auto`` that no collection has settled."""
    return None if name == "none" else POLICIES["medium" if name == "auto" else name]
