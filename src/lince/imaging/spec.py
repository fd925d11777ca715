"""The frozen recipe from a decoded image to the array that a model sees."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from lince.imaging.decoded import Decoded, Pixels

RECIPE_VERSION = 1
"""Raised whenever the same spec would give other pixels, so that no cache or bundle mistakes one for the other."""

_PERCENTILES = (0.5, 99.5)
_REDUCING_GAP = 3.0  # Pillow: "indistinguishable" from the full filter, and much quicker on large images


class ImageSpec(BaseModel):
    """How every image becomes a square uint8 array; the same object trains and serves.

    Attributes
    ----------
    size
        Side of the square, in pixels.
    channels
        1 (grey, Rec. 601 luma) or 3 (RGB; grey is repeated).
    fit
        ``pad``: the whole image, centred on black; ``crop``: the largest centred square; ``stretch``: both sides to
        ``size``.
    intensity
        ``nominal``: the range of the file's sample type becomes 0..255; ``percentile``: the image's own 0.5th to
        99.5th percentile does (for 12-bit data in 16-bit files).
    mean, std
        ``(pixel - mean) / std`` of the 0..255 pixel, by channel. Done on the device by the model, not by `apply`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: Annotated[int, Field(ge=8, le=4096)] = 224
    channels: Literal[1, 3] = 3
    fit: Literal["pad", "crop", "stretch"] = "pad"
    intensity: Literal["nominal", "percentile"] = "nominal"
    mean: tuple[FiniteFloat, ...] = (127.0, 127.0, 127.0)
    std: tuple[FiniteFloat, ...] = (128.0, 128.0, 128.0)

    @model_validator(mode="before")
    @classmethod
    def _default_normalisation(cls, values: Any) -> Any:
        """One mean and one deviation by default where there is one channel."""
        if isinstance(values, dict) and values.get("channels") == 1:
            return {"mean": (127.0,), "std": (128.0,)} | values
        return values

    @model_validator(mode="after")
    def _check_normalisation(self) -> ImageSpec:
        if len(self.mean) != self.channels or len(self.std) != self.channels:
            raise ValueError(f"mean and std need one number for each of the {self.channels} channels")
        if min(self.std) <= 0:
            raise ValueError("std must be above zero")
        return self

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON of all fields and of `RECIPE_VERSION`."""
        return self._digest(self.model_dump(mode="json"))

    @property
    def pixel_hash(self) -> str:
        """Like `hash`, of what decides the uint8 pixels alone: two models may share decoded arrays."""
        return self._digest(self.model_dump(mode="json", exclude={"mean", "std"}))

    @staticmethod
    def _digest(fields: dict[str, Any]) -> str:
        canonical = json.dumps(fields | {"recipe": RECIPE_VERSION}, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def apply(self, decoded: Decoded) -> NDArray[np.uint8]:
        """Make the array that a model sees.

        Returns
        -------
        NDArray[np.uint8]
            (size, size, channels), C-contiguous.
        """
        pixels = _to_eight_bit(decoded.pixels, self.intensity)
        height, width = pixels.shape[:2]
        image = Image.fromarray(pixels)
        if self.channels == 1 and image.mode != "L":
            image = image.convert("L")
        top, left, bottom, right = self.content_box(height, width)
        target = (right - left, bottom - top)
        box = None
        if self.fit == "crop":
            side = min(height, width)
            x, y = (width - side) // 2, (height - side) // 2
            box = (x, y, x + side, y + side)
        if image.size != target or box is not None:
            image = image.resize(target, Image.Resampling.BICUBIC, box=box, reducing_gap=_REDUCING_GAP)
        content = np.asarray(image)
        square = np.zeros((self.size, self.size, self.channels), np.uint8)
        square[top:bottom, left:right] = content if content.ndim == 3 else content[..., np.newaxis]
        return square

    def load(self, source: bytes | str | Path, *, name: str | None = None) -> NDArray[np.uint8]:
        """Decode and apply.

        Raises
        ------
        ImageError
            See `lince.imaging.decode`.
        """
        from lince.imaging.load import decode

        return self.apply(decode(source, name=name))

    def content_box(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Where an image of this height and width stands inside the square.

        Returns
        -------
        tuple[int, int, int, int]
            Top, left, bottom, right; the whole square for ``crop`` and ``stretch``.
        """
        if self.fit != "pad":
            return 0, 0, self.size, self.size
        longest = max(height, width)
        # Integers, half up: no rounding mode or machine can differ.
        inner = [max(1, (2 * side * self.size + longest) // (2 * longest)) for side in (height, width)]
        top, left = ((self.size - side) // 2 for side in inner)
        return top, left, top + inner[0], left + inner[1]


def _to_eight_bit(pixels: Pixels, intensity: str) -> NDArray[np.uint8]:
    if intensity == "percentile":
        low, high = _window(pixels)
    elif pixels.dtype == np.uint8:
        return pixels.astype(np.uint8, copy=False)
    else:
        low, high = 0, int(np.iinfo(pixels.dtype).max)
    ramp = np.arange(np.iinfo(pixels.dtype).max + 1, dtype=np.float64)
    table = np.clip(np.rint((ramp - low) * (255.0 / max(high - low, 1))), 0, 255).astype(np.uint8)
    scaled: NDArray[np.uint8] = table[pixels]
    return scaled


def _window(pixels: Pixels) -> tuple[int, int]:
    """The values below which the first and the last percentile lie, from the histogram (exact, and linear in time)."""
    counts = np.cumsum(np.bincount(pixels.ravel(), minlength=256))
    low, high = (int(np.searchsorted(counts, share / 100 * counts[-1])) for share in _PERCENTILES)
    return low, high
