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


def co_occurrences(levels: NDArray[np.uint8], distance: int) -> Floats:
    """How often two levels lie ``distance`` apart: (4, LEVELS, LEVELS), both ways round, not normalised.

    The four are to the right, down to the right, down, and down to the left. One count of triples gives two of
    them, as counting is what takes the time; pixels past the border have a level of their own, left out in the end.

    Parameters
    ----------
    levels
        (H, W), 0 to ``LEVELS - 1``.
    distance
        In pixels, 1 or more.
    """
    height, width = levels.shape
    wide = np.full((height + distance + 1, width + distance), LEVELS, np.uint16)
    wide[:height, :width] = levels
    # End to end: a step past the right or left border lands in the level between two lines.
    line, flat, kinds = wide.shape[1], wide.ravel(), LEVELS + 1
    count = height * line
    first, second = flat[:count] * np.uint16(kinds**2), flat * np.uint16(kinds)
    steps = ((distance, distance * line), (distance * line + distance, distance * line - distance))
    found = np.empty((4, LEVELS, LEVELS))
    for number, (one, other) in enumerate(steps):
        codes = first + second[one : one + count]
        codes += flat[other : other + count]
        triples = np.bincount(codes, minlength=kinds**3).reshape(kinds, kinds, kinds)
        found[number] = triples.sum(axis=2)[:LEVELS, :LEVELS]
        found[number + 2] = triples.sum(axis=1)[:LEVELS, :LEVELS]
    both: Floats = found + found.transpose(0, 2, 1)
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
    levels = (grey >> 3).astype(np.uint8)
    pairs = np.stack([co_occurrences(_content(levels, distance), distance) for distance in DISTANCES])
    pairs[:, :, 0, 0] = 0
    values = haralick(pairs.reshape(-1, LEVELS, LEVELS)).reshape(len(DISTANCES), 4, -1)
    return np.concatenate([values.mean(axis=1), np.ptp(values, axis=1)], axis=1).ravel()


def _content(levels: NDArray[np.uint8], distance: int) -> NDArray[np.uint8]:
    """The part of an image in which every pair at ``distance`` lies that is not black twice."""
    rows, columns = np.flatnonzero(levels.any(axis=1)), np.flatnonzero(levels.any(axis=0))
    if not len(rows):
        return levels[:1, :1]
    top, left = max(0, rows[0] - distance), max(0, columns[0] - distance)
    return levels[top : rows[-1] + distance + 1, left : columns[-1] + distance + 1]


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
    return _uniform().take(_codes(grey, radius))


def _codes(grey: NDArray[np.uint8], radius: int) -> NDArray[np.uint8]:
    """(S - 2r, S - 2r) codes: which of eight neighbours are at least as bright, a bit each.

    Rows lie end to end, as long arrays are compared several times as fast as many short ones. What that makes of the
    margin is cut off.
    """
    size, edge = len(grey), radius + 1
    flat = np.zeros(grey.size + 2 * edge, np.float32)
    flat[edge:-edge] = grey.ravel()
    start, count = radius * size, (size - 2 * radius) * size
    step = round(radius * np.sqrt(0.5), 5)  # rounded like scikit-image
    whole, part = int(step), np.float32(step - int(step))

    def between(near: NDArray[np.float32], far: NDArray[np.float32]) -> NDArray[np.float32]:
        """A part of the way from ``near`` to ``far``; equal ones give exactly their own value."""
        mixed: NDArray[np.float32] = far - near
        mixed *= part
        mixed += near
        return mixed

    def moved(right: int) -> NDArray[np.float32]:
        return flat[edge + right : edge + right + grey.size]

    def rows(source: NDArray[np.float32], down: int) -> NDArray[np.float32]:
        return source[start + down * size : start + down * size + count]

    right, left = between(moved(whole), moved(whole + 1)), between(moved(-whole), moved(-whole - 1))
    centre = rows(moved(0), 0)
    neighbours = (
        rows(moved(radius), 0),
        between(rows(right, -whole), rows(right, -whole - 1)),
        rows(moved(0), -radius),
        between(rows(left, -whole), rows(left, -whole - 1)),
        rows(moved(-radius), 0),
        between(rows(left, whole), rows(left, whole + 1)),
        rows(moved(0), radius),
        between(rows(right, whole), rows(right, whole + 1)),
    )
    code = np.zeros(count, np.uint8)
    for neighbour in neighbours:
        code += code
        code |= (neighbour >= centre).view(np.uint8)
    return code.reshape(-1, size)[:, radius:-radius]


def patterns(grey: NDArray[np.uint8]) -> Floats:
    """Shares of the `PATTERNS` at each of `RADII`, then those at the smallest in `CELLS` x `CELLS` parts.

    As square roots: between roots of shares, the distance is Hellinger's, and no frequent pattern drowns the others.
    """
    codes = _codes(grey, RADII[0])
    line = np.arange(len(codes)) * CELLS // len(codes)
    place = (line[:, None] * CELLS + line) * 256 + codes
    cells = _patterns_of(np.bincount(place.ravel(), minlength=CELLS * CELLS * 256).reshape(-1, 256))
    whole = [cells.sum(axis=0)]
    whole += [_patterns_of(np.bincount(_codes(grey, radius).ravel(), minlength=256)) for radius in RADII[1:]]
    shares = [counts / counts.sum(axis=-1, keepdims=True) for counts in (*whole, cells)]
    roots: Floats = np.sqrt(np.concatenate([part.ravel() for part in shares]))
    return roots


def _patterns_of(codes: NDArray[np.int64]) -> Floats:
    """Counts of codes (..., 256) to counts of patterns (..., PATTERNS)."""
    return np.stack([codes[..., _uniform() == number].sum(axis=-1) for number in range(PATTERNS)], axis=-1).astype(
        np.float64
    )


@lru_cache(maxsize=4)
def gabor_bank(size: int) -> tuple[tuple[int, int, NDArray[np.float32]], ...]:
    """Power of the Gabor filters of each of `FREQUENCIES` at the frequencies of a real Fourier transform.

    Filters are those of `FREQUENCIES` (cycles a pixel) times `ORIENTATIONS`, one octave wide. Frequencies that the
    transform of a real image gives once and the whole plane twice count twice.

    Returns
    -------
    tuple
        For each frequency how many rows to either side of frequency zero its filters reach and how many columns, and
        their power there (`ORIENTATIONS`, rows * columns), rows in the order of ``fftshift``. What lies outside is
        less than a billionth of the largest.
    """
    vertical = np.fft.fftshift(np.fft.fftfreq(size))[:, None]
    horizontal = np.fft.rfftfreq(size)[None, :]
    twice = np.where((horizontal == 0) | (horizontal == 0.5), 1.0, 2.0)
    bank = []
    for frequency in FREQUENCIES:
        spread = 2 * (np.pi * _OCTAVE / frequency) ** 2
        reach = frequency + np.sqrt(np.log(1e9) / (2 * spread))
        rows, columns = min(size // 2, int(reach * size) + 1), min(size // 2 + 1, int(reach * size) + 2)
        powers = []
        for number in range(ORIENTATIONS):
            angle = np.pi * number / ORIENTATIONS
            along = horizontal * np.cos(angle) + vertical * np.sin(angle)
            across = vertical * np.cos(angle) - horizontal * np.sin(angle)
            power = [np.exp(-2 * spread * ((sign * along - frequency) ** 2 + across**2)) for sign in (1, -1)]
            whole = twice * (power[0] + power[1]) / 2
            powers.append(whole[_middle(size, rows), :columns].ravel())
        bank.append((rows, columns, np.asarray(powers, dtype=np.float32)))
    return tuple(bank)


def _middle(size: int, rows: int) -> slice:
    """So many rows to either side of frequency zero, as ``fftshift`` lays them."""
    return slice(max(0, size // 2 - rows), size // 2 + rows + 1)


def gabor_energies(grey: NDArray[np.uint8]) -> Floats:
    """Logarithm of the mean energy of the image through each filter of `gabor_bank`: (filters,).

    By Parseval's theorem the energy is a sum over frequencies, so that no image is filtered.
    """
    from scipy.fft import fftshift, rfft2

    values = grey.astype(np.float32)
    values -= values.mean()
    spectrum = rfft2(values)
    power = fftshift(spectrum.real**2 + spectrum.imag**2, axes=0)
    # Not a product of BLAS: its threads would stand in each other's way, and order the sum as they please.
    energies = [
        np.einsum("fn,n->f", bank, power[_middle(len(grey), rows), :columns].ravel())
        for rows, columns, bank in gabor_bank(len(grey))
    ]
    return np.asarray(np.log10(np.concatenate(energies) / grey.size**2 + 1e-3), dtype=np.float64)
