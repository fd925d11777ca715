"""Every method through the one function: the evidence lies where it must, and depends on what was learned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.stats import spearmanr
from tests.explain.conftest import Maps, Squares, untrained
from torch import Tensor, nn

from lince.core.options import HeatMapMethod
from lince.explain import heat_map
from lince.explain.methods import METHODS, Pass, above_average, over_image
from lince.explain.perturbing import integrated_gradients, occlusion, without_structure
from lince.imaging import Decoded, ImageSpec
from lince.models import build, entry_for
from lince.models.ensemble import Ensemble, group_of
from lince.models.network import Network

NAMES = get_args(HeatMapMethod)
# Grad-CAM++ has one weight for a channel over the whole map: it cannot tell the squares that matter from the others.
# And the weight is never negative, so the map follows the activations whatever was learned. Both are in the documents.
IN_THE_QUADRANT = {"grad-cam": 0.8, "integrated-gradients": 0.75, "occlusion": 0.75}
LIKE_RANDOM_AT_MOST = {"grad-cam": 0.3, "grad-cam++": 0.85, "integrated-gradients": 0.3, "occlusion": 0.3}


def test_the_table_has_every_name() -> None:
    assert set(METHODS) == set(NAMES)


@pytest.mark.parametrize("method", IN_THE_QUADRANT)
def test_evidence_lies_in_the_quadrant_that_decides(
    trained: Network, shown: Squares, heat_of: Maps, method: str
) -> None:
    heat = heat_of(trained, method, shown.pixels)
    share = heat[:, :16, :16].sum((1, 2)) / heat.sum((1, 2))
    assert share.mean() > IN_THE_QUADRANT[method]


@pytest.mark.parametrize("method", NAMES)
def test_evidence_lies_on_what_is_there(trained: Network, shown: Squares, heat_of: Maps, method: str) -> None:
    """On the square of the quadrant that decides there is more of it than beside it in that quadrant."""
    heat = heat_of(trained, method, shown.pixels)[:, :16, :16]
    bright = gaussian_filter(shown.pixels[:, :16, :16, 0].numpy().astype(float), (0, 1, 1)) > 130
    assert heat[bright].mean() > 2 * heat[~bright].mean()


@pytest.mark.parametrize("method", NAMES)
def test_other_weights_other_map(trained: Network, shown: Squares, heat_of: Maps, method: str) -> None:
    """The sanity check of Adebayo et al. (NeurIPS 2018): a map that outlives the weights is an edge detector."""
    known = heat_of(trained, method, shown.pixels)
    assert np.array_equal(known, heat_of(trained, method, shown.pixels))
    correlations = [
        spearmanr(one.ravel(), other.ravel()).statistic
        for seed in (11, 12, 13, 14)
        for one, other in zip(known, heat_of(untrained(seed), method, shown.pixels), strict=True)
        if other.any()  # an empty map has no ranks
    ]
    assert len(correlations) >= 10
    assert abs(np.mean(correlations)) < LIKE_RANDOM_AT_MOST[method]


def linear(weights: Tensor) -> Callable[[Tensor], Tensor]:
    """Logits 0 and 1 of (N, S, S, C): nothing, and the image times ``weights``."""

    def network(pixels: Tensor) -> Tensor:
        score = (pixels * weights).sum((1, 2, 3))
        return torch.stack([torch.zeros_like(score), score], dim=1)

    return network


def test_integrated_gradients_of_a_linear_network_are_known() -> None:
    torch.manual_seed(0)
    weights = torch.randn(40, 40, 3)
    pixels = torch.randint(0, 256, (2, 40, 40, 3)).to(torch.uint8)
    found = integrated_gradients(linear(weights), pixels, [1, 1], [(0, 0, 40, 40)] * 2)
    for one, image in zip(found, pixels.float(), strict=True):
        signed = (weights * (image - image.mean((0, 1)))).sum(-1).numpy()
        expected = np.maximum(gaussian_filter(signed, 1.0), 0)
        np.testing.assert_allclose(one, expected / expected.max(), atol=1e-4)


def test_hiding_a_place_takes_what_it_gives() -> None:
    weights = torch.zeros(32, 32, 1)
    weights[10, 20] = 1.0
    pixels = torch.full((1, 32, 32, 1), 50, dtype=torch.uint8)
    pixels[0, 10, 20] = 250
    heat = occlusion(linear(weights), pixels, [1], [(0, 0, 32, 32)])[0]
    assert abs(np.array(np.unravel_index(heat.argmax(), heat.shape)) - (10, 20)).max() <= 3
    far = np.hypot(*(np.mgrid[:32, :32] - np.array([10, 20])[:, None, None])) > 14
    assert heat[far].max() < 0.01


def test_a_place_that_speaks_against_the_class_is_cold() -> None:
    weights = torch.zeros(32, 32, 1)
    weights[8, 8], weights[24, 24] = 1.0, -1.0
    pixels = torch.full((1, 32, 32, 1), 50, dtype=torch.uint8)
    pixels[0, 8, 8] = pixels[0, 24, 24] = 250
    for method in (integrated_gradients, occlusion):
        heat = method(linear(weights), pixels, [1], [(0, 0, 32, 32)])[0]
        assert heat[8, 8] > 0.5
        assert heat[24, 24] == 0.0


def test_the_baseline_keeps_padding_and_mean() -> None:
    values = torch.rand(1, 8, 8, 3) * 255
    plain = without_structure(values, (2, 0, 6, 8))
    assert torch.equal(plain[:, :2], values[:, :2])
    assert torch.equal(plain[:, 6:], values[:, 6:])
    assert plain[0, 2:6].std((0, 1)).max() == 0
    torch.testing.assert_close(plain[0, 3, 3], values[0, 2:6].mean((0, 1)))


def noise(height: int, width: int, colour: bool = False) -> Decoded:
    shape = (height, width, 3) if colour else (height, width)
    return Decoded(np.random.default_rng(0).integers(0, 256, shape, np.uint8), "ARRAY")


def members() -> Ensemble:
    """Networks of two sizes and kinds of image, one of them mirrored."""
    grey = [untrained(1), untrained(2)]
    entry = entry_for("efficientnet-lite0")
    colour = [build(entry, 2, entry.image_spec(64), pretrained=False)]
    for network in (*grey, *colour):
        nn.init.normal_(network.head.linear.weight)
    made = [group_of(grey, side=32, mirrored=True), group_of(colour, side=64, mirrored=False)]
    whole = Ensemble([group for group, _ in made], [heads for _, heads in made], [0.5, 0.5], channels=3)
    return whole.eval().requires_grad_(False)


def hub(kind: str, folder: Path) -> Network:
    from tests.models.test_hub import save

    entry = entry_for(save(kind, folder))
    network = build(entry, 2, entry.image_spec()).eval().requires_grad_(False)
    nn.init.normal_(network.head.linear.weight)
    return network


@pytest.mark.parametrize("method", NAMES)
@pytest.mark.parametrize("kind", ["small-cnn", "ensemble", "resnet", "vit"])
def test_any_network_gives_a_map_of_the_size_of_the_image(kind: str, method: HeatMapMethod, tmp_path: Path) -> None:
    networks = {"small-cnn": lambda: untrained(0), "ensemble": members}
    network = networks.get(kind, lambda: hub(kind, tmp_path / "tiny"))()
    spec = ImageSpec(size=32, channels=1) if kind == "small-cnn" else ImageSpec(size=32 if kind == "vit" else 128)
    maps = [heat_map(network, noise(50, 90, colour=True), target, method, spec=spec) for target in (0, 1)]
    for heat in maps:
        assert heat.shape == (50, 90)
        assert heat.dtype == np.float32
        assert heat.min() >= 0.0
        assert heat.max() <= 1.0
    assert any(heat.max() > 0.5 for heat in maps)
    assert not np.array_equal(*maps)


def test_what_speaks_for_the_class_everywhere_is_not_drawn() -> None:
    heat = np.full((2, 4, 4), 0.5, np.float32)
    heat[0, 1, 2] = 1.0
    heat[:, 0] = heat[:, 3] = 0.9  # in the padding, which does not count
    made = Pass(untrained(0), torch.zeros(2, 32, 32, 1), [(8, 0, 24, 32)] * 2, [])
    found = above_average(heat, made)
    assert found[0, 1, 2] == 1.0
    assert found[0, 1:3].sum() == 1.0
    even = above_average(np.full((1, 4, 4), 0.3, np.float32), Pass(made.network, made.pixels[:1], made.boxes[:1], []))
    assert not even.any()


def test_an_ensemble_takes_images_that_can_be_differentiated() -> None:
    whole = members()
    pixels = torch.randint(0, 256, (2, 64, 64, 3), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    values = pixels.float().requires_grad_()
    logits = whole(values)
    torch.testing.assert_close(logits, whole(pixels), atol=0.05, rtol=0.05)  # apart from rounding
    (slope,) = torch.autograd.grad(logits[:, 1].sum(), values)
    assert slope.abs().amax((1, 2, 3)).min() > 0


@pytest.mark.parametrize(("height", "width", "shape"), [(50, 100, (32, 64)), (100, 50, (64, 32)), (60, 60, (64, 64))])
def test_what_a_crop_cut_off_is_cold(height: int, width: int, shape: tuple[int, int]) -> None:
    heat = over_image(np.ones((8, 8), np.float32), ImageSpec(size=64, fit="crop"), height, width)
    assert heat.shape == shape
    short = min(shape)
    assert heat.sum() == pytest.approx(short * short)
    middle = heat[shape[0] // 2 - short // 2 :, shape[1] // 2 - short // 2 :][:short, :short]
    assert middle.min() == 1.0


def test_a_stretched_image_keeps_the_whole_square() -> None:
    heat = np.zeros((4, 4), np.float32)
    heat[0, 3] = 1.0
    found = over_image(heat, ImageSpec(size=64, fit="stretch"), 20, 200)
    assert found.shape == (64, 64)
    assert found[:16, 48:].mean() > 0.5
    assert found[32:, :32].max() < 0.02
