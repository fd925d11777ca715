"""Letters and markers burnt into the pixels.

Drawn by a machine, they differ from anatomy and from speckle in three ways at once: their level is uniform, their
edges are sharp, and they stand in lines, on ground that is quiet. Reading them is not the aim; where they are is.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Box: TypeAlias = tuple[float, float, float, float]

# Below this side letters cannot be told from texture.
_LEAST_SIDE = 64
_MOST_BOXES = 12
# Heights of letters in pixels, and as a share of the image.
_LOWEST, _HIGHEST_SHARE = 5, 0.12
# Grey levels: how far letters stand above their ground, how uniform strokes are, how quiet the ground is.
_CONTRAST, _UNIFORM, _QUIET = 90, 28, 30
_MOST_PARTS = 400
_LEAST_LETTERS = 3


def find_lettering(grey: NDArray[np.uint8]) -> tuple[Box, ...]:
    """Boxes around lines of letters, (top, left, bottom, right) as shares of height and width.

    Parameters
    ----------
    grey
        (H, W) uint8. Bright letters on dark ground, and dark on bright, are found.
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
    """Boxes in pixels around three letters and more that stand in a line."""
    letters = _letters(grey)
    if len(letters) < _LEAST_LETTERS:
        return []
    letters.sort(key=lambda box: box[1])
    lines: list[list[tuple[int, int, int, int]]] = []
    for letter in letters:
        line = next((line for line in lines if _follows(line[-1], letter)), None)
        if line is None:
            lines.append([letter])
        else:
            line.append(letter)
    found = []
    for line in lines:
        if len(line) >= _LEAST_LETTERS:
            edges = np.array(line)
            found.append(
                (int(edges[:, 0].min()), int(edges[:, 1].min()), int(edges[:, 2].max()), int(edges[:, 3].max()))
            )
    return found


def _follows(last: tuple[int, int, int, int], letter: tuple[int, int, int, int]) -> bool:
    """Whether a letter stands right of another, on the same line and of about the same height."""
    tall, height = last[2] - last[0], letter[2] - letter[0]
    higher = max(tall, height)
    return (
        min(tall, height) >= 0.6 * higher
        and abs(letter[2] - last[2]) <= 0.35 * higher
        and -2 <= letter[1] - last[3] <= 1.2 * higher
    )


def _letters(grey: NDArray[np.uint8]) -> list[tuple[int, int, int, int]]:
    """Boxes of bright parts that look drawn."""
    from scipy.ndimage import find_objects, label, minimum_filter

    ground = minimum_filter(grey, 5)
    if int((grey - ground).max()) < _CONTRAST:
        return []
    bright = grey >= 150
    # A pixel of a stroke has dark ground within two pixels, on some side: anatomy that is bright is broad.
    numbers, count = label(bright, np.ones((3, 3), int))
    if not 0 < count <= _MOST_PARTS:
        return []
    highest = max(_LOWEST + 1, _HIGHEST_SHARE * grey.shape[0])
    letters = []
    for number, place in enumerate(find_objects(numbers), 1):
        rows, columns = place[0], place[1]
        tall, wide = rows.stop - rows.start, columns.stop - columns.start
        if not (_LOWEST <= tall <= highest and 1 <= wide <= 1.6 * tall):
            continue
        if _is_drawn(grey, numbers, number, (rows, columns)):
            letters.append((rows.start, columns.start, rows.stop, columns.stop))
    return letters


def _is_drawn(grey: NDArray[np.uint8], numbers: NDArray[Any], number: int, place: tuple[slice, slice]) -> bool:
    """Whether a bright part is uniform, sharply edged, thin in stroke, and on quiet dark ground."""
    rows, columns = place
    around = (slice(max(0, rows.start - 2), rows.stop + 2), slice(max(0, columns.start - 2), columns.stop + 2))
    patch = grey[around].astype(np.int16)
    inside = numbers[around] == number
    area = int(inside.sum())
    box = (rows.stop - rows.start) * (columns.stop - columns.start)
    ring = np.ones_like(inside)
    ring[2:-2, 2:-2] = False
    ring &= numbers[around] == 0
    if (
        area < 5
        or ring.sum() < 8
        or (area > 0.92 * box and columns.stop - columns.start > 0.5 * (rows.stop - rows.start))
    ):
        return False
    level, dark = np.percentile(patch[inside], 75), np.median(patch[ring])
    quiet = np.percentile(patch[ring], 90) - np.percentile(patch[ring], 10)
    # Between stroke and ground lie the blurred edges alone: few pixels of middling level.
    between = (patch > dark + 0.35 * (level - dark)) & (patch < dark + 0.75 * (level - dark)) & ~(numbers[around] > 0)
    return bool(
        level - dark >= _CONTRAST
        and level - np.percentile(patch[inside], 25) <= _UNIFORM + 20
        and quiet <= _QUIET
        and between.sum() <= 0.5 * area
    )
