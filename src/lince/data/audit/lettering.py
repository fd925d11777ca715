"""Letters and markers burnt into the pixels.

Drawn by a machine, they differ from anatomy and from speckle in three ways at once: strokes are nearly white (or black
on white), their edges fall within two pixels, and they stand in a line. Reading them is not the aim; where they are is.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Box: TypeAlias = tuple[float, float, float, float]

# Below this side letters cannot be told from texture.
_LEAST_SIDE = 64
_MOST_BOXES = 12
# Grey levels: how bright strokes are, and how far they stand above what lies within two pixels of them.
_BRIGHT, _CONTRAST = 215, 85
# Heights of letters in pixels, and as a share of the image; a line is at least this many times as long as high.
_LOWEST, _HIGHEST_SHARE, _LONG = 6, 0.16, 2.0
# Strokes crossed by the middle rows of a line, and the share of its box that strokes fill.
_LEAST_STROKES, _FILL = 4, (0.10, 0.62)
# Share of the pixels of a line that are as bright as its brightest strokes or as dark as its ground: the rest are
# blurred edges, of which texture has more.
_TWO_LEVELS = 0.55
_MOST_PARTS = 2000
# Pixels between words, at least; and the share of all that looks like strokes which a line must hold: in a texture of
# strokes, such as stained tissue, some stand in line by chance.
_LEAST_GAP, _STANDS_OUT = 9, 0.04


def find_lettering(grey: NDArray[np.uint8]) -> tuple[Box, ...]:
    """Boxes around lines of letters, (top, left, bottom, right) as shares of height and width.

    Parameters
    ----------
    grey
        (H, W) uint8. Bright letters on darker ground, and dark on bright, are found.
    """
    if min(grey.shape) < _LEAST_SIDE:
        return ()
    boxes = [*_lines(grey), *_lines(255 - grey)]
    height, width = grey.shape
    return tuple(
        (round(t / height, 4), round(x / width, 4), round(b / height, 4), round(r / width, 4))
        for t, x, b, r in boxes[:_MOST_BOXES]
    )


def _lines(grey: NDArray[np.uint8]) -> list[tuple[int, int, int, int]]:
    """Boxes in pixels around what looks like a line of letters."""
    from scipy.ndimage import binary_closing, find_objects, label, minimum_filter

    strokes = (grey >= _BRIGHT) & (grey - minimum_filter(grey, 5) >= _CONTRAST)
    if strokes.sum() < _LOWEST * _LEAST_STROKES:
        return []
    height = grey.shape[0]
    gap = max(_LEAST_GAP, round(0.05 * height) | 1)
    wide = np.pad(strokes, ((0, 0), (gap, gap)))
    joined = binary_closing(wide, np.ones((1, gap), bool))[:, gap:-gap]
    numbers, count = label(joined, np.ones((3, 3), int))
    if not 0 < count <= _MOST_PARTS:
        return []
    found = []
    for place in find_objects(numbers):
        rows, columns = place[0], place[1]
        tall, long = rows.stop - rows.start, columns.stop - columns.start
        if (
            _LOWEST <= tall <= max(_LOWEST + 3, _HIGHEST_SHARE * height)
            and long >= _LONG * tall
            and strokes[rows, columns].sum() >= _STANDS_OUT * strokes.sum()
            and _is_written(grey[rows, columns], strokes[rows, columns])
        ):
            found.append((rows.start, columns.start, rows.stop, columns.stop))
    return found


def _is_written(patch: NDArray[np.uint8], strokes: NDArray[Any]) -> bool:
    """Whether the inside of a box is made of strokes: several side by side, of one brightness, sharply edged."""
    crossed = (np.diff(np.pad(strokes, ((0, 0), (1, 0))).astype(np.int8), axis=1) == 1).sum(axis=1)
    middle = crossed[len(crossed) // 4 : len(crossed) - len(crossed) // 4]
    fill = strokes.mean()
    if np.median(middle) < _LEAST_STROKES or not _FILL[0] <= fill <= _FILL[1]:
        return False
    white = np.percentile(patch[strokes], 90)
    return bool((patch[strokes] >= white - 45).mean() >= _TWO_LEVELS)
