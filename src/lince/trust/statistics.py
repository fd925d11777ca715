"""What a picture is like, whatever it shows: brightness, contrast, sharpness, colour, in a dozen numbers."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

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
_SIDE = 96


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
    planes = _thinned(image)
    grey = sum(planes[1:], planes[0]) / np.float32(len(planes))
    tones = np.cumsum(np.bincount(grey.astype(np.uint8).ravel(), minlength=256)) / grey.size
    low, high = np.searchsorted(tones, [0.05, 0.95])
    across, down = np.diff(grey, axis=1)[:-1], np.diff(grey, axis=0)[:, :-1]
    edges = np.sqrt(across * across + down * down)
    # What the average of the four neighbours does not foretell.
    fine = grey[1:-1, 1:-1] - (grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]) / 4
    colour = sum(np.abs(plane - grey).mean() for plane in planes) / len(planes)
    values = (
        grey.mean(),
        grey.std(),
        100.0 * np.sqrt(tones[7]),
        100.0 * np.sqrt(1.0 - tones[247]),
        low,
        high,
        20.0 * np.log1p(edges.mean()),
        20.0 * np.log1p(_median(np.abs(fine))),
        20.0 * np.log1p(fine.std()),
        100.0 * (edges < 1.0).mean(),
        20.0 * np.log1p(np.abs(grey - grey[:, ::-1]).mean()),
        20.0 * np.log1p(colour),
    )
    return np.array(values, dtype=np.float64)


def _median(values: NDArray[np.float32]) -> float:
    """To a quarter of a grey level: counting is quicker than sorting."""
    counts = np.cumsum(np.bincount((4 * values).astype(np.int64).ravel()))
    return float(np.searchsorted(counts, values.size / 2)) / 4


def _thinned(image: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    """The channels of (S, S, C), averaged over whole blocks down to about `_SIDE`."""
    step = max(1, round(image.shape[0] / _SIDE))
    small = np.asarray(Image.fromarray(image.squeeze(2) if image.shape[2] == 1 else image).reduce(step))
    return [np.ascontiguousarray(plane, np.float32) for plane in np.atleast_3d(small).transpose(2, 0, 1)]
