"""Thumbnails for the page of an audit, as data URIs: nothing outside the page is asked for."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from lince.core.errors import ImageError
from lince.core.settings import worker_count
from lince.core.types import Sample
from lince.imaging import decode
from lince.imaging.decoded import Pixels
from lince.imaging.load import read_sample

# Twice the side at which the page shows them, for sharp screens.
_SIDE = 264
# Images of MedMNIST size are enlarged as they are: smoothing would invent what is not there.
_SMALL = 96
_QUALITY = 82


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """One small picture.

    Attributes
    ----------
    uri
        ``data:image/...``.
    width, height
        Of the original, in pixels.
    small
        Whether the original is so small that its pixels should be seen as squares.
    """

    uri: str
    width: int
    height: int
    small: bool


def thumbnails(samples: Sequence[Sample], positions: Iterable[int]) -> Mapping[int, Thumbnail]:
    """A thumbnail for each of these positions, by position; those that cannot be read are left out."""
    wanted = sorted({position for position in positions if 0 <= position < len(samples)})
    with ThreadPoolExecutor(worker_count(), thread_name_prefix="lince-thumbnails") as pool:
        made = pool.map(lambda position: _thumbnail(samples[position]), wanted)
        return {position: picture for position, picture in zip(wanted, made, strict=True) if picture is not None}


def _thumbnail(sample: Sample) -> Thumbnail | None:
    from PIL import Image

    try:
        data, decoded = read_sample(sample)
        pixels = (decoded or decode(data, name=sample.path)).pixels
    except ImageError:
        return None
    height, width = pixels.shape[:2]
    small = max(height, width) <= _SMALL
    image = Image.fromarray(_eight_bit(pixels))
    image.thumbnail((_SIDE, _SIDE), Image.Resampling.BILINEAR)
    stream = io.BytesIO()
    if small:
        image.save(stream, "PNG", optimize=True)
    else:
        image.save(stream, "JPEG", quality=_QUALITY, optimize=True)
    text = base64.b64encode(stream.getvalue()).decode("ascii")
    return Thumbnail(f"data:image/{'png' if small else 'jpeg'};base64,{text}", width, height, small)


def _eight_bit(pixels: Pixels) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """As it is, or stretched to its brightest pixel: 12 bits in 16 would be black otherwise."""
    if pixels.dtype == np.uint8:
        return np.asarray(pixels, np.uint8)
    return (pixels.astype(np.float32) * (255 / max(1, int(pixels.max())))).astype(np.uint8)
