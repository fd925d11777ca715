"""Small images of every kind, made in memory: what Pillow cannot write is put together by hand."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def random_pixels(shape: tuple[int, ...], dtype: type = np.uint8, seed: int = 0) -> NDArray[Any]:
    top = int(np.iinfo(dtype).max)
    return np.random.default_rng(seed).integers(0, top + 1, shape, dtype=dtype)


def smooth_pixels(height: int, width: int) -> NDArray[np.uint8]:
    """A picture that survives lossy compression: a ramp, different along each axis and in each channel."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([255 * x // width, 255 * y // height, 128 + 0 * x], -1).astype(np.uint8)


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(width: int, height: int, depth: int, colour: int) -> bytes:
    return PNG_MAGIC + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


def deep_png(pixels: NDArray[np.uint16], extra: bytes = b"") -> bytes:
    """A 16-bit PNG of 1 to 4 channels; the rows take turns with the filters None, Sub and Up (PNG 1.2, 6.2)."""
    height, width, channels = pixels.shape
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = np.ascontiguousarray(pixels, dtype=">u2").view(np.uint8).reshape(height, -1)
    step = 2 * channels
    lines = []
    for y, row in enumerate(rows):
        if y % 3 == 1:
            row = row - np.concatenate([np.zeros(step, np.uint8), row[:-step]])
        elif y % 3 == 2:
            row = row - rows[y - 1]
        lines.append(bytes([y % 3]) + row.tobytes())
    body = png_chunk(b"IDAT", zlib.compress(b"".join(lines))) + png_chunk(b"IEND", b"")
    return png_header(width, height, 16, colour) + extra + body


def tiff(
    pixels: NDArray[Any],
    *,
    order: str = "<",
    photometric: int | None = None,
    sample_format: int = 1,
    deflate: bool = False,
    pages: int = 1,
    reduced: bool = False,
    orientation: int = 1,
) -> bytes:
    """A one-strip TIFF of any sample type; ``pages`` repeats it, ``reduced`` calls the repetitions thumbnails."""
    height, width = pixels.shape[:2]
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    photometric = photometric if photometric is not None else (2 if channels >= 3 else 1)
    strip = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    if deflate:
        strip = zlib.compress(strip)
    bits = pixels.dtype.itemsize * 8
    out = bytearray((b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 0))
    strip_at = len(out)
    out += strip + b"\0" * (len(strip) % 2)
    bits_at = len(out)
    out += struct.pack(f"{order}{channels}H", *[bits] * channels) + b"\0" * (2 * channels % 4)
    link_at = 4
    for page in range(pages):
        struct.pack_into(order + "I", out, link_at, len(out))
        tags = [
            (254, 4, 1, 1 if page and reduced else 0),
            (256, 4, 1, width),
            (257, 4, 1, height),
            (258, 3, channels, bits if channels == 1 else bits_at),
            (259, 3, 1, 8 if deflate else 1),
            (262, 3, 1, photometric),
            (273, 4, 1, strip_at),
            (274, 3, 1, orientation),
            (277, 3, 1, channels),
            (278, 4, 1, height),
            (279, 4, 1, len(strip)),
            (284, 3, 1, 1),
            (339, 3, 1, sample_format),
        ]
        if channels == 4:
            tags.insert(-1, (338, 3, 1, 2))
        out += struct.pack(order + "H", len(tags))
        for tag, kind, count, value in tags:
            inline = kind == 3 and count == 1
            out += struct.pack(order + ("HHIHxx" if inline else "HHII"), tag, kind, count, value)
        link_at = len(out)
        out += b"\0\0\0\0"
    return bytes(out)
