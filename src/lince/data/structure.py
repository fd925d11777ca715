"""The fine structure of images: what copies share and different patients do not.

It is what is left of a small grey version after taking away its local mean, dividing by its local contrast, and
subtracting what the whole collection has in common.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lince.core.scratch import scratch_array

Floats = NDArray[np.float32]

GRID = 32
# Sizes of local windows on the grid, and grey levels under which structure is noise.
_MEAN_WINDOW, _CONTRAST_WINDOW = 5, 7
_NOISE, _FLAT = 16.0, 0.5
# How many images it takes before their common part is believed.
_COMMON_AFTER = 32
_CHUNK = 128

Turn = Callable[[NDArray[np.floating]], NDArray[np.floating]]

# Ways to lay a square (N, G, G) on itself. Of the two quarter turns one is enough to find a pair, from one side or
# the other.
TURNS: Mapping[str, Turn] = {
    "mirrored": lambda v: v[:, :, ::-1],
    "upside-down": lambda v: v[:, ::-1],
    "half-turn": lambda v: v[:, ::-1, ::-1],
    "quarter-turn": lambda v: np.rot90(v, 1, axes=(1, 2)),
    "transposed": lambda v: v.swapaxes(1, 2),
    "anti-transposed": lambda v: v[:, ::-1, ::-1].swapaxes(1, 2),
}


@dataclass(frozen=True)
class Structure:
    """Fine structure of N images.

    Attributes
    ----------
    own
        (N, G, G) float16, of length 1 or 0 (nothing to see), with what the collection has in common still in it.
    common
        (G * G,) float32, what the collection has in common.
    prints
        A fingerprint of each image's thumbnail, N.
    """

    own: NDArray[np.float16]
    common: Floats
    prints: list[str]

    @classmethod
    def of(cls, images: NDArray[np.uint8]) -> Structure:
        """Describe images (N, H, W, C) uint8, C of 1 or 3; read in chunks, so a memory map will do."""
        count, height, width, channels = images.shape
        grid = min(GRID, height, width)
        own = scratch_array((count, grid, grid), np.float16)
        prints: list[str] = []
        total = np.zeros(grid * grid)
        left = area_weights(height, grid)
        right = np.kron(area_weights(width, grid).T, np.full((channels, 1), 1 / channels, np.float32))
        for start in range(0, count, _CHUNK):
            block = images[start : start + _CHUNK]
            # Two large products, not many small ones: threads of a busy machine wait for each other at every product.
            lines = block.reshape(-1, width * channels).astype(np.float32) @ right
            small = np.einsum("gh,nhk->ngk", left, lines.reshape(-1, height, grid), optimize=True)
            prints.extend(_fingerprint(thumbnail) for thumbnail in np.rint(small).astype(np.uint8))
            vector = fine(small).reshape(len(block), -1)
            total += vector.sum(axis=0)
            own[start : start + len(block)] = vector.reshape(-1, grid, grid)
        return cls(own, (total / (count + _COMMON_AFTER)).astype(np.float32), prints)

    def vectors(self, turn: Turn | None = None) -> NDArray[np.float16]:
        """(N, G*G) unit vectors without the common part, of the images turned; zero where there is nothing to see."""
        vectors = scratch_array((len(self.own), self.common.size), np.float16)
        for start in range(0, len(vectors), _CHUNK):
            block: NDArray[np.floating] = self.own[start : start + _CHUNK].astype(np.float32)
            flat = ~block.any(axis=(1, 2))
            turned = block if turn is None else turn(block)
            vector = unit(turned.reshape(len(block), -1).astype(np.float32) - self.common)
            vector[flat] = 0
            vectors[start : start + _CHUNK] = vector
        return vectors


def fine(small: Floats) -> Floats:
    """(N, G, G) grey to (N, G, G): without local mean, over local contrast, of length 1; zero where it is flat."""
    from scipy.ndimage import uniform_filter

    rest = small - uniform_filter(small, (1, _MEAN_WINDOW, _MEAN_WINDOW))
    # Running sums end a hair below zero where all is flat.
    contrast = np.sqrt(np.maximum(uniform_filter(rest * rest, (1, _CONTRAST_WINDOW, _CONTRAST_WINDOW)), 0))
    flat = np.sqrt((rest * rest).mean(axis=(1, 2))) < _FLAT
    vector = unit((rest / (contrast + _NOISE)).reshape(len(small), -1).astype(np.float32))
    vector[flat] = 0
    return vector.reshape(small.shape)


def area_weights(size: int, grid: int) -> Floats:
    """(grid, size): how much each pixel of a line counts in each cell of the grid; rows sum to 1."""
    edges = np.linspace(0, size, grid + 1)
    pixel = np.arange(size)
    overlap = np.minimum(pixel + 1, edges[1:, None]) - np.maximum(pixel, edges[:-1, None])
    weights = np.clip(overlap, 0, None)
    shares: Floats = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares


def unit(vectors: Floats) -> Floats:
    """Rows of length 1; rows of zeros stay."""
    length = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    scaled: Floats = (vectors / length).astype(np.float32, copy=False)
    return scaled


def _fingerprint(thumbnail: NDArray[np.uint8]) -> str:
    return hashlib.blake2b(thumbnail.tobytes(), digest_size=8).hexdigest()
