"""Pictures for the browser: the image as the model's reader saw it, and the heat map to lay over it."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lince.explain import heat_rgba

_OVERLAY_SIDE = 256
_LOSSLESS_PIXELS = 256 * 256


def preview_uri(pixels: NDArray[np.uint8], *, side: int | None = None) -> str:
    """Encode an image (h, w) or (h, w, 3) for display; lossless when it is small."""
    return _uri(*encode_preview(pixels, side=side))


def encode_preview(pixels: NDArray[np.uint8], *, side: int | None = None) -> tuple[bytes, str]:
    """Encode an image (h, w) or (h, w, 3), at most ``side`` pixels long: its bytes and media type."""
    image = Image.fromarray(pixels)
    if side:
        image.thumbnail((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0)
    stream = io.BytesIO()
    if image.width * image.height <= _LOSSLESS_PIXELS:
        image.save(stream, "PNG", compress_level=1)
        return stream.getvalue(), "image/png"
    image.save(stream, "JPEG", quality=90, subsampling=0)
    return stream.getvalue(), "image/jpeg"


def heat_map_uri(heat: NDArray[np.float32], *, height: int, width: int) -> str:
    """Colour a heat map (h, w) in 0..1 and encode it as an RGBA PNG with the aspect of a height x width image.

    Alpha is the intensity, so that cold places show the image and an opacity slider only has to scale it.
    """
    ratio = _OVERLAY_SIDE / max(height, width)
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    stream = io.BytesIO()
    heat_rgba(heat, size).save(stream, "PNG", compress_level=1)
    return _uri(stream.getvalue(), "image/png")


def warm_up() -> None:
    """Load the colour map now, so that the first explained prediction does not pay for it."""
    heat_map_uri(np.zeros((1, 1), dtype=np.float32), height=1, width=1)


def _uri(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"
