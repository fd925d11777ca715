"""What goes into a `Predictor` and what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lince.core.files import sha256_bytes
from lince.core.types import Prediction
from lince.imaging import Decoded
from lince.trust import image_statistics

_PREVIEW_SIDE = 640


@final
@dataclass(frozen=True)
class Prepared:
    """An image, its caption or both, ready for the model.

    ``pixels`` is (size, size, channels) uint8, made by the bundle's image spec; ``decoded`` is the image as it was.
    Without an image ``pixels`` are black, ``decoded`` is None and nothing is made of them.
    """

    name: str
    pixels: NDArray[np.uint8]
    decoded: Decoded | None
    caption: str | None = None

    @property
    def has_image(self) -> bool:
        """Whether there is an image, not a caption alone."""
        return self.decoded is not None

    @property
    def height(self) -> int:
        """Height of the image in pixels."""
        return int((self.pixels if self.decoded is None else self.decoded.pixels).shape[0])

    @property
    def width(self) -> int:
        """Width of the image in pixels."""
        return int((self.pixels if self.decoded is None else self.decoded.pixels).shape[1])

    @cached_property
    def input_sha256(self) -> str:
        """SHA-256 of ``pixels``, which is what exactly the network saw; of the caption where that is alone."""
        if self.decoded is None:
            return sha256_bytes((self.caption or "").encode())
        return sha256_bytes(np.ascontiguousarray(self.pixels).data)

    @cached_property
    def statistics(self) -> NDArray[np.float64]:
        """(S,) what the picture is like; see `lince.trust.image_statistics`."""
        return np.asarray(image_statistics([self.pixels])[0])

    @cached_property
    def preview(self) -> NDArray[np.uint8]:
        """The whole image for display, (h, w) or (h, w, 3) uint8, at most 640 pixels on the long side."""
        values = self.pixels if self.decoded is None else self.decoded.pixels
        if values.dtype != np.uint8:
            values = (values >> 8).astype(np.uint8)
        longest = max(self.height, self.width)
        if longest <= _PREVIEW_SIDE:
            return np.asarray(values, dtype=np.uint8)
        ratio = _PREVIEW_SIDE / longest
        size = (max(1, round(self.width * ratio)), max(1, round(self.height * ratio)))
        return np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """A prediction and, when asked for, its heat map.

    ``heat_map`` is (h, w) float32 in 0..1 over the image's own area (padding removed), about as fine as the network saw
    the image; for the decided class, unless another was asked for.
    """

    prediction: Prediction
    heat_map: NDArray[np.float32] | None = None
