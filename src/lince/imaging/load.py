"""The one way to pixels: from a file, bytes, a row of an array or a frame of a DICOM file."""

from __future__ import annotations

import stat
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lince.core.errors import ImageError
from lince.core.settings import max_pixels
from lince.core.types import Sample
from lince.imaging.decoded import Decoded
from lince.imaging.raster import decode_raster
from lince.imaging.rows import read_row
from lince.imaging.sniff import is_dicom, sniff
from lince.imaging.spec import ImageSpec

_BYTES_PER_PIXEL = 8  # a file larger than this for each allowed pixel (16-bit RGBA) is not one image under the limit


def read_bytes(path: str | Path) -> bytes:
    """Read a whole file, once.

    Raises
    ------
    ImageError
        It is missing, a folder, a device, unreadable, or far larger than any image under the limit.
    """
    path = Path(path)
    try:
        facts = path.stat()
        if stat.S_ISDIR(facts.st_mode):
            raise ImageError("This is a folder, not an image", received=path, fix="give one image file")
        if not stat.S_ISREG(facts.st_mode):
            raise ImageError("This is not a regular file", received=path, fix="give one image file")
        if facts.st_size > _BYTES_PER_PIXEL * max_pixels() + (1 << 20):
            raise ImageError(
                f"This file has {facts.st_size / 1e9:.1f} GB, too much for one image",
                received=path,
                fix="reduce it, or raise LINCE_MAX_PIXELS if it is meant to be so large",
            )
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError("There is no such file", received=path) from error
    except PermissionError as error:
        raise ImageError("This file may not be read", received=path, fix="change its permissions") from error
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise ImageError(f"This file cannot be read: {error}", received=path) from error


def decode(source: bytes | str | Path, *, name: str | None = None) -> Decoded:
    """Decode one image, told by its content, never by its name.

    Parameters
    ----------
    source
        The file's bytes, or where the file is.
    name
        What messages call it; by default the path.

    Raises
    ------
    ImageError
        It cannot be read or decoded, or is larger than ``LINCE_MAX_PIXELS`` allows.
    """
    data = source if isinstance(source, bytes) else read_bytes(source)
    name = name or ("the bytes given" if isinstance(source, bytes) else str(source))
    form = sniff(data, name)
    if form == "DICOM":
        from lince.imaging.dicom import decode_dicom

        return decode_dicom(data, name)
    return Decoded(decode_raster(data, form, name), form)


def read_sample(sample: Sample) -> tuple[bytes, Decoded | None]:
    """The bytes that identify a sample, and its pixels where it is part of a file: a row of an array, or a frame."""
    if sample.row is None:
        return read_bytes(sample.path), None
    if _holds_frames(sample.path):
        from lince.imaging.dicom import decode_frame

        frame = decode_frame(sample.path, sample.row)
        return frame.pixels.tobytes(), frame
    row = read_row(sample.path, sample.row)
    return row.tobytes(), Decoded(row, "ARRAY")


@lru_cache(maxsize=1024)
def _holds_frames(path: str) -> bool:
    """Whether a file of many images is DICOM, not an array; asked for each of its images, so looked at once."""
    try:
        with Path(path).open("rb") as stream:
            head = stream.read(512)
    except FileNotFoundError as error:
        raise ImageError("There is no such file", received=path) from error
    except OSError as error:
        raise ImageError(f"This file cannot be read: {error.strerror}", received=path) from error
    return is_dicom(head)


def load_sample(sample: Sample, spec: ImageSpec) -> NDArray[np.uint8]:
    """Read one sample through the recipe.

    Returns
    -------
    NDArray[np.uint8]
        (size, size, channels).

    Raises
    ------
    ImageError
        It cannot be read or decoded.
    """
    data, decoded = read_sample(sample)
    return spec.apply(decoded or decode(data, name=sample.path))
