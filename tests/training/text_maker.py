"""A small collection whose captions tell as much as its images, in cases of two images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from lince.core.types import LabelSpace, Sample
from lince.data import Collection

SAID = {
    "chest": ("opacity in the left lung", "pleural fluid beside the lung", "a nodule of the lung, seen in the chest"),
    "skull": ("lesion of the frontal lobe", "mass in the cerebral ventricle", "a skull fracture near the lobe"),
    "knee": ("torn meniscus and ligament", "fluid around the ligament", "the knee with a bruised meniscus"),
}


def write_cases(root: Path, *, cases: int = 15, captions: bool = True) -> Collection:
    """Brightness and stripes tell the classes; every fourth image has no caption."""
    random = np.random.default_rng(0)
    samples = []
    for number in range(3 * cases):
        label = list(SAID)[number % 3]
        for view in range(2):
            image = random.integers(0, 40, (40, 40)) + 60 * (number % 3)
            image[:: 2 + number % 3] += 60
            place = root / f"case{number}_{view}.png"
            Image.fromarray(image.astype(np.uint8)).save(place)
            told = {"caption": SAID[label][(number // 3 + view) % 3], "history": "pain"} if captions else {}
            if number % 4 == 3 and view:
                told.pop("caption", None)
            samples.append(Sample(str(place), label, f"case{number}", attributes={**told, "place": label}))
    return Collection("cases", tuple(samples), LabelSpace(tuple(SAID)), source=str(root), root=str(root))
