"""The recipe: geometry, intensity, channels, identity."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_makers import random_pixels, saved, smooth_pixels
from PIL import Image
from pydantic import ValidationError

from lince.imaging import Decoded, ImageSpec

sides = st.integers(1, 300)
specs = st.builds(
    ImageSpec,
    size=st.integers(8, 64),
    channels=st.just(3),
    fit=st.sampled_from(["pad", "crop", "stretch"]),
    intensity=st.sampled_from(["nominal", "percentile"]),
    std=st.tuples(*[st.floats(0.001, 1000)] * 3),
)


@settings(deadline=None)
@given(height=sides, width=sides, size=st.integers(8, 512))
def test_padding_keeps_the_shape_and_the_centre(height, width, size):
    top, left, bottom, right = ImageSpec(size=size).content_box(height, width)
    inner_height, inner_width = bottom - top, right - left
    assert max(inner_height, inner_width) == size
    assert min(inner_height, inner_width) >= 1
    assert abs(inner_height * max(height, width) - height * size) <= max(height, width)  # within a pixel of the ratio
    assert 0 <= (size - bottom) - top <= 1
    assert 0 <= (size - right) - left <= 1


@settings(deadline=None)
@given(height=sides, width=sides, fit=st.sampled_from(["crop", "stretch"]))
def test_crop_and_stretch_fill_the_square(height, width, fit):
    assert ImageSpec(size=50, fit=fit).content_box(height, width) == (0, 0, 50, 50)


@settings(deadline=None, max_examples=60)
@given(spec=specs, height=st.integers(1, 60), width=st.integers(1, 60), deep=st.booleans(), grey=st.booleans())
def test_the_result_has_the_promised_shape_and_is_black_outside_the_box(spec, height, width, deep, grey):
    kind = np.uint16 if deep else np.uint8
    pixels = random_pixels((height, width) if grey else (height, width, 3), kind)
    array = spec.apply(Decoded(pixels, "ARRAY"))
    assert array.shape == (spec.size, spec.size, 3)
    assert array.dtype == np.uint8
    assert array.flags.c_contiguous
    top, left, bottom, right = spec.content_box(height, width)
    array[top:bottom, left:right] = 0
    assert not array.any()


@settings(deadline=None)
@given(spec=specs)
def test_a_spec_survives_json_and_keeps_its_hash(spec):
    again = ImageSpec.model_validate_json(spec.model_dump_json())
    assert again == spec
    assert again.hash == spec.hash


@settings(deadline=None)
@given(one=specs, other=specs)
def test_hashes_tell_specs_apart(one, other):
    assert (one.hash == other.hash) == (one == other)


def test_the_hash_is_pinned():
    # A change here means that every bundle and cache written so far reads as made with another recipe.
    assert ImageSpec().hash == PINNED


def test_models_that_differ_in_normalisation_share_pixels():
    assert ImageSpec(mean=(1, 2, 3)).pixel_hash == ImageSpec().pixel_hash
    assert ImageSpec(size=64).pixel_hash != ImageSpec().pixel_hash


def test_the_same_size_is_left_alone():
    pixels = random_pixels((64, 64, 3))
    np.testing.assert_array_equal(ImageSpec(size=64).apply(Decoded(pixels, "ARRAY")), pixels)
    grey = pixels[..., 0].copy()
    np.testing.assert_array_equal(ImageSpec(size=64).apply(Decoded(grey, "ARRAY")), np.stack([grey] * 3, -1))


def test_luma_is_rec_601():
    pixels = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [200, 100, 50]]], np.uint8).repeat(4, 0).repeat(8, 0)
    array = ImageSpec(size=32, channels=1, fit="stretch").apply(Decoded(pixels.repeat(8, 1), "ARRAY"))
    np.testing.assert_allclose(array[16, 4::8, 0], [76.2, 149.7, 29.1, 124.2], atol=1)


def test_nominal_sixteen_bits_round_to_the_nearest_level():
    values = np.array([0, 128, 129, 257 * 100, 65535], np.uint16)
    pixels = np.zeros((8, 8), np.uint16)
    pixels[0, :5] = values
    array = ImageSpec(size=8, channels=1).apply(Decoded(pixels, "ARRAY"))
    np.testing.assert_array_equal(array[0, :5, 0], [0, 0, 1, 100, 255])


def test_percentile_spreads_twelve_bit_data_in_sixteen_bit_files():
    ramp = np.linspace(0, 4095, 64 * 64).astype(np.uint16).reshape(64, 64)
    nominal = ImageSpec(size=64, channels=1).apply(Decoded(ramp, "ARRAY"))
    spread = ImageSpec(size=64, channels=1, intensity="percentile").apply(Decoded(ramp, "ARRAY"))
    assert nominal.max() < 17
    assert (spread == 0).mean() == pytest.approx(0.005, abs=0.004)
    assert (spread == 255).mean() == pytest.approx(0.005, abs=0.004)
    assert int(spread[32, 0, 0]) == pytest.approx(127, abs=2)


def test_percentile_of_a_flat_image_is_finite():
    flat = np.full((9, 9), 700, np.uint16)
    assert set(np.unique(ImageSpec(size=9, intensity="percentile").apply(Decoded(flat, "ARRAY")))) <= {0, 255}


def test_shrinking_is_antialiased():
    stripes = np.zeros((400, 400), np.uint8)
    stripes[:, ::2] = 255
    shrunk = ImageSpec(size=50, channels=1).apply(Decoded(stripes, "ARRAY"))
    assert abs(shrunk.astype(int) - 127).max() <= 2


def test_crop_takes_the_centre_and_stretch_the_whole():
    pixels = np.zeros((40, 120), np.uint8)
    pixels[:, :40], pixels[:, 80:] = 100, 200
    pixels[:, 40:80] = 50
    np.testing.assert_array_equal(ImageSpec(size=40, channels=1, fit="crop").apply(Decoded(pixels, "ARRAY")), 50)
    stretched = ImageSpec(size=60, channels=1, fit="stretch").apply(Decoded(pixels, "ARRAY"))[30, :, 0]
    assert (stretched[5], stretched[30], stretched[55]) == (100, 50, 200)


def test_bytes_and_files_give_the_same_array(tmp_path):
    data = saved(Image.fromarray(smooth_pixels(33, 77)), "JPEG")
    (tmp_path / "a.jpg").write_bytes(data)
    spec = ImageSpec(size=48)
    np.testing.assert_array_equal(spec.load(data), spec.load(tmp_path / "a.jpg"))
    np.testing.assert_array_equal(spec.load(data), spec.load(str(tmp_path / "a.jpg")))


@pytest.mark.parametrize(
    "fields",
    [
        {"size": 0},
        {"channels": 2},
        {"fit": "squash"},
        {"mean": (1.0,)},
        {"channels": 1, "mean": (1.0, 2.0, 3.0)},
        {"std": (1.0, 0.0, 1.0)},
        {"std": (1.0, float("nan"), 1.0)},
        {"colour": True},
    ],
)
def test_impossible_specs_are_refused(fields):
    with pytest.raises(ValidationError):
        ImageSpec(**fields)


def test_one_channel_has_one_mean():
    assert ImageSpec(channels=1).mean == (127.0,)
    assert ImageSpec(channels=1, mean=(5.0,), std=(2.0,)).std == (2.0,)


PINNED = "c40295e00d23b0f55649ca4268cbd33d8ef1a8e8ae4bf698e68ba534b68f80ab"
