"""Are two images one picture? Their fine structure is laid on each other, shifted and scaled, and correlated.

Candidates come from coarse descriptors and embeddings, which also know images that only look alike. On a finer grid,
and free to move by a few pixels, copies correlate and different patients do not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lince.data.structure import TURNS, area_weights, fine, unit

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

_GRID, _COARSE = 64, 32
_SHIFT = 3  # cells of the grid that two copies may be out of place
_CHUNK = 256
_COMMON_FROM = 1024
_COMMON_AFTER = 32
LEAST_SIDE = 48  # of images in which a crop can be told
# Correlations from which two images are one picture. Changed copies have 0.87 and more, except those cropped by 2 %
# (0.49 and more, and above the second threshold once the scale is found); 20,000 pairs each of different phantoms,
# chest films and breast ultrasound at most 0.43, two alike chest films of two children 0.51. Larger crops, tried at
# many scales and places, have 0.78 and more; of 20,000 pairs of alike chest films the highest has 0.67.
SAME, CROPPED = 0.55, 0.72
# Crops are looked for on the coarse grid, at these shares of a side; what is promising there is tried on the finer
# grid, at shares about the best one.
_SCALES = (0.95, 0.89, 0.83, 0.77, 0.72)
_PROMISING = 0.45
_ABOUT = (0.965, 0.98, 0.995, 1.015, 1.035)


class Likeness:
    """Compares images of one set with images of another (or of the same).

    Parameters
    ----------
    left, right
        (N, S, S, C) and (M, S, S, C) uint8; read where needed, so memory maps will do.
    """

    def __init__(self, left: NDArray[np.uint8], right: NDArray[np.uint8] | None = None) -> None:
        self._left = left
        self._right = left if right is None else right
        self._grid = min(_GRID, left.shape[1])
        even = np.arange(0, len(left), max(1, len(left) // _COMMON_FROM))
        total = np.zeros((self._grid, self._grid), np.float64)
        for top in range(0, len(even), _CHUNK):
            total += fine(_grey(left, even[top : top + _CHUNK], self._grid)).sum(axis=0)
        self._common = (total / (len(even) + _COMMON_AFTER)).astype(np.float32)

    def turned(self, first: Integers, second: Integers, turn: str | None = None) -> Floats:
        """(P,) correlation of each left image, turned, with its right one, where they lie on each other best."""
        scores = [
            self._shifted(first[top : top + _CHUNK], second[top : top + _CHUNK], turn)
            for top in range(0, len(first), _CHUNK)
        ]
        return np.concatenate(scores) if scores else np.empty(0, np.float32)

    def cropped(self, first: Integers, second: Integers) -> Floats:
        """(P,) highest correlation of one image, made smaller, with a part of the other; either may be the part.

        Nothing is told (0) of images too small for it.
        """
        best = np.zeros(len(first), np.float32)
        if self._left.shape[1] < LEAST_SIDE:
            return best
        for top in range(0, len(first), _CHUNK):
            part = slice(top, top + _CHUNK)
            best[part] = self._crops(first[part], second[part])
        return best

    def _own(self, small: Floats) -> Floats:
        return unit((fine(small) - self._common).reshape(len(small), -1)).reshape(small.shape)

    def _shifted(self, first: Integers, second: Integers, turn: str | None) -> Floats:
        from scipy.fft import irfft2, rfft2

        a, b = _grey(self._left, first, self._grid), _grey(self._right, second, self._grid)
        if turn is not None:
            a = np.ascontiguousarray(TURNS[turn](a)).astype(np.float32)
        spectrum = rfft2(self._own(a)) * np.conj(rfft2(self._own(b)))
        found = irfft2(spectrum, s=(self._grid, self._grid))
        near = np.r_[0 : _SHIFT + 1, -_SHIFT:0]
        best: Floats = found[:, near][:, :, near].max(axis=(1, 2)).astype(np.float32)
        return best

    def _crops(self, first: Integers, second: Integers) -> Floats:
        sides = (self._left, first), (self._right, second)
        coarse = [_grey(*side, _COARSE) for side in sides]
        tries = [(whole, scale) for whole in (0, 1) for scale in _SCALES]
        spectra = [_spectra(images) for images in coarse]
        scores = np.stack([_fit(spectra[whole], coarse[1 - whole], scale) for whole, scale in tries])
        chosen, promising = scores.argmax(axis=0), scores.max(axis=0) >= _PROMISING
        best = np.zeros(len(first), np.float32)
        for number in np.unique(chosen[promising]).tolist():
            rows = np.flatnonzero(promising & (chosen == number))
            whole, scale = tries[number]
            images, places = sides[whole]
            others, other_places = sides[1 - whole]
            spectrum = _spectra(_grey(images, places[rows], self._grid))
            piece = _grey(others, other_places[rows], self._grid)
            best[rows] = np.max([_fit(spectrum, piece, scale * about) for about in _ABOUT], axis=0)
        return best


def _grey(images: NDArray[np.uint8], rows: Integers, grid: int) -> Floats:
    """(P, G, G) grey, averaged over cells."""
    unique, places = np.unique(rows, return_inverse=True)
    weights = area_weights(images.shape[1], grid)
    colours = images[unique]
    # Plane by plane: a mean over the last axis of a few is ten times slower.
    block = sum((colours[..., c].astype(np.float32) for c in range(colours.shape[3])), np.float32(0)) / colours.shape[3]
    return _averaged(block, weights)[places]


def _averaged(images: Floats, weights: Floats) -> Floats:
    """(P, H, H) with both sides averaged by (G, H) weights.

    Each weight reaches few pixels, and sparse products run in one thread: dense ones are so small that on a busy
    machine their threads would wait for each other most of the time.
    """
    from scipy.sparse import csr_array

    count, height, width = images.shape
    sparse, cells = csr_array(weights), len(weights)
    lines = sparse @ np.ascontiguousarray(images.transpose(1, 0, 2)).reshape(height, -1)
    turned = np.ascontiguousarray(lines.reshape(cells, count, width).transpose(2, 1, 0)).reshape(width, -1)
    averaged: Floats = np.ascontiguousarray((sparse @ turned).reshape(cells, count, cells).transpose(1, 2, 0))
    return averaged


def _spectra(whole: Floats) -> tuple[Any, Any]:
    """Fourier transforms of (P, G, G) structure and of its square."""
    from scipy.fft import rfft2

    structure = fine(whole)
    return rfft2(structure), rfft2(structure**2)


def _fit(spectra: tuple[Any, Any], piece: Floats, scale: float) -> Floats:
    """(P,) highest correlation of the piece, made that much smaller, with any part of the whole (Lewis, 1995)."""
    from scipy.fft import irfft2, rfft2

    grid = piece.shape[1]
    side = min(grid, round(scale * grid))
    # The whole shows round(scale * grid) of its cells; the exact scale is kept by how the piece is averaged.
    weights = _sampled(grid, side, scale)
    padded = np.zeros_like(piece)
    padded[:, :side, :side] = fine(_averaged(piece, weights))
    window = np.zeros((grid, grid), np.float32)
    window[:side, :side] = 1
    free = grid - side + 1
    fit = irfft2(spectra[0] * np.conj(rfft2(padded)), s=(grid, grid))[:, :free, :free]
    under = irfft2(spectra[1] * np.conj(rfft2(window)), s=(grid, grid))[:, :free, :free]
    best: Floats = (fit / np.sqrt(np.maximum(under, 1e-4))).max(axis=(1, 2)).astype(np.float32)
    return best


def _sampled(grid: int, side: int, scale: float) -> Floats:
    """(side, grid): a line of the grid made ``scale`` times as long, averaged over cells, cut to ``side`` cells."""
    edges = np.clip(np.arange(side + 1) / scale, 0, grid)
    pixel = np.arange(grid)
    overlap = np.clip(np.minimum(pixel + 1, edges[1:, None]) - np.maximum(pixel, edges[:-1, None]), 0, None)
    shares: Floats = (overlap / np.maximum(overlap.sum(axis=1, keepdims=True), 1e-6)).astype(np.float32)
    return shares
