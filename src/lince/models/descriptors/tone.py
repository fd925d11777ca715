"""Grey levels and colours: histograms, moments, and where in the image they lie."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BINS = 32
MOMENTS = ("mean", "deviation", "skewness", "kurtosis", "entropy")
PERCENTILES = (1, 10, 25, 50, 75, 90, 99)
GRID = 8
HUES, SATURATIONS, COLOUR_SIDE = 12, 8, 64
# Grey levels of 255 under which a pixel is background.
_BLACK = 8
# Between the largest and smallest channel of a pixel, above which it has a colour.
_COLOURED = 16


def shrunk(values: NDArray[np.uint8] | NDArray[np.floating], side: int) -> Floats:
    """(S, S, ...) to (side, side, ...): means over the pixels that fall together; a smaller image is repeated."""
    edges = np.arange(side) * values.shape[0] // side
    counts = np.maximum(np.diff(np.append(edges, values.shape[0])), 1)
    # Rows are added faster than numbers that lie side by side.
    total = _added(_added(values, edges, counts).swapaxes(0, 1), edges, counts).swapaxes(0, 1)
    tail = (1,) * (values.ndim - 2)
    return np.asarray(total / (counts[:, None] * counts.astype(np.float64)).reshape(side, side, *tail))


def _added(values: NDArray[Any], edges: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Sums of so many rows from each edge on; exact where values are whole numbers, but for squares of many."""
    if counts[0] * len(counts) == len(values) and (counts == counts[0]).all():
        parts = values.reshape(len(counts), counts[0], *values.shape[1:])
        return np.asarray(parts.sum(axis=1, dtype=np.float32))
    total = values[edges].astype(np.float32)
    for step in range(1, int(counts.max())):
        more = counts > step
        total[more] += values[edges[more] + step]
    return total


def _measures(counts: Floats) -> Floats:
    """Roots of the shares of `BINS`, `MOMENTS` and `PERCENTILES` of a histogram (256,); zero where it is empty."""
    total = counts.sum()
    if total == 0:
        return np.zeros(BINS + len(MOMENTS) + len(PERCENTILES))
    share, level = counts / total, np.arange(256.0)
    mean = share @ level
    deviation = np.sqrt(share @ (level - mean) ** 2)
    shape = [0.0, 0.0]
    if deviation > 1e-6:
        shape = [share @ ((level - mean) / deviation) ** power for power in (3, 4)]
    present = share[share > 0]
    entropy = -(present * np.log2(present)).sum()
    reached = np.searchsorted(np.cumsum(counts), np.array(PERCENTILES) / 100 * total)
    # Skewness and kurtosis of an image that is nearly flat are huge, and say nothing more than that.
    moments = [mean, deviation, np.clip(shape[0], -10, 10), np.clip(shape[1], 0, 100), entropy]
    return np.concatenate([np.sqrt(share.reshape(BINS, -1).sum(axis=1)), moments, reached])


def intensities(grey: NDArray[np.uint8]) -> Floats:
    """Histogram, moments and percentiles of the whole image, then of what is not black in it."""
    counts = np.bincount(grey.ravel(), minlength=256).astype(np.float64)
    content = counts.copy()
    content[:_BLACK] = 0
    return np.concatenate([_measures(counts), _measures(content), [content.sum() / counts.sum()]])


def layout(grey: NDArray[np.uint8]) -> Floats:
    """Means and deviations in `GRID` x `GRID` parts of the image, and how far it is its own mirror image each way."""
    values = grey.astype(np.float32)
    means, squares = shrunk(values, GRID), shrunk(values * values, GRID)
    deviations = np.sqrt(np.clip(squares - means**2, 0, None))
    picture = shrunk(values, 4 * GRID)
    picture -= picture.mean()
    power = (picture**2).sum()
    mirrors = [
        (picture * turned).sum() / power if power > 1e-6 else 1.0 for turned in (picture[:, ::-1], picture[::-1])
    ]
    return np.concatenate([means.ravel(), deviations.ravel(), mirrors])


def colours(image: NDArray[np.uint8]) -> Floats:
    """Of an RGB image (S, S, 3): mean and deviation of each channel, shares of hues and saturations, share of colour.

    All zero but the channels' own where the image is grey. Hues are weighed by saturation, so that the hue of what is
    nearly grey does not count.
    """
    step = max(1, len(image) // COLOUR_SIDE)  # every so many pixels: colours need no sharpness
    channels = image[::step, ::step].reshape(-1, 3).T.astype(np.float64, order="C")
    brightest = np.maximum(np.maximum(channels[0], channels[1]), channels[2])
    spread = brightest - np.minimum(np.minimum(channels[0], channels[1]), channels[2])
    coloured = spread > _COLOURED
    found = [channels.mean(axis=1), channels.std(axis=1)]
    saturation = np.divide(spread, brightest, out=np.zeros_like(spread), where=brightest > 0)
    if not coloured.any():
        return np.concatenate([*found, np.zeros(HUES + SATURATIONS + 1)])
    red, green, blue = shown = channels[:, coloured]
    width = spread[coloured]
    top = shown.argmax(axis=0)
    hue = np.choose(top, [(green - blue) / width % 6, (blue - red) / width + 2, (red - green) / width + 4]) / 6
    hues = np.bincount((hue * HUES).astype(np.int64) % HUES, saturation[coloured], minlength=HUES)
    strength = np.minimum((saturation[coloured] * SATURATIONS).astype(np.int64), SATURATIONS - 1)
    strengths = np.bincount(strength, minlength=SATURATIONS) / channels.shape[1]
    return np.concatenate([*found, hues / channels.shape[1], strengths, [coloured.mean()]])
