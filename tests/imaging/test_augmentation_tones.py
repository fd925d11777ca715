"""Effects on values: they stay in their range, and do what their name says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from lince.imaging.augmentation import AugmentationSpec, augment
from lince.imaging.augmentation.draws import Draws
from lince.imaging.augmentation.effects import (
    AnyEffect,
    Blur,
    Brightness,
    Contrast,
    Cutout,
    Gamma,
    GaussianNoise,
    Speckle,
    StainJitter,
)


def flat(value: int, *, count: int = 64, size: int = 16, channels: int = 1) -> Tensor:
    return torch.full((count, size, size, channels), value, dtype=torch.uint8)


def ramp(count: int = 32) -> Tensor:
    """Every grey from 0 to 255 once."""
    return torch.arange(256).view(1, 16, 16, 1).expand(count, -1, -1, -1).to(torch.uint8)


def changed(pixels: Tensor, *effects: AnyEffect, seed: int = 2) -> Tensor:
    return augment(pixels, AugmentationSpec(effects=effects), seed=seed).int()


def test_brightness_multiplies_within_its_range() -> None:
    found = changed(flat(100), Brightness(share=0.2))
    assert 80 <= int(found.min()) < 84
    assert 116 < int(found.max()) <= 120
    assert not changed(flat(0), Brightness(share=1.0)).any()


def test_brightness_ends_at_white() -> None:
    assert int(changed(flat(250), Brightness(share=1.0)).max()) == 255


def test_contrast_spreads_about_the_mean() -> None:
    pixels = flat(100)
    pixels[:, :8] = 140
    found = changed(pixels, Contrast(share=0.5)).float()
    assert torch.allclose(found.mean((1, 2, 3)), torch.tensor(120.0), atol=1)
    spread = (found.amax((1, 2, 3)) - found.amin((1, 2, 3))) / 40
    assert 0.48 <= float(spread.min()) < 0.6
    assert 1.4 < float(spread.max()) <= 1.52


def test_gamma_keeps_black_white_and_order() -> None:
    found = changed(ramp(), Gamma(share=1.0)).flatten(1)
    assert (found[:, 0] == 0).all()
    assert (found[:, 255] == 255).all()
    assert (found.diff(dim=1) >= 0).all()
    middle = (found[:, 128].double() / 255).log() / np.log(128 / 255)
    assert 0.49 <= float(middle.min()) < 0.7
    assert 1.5 < float(middle.max()) <= 2.02


def test_gaussian_noise_has_the_deviation_it_says_at_most() -> None:
    found = changed(flat(128, size=64), GaussianNoise(deviation=0.1)).float()
    deviations = found.std((1, 2, 3)) / 255
    assert float(deviations.max()) <= 0.105
    assert float(deviations.max()) > 0.08
    assert float(deviations.min()) < 0.02
    assert torch.allclose(found.mean((1, 2, 3)), torch.tensor(128.0), atol=3)


def test_noise_is_not_the_same_in_two_images() -> None:
    found = changed(flat(128, count=2, size=32), GaussianNoise(deviation=0.3)).float() - 128
    correlation = torch.corrcoef(found.flatten(1))[0, 1]
    assert abs(float(correlation)) < 0.15


def test_speckle_grows_with_the_value_and_is_as_strong_as_it_says() -> None:
    dim, bright = (changed(flat(value, size=64), Speckle(deviation=0.2)).float() for value in (40, 160))
    share = bright.std((1, 2, 3)) / 160
    assert 0.15 < float(share.max()) <= 0.21
    assert torch.allclose(dim.std((1, 2, 3)) / 40, share, atol=0.02)
    assert not changed(flat(0), Speckle(deviation=0.5)).any()


def test_speckle_has_a_grain_and_noise_has_none() -> None:
    def neighbours(effect: AnyEffect) -> float:
        found = changed(flat(128, size=64), effect).float() - 128
        strongest = found[int(found.std((1, 2, 3)).argmax()), ..., 0]
        return float(torch.corrcoef(torch.stack([strongest[:, 1:].flatten(), strongest[:, :-1].flatten()]))[0, 1])

    assert neighbours(Speckle(deviation=0.2)) > 0.4
    assert abs(neighbours(GaussianNoise(deviation=0.2))) < 0.1


@pytest.mark.parametrize("size", [8, 9, 33])
def test_noise_fits_odd_sides(size: int) -> None:
    assert changed(flat(128, size=size), Speckle()).shape == (64, size, size, 1)


def test_blur_softens_an_edge_and_leaves_what_is_flat() -> None:
    edge = flat(0, size=64)
    edge[:, :, 32:] = 200
    found = changed(edge, Blur(share=0.05, probability=1.0))
    steepest = found[:, 32, :, 0].diff(dim=1).amax(1)
    assert (steepest < 150).all()
    assert float(steepest.min()) < 40 < 60 < float(steepest.max())
    assert (changed(flat(77, size=32), Blur(share=0.05, probability=1.0)) == 77).all()


def test_blur_is_that_of_scipy() -> None:
    from scipy.ndimage import gaussian_filter

    images = torch.rand(3, 1, 40, 40, generator=torch.Generator().manual_seed(1))
    kept = images.clone()
    effect = Blur(share=0.05, probability=1.0)
    found = effect.change(images.clone(), Draws(1, 3, images.device, 1.0))
    deviations = Draws(1, 3, images.device, 1.0).between(0.2 * 2, 2, neutral=2)
    for image, before, deviation in zip(found, kept, deviations, strict=True):
        expected = gaussian_filter(before[0].numpy(), float(deviation), radius=6, mode="mirror")
        np.testing.assert_allclose(image[0].numpy(), expected, atol=1e-3)


def test_cutout_covers_one_rectangle_of_at_most_its_share() -> None:
    pixels = ramp(200)
    found = changed(pixels, Cutout(share=0.5, probability=1.0))
    differs = found != pixels
    rows, columns = differs.any(2)[..., 0].sum(1), differs.any(1)[..., 0].sum(1)
    assert int(rows.max()) <= 9
    assert int(columns.max()) <= 9
    assert int((rows > 0).sum()) > 190
    covered = found[differs]
    assert set(covered.tolist()) <= {127, 128}  # the mean of the image


HE = torch.tensor([[[[150, 90, 160], [230, 150, 200], [245, 240, 245], [60, 40, 110]]]], dtype=torch.uint8)


def slide(count: int = 40) -> Tensor:
    return HE.repeat(1, 1, 1, 1).repeat(count, 16, 4, 1)


def test_stains_vary_and_white_stays_nearly_white() -> None:
    found = changed(slide(), StainJitter(scale=0.3, shift=0.0))
    purple = found[:, 0, 3]
    assert (purple.float().std(0) > 5).all()
    white = changed(torch.cat([slide(1), flat(255, count=1, channels=3)]), StainJitter(scale=0.3, shift=0.0))[1]
    assert int(white.min()) >= 254


def test_stains_are_unmixed_as_scikit_image_does_or_by_the_formula() -> None:
    images = slide(1).permute(0, 3, 1, 2).float() / 255
    effect = StainJitter(scale=0.4, shift=0.05)
    found = effect.change(images.clone(), Draws(9, 1, images.device, 1.0))[0].double().numpy()
    drawn = Draws(9, 1, images.device, 1.0)
    factor = drawn.around_zero(0.4, 3)[0].double().numpy() + 1
    offset = drawn.around_zero(0.05, 3)[0].double().numpy()
    mixing = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
    mixing /= np.linalg.norm(mixing, axis=1, keepdims=True)
    density = -np.log(images[0].double().numpy().reshape(3, -1).T)
    expected = np.exp(-((density @ np.linalg.inv(mixing)) * factor + offset) @ mixing)
    np.testing.assert_allclose(found.reshape(3, -1).T, expected, atol=1e-4)


def test_a_grey_slide_has_no_stains_nor_has_a_jpeg_with_traces_of_colour() -> None:
    traces = ramp(8).repeat(1, 1, 1, 3)
    traces[..., 0] = traces[..., 0].clamp(max=252) + 3
    for pixels in (ramp(8), ramp(8).repeat(1, 1, 1, 3), traces):
        assert (changed(pixels, StainJitter(scale=0.5, shift=0.2)) - pixels.int()).abs().max() <= 1
