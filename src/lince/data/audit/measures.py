"""Trivial facts of one image: what the file, its frame and its grey levels are like, without looking at what it shows.

Each has a place in `ABOUT`: ``container`` facts (the file and its header) are never a sign of disease, ``frame`` facts
(borders, letters) hardly ever, ``content`` facts (brightness, contrast) may be.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lince.core.files import sha256_bytes
from lince.data.audit.lettering import Box, find_lettering
from lince.imaging import Decoded
from lince.imaging.decoded import Pixels

About = Literal["container", "frame", "content"]

ABOUT: Mapping[str, About] = {
    "width": "container",
    "height": "container",
    "aspect": "container",
    "area": "container",
    "exif": "container",
    "format": "container",
    "mode": "container",
    "jpeg-quantisation": "container",
    "border": "frame",
    "border-level": "frame",
    "lettering": "frame",
    "bytes": "content",
    "bytes-per-pixel": "content",
    "mean": "content",
    "std": "content",
    "white": "content",
    "black": "content",
    "sharpness": "content",
}
"""Every fact, and what it is about. ``border`` is the share of the image that constant margins take. The size of a
compressed file follows what it shows, so ``bytes`` are content."""

# Statistics are taken on at most about this many rows and columns.
_ENOUGH = 512
_EXIF_WITHIN = 1 << 16
_WHITE, _BLACK = 254, 1
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_FLAT = 6  # grey levels between which a margin counts as constant (JPEG ripples)


@dataclass(frozen=True, slots=True)
class Measured:
    """Facts of one image; see `ABOUT` for their names."""

    numbers: Mapping[str, float]
    words: Mapping[str, str]
    file_digest: str
    pixel_digest: str
    boxes: tuple[Box, ...]
    header: Mapping[str, str]


def measure(data: bytes, decoded: Decoded, *, is_file: bool) -> Measured:
    """Measure one decoded image; ``is_file`` is False for a row of an array, which has no file of its own."""
    pixels = decoded.pixels
    height, width = pixels.shape[:2]
    grey = _grey(pixels)
    levels = grey.astype(np.float32)
    margin, level = _border(grey)
    boxes = find_lettering(grey)
    size = len(data) if is_file else 0
    numbers = {
        "width": width,
        "height": height,
        "aspect": width / height,
        "area": width * height,
        "bytes": size,
        "bytes-per-pixel": size / (width * height),
        "exif": float(is_file and _has_exif(data)),
        "jpeg-quantisation": _quantisation(data) if decoded.format == "JPEG" else 0.0,
        "border": margin,
        "border-level": level,
        "lettering": float(bool(boxes)),
        "mean": float(levels.mean()),
        "std": float(levels.std()),
        "white": float((grey >= _WHITE).mean()),
        "black": float((grey <= _BLACK).mean()),
        "sharpness": _sharpness(levels),
    }
    mode = f"{'colour' if pixels.ndim == 3 else 'grey'} {8 * pixels.dtype.itemsize} bit"
    digest = hashlib.sha256(f"{pixels.shape} {pixels.dtype}".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return Measured(
        {name: float(value) for name, value in numbers.items()},
        {"format": decoded.format, "mode": mode},
        sha256_bytes(data),
        digest.hexdigest(),
        boxes,
        dict(decoded.attributes),
    )


def _grey(pixels: Pixels) -> NDArray[np.uint8]:
    """(h, w) uint8, every n-th row and column of a large image."""
    step = max(1, min(pixels.shape[:2]) // _ENOUGH)
    levels = pixels[::step, ::step].astype(np.float32)
    if pixels.dtype == np.uint16:
        levels *= 255 / _ceiling(int(pixels.max()))
    if levels.ndim == 3:
        levels = levels @ _LUMA
    grey: NDArray[np.uint8] = np.ascontiguousarray(np.rint(levels)).astype(np.uint8)
    return grey


def _ceiling(highest: int) -> int:
    """The white of 16-bit samples: of 10, 12, 14 or 16 bits, whichever holds the highest."""
    return next(ceiling for bits in (10, 12, 14, 16) if (ceiling := 2**bits - 1) >= highest)


def _has_exif(data: bytes) -> bool:
    """Whether a PNG, JPEG or WebP file carries Exif notes."""
    head = data[:_EXIF_WITHIN]
    return b"Exif\0\0" in head or b"eXIf" in head or (head.startswith(b"RIFF") and b"EXIF" in data)


def _quantisation(data: bytes) -> float:
    """Mean of the first quantisation table of a JPEG file: how coarsely, and often by which program, it was saved."""
    at = data.find(b"\xff\xdb")
    table = data[at + 5 : at + 69]
    return sum(table) / len(table) if at >= 0 and len(table) == 64 else 0.0


def _border(grey: NDArray[np.uint8]) -> tuple[float, float]:
    """Share of the image in constant margins of one level, and that level (0 without a margin)."""
    height, width = grey.shape
    low_row, high_row = grey.min(axis=1), grey.max(axis=1)
    low_column, high_column = grey.min(axis=0), grey.max(axis=0)
    runs = []
    for low, high in (
        (low_row, high_row),
        (low_row[::-1], high_row[::-1]),
        (low_column, high_column),
        (low_column[::-1], high_column[::-1]),
    ):
        first = int(low[0])
        flat = (high.astype(int) - low <= _FLAT) & (np.abs(low.astype(int) - first) <= _FLAT)
        runs.append((int(np.argmin(flat)) if not flat.all() else len(flat), first))
    (top, a), (bottom, b), (left, c), (right, d) = runs
    inside = max(0, height - top - bottom) * max(0, width - left - right)
    share = 1 - inside / (height * width)
    lines = top + bottom + left + right
    return share, (top * a + bottom * b + left * c + right * d) / lines if lines else 0.0


def _sharpness(levels: NDArray[np.float32]) -> float:
    """Mean absolute second difference, relative to the deviation: about 0 for a blur, 1 and more for noise."""
    if min(levels.shape) < 3:
        return 0.0
    across = np.abs(2 * levels[:, 1:-1] - levels[:, :-2] - levels[:, 2:]).mean()
    down = np.abs(2 * levels[1:-1] - levels[:-2] - levels[2:]).mean()
    return float((across + down) / 2 / (levels.std() + 1.0))
