"""Heat maps as pictures."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib import colormaps

import lince.explain
from lince.core.errors import ConfigError
from lince.explain import heat_rgba, overlay


def test_a_cold_map_is_transparent() -> None:
    picture = heat_rgba(np.zeros((3, 3), np.float32), (30, 20))
    assert picture.mode == "RGBA"
    assert picture.size == (30, 20)
    assert picture.getchannel("A").getextrema() == (0, 0)


def test_the_hottest_is_opaque_and_of_the_last_colour() -> None:
    pixel = heat_rgba(np.ones((2, 2), np.float32), (8, 8)).getpixel((4, 4))
    expected = tuple(round(255 * part) for part in colormaps["inferno"](255)[:3])
    assert pixel == (*expected, 255)


def test_heat_stands_on_its_side_of_the_picture() -> None:
    heat = np.zeros((4, 4), np.float32)
    heat[0, 3] = 1.0
    alpha = np.asarray(heat_rgba(heat, (40, 80)))[..., 3]
    assert alpha.shape == (80, 40)
    assert np.unravel_index(alpha.argmax(), alpha.shape)[0] < 20
    assert np.unravel_index(alpha.argmax(), alpha.shape)[1] >= 30
    assert not alpha[40:, :20].any()


def test_hotter_is_never_more_transparent() -> None:
    ramp = np.linspace(0, 1, 64, dtype=np.float32)[None]
    alpha = np.asarray(heat_rgba(ramp, (64, 1)))[0, :, 3].astype(int)
    assert (np.diff(alpha) >= 0).all()
    assert (alpha[0], alpha[-1]) == (0, 255)


def test_values_out_of_range_are_held() -> None:
    np.testing.assert_array_equal(
        np.asarray(heat_rgba(np.array([[-1.0, 2.0]], np.float32), (2, 1))),
        np.asarray(heat_rgba(np.array([[0.0, 1.0]], np.float32), (2, 1))),
    )


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3)])
def test_no_map_or_no_opacity_shows_the_image_alone(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    alone = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    hot = np.ones((2, 2), np.float32)
    for picture in (overlay(image, None), overlay(image, hot, opacity=0.0)):
        assert picture.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(picture), alone)


@pytest.mark.parametrize("opacity", [-0.1, 1.1, float("nan")])
def test_an_opacity_that_is_none_is_refused(opacity: float) -> None:
    with pytest.raises(ConfigError, match="between 0 and 1"):
        overlay(np.zeros((4, 4), np.uint8), np.ones((2, 2), np.float32), opacity=opacity)


def test_opacity_mixes_image_and_heat() -> None:
    image = np.zeros((4, 4), np.uint8)
    hot = np.ones((2, 2), np.float32)
    full = np.asarray(overlay(image, hot, opacity=1.0)).astype(int)
    half = np.asarray(overlay(image, hot, opacity=0.5)).astype(int)
    assert abs(full[0, 0] - [252, 255, 164]).max() <= 3
    assert abs(half * 2 - full).max() <= 3


def test_the_rest_of_the_image_is_not_darkened() -> None:
    image = np.full((40, 40), 200, np.uint8)
    heat = np.zeros((4, 4), np.float32)
    heat[3, 3] = 1.0
    picture = np.asarray(overlay(image, heat))
    assert (picture[:20, :20] == 200).all()
    assert (picture[35, 35] != 200).any()


def test_names_of_the_room() -> None:
    with pytest.raises(AttributeError, match="no attribute 'saliency'"):
        lince.explain.saliency  # noqa: B018
