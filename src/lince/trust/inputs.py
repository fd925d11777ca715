"""Images that no model should be asked about."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Grey levels of 255 between the darkest and the brightest pixel of an image that shows nothing.
_FLAT = 4


def is_blank(pixels: NDArray[np.uint8]) -> bool:
    """Whether an image (h, w, channels) is one flat grey or colour, as an empty scan or a single pixel is."""
    # Nearly every image shows something, and a few of its pixels tell.
    return all(
        bool((some.max(axis=(0, 1)).astype(np.int64) - some.min(axis=(0, 1)) <= _FLAT).all())
        for some in (pixels[::8, ::8], pixels)
    )
