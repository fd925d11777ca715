"""Textures against scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.feature import graycomatrix, graycoprops, local_binary_pattern
from skimage.filters import gabor_kernel

from lince.models.descriptors import texture


def picture(size: int = 48, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth blobs on a flat black margin: what ties and borders are made of."""
    random = np.random.default_rng(seed)
    values = gaussian_filter(random.normal(size=(size, size)), 2)
    image = np.clip(128 + 400 * values, 0, 255).astype(np.uint8)
    image[: size // 6] = 0
    return image


@pytest.mark.parametrize("distance", [1, 2, 4])
def test_co_occurrence_counts_what_scikit_image_counts(distance: int) -> None:
    levels = (picture() >> 3)[:40]
    found = texture.co_occurrences(levels, distance)
    for number, offset in enumerate([(0, 1), (1, 1), (1, 0), (1, -1)]):
        # Theirs rounds a step to the side: the square root of two makes it a whole one.
        angle, far = np.arctan2(*offset), distance * (1.0 if 0 in offset else 2**0.5)
        theirs = graycomatrix(levels, [far], [angle], levels=32, symmetric=True)[..., 0, 0]
        assert (found[number] == theirs).all(), offset


def test_haralick_properties_are_those_of_scikit_image() -> None:
    levels = picture() >> 3
    pairs = graycomatrix(levels, [1, 2], [0, np.pi / 2], levels=32, symmetric=True)
    mine = texture.haralick(np.moveaxis(pairs.reshape(32, 32, -1), 2, 0).astype(np.float64))
    normed = graycomatrix(levels, [1, 2], [0, np.pi / 2], levels=32, symmetric=True, normed=True)
    for column, name in enumerate(texture.PROPERTIES[:5]):
        np.testing.assert_allclose(mine[:, column], graycoprops(normed, name).ravel(), rtol=1e-9, err_msg=name)
    shares = normed.reshape(1024, -1).T
    by_hand = [-sum(p * np.log2(p) for p in row if p > 0) for row in shares]
    np.testing.assert_allclose(mine[:, 5], by_hand)


def test_an_image_without_pairs_has_no_texture() -> None:
    assert texture.haralick(np.zeros((1, 4, 4))).tolist() == [[0, 0, 0, 0, 1, 0]]
    assert np.isfinite(texture.grey_levels(np.zeros((16, 16), np.uint8))).all()


def test_grey_levels_do_not_see_how_wide_the_black_margin_is() -> None:
    body = picture()[8:] | 8
    narrow, wide = (np.pad(body, ((margin, 0), (0, 0))) for margin in (6, 16))
    np.testing.assert_allclose(texture.grey_levels(narrow), texture.grey_levels(wide))


@pytest.mark.parametrize("radius", texture.RADII)
def test_patterns_are_those_of_scikit_image_inside_the_margin(radius: int) -> None:
    image = picture()
    theirs = local_binary_pattern(image, 8, radius, method="uniform")[radius:-radius, radius:-radius]
    same = texture.local_patterns(image, radius) == theirs
    # Theirs interpolates in another order, which may tip a tie.
    assert same.mean() > 0.998


def test_shares_of_patterns_sum_to_one_in_every_part() -> None:
    found = (texture.patterns(picture()) ** 2).reshape(-1, texture.PATTERNS)
    assert len(found) == len(texture.RADII) + texture.CELLS**2
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_energy_through_a_filter_is_that_of_the_filtered_image() -> None:
    size = 64
    image = picture(size)
    energies = 10 ** texture.gabor_energies(image)
    centred = image - image.mean()
    frequency, angle = 0.16, np.pi / 3
    kernel = np.zeros((size, size), complex)
    filtered = gabor_kernel(frequency, theta=angle, n_stds=4)
    height, width = filtered.shape
    kernel[:height, :width] = filtered
    through = np.fft.ifft2(np.fft.fft2(centred) * np.fft.fft2(kernel))
    place = texture.FREQUENCIES.index(frequency) * texture.ORIENTATIONS + 2
    assert energies[place] == pytest.approx((np.abs(through) ** 2).mean(), rel=0.01)


@pytest.mark.parametrize("angle", [0, 90])
def test_stripes_have_their_energy_in_the_filter_across_them(angle: int) -> None:
    wave = np.rint(127 + 100 * np.sin(2 * np.pi * 0.16 * np.arange(100))).astype(np.uint8)
    image = np.tile(wave, (100, 1)) if angle == 0 else np.tile(wave[:, None], (1, 100))
    found = texture.gabor_energies(image).reshape(len(texture.FREQUENCIES), texture.ORIENTATIONS)
    assert np.unravel_index(found.argmax(), found.shape) == (1, angle // 30)
