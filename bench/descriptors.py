"""Descriptors of images of 320 px, against scikit-image's own functions for the textures."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from bench.common import scratch

SIDE = 320


def run(*, quick: bool = False) -> dict[str, Any]:
    from lince.models.descriptors import FAMILIES, describe_all

    images = _images(32 if quick else 512)
    describe_all(images[:8])
    best = float("inf")
    for _ in range(1 if quick else 3):
        begun = time.perf_counter()
        describe_all(images)
        best = min(best, time.perf_counter() - begun)
    some = images[:: max(1, len(images) // 16)]
    return {
        "side": SIDE,
        "images": len(images),
        "images_per_s": len(images) / best,
        "milliseconds_by_family": {
            family.name: round(_milliseconds(family.measure, [i if family.coloured else i[..., 0] for i in some]), 2)
            for family in FAMILIES
        },
        "scikit_image_ms": {
            "co-occurrence": round(_milliseconds(_their_glcm, [image[..., 0] for image in some]), 2),
            "patterns": round(_milliseconds(_their_lbp, [image[..., 0] for image in some]), 2),
        },
    }


def _images(count: int) -> Any:
    """Phantoms of the size that is measured, as training reads them."""
    from lince.data import load, write_phantoms
    from lince.imaging import ImageSpec, cached_images

    with scratch() as folder:
        place = write_phantoms(folder / "phantoms", count=min(count, 64), size=SIDE)
        found = cached_images(load(place).samples, ImageSpec(size=SIDE), folder=folder / "arrays")
        return np.resize(np.array(found.pixels), (count, SIDE, SIDE, 3))


def _milliseconds(measure: Any, images: Any) -> float:
    images = [np.ascontiguousarray(image) for image in images]
    begun = time.perf_counter()
    for image in images:
        measure(image)
    return 1e3 * (time.perf_counter() - begun) / len(images)


def _their_glcm(grey: Any) -> None:
    from skimage.feature import graycomatrix, graycoprops

    found = graycomatrix(grey >> 3, (1, 2, 4), np.pi * np.arange(4) / 4, levels=32, symmetric=True, normed=True)
    for name in ("contrast", "dissimilarity", "homogeneity", "energy", "correlation", "entropy"):
        graycoprops(found, name)


def _their_lbp(grey: Any) -> None:
    from skimage.feature import local_binary_pattern

    for radius in (1, 2, 4):
        local_binary_pattern(grey, 8, radius, method="uniform")
