"""The numbers of the recipe themselves: bundles and caches hold descriptors that earlier versions measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lince.models.descriptors import RECIPE_VERSION, describe, names

KNOWN = Path(__file__).with_name("known_descriptors.npz")


def body(size: int, *, channels: int = 1, seed: int = 0) -> NDArray[np.uint8]:
    """An oval with a hole, texture and a bright rim on black, beside a small second part; of whole numbers alone."""
    down, across = np.mgrid[:size, :size] * 64 // size
    far = 3 * (down - 30) ** 2 + 2 * (across - 26) ** 2
    noise = np.random.default_rng(seed).integers(0, 48, (size, size, channels))
    light = (60 + down + 40 * ((down // 5 + across // 7) % 2))[..., None] + noise
    image = np.where((far < 1400)[..., None], light, 0)
    image[(far > 1200) & (far < 1400)] = 230
    image[far < 60] = 0
    image[(down > 52) & (across > 50)] = 120
    return image.astype(np.uint8)


CASES = {
    "grey": body(320),
    "grey as colour": np.repeat(body(320, seed=1), 3, axis=2),
    "colour": body(320, channels=3, seed=2),
    "odd size": body(149, seed=3),
    "least size": body(16, seed=4),
    "noise to the border": np.random.default_rng(5).integers(0, 256, (200, 200, 1)).astype(np.uint8),
    "flat": np.full((64, 64, 1), 90, np.uint8),
    "black": np.zeros((64, 64, 3), np.uint8),
    "a line": np.pad(np.full((1, 40, 1), 200, np.uint8), ((30, 33), (12, 12), (0, 0))),
}


@pytest.mark.parametrize("case", CASES)
def test_descriptors_are_those_of_this_recipe(case: str) -> None:
    image = CASES[case]
    with np.load(KNOWN) as known:
        assert int(known["recipe"]) == RECIPE_VERSION
        expected = known[case]
    found = describe(image)
    wrong = ~np.isclose(found, expected, rtol=1e-4, atol=1e-5)
    called = names(image.shape[2])
    assert {called[column]: (found[column], expected[column]) for column in np.flatnonzero(wrong)} == {}
