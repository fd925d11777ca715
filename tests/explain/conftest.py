"""A small network that had to learn where to look."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from lince.explain.methods import METHODS, Pass
from lince.models.network import Network
from lince.models.small_cnn import build_small_cnn
from lince.models.small_cnn_options import SmallCnnOptions

SIDE = 32


class Squares(NamedTuple):
    """Images (N, 32, 32, 1) of bright squares; only one in the first quadrant makes the label 1."""

    pixels: Tensor
    labels: Tensor


def squares(count: int, seed: int) -> Squares:
    """Noise, and in each quadrant by chance a bright square: those of three quadrants mean nothing."""
    random = np.random.default_rng(seed)
    images = random.normal(80, 20, (count, SIDE, SIDE))
    there = random.random((count, 4)) < 0.5
    half = SIDE // 2
    for number, quadrants in enumerate(there):
        for quadrant in np.flatnonzero(quadrants):
            top, left = random.integers(1, half - 6, 2) + half * np.array([quadrant // 2, quadrant % 2])
            images[number, top : top + 5, left : left + 5] += 120
    pixels = torch.from_numpy(images.clip(0, 255).astype(np.uint8))[..., None]
    return Squares(pixels, torch.from_numpy(there[:, 0].astype(np.int64)))


def untrained(seed: int) -> Network:
    torch.manual_seed(seed)
    options = SmallCnnOptions(width=8, depth=2, dropout=0.0)
    return build_small_cnn(2, size=SIDE, channels=1, mean=(127.5,), std=(127.5,), options=options).eval()


@pytest.fixture(scope="package")
def trained() -> Network:
    network = untrained(0).train()
    known = squares(640, seed=1)
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    for step in range(120):
        rows = torch.arange(64) + 64 * (step % 10)
        loss = torch.nn.functional.cross_entropy(network(known.pixels[rows]), known.labels[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    network.eval().requires_grad_(False)
    fresh = squares(200, seed=2)
    with torch.no_grad():
        right = (network(fresh.pixels).argmax(1) == fresh.labels).float().mean()
    assert right > 0.95, "the task was not learned"
    return network


@pytest.fixture(scope="package")
def shown() -> Squares:
    """Images of class 1, with squares elsewhere too."""
    found = squares(64, seed=3)
    chosen = found.labels.nonzero()[:10, 0]
    return Squares(found.pixels[chosen], found.labels[chosen])


Maps = Callable[[Network, str, Tensor], np.ndarray]


@pytest.fixture(scope="package")
def heat_of() -> Maps:
    """Heat maps of class 1 at the resolution of the image."""

    def run(network: Network, method: str, pixels: Tensor) -> np.ndarray:
        with torch.inference_mode():
            maps = network.maps(pixels)
        boxes = [(0, 0, SIDE, SIDE)] * len(pixels)
        heat = torch.from_numpy(METHODS[method](Pass(network, pixels, boxes, maps), [1] * len(pixels)))
        return torch.nn.functional.interpolate(heat[:, None], (SIDE, SIDE), mode="bilinear")[:, 0].numpy()

    return run
