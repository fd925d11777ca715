"""Augmentation of whole batches."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from lince.imaging.augmentation import AugmentationSpec, augment

NOTHING = {"horizontal_flip": False, "rotation": 0, "translation": 0, "scale": 0, "brightness": 0, "contrast": 0}


def batch(channels: int, *, count: int = 6, size: int = 24) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.randint(0, 256, (count, size, size, channels), generator=generator).to(torch.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_shape_and_type_are_kept_and_something_changes(channels: int) -> None:
    pixels = batch(channels)
    kept = pixels.clone()
    changed = augment(pixels, AugmentationSpec(), seed=1)
    assert changed.shape == pixels.shape
    assert changed.dtype == torch.uint8
    assert torch.equal(pixels, kept)
    assert all(not torch.equal(changed[i], pixels[i]) for i in range(len(pixels)))


@pytest.mark.parametrize("channels", [1, 3])
def test_the_same_seed_gives_the_same_images(channels: int) -> None:
    pixels, spec = batch(channels), AugmentationSpec()
    first = augment(pixels, spec, seed=7)
    torch.rand(3)
    assert torch.equal(first, augment(pixels, spec, seed=7))
    assert not torch.equal(first, augment(pixels, spec, seed=8))


def test_images_of_a_batch_change_each_in_its_own_way() -> None:
    same = batch(1, count=1).expand(6, -1, -1, -1)
    changed = augment(same, AugmentationSpec(), seed=0)
    assert all(not torch.equal(changed[0], changed[i]) for i in range(1, 6))


def test_the_global_random_states_are_left_as_they_were() -> None:
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    augment(batch(3), AugmentationSpec(), seed=1)
    assert torch.equal(before[0], torch.random.get_rng_state())
    np.testing.assert_array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002
    assert before[2] == random.getstate()


@pytest.mark.parametrize("channels", [1, 3])
def test_ranges_of_nothing_change_nothing(channels: int) -> None:
    pixels = batch(channels)
    changed = augment(pixels, AugmentationSpec(**NOTHING), seed=1)
    assert (changed.int() - pixels.int()).abs().max() <= 1


def test_a_flip_alone_mirrors_about_half_of_the_images() -> None:
    pixels = batch(1, count=64, size=16)
    changed = augment(pixels, AugmentationSpec(**{**NOTHING, "horizontal_flip": True}), seed=3).int()
    kept = (changed - pixels.int()).abs().amax((1, 2, 3)) <= 1
    mirrored = (changed - pixels.flip(2).int()).abs().amax((1, 2, 3)) <= 1
    assert (kept ^ mirrored).all()
    assert 16 <= int(mirrored.sum()) <= 48


def test_brightness_stays_within_its_range() -> None:
    grey = torch.full((32, 16, 16, 1), 100, dtype=torch.uint8)
    changed = augment(grey, AugmentationSpec(**{**NOTHING, "brightness": 0.1}), seed=2).int()
    assert changed.amin() >= 100 - 26
    assert changed.amax() <= 100 + 26
    assert len(changed[:, 8, 8, 0].unique()) > 5


def test_grey_stays_grey_in_three_channels() -> None:
    changed = augment(batch(1).repeat(1, 1, 1, 3), AugmentationSpec(), seed=4).int()
    assert (changed - changed[..., :1]).abs().max() <= 1


@pytest.mark.parametrize(
    "options", [{"rotation": -1}, {"translation": 0.9}, {"scale": 1.0}, {"brightness": 2}, {"vertical_flip": True}]
)
def test_impossible_ranges_and_unknown_effects_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        AugmentationSpec(**options)


def test_the_recipe_cannot_be_changed() -> None:
    spec = AugmentationSpec()
    with pytest.raises(ValidationError):
        spec.rotation = 90.0  # type: ignore[misc]
