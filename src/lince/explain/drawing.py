"""A heat map drawn over its image."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lince.core.errors import ConfigError


@lru_cache(maxsize=1)
def _colours() -> NDArray[np.uint8]:
    """(256, 3) perceptually uniform colours, dark to bright."""
    from matplotlib import colormaps

    return (colormaps["inferno"](np.arange(256))[:, :3] * 255).round().astype(np.uint8)


def heat_rgba(heat_map: NDArray[np.float32], size: tuple[int, int]) -> Image.Image:
    """A heat map as an RGBA picture of ``size`` (width, height); transparent where nothing was found.

    Parameters
    ----------
    heat_map
        (h, w) float32 in 0..1.
    size
        Of the picture, in pixels.
    """
    smooth = np.asarray(Image.fromarray(heat_map).resize(size, Image.Resampling.BILINEAR))
    level = (np.clip(smooth, 0.0, 1.0) * 255).round().astype(np.uint8)
    alpha = np.minimum(255, level.astype(np.uint16) * 3 // 2).astype(np.uint8)
    return Image.fromarray(np.dstack([_colours()[level], alpha]))


def overlay(image: NDArray[np.uint8], heat_map: NDArray[np.float32] | None, *, opacity: float = 0.5) -> Image.Image:
    """The image in RGB with the heat map over it.

    Parameters
    ----------
    image
        (h, w) or (h, w, 3) uint8.
    heat_map
        (h', w') float32 in 0..1 over the same area; None leaves the image as it is.
    opacity
        0 shows the image alone, 1 the strongest heat map.

    Raises
    ------
    ConfigError
        The opacity is not between 0 and 1.
    """
    if not 0.0 <= opacity <= 1.0:
        raise ConfigError("The opacity of a heat map lies between 0 and 1", received=opacity)
    base = Image.fromarray(image).convert("RGBA")
    if heat_map is None:
        return base.convert("RGB")
    heat = heat_rgba(heat_map, base.size)
    heat.putalpha(heat.getchannel("A").point(lambda value: round(value * opacity)))
    return Image.alpha_composite(base, heat).convert("RGB")
