"""What a picture is like, whatever it shows: brightness, contrast, sharpness, colour, in a dozen numbers."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# What is said of a picture in which the statistic is lower, and higher, than in the training images. Each statistic is
# roughly bell-shaped over the images of one collection.
STATISTICS = (
    ("It is darker than the training images.", "It is brighter than the training images."),
    ("It has less contrast than the training images.", "It has more contrast than the training images."),
    ("Less of it is black than in the training images.", "More of it is black than in the training images."),
    ("Less of it is white than in the training images.", "More of it is white than in the training images."),
    ("Its darkest parts are darker than usual.", "Its darkest parts are brighter than usual."),
    ("Its brightest parts are darker than usual.", "Its brightest parts are brighter than usual."),
    ("It has fewer edges than the training images.", "It has more edges than the training images."),
    ("It is smoother than the training images.", "It has a grain that the training images do not have."),
    ("It has less fine detail than the training images.", "It has more fine detail than the training images."),
    ("Fewer of its areas are empty than usual.", "More of its areas are empty than usual."),
    ("Its left and right sides are more alike than usual.", "Its left and right sides differ more than usual."),
    ("It has less colour than the training images.", "It has more colour than the training images."),
)
NAMES = (
    "Brightness",
    "Contrast",
    "Black areas",
    "White areas",
    "Darkest tones",
    "Brightest tones",
    "Edges",
    "Grain",
    "Fine detail",
    "Empty areas",
    "Left against right",
    "Colour",
)
# Larger images are thinned out to about this side: the statistics are of the picture, not of its resolution.
_SIDE = 112


def image_statistics(images: Iterable[NDArray[np.uint8]]) -> Floats:
    """Statistics of prepared images.

    Parameters
    ----------
    images
        N of (S, S, 1 or 3) uint8, as the image spec makes them.

    Returns
    -------
    NDArray[np.float64]
        (N, `STATISTICS`), finite.
    """
    return np.array([_of_one(one) for one in images], dtype=np.float64).reshape(-1, len(STATISTICS))


def _of_one(image: NDArray[np.uint8]) -> Floats:
    small = _thinned(image)
    grey = small.mean(axis=2)
    low, high = np.percentile(grey, [5, 95])
    across, down = np.diff(grey, axis=1)[:-1], np.diff(grey, axis=0)[:, :-1]
    edges = np.hypot(across, down)
    # What the average of the four neighbours does not foretell.
    fine = grey[1:-1, 1:-1] - (grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]) / 4.0
    mirrored = np.abs(grey - grey[:, ::-1]).mean()
    colour = np.abs(small - grey[..., None]).mean() if small.shape[2] > 1 else 0.0
    values = (
        grey.mean(),
        grey.std(),
        100.0 * np.sqrt((grey < 8).mean()),
        100.0 * np.sqrt((grey > 247).mean()),
        low,
        high,
        20.0 * np.log1p(edges.mean()),
        20.0 * np.log1p(np.median(np.abs(fine))),
        20.0 * np.log1p(fine.std()),
        100.0 * (edges < 1.0).mean(),
        20.0 * np.log1p(mirrored),
        20.0 * np.log1p(colour),
    )
    return np.array(values, dtype=np.float64)


def _thinned(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(S, S, C) averaged over whole blocks down to about `_SIDE`."""
    values = image.astype(np.float32)
    step = max(1, round(image.shape[0] / _SIDE))
    if step == 1:
        return values
    side = image.shape[0] // step * step
    blocks = values[:side, :side].reshape(side // step, step, side // step, step, image.shape[2])
    averaged: NDArray[np.float32] = blocks.mean(axis=(1, 3))
    return averaged
