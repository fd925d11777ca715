"""Texture of a grey image: co-occurrence of grey levels, local binary patterns, energy in bands of frequency.

scikit-image has the same measures, the patterns at a tenth of the speed; the tests compare.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEVELS = 32
DISTANCES = (1, 2, 4)
PROPERTIES = ("contrast", "dissimilarity", "homogeneity", "energy", "correlation", "entropy")
RADII = (1, 2, 4)
PATTERNS = 10
CELLS = 4
FREQUENCIES = (0.32, 0.16, 0.08, 0.04, 0.02)
ORIENTATIONS = 6
# Of a Gabor filter one octave wide: its deviation times its frequency (as in `skimage.filters.gabor_kernel`).
_OCTAVE = float(3 * np.sqrt(np.log(2) / 2) / np.pi)


def co_occurrence(levels: NDArray[np.int64], down: int, right: int, count: int = LEVELS) -> Floats:
    """How often two levels lie (``down``, ``right``) pixels apart: (count, count), both ways round, not normalised.

    Parameters
    ----------
    levels
        (S, S), 0 to ``count - 1``.
    down, right
        The offset; ``down`` is not negative.
    """
    height, width = levels.shape
    left, start = max(right, 0), max(-right, 0)
    first = levels[: height - down, start : width - left]
    second = levels[down:, left : width - start]
    pairs = np.bincount((first * count + second).ravel(), minlength=count * count).reshape(count, count)
    both: Floats = (pairs + pairs.T).astype(np.float64)
    return both


def haralick(pairs: Floats) -> Floats:
    """The `PROPERTIES` of co-occurrence matrices (A, L, L) after Haralick, 1973: (A, 6); zero without any pair."""
    total = pairs.sum(axis=(1, 2), keepdims=True)
    share = np.divide(pairs, total, out=np.zeros_like(pairs), where=total > 0)
    level = np.arange(pairs.shape[1], dtype=np.float64)
    apart = np.abs(level[:, None] - level)
    weights = np.stack([apart**2, apart, 1 / (1 + apart**2)]).reshape(3, -1)
    flat = share.reshape(len(share), -1)
    simple = np.einsum("an,pn->ap", flat, weights)
    energy = np.sqrt((flat**2).sum(axis=1))
    entropy = -(flat * np.log2(flat, out=np.zeros_like(flat), where=flat > 0)).sum(axis=1)
    margin = share.sum(axis=2)
    mean = (margin * level).sum(axis=1)
    variance = (margin * level**2).sum(axis=1) - mean**2
    product = np.einsum("aij,i,j->a", share, level, level) - mean**2
    # scikit-image: levels that do not vary are perfectly correlated.
    correlation = np.divide(product, variance, out=np.ones_like(product), where=variance > 1e-12)
    return np.column_stack([simple, energy, correlation, entropy])


def grey_levels(grey: NDArray[np.uint8]) -> Floats:
    """Mean over four directions of the `PROPERTIES` at each of `DISTANCES`, then their range over the directions.

    Pairs of two black pixels are left out: how much of them there is depends on the margins around the body.
    """
    levels = (grey >> 3).astype(np.int64)
    found = []
    for distance in DISTANCES:
        offsets = ((0, distance), (distance, distance), (distance, 0), (distance, -distance))
        pairs = np.stack([co_occurrence(levels, *offset) for offset in offsets])
        pairs[:, 0, 0] = 0
        values = haralick(pairs)
        found += [values.mean(axis=0), np.ptp(values, axis=0)]
    return np.concatenate(found)


@lru_cache(maxsize=1)
def _uniform() -> NDArray[np.uint8]:
    """(256,) bits of eight neighbours to patterns: how many are set, 9 where they change more than twice."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    return np.where(changes <= 2, bits.sum(axis=1), 9).astype(np.uint8)


def local_patterns(grey: NDArray[np.uint8], radius: int) -> NDArray[np.uint8]:
    """Uniform local binary patterns (Ojala et al., 2002) of eight neighbours: (S - 2r, S - 2r), 0 to 9.

    The margin of ``radius`` pixels, whose neighbours lie outside, is left out.
    """
    size = grey.shape[0]
    inner = size - 2 * radius
    values = grey.astype(np.float32)
    centre = values[radius : size - radius, radius : size - radius]
    step = round(radius * np.sqrt(0.5), 5)  # rounded like scikit-image
    whole, part = int(step), np.float32(step - int(step))

    def between(source: NDArray[np.float32], offset: int, towards: int) -> NDArray[np.float32]:
        """Rows at ``offset`` and a part of the way to the next; equal ones give exactly their own value."""
        near = source[radius + offset : radius + offset + inner]
        mixed: NDArray[np.float32] = source[radius + offset + towards : radius + offset + towards + inner] - near
        mixed *= part
        mixed += near
        return mixed

    right, left = (between(values.T, whole, 1).T, between(values.T, -whole, -1).T)
    middle = slice(radius, radius + inner)
    neighbours = (
        values[middle, 2 * radius :],
        between(right, -whole, -1),
        values[:inner, middle],
        between(left, -whole, -1),
        values[middle, :inner],
        between(left, whole, 1),
        values[2 * radius :, middle],
        between(right, whole, 1),
    )
    code = np.zeros((inner, inner), np.uint8)
    for neighbour in neighbours:
        code += code
        code |= (neighbour >= centre).view(np.uint8)
    return _uniform().take(code)


def patterns(grey: NDArray[np.uint8]) -> Floats:
    """Shares of the `PATTERNS` at each of `RADII`, then those at the smallest in `CELLS` x `CELLS` parts.

    As square roots: between roots of shares, the distance is Hellinger's, and no frequent pattern drowns the others.
    """
    codes = local_patterns(grey, RADII[0])
    line = np.arange(len(codes)) * CELLS // len(codes)
    place = (line[:, None] * CELLS + line) * PATTERNS + codes
    cells = np.bincount(place.ravel(), minlength=CELLS * CELLS * PATTERNS).reshape(-1, PATTERNS)
    whole = [cells.sum(axis=0)]
    whole += [np.bincount(local_patterns(grey, radius).ravel(), minlength=PATTERNS) for radius in RADII[1:]]
    shares = [counts / counts.sum(axis=-1, keepdims=True) for counts in (*whole, cells)]
    roots: Floats = np.sqrt(np.concatenate([part.ravel() for part in shares]))
    return roots


@lru_cache(maxsize=4)
def gabor_bank(size: int) -> NDArray[np.float32]:
    """Power of each Gabor filter at the frequencies of a real Fourier transform: (filters, S * (S // 2 + 1)).

    Filters are those of `FREQUENCIES` (cycles a pixel) times `ORIENTATIONS`, one octave wide. Frequencies that the
    transform of a real image gives once and the whole plane twice count twice.
    """
    vertical = np.fft.fftfreq(size)[:, None]
    horizontal = np.fft.rfftfreq(size)[None, :]
    twice = np.where((horizontal == 0) | (horizontal == 0.5), 1.0, 2.0)
    bank = []
    for frequency in FREQUENCIES:
        spread = 2 * (np.pi * _OCTAVE / frequency) ** 2
        for number in range(ORIENTATIONS):
            angle = np.pi * number / ORIENTATIONS
            along = horizontal * np.cos(angle) + vertical * np.sin(angle)
            across = vertical * np.cos(angle) - horizontal * np.sin(angle)
            power = [np.exp(-2 * spread * ((sign * along - frequency) ** 2 + across**2)) for sign in (1, -1)]
            bank.append((twice * (power[0] + power[1]) / 2).ravel())
    return np.asarray(bank, dtype=np.float32)


def gabor_energies(grey: NDArray[np.uint8]) -> Floats:
    """Logarithm of the mean energy of the image through each filter of `gabor_bank`: (filters,).

    By Parseval's theorem the energy is a sum over frequencies, so that no image is filtered.
    """
    from scipy.fft import rfft2

    values = grey.astype(np.float32)
    values -= values.mean()
    spectrum = rfft2(values)
    power = (spectrum.real**2 + spectrum.imag**2).ravel()
    # Not a product of BLAS: its threads would stand in each other's way, and order the sum as they please.
    energy = np.einsum("fn,n->f", gabor_bank(len(grey)), power) / grey.size**2
    return np.asarray(np.log10(energy + 1e-3), dtype=np.float64)
