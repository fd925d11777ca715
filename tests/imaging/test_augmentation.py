"""Augmentation of whole batches: what holds for every recipe."""

from __future__ import annotations

import random
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor

from lince.core.options import AugmentName
from lince.imaging.augmentation import POLICIES, AugmentationSpec, augment, policy
from lince.imaging.augmentation.draws import Draws
from lince.imaging.augmentation.effect import Tone
from lince.imaging.augmentation.effects import (
    AnyEffect,
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

EVERY_EFFECT: tuple[AnyEffect, ...] = (
    Flip(axis="horizontal"), Flip(axis="vertical"), QuarterTurns(), Rotation(degrees=30), Translation(share=0.2),
    Zoom(share=0.3), Shear(degrees=15), Elastic(share=0.08), Lens(strength=0.15), Brightness(share=0.5),
    Contrast(share=0.5), Gamma(share=1.0), GaussianNoise(deviation=0.3), Speckle(deviation=0.3),
    Blur(share=0.05, probability=1.0), Cutout(share=0.5, probability=1.0), StainJitter(scale=0.4, shift=0.1),
)  # fmt: skip
MEDIUM = POLICIES["medium"]


def batch(channels: int, *, count: int = 6, size: int = 24) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.randint(0, 256, (count, size, size, channels), generator=generator).to(torch.uint8)


def test_every_kind_of_effect_is_tried_here() -> None:
    kinds = get_args(get_args(AnyEffect)[0])
    assert {type(effect) for effect in EVERY_EFFECT} == set(kinds)


def test_every_name_that_may_be_chosen_has_a_recipe() -> None:
    assert {"auto", "none", *POLICIES} == set(get_args(AugmentName))
    assert policy("none") is None
    assert policy("auto") == POLICIES["medium"]
    assert all(policy(name) == spec and spec.name == name for name, spec in POLICIES.items())  # type: ignore[arg-type]


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("channels", [1, 3])
def test_shape_and_type_are_kept_and_every_image_changes(channels: int, name: str) -> None:
    pixels = batch(channels)
    kept = pixels.clone()
    changed = augment(pixels, POLICIES[name], seed=1)
    assert changed.shape == pixels.shape
    assert changed.dtype == torch.uint8
    assert changed.is_contiguous()
    assert torch.equal(pixels, kept)
    assert all(not torch.equal(changed[i], pixels[i]) for i in range(len(pixels)))


@settings(max_examples=40)
@given(
    count=st.integers(0, 11),
    side=st.integers(8, 33),
    channels=st.sampled_from([1, 3]),
    effects=st.lists(st.sampled_from(EVERY_EFFECT), max_size=6).map(tuple),
    fill=st.sampled_from(["black", "mirror"]),
    value=st.sampled_from([None, 0, 255]),
    seed=st.integers(0, 2**62),
)
def test_any_effects_on_any_batch_give_images(
    count: int, side: int, channels: int, effects: tuple[AnyEffect, ...], fill: str, value: int | None, seed: int
) -> None:
    pixels = batch(channels, count=count, size=side)
    if value is not None:
        pixels.fill_(value)
    spec = AugmentationSpec(effects=effects, fill=fill)  # type: ignore[arg-type]
    changed = augment(pixels, spec, seed=seed)
    assert changed.shape == pixels.shape
    assert torch.equal(changed, augment(pixels, spec, seed=seed))
    if value == 0 and "gaussian-noise" not in {effect.kind for effect in effects}:
        assert not changed.any()  # black stays black, whatever else is done to it


@pytest.mark.parametrize("effect", [e for e in EVERY_EFFECT if isinstance(e, Tone)], ids=lambda effect: effect.kind)
def test_no_value_ever_stops_being_a_number(effect: Tone) -> None:
    for value in (0.0, 0.5, 1.0):
        images = torch.full((4, 3, 16, 16), value)
        images[:, 0] = 1 - value
        changed = effect.change(images, Draws(3, 4, images.device, effect.probability))
        assert torch.isfinite(changed).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_the_same_seed_gives_the_same_images(channels: int) -> None:
    pixels, spec = batch(channels), AugmentationSpec(effects=EVERY_EFFECT)
    first = augment(pixels, spec, seed=7)
    torch.rand(3)
    assert torch.equal(first, augment(pixels, spec, seed=7))
    assert not torch.equal(first, augment(pixels, spec, seed=8))


def test_an_effect_more_leaves_the_draws_of_the_others() -> None:
    pixels = batch(1)
    turned = augment(pixels, AugmentationSpec(effects=(Rotation(degrees=40),)), seed=3)
    still = GaussianNoise(deviation=0.0)
    assert torch.equal(turned, augment(pixels, AugmentationSpec(effects=(Rotation(degrees=40), still)), seed=3))


def test_images_of_a_batch_change_each_in_its_own_way() -> None:
    same = batch(1, count=1).expand(20, -1, -1, -1)
    changed = augment(same, MEDIUM, seed=0)
    assert len({image.numpy().tobytes() for image in changed}) == 20


def test_the_global_random_states_are_left_as_they_were() -> None:
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    augment(batch(3), AugmentationSpec(effects=EVERY_EFFECT), seed=1)
    assert torch.equal(before[0], torch.random.get_rng_state())
    np.testing.assert_array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002
    assert before[2] == random.getstate()


@pytest.mark.parametrize("channels", [1, 3])
def test_no_effects_change_nothing(channels: int) -> None:
    pixels = batch(channels)
    assert torch.equal(augment(pixels, AugmentationSpec(effects=()), seed=1), pixels)


def test_an_effect_of_no_probability_changes_nothing() -> None:
    pixels = batch(3)
    for effect in EVERY_EFFECT:
        never = effect.model_copy(update={"probability": 0.0})
        changed = augment(pixels, AugmentationSpec(effects=(never,)), seed=1).int()
        assert (changed - pixels.int()).abs().max() <= 1, effect.kind


@pytest.mark.parametrize("effect", EVERY_EFFECT, ids=lambda effect: effect.kind)
def test_an_effect_on_half_of_the_images_leaves_the_other_half(effect: AnyEffect) -> None:
    pixels = batch(3, count=40, size=16)
    pixels[..., 0] //= 2  # of a colour, so that there are stains
    half = effect.model_copy(update={"probability": 0.5})
    changed = augment(pixels, AugmentationSpec(effects=(half,)), seed=2).int()
    left = int(((changed - pixels.int()).abs().amax((1, 2, 3)) <= 1).sum())
    quarter_turns_that_turn_by_nothing = 0.125 if effect.kind == "quarter-turns" else 0
    assert 10 <= left - 40 * quarter_turns_that_turn_by_nothing <= 30


@pytest.mark.parametrize("layout", ["channels first", "every other row", "transposed"])
def test_the_layout_in_memory_does_not_matter(layout: str) -> None:
    pixels = batch(3, count=4)
    odd = {
        "channels first": pixels.permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1),
        "every other row": pixels.repeat_interleave(2, 1)[:, ::2],
        "transposed": pixels.transpose(1, 2).contiguous().transpose(1, 2),
    }[layout]
    assert not odd.is_contiguous()
    strong = POLICIES["strong"]
    assert torch.equal(augment(odd, strong, seed=4), augment(pixels, strong, seed=4))


def test_a_large_batch_is_changed_to_its_last_image() -> None:
    pixels = batch(1, count=37, size=8)
    changed = augment(pixels, AugmentationSpec(effects=(Brightness(share=0.5),)), seed=4).int()
    assert all(not torch.equal(changed[i], pixels[i].int()) for i in range(37))
    assert len({float(changed[i].sum() / pixels[i].sum()) for i in range(37)}) == 37


def test_grey_in_three_channels_is_what_grey_in_one_is() -> None:
    grey = batch(1)
    spec = AugmentationSpec(effects=EVERY_EFFECT)
    assert torch.equal(augment(grey.repeat(1, 1, 1, 3), spec, seed=4), augment(grey, spec, seed=4).repeat(1, 1, 1, 3))


def test_grey_stays_grey_beside_a_colour_image() -> None:
    pixels = torch.cat([batch(1, count=3).repeat(1, 1, 1, 3), batch(3, count=3)])
    changed = augment(pixels, AugmentationSpec(effects=EVERY_EFFECT), seed=4).int()
    assert (changed[:3] - changed[:3, ..., :1]).abs().max() <= 1
    assert (changed[3:] - changed[3:, ..., :1]).abs().max() > 20


def test_a_recipe_survives_json() -> None:
    for spec in (*POLICIES.values(), AugmentationSpec(effects=EVERY_EFFECT)):
        assert AugmentationSpec.model_validate_json(spec.model_dump_json()) == spec


@pytest.mark.parametrize(
    "effect",
    [
        {"kind": "rotation", "degrees": -1},
        {"kind": "translation", "share": 0.9},
        {"kind": "zoom", "share": 1.0},
        {"kind": "brightness", "share": 2},
        {"kind": "elastic", "share": 0.3},
        {"kind": "flip", "axis": "both"},
        {"kind": "flip", "probability": 1.5},
        {"kind": "flip", "degrees": 5},
        {"kind": "melt"},
        {},
    ],
)
def test_impossible_ranges_and_unknown_effects_are_refused(effect: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        AugmentationSpec.model_validate({"effects": [effect]})


def test_a_recipe_without_effects_must_say_so() -> None:
    with pytest.raises(ValidationError):
        AugmentationSpec.model_validate({})


def test_the_recipe_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        MEDIUM.fill = "mirror"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Rotation().degrees = 90.0  # type: ignore[misc]


def test_captions_name_every_effect_with_its_range() -> None:
    spec = AugmentationSpec(effects=(Rotation(degrees=7.5), Flip(axis="vertical", probability=0.25), Blur(share=0.004)))
    assert spec.caption == "rotation ±7.5°, vertical flip (25% of images), blur to 0.4% (30% of images)"
    for effect in EVERY_EFFECT:
        assert effect.caption
    assert len({effect.caption.split()[0] for effect in EVERY_EFFECT}) == len(EVERY_EFFECT)


def test_what_must_stay_upright_does() -> None:
    over = {name for name, spec in POLICIES.items() if spec.turns_over}
    mirrored = {name for name, spec in POLICIES.items() if spec.mirrors}
    assert over == {"histology"}
    assert mirrored == {"medium", "strong", "ultrasound", "xray", "histology"}
    chest = next(e for e in POLICIES["xray"].effects if isinstance(e, Flip))
    assert chest.probability < 0.5
    assert AugmentationSpec(effects=(Rotation(degrees=180),)).turns_over
    assert not AugmentationSpec(effects=(Flip(axis="vertical", probability=0.0),)).turns_over


def test_colour_changes_where_there_are_stains_only() -> None:
    stained = {name for name, spec in POLICIES.items() if any(isinstance(e, StainJitter) for e in spec.effects)}
    assert stained == {"histology"}
