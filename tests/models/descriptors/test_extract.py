"""All descriptors of an image: named, finite, and the same in any company."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import BrokenExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import binary_fill_holes, distance_transform_edt, gaussian_filter, label
from skimage.color import rgb2hsv
from skimage.measure import regionprops

from lince.models.descriptors import FAMILIES, describe, describe_all, extract, names, outline, tone
from lince.models.descriptors.extract import as_grey


def noise(count: int, size: int, channels: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, channels), np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [16, 17, 64, 100])
def test_every_column_has_a_name_of_its_own(size: int, channels: int) -> None:
    found = describe_all(noise(2, size, channels))
    assert found.shape == (2, len(names(channels)))
    assert len(set(names(channels))) == len(names(channels))
    assert np.isfinite(found).all()
    image = noise(1, size, channels)[0]
    for family in FAMILIES:
        if channels == 3 or not family.coloured:
            own = family.measure(image if family.coloured else as_grey(image))
            assert own.shape == (len(family.columns),), family.name


@settings(max_examples=25)
@given(arrays(np.uint8, (16, 16, 3), elements=st.sampled_from([0, 1, 8, 128, 255])))
def test_no_image_has_a_descriptor_that_is_no_number(image: np.ndarray) -> None:
    assert np.isfinite(describe(image)).all()


@pytest.mark.parametrize("level", [0, 7, 200, 255])
def test_a_flat_image_has_descriptors(level: int) -> None:
    found = describe(np.full((32, 32, 3), level, np.uint8))
    assert np.isfinite(found).all()
    told = dict(zip(names(3), found.tolist(), strict=True))
    assert told["intensity: mean, all"] == level
    assert told["intensity: deviation, all"] == 0
    assert told["outline: area share"] == 0


def test_a_row_does_not_depend_on_its_batch() -> None:
    images = noise(19, 24, 3)
    whole = describe_all(images)
    assert (whole[11] == describe(images[11])).all()
    assert (describe_all(images[3:7]) == whole[3:7]).all()


def test_many_images_are_described_in_processes_to_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    images = noise(19, 24, 3)
    whole = describe_all(images)
    monkeypatch.setenv("LINCE_WORKERS", "2")
    monkeypatch.setattr(extract, "_WORTH_PROCESSES", 4)
    shared = [len(block) for block in extract._in_processes(images)]
    assert shared == [8, 8, 3]
    assert (describe_all(images) == whole).all()


def test_where_a_process_ends_threads_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def ending(images: np.ndarray) -> Iterator[np.ndarray]:
        yield extract._block(images[:8])
        raise BrokenExecutor

    images = noise(19, 24, 3)
    monkeypatch.setenv("LINCE_WORKERS", "2")
    monkeypatch.setattr(extract, "_WORTH_PROCESSES", 4)
    monkeypatch.setattr(extract, "_in_processes", ending)
    assert (describe_all(images) == np.stack([describe(image) for image in images])).all()


def test_grey_in_three_channels_is_described_like_grey_in_one() -> None:
    grey = noise(1, 32, 1)[0]
    one, three = describe(grey), describe(np.repeat(grey, 3, axis=2))
    assert (three[: len(one)] == one).all()
    colour = dict(zip(names(3), three.tolist(), strict=True))
    assert colour["colour: share of colour"] == 0


def test_colours_are_those_of_scikit_image() -> None:
    image = np.zeros((32, 32, 3), np.uint8)
    image[:16] = (30, 200, 60)
    image[16:] = (90, 90, 90)
    hue, saturation, _ = rgb2hsv(image[0, 0])
    found = tone.colours(image)[6:]
    hues, strengths, share = found[: tone.HUES], found[tone.HUES : -1], found[-1]
    assert hues.argmax() == int(hue * tone.HUES)
    assert hues.max() == pytest.approx(saturation / 2)
    assert strengths.argmax() == int(saturation * tone.SATURATIONS)
    assert (strengths.sum(), share) == (0.5, 0.5)


def test_histogram_and_moments_by_hand() -> None:
    image = np.zeros((10, 10), np.uint8)
    image[:5] = 100
    found = tone.intensities(image)
    assert found[0] == found[100 // 8] == pytest.approx(0.5**0.5)
    mean, deviation, skewness, kurtosis, entropy = found[tone.BINS : tone.BINS + 5]
    assert (mean, deviation, skewness, kurtosis, entropy) == pytest.approx((50, 50, 0, 1, 1))
    assert found[-1] == 0.5


def test_shrinking_averages_what_falls_together() -> None:
    values = np.arange(36.0).reshape(6, 6)
    assert tone.shrunk(values, 2).tolist() == [[7.0, 10.0], [25.0, 28.0]]
    assert tone.shrunk(values, 12)[::2, ::2].tolist() == values.tolist()


def test_the_outline_is_that_of_the_largest_part_without_holes() -> None:
    image = np.zeros((64, 64), np.uint8)
    image[10:40, 8:48] = 200
    image[20:25, 20:25] = 0
    image[55:58, 55:58] = 200
    found = dict(zip(outline.OUTLINE, outline.outline(image).tolist(), strict=True))
    theirs = regionprops(np.pad(np.ones((30, 40), int), ((10, 24), (8, 16))))[0]
    assert found["area share"] == pytest.approx(1200 / 4096)
    assert found["extent"] == found["solidity"] == 1
    assert found["eccentricity"] == pytest.approx(theirs.eccentricity)
    assert found["centre down"] == pytest.approx(24.5 / 64)
    assert found["parts"] == pytest.approx(np.log(3))
    assert found["foreground share"] == pytest.approx((1200 - 25 + 9) / 4096)


def test_a_mirror_image_is_its_own_only_where_it_is_symmetric() -> None:
    half = noise(1, 64, 1)[0, :, :32, 0]
    whole = np.concatenate([half, half[:, ::-1]], axis=1)
    sides, top = tone.layout(whole)[-2:]
    assert sides == pytest.approx(1)
    assert abs(top) < 0.5


def test_depths_are_measured_from_the_surface_inwards() -> None:
    image = np.zeros((128, 128), np.uint8)
    image[20:100, 20:100] = 50
    image[20:100, 20:22] = image[20:100, 98:100] = image[20:22, 20:100] = image[98:100, 20:100] = 250
    image[60:63, 60:63] = 0  # a hole is not a surface
    means, deviations = outline.depths(image).reshape(2, -1)
    assert means[:2].tolist() == [250, 250]
    assert deviations[0] == 0
    assert (means[2:8] == 50).all()
    assert (outline.depths(np.zeros((32, 32), np.uint8)) == 0).all()


@settings(deadline=None)
@given(arrays(np.bool_, st.tuples(st.integers(1, 70), st.integers(1, 70))))
def test_squared_depths_are_those_of_scipy_as_far_as_layers_go(body: np.ndarray) -> None:
    theirs = np.rint(distance_transform_edt(np.pad(body, 1))[1:-1, 1:-1] ** 2)
    found, furthest = outline.squared_depths(body), outline.DEPTHS[-1] ** 2
    assert (np.minimum(found, furthest + 1) == np.minimum(theirs, furthest + 1)).all()


def test_squared_depths_end_beyond_the_last_layer() -> None:
    found = outline.squared_depths(np.ones((128, 128), bool))
    assert found[0, 0] == 1
    assert found[31, 60] == 32**2
    assert (found[32:96, 32:96] > 32**2).all()


@pytest.mark.parametrize("seed", range(12))
def test_the_form_is_that_of_scikit_image(seed: int) -> None:
    values = gaussian_filter(np.random.default_rng(seed).normal(size=(64, 64)), 2 + seed % 5)
    parts, _ = label(values > np.quantile(values, 0.6))
    body = outline.filled(parts == np.bincount(parts.ravel())[1:].argmax() + 1)
    theirs = regionprops(body.astype(np.uint8))[0]
    image = np.where(body, 200, 0).astype(np.uint8)
    found = dict(zip(outline.OUTLINE, outline.outline(image).tolist(), strict=True))
    assert found["area share"] == theirs.area / 64**2
    assert found["solidity"] == theirs.solidity
    assert found["extent"] == theirs.extent
    assert found["eccentricity"] == pytest.approx(theirs.eccentricity)
    assert (found["centre down"] * 64, found["centre right"] * 64) == pytest.approx(theirs.centroid)
    turn = 2 * theirs.orientation
    assert (found["axis cosine"], found["axis sine"]) == pytest.approx((np.cos(turn), np.sin(turn)))
    hu = theirs.moments_hu
    logarithms = np.sign(hu) * -np.log10(np.clip(np.abs(hu), 1e-12, None))
    assert [found[f"Hu {number}"] for number in range(1, 8)] == pytest.approx(logarithms.tolist(), rel=1e-6)


@given(arrays(np.bool_, (9, 9)))
def test_holes_are_filled_like_those_of_scipy(mask: np.ndarray) -> None:
    assert (outline.filled(mask) == binary_fill_holes(mask)).all()
