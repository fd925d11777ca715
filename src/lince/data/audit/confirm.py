"""Are two images one picture? Their fine structure is laid on each other, shifted and scaled, and correlated.

Candidates come from coarse descriptors and embeddings, which also know images that only look alike. On a finer grid,
and free to move by a few pixels, copies correlate and different patients do not.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lince.data.structure import TURNS, area_weights, fine, unit

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

_GRID = 64
_SHIFT = 3  # cells of the grid that two copies may be out of place
_CHUNK = 256
_COMMON_FROM = 1024
_COMMON_AFTER = 32
# Correlations from which two images are one picture. Larger crops are tried at many scales and places, so chance
# reaches higher.
SAME, CROPPED = 0.60, 0.62
_SCALES = (0.93, 0.87, 0.81, 0.75, 0.70, 0.65)


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
        self._weights = area_weights(left.shape[1], self._grid)
        even = np.arange(0, len(left), max(1, len(left) // _COMMON_FROM))
        total = np.zeros((self._grid, self._grid), np.float64)
        for top in range(0, len(even), _CHUNK):
            total += fine(self._grey(left, even[top : top + _CHUNK])).sum(axis=0)
        self._common = (total / (len(even) + _COMMON_AFTER)).astype(np.float32)

    def turned(self, first: Integers, second: Integers, turn: str | None = None) -> Floats:
        """(P,) correlation of each left image, turned, with its right one, where they lie on each other best."""
        scores = [
            self._shifted(first[top : top + _CHUNK], second[top : top + _CHUNK], turn)
            for top in range(0, len(first), _CHUNK)
        ]
        return np.concatenate(scores) if scores else np.empty(0, np.float32)

    def cropped(self, first: Integers, second: Integers) -> Floats:
        """(P,) highest correlation of one image, made smaller, with a part of the other; either may be the part."""
        best = np.zeros(len(first), np.float32)
        for top in range(0, len(first), _CHUNK):
            part = slice(top, top + _CHUNK)
            a, b = self._grey(self._left, first[part]), self._grey(self._right, second[part])
            for whole, piece in ((a, b), (b, a)):
                for score in self._parts(whole, piece):
                    best[part] = np.maximum(best[part], score)
        return best

    def _grey(self, images: NDArray[np.uint8], rows: Integers) -> Floats:
        """(P, G, G) grey, averaged over cells."""
        unique, places = np.unique(rows, return_inverse=True)
        block = images[unique].astype(np.float32).mean(axis=3)
        small: Floats = (self._weights @ block @ self._weights.T)[places]
        return small

    def _own(self, small: Floats) -> Floats:
        shape = small.shape
        return unit((fine(small) - self._common).reshape(len(small), -1)).reshape(shape)

    def _shifted(self, first: Integers, second: Integers, turn: str | None) -> Floats:
        from scipy.fft import irfft2, rfft2

        a, b = self._grey(self._left, first), self._grey(self._right, second)
        if turn is not None:
            a = np.ascontiguousarray(TURNS[turn](a)).astype(np.float32)
        spectrum = rfft2(self._own(a)) * np.conj(rfft2(self._own(b)))
        found = irfft2(spectrum, s=(self._grid, self._grid))
        near = np.r_[0 : _SHIFT + 1, -_SHIFT:0]
        best: Floats = found[:, near][:, :, near].max(axis=(1, 2)).astype(np.float32)
        return best

    def _parts(self, whole: Floats, piece: Floats) -> Iterator[Floats]:
        """For each scale, how well the piece, made that much smaller, fits anywhere inside the whole."""
        from scipy.fft import irfft2, rfft2

        grid = self._grid
        structure = fine(whole)
        spectrum, energy = rfft2(structure), rfft2(structure**2)
        for scale in _SCALES:
            side = round(scale * grid)
            weights = area_weights(grid, side)
            template = fine((weights @ piece @ weights.T).astype(np.float32))
            padded = np.zeros_like(whole)
            padded[:, :side, :side] = template
            window = np.zeros((grid, grid), np.float32)
            window[:side, :side] = 1
            free = grid - side + 1
            fit = irfft2(spectrum * np.conj(rfft2(padded)), s=(grid, grid))[:, :free, :free]
            under = irfft2(energy * np.conj(rfft2(window)), s=(grid, grid))[:, :free, :free]
            yield (fit / np.sqrt(np.maximum(under, 1e-4))).max(axis=(1, 2)).astype(np.float32)
