"""One row of a ``.npy`` array of images, read without mapping the whole array into memory."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from lince.core.errors import ImageError
from lince.core.settings import max_pixels
from lince.imaging.decoded import Pixels


@dataclass(frozen=True, slots=True)
class _Layout:
    shape: tuple[int, ...]  # of one row: (H, W) or (H, W, 3)
    rows: int
    dtype: np.dtype[Any]
    offset: int


def read_row(path: str | Path, row: int) -> Pixels:
    """Read one image of an array.

    Parameters
    ----------
    path
        A ``.npy`` file of shape (N, H, W), (N, H, W, 1) or (N, H, W, 3), uint8 or uint16.
    row
        Which one, from 0.

    Returns
    -------
    Pixels
        (H, W) or (H, W, 3).

    Raises
    ------
    ImageError
        The file is missing, not such an array, cut short, or has no such row.
    """
    try:
        with Path(path).open("rb") as stream:
            facts = os.fstat(stream.fileno())
            layout = _layout(str(path), facts.st_mtime_ns, facts.st_size)
            if not 0 <= row < layout.rows:
                raise ImageError(f"This array has {layout.rows} images, no number {row}", received=path)
            count = math.prod(layout.shape)
            stream.seek(layout.offset + row * count * layout.dtype.itemsize)
            data = stream.read(count * layout.dtype.itemsize)
    except FileNotFoundError as error:
        raise ImageError("There is no such file", received=path) from error
    except OSError as error:
        raise ImageError(f"This file cannot be read: {error.strerror}", received=path) from error
    if len(data) < count * layout.dtype.itemsize:
        raise ImageError("This array is cut short", received=path)
    if layout.dtype.itemsize == 1:
        return np.frombuffer(data, np.uint8).reshape(layout.shape)
    return np.frombuffer(data, layout.dtype).astype(np.uint16).reshape(layout.shape)


@lru_cache(maxsize=64)
def _layout(path: str, mtime_ns: int, size: int) -> _Layout:  # noqa: ARG001  the last two tell a changed file
    kinds = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    with Path(path).open("rb") as stream:
        try:
            shape, fortran, dtype = kinds[np.lib.format.read_magic(stream)](stream)
        except (ValueError, KeyError) as error:
            raise ImageError("This is not a .npy array", received=path) from error
        offset = stream.tell()
    if dtype.kind != "u" or dtype.itemsize > 2 or fortran or not _is_stack(shape):
        raise ImageError(
            f"An array of shape {shape} and type {dtype} is not a stack of images",
            received=path,
            fix="save it as (N, H, W) or (N, H, W, 3), uint8 or uint16, in C order",
        )
    if shape[1] * shape[2] > max_pixels():
        raise ImageError(f"This array claims images of {shape[2]} x {shape[1]} pixels, over the limit", received=path)
    row = shape[1:3] if len(shape) == 3 or shape[3] == 1 else shape[1:]
    return _Layout(row, shape[0], dtype, offset)


def _is_stack(shape: tuple[int, ...]) -> bool:
    return len(shape) in (3, 4) and min(shape[1:]) > 0 and (len(shape) == 3 or shape[3] in (1, 3))
