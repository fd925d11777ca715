"""An image as it was stored, before any recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Decoded:
    """One decoded image.

    Attributes
    ----------
    pixels
        (H, W) grey or (H, W, 3) RGB, uint8 or uint16; the full range of the dtype is the nominal range, 0 is black.
    format
        ``PNG``, ``JPEG``, ``TIFF``, ``BMP``, ``WEBP``, ``DICOM`` or ``ARRAY``.
    attributes
        Facts of a DICOM header that identify nobody (``Modality``, ``BodyPartExamined``, ``Manufacturer`` ...), else
        empty.
    """

    pixels: Pixels
    format: str
    attributes: Mapping[str, str] = field(default_factory=dict)
