"""PNG, JPEG, TIFF, BMP and WebP through Pillow, made strict.

Pillow's plugins are used directly: `PIL.Image.open` would try other formats, and warns about large images instead of
letting the limit here decide. What Pillow would lose is kept: 16-bit colour, for which it only has 8-bit modes, is
decoded twice, once for the high and once for the low byte of each sample.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import (
    BmpImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)
from PIL.ExifTags import Base

from lince.core.errors import ImageError, LinceError
from lince.core.settings import max_pixels
from lince.imaging.decoded import Pixels

T = TypeVar("T")
_Sample = TypeVar("_Sample", np.uint8, np.uint16)

_PLUGINS: dict[str, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
}

# Colour models of 16 bits a sample, and how Pillow spells their byte order ("N" is the machine's own, from libtiff).
_DEEP_MODELS = frozenset({"RGB", "RGBX", "RGBA"})
_SWAPPED = {"B": "L", "L": "B"}
_NATIVE = "L" if sys.byteorder == "little" else "B"

# EXIF orientation (TIFF 6.0, tag 274) -> what brings the stored rows upright.
_UPRIGHT: dict[int, Callable[[Pixels], Pixels]] = {
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: np.rot90(p, -1),
    7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
    8: lambda p: np.rot90(p, 1),
}


def check_size(width: int, height: int, name: str) -> None:
    """Refuse a size before memory is spent on it.

    Raises
    ------
    ImageError
        A side is zero or the pixels are more than `max_pixels` allows.
    """
    limit = max_pixels()
    if width < 1 or height < 1:
        raise ImageError(f"This image has no pixels ({width} x {height})", received=name)
    if width * height > limit:
        raise ImageError(
            f"This image claims {width} x {height} pixels, more than the limit of {limit:,}",
            received=name,
            fix="reduce it, or raise LINCE_MAX_PIXELS if it is meant to be so large",
        )


def decode_raster(data: bytes, form: str, name: str) -> Pixels:
    """Decode one still image.

    Parameters
    ----------
    data
        The file.
    form
        ``PNG``, ``JPEG``, ``TIFF``, ``BMP`` or ``WEBP``, as `sniff` tells it.
    name
        What messages call it.

    Returns
    -------
    Pixels
        (H, W) or (H, W, 3), uint8 or uint16, upright, alpha over black.

    Raises
    ------
    ImageError
        It is damaged, cut short, too large, moving, or of a kind that has no nominal range.
    """
    if form == "WEBP":
        # libwebp allocates the canvas on opening.
        _strictly(partial(_check_webp_canvas, data, name), form, name)
    image = _strictly(partial(_PLUGINS[form], io.BytesIO(data)), form, name)
    check_size(*image.size, name)
    return _strictly(partial(_pixels, image, data, form, name), form, name)


def _strictly(act: Callable[[], T], form: str, name: str) -> T:
    """Turn whatever Pillow raises, which is open-ended on damaged input, into one sentence."""
    try:
        return act()
    except LinceError:
        raise
    except MemoryError as error:
        raise ImageError("There is not enough memory to decode this image", received=name) from error
    except Exception as error:
        cause = "" if isinstance(error, UnidentifiedImageError | SyntaxError) else f": {_cause(error)}"
        raise ImageError(
            f"This {form} file is damaged, cut short or of an unsupported kind{cause}",
            received=name,
            fix="export or copy it again from where it came",
        ) from error


def _cause(error: Exception) -> str:
    return str(error)[:120] or type(error).__name__


def _check_webp_canvas(data: bytes, name: str) -> None:
    chunk = data[12:16]
    if chunk == b"VP8X":
        width, height = (1 + int.from_bytes(data[i : i + 3], "little") for i in (24, 27))
    elif chunk == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    elif chunk == b"VP8 ":
        width, height = (int.from_bytes(data[i : i + 2], "little") & 0x3FFF for i in (26, 28))
    else:
        raise ImageError("This WEBP file is damaged: its first chunk is unknown", received=name)
    check_size(width, height, name)


def _pixels(image: ImageFile.ImageFile, data: bytes, form: str, name: str) -> Pixels:
    if form == "TIFF":
        _check_tiff(image, name)
    elif getattr(image, "is_animated", False):
        raise ImageError(
            "This file holds a moving picture, not one image", received=name, fix="save the frame you mean as one image"
        )
    raw = _raw_mode(image)
    pixels: Pixels
    model, _, order = raw.partition(";16")
    if model in _DEEP_MODELS and order:
        pixels = _deep_colour(image, _PLUGINS[form](io.BytesIO(data)), model, order)
    elif raw == "LA;16B":
        pixels = _deep_grey_alpha(image)
    elif image.mode.startswith("I;16"):
        pixels = _deep_grey(image)
    elif image.mode in ("I", "F"):
        raise ImageError(
            "This image has signed, 32-bit or floating-point samples, which have no agreed black and white",
            received=name,
            fix="save it as 8-bit or unsigned 16-bit",
        )
    else:
        pixels = _eight_bit(image)
    upright = _UPRIGHT.get(1 if form == "TIFF" else _orientation(image))  # Pillow turns TIFFs itself
    return upright(pixels).copy() if upright else pixels


def _raw_mode(image: ImageFile.ImageFile) -> str:
    """How the samples lie in the file, in Pillow's words; libtiff hands them over in the machine's own order."""
    if not image.tile:
        return ""
    args = image.tile[0].args
    raw = args[0] if isinstance(args, tuple) and args else args
    return raw if isinstance(raw, str) else ""


def _orientation(image: Image.Image) -> int:
    if not any(key in image.info for key in ("exif", "Raw profile type exif", "XML:com.adobe.xmp", "xmp")):
        return 1
    try:
        return int(image.getexif().get(Base.Orientation, 1))
    except Exception:  # unreadable side notes do not spoil the pixels
        return 1


def _eight_bit(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode == "L" and "transparency" not in image.info:
        return np.array(image)
    if image.has_transparency_data:
        image = image.convert("LA" if image.mode in ("L", "LA", "La", "1") else "RGBA")
        bands = np.asarray(image)
        colour = _over_black(bands[..., :-1], bands[..., -1:])
        return colour[..., 0] if image.mode == "LA" else colour
    wanted = "L" if image.mode == "1" else "RGB"
    return np.array(image if image.mode == wanted else image.convert(wanted))


def _over_black(colour: NDArray[_Sample], alpha: NDArray[_Sample]) -> NDArray[_Sample]:
    top = int(np.iinfo(colour.dtype).max)
    if bool((alpha == top).all()):
        return np.ascontiguousarray(colour)
    mixed = (colour.astype(np.uint32) * alpha + np.uint32(top // 2)) // np.uint32(top)
    return mixed.astype(colour.dtype)


def _deep_grey(image: ImageFile.ImageFile) -> NDArray[np.uint16]:
    pixels = np.array(image).astype(np.uint16)
    transparent = image.info.get("transparency")
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        if image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE) == (12,):
            pixels = (pixels << np.uint16(4)) | (pixels >> np.uint16(8))
        if image.tag_v2.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0:
            np.invert(pixels, out=pixels)  # white is zero, which Pillow minds in 8-bit images only
    elif isinstance(transparent, int):
        pixels[pixels == transparent] = 0
    return pixels


def _deep_grey_alpha(image: ImageFile.ImageFile) -> NDArray[np.uint16]:
    """A PNG with 16-bit grey and alpha: its four bytes a pixel are read as if they were RGBA."""
    _reinterpret(image, "RGBA", "RGBA")
    bands = np.array(image).view(">u2").astype(np.uint16)
    return _over_black(bands[..., :1], bands[..., 1:])[..., 0]


def _deep_colour(image: ImageFile.ImageFile, twin: ImageFile.ImageFile, model: str, order: str) -> NDArray[np.uint16]:
    """Pillow unpacks the high byte of each sample; told the opposite byte order, it unpacks the low one."""
    order = _NATIVE if order == "N" else order
    _reinterpret(image, image.mode, f"{model};16{order}")
    _reinterpret(twin, image.mode, f"{model};16{_SWAPPED[order]}")
    bands = (np.asarray(image).astype(np.uint16) << 8) | np.asarray(twin)
    return _over_black(bands[..., :3], bands[..., 3:]) if bands.shape[-1] == 4 else bands


def _reinterpret(image: ImageFile.ImageFile, mode: str, raw: str) -> None:
    """Have the same bytes unpacked in another way; the filters of the file format are not affected."""
    image._mode = mode
    image.tile = [
        tile._replace(args=(raw, *tile.args[1:]) if isinstance(tile.args, tuple) else raw) for tile in image.tile
    ]


def _check_tiff(image: ImageFile.ImageFile, name: str) -> None:
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return
    tags = image.tag_v2
    width, length = tags.get(TiffImagePlugin.TILEWIDTH), tags.get(TiffImagePlugin.TILELENGTH)
    if isinstance(width, int) and isinstance(length, int):
        check_size(width, length, name)
    if tags.get(TiffImagePlugin.PLANAR_CONFIGURATION) == 2 and 16 in tags.get(TiffImagePlugin.BITSPERSAMPLE, ()):
        raise ImageError(
            "This TIFF holds 16-bit colours in separate planes", received=name, fix="save it with interleaved colours"
        )
    frame = 1
    while True:  # thumbnails and reduced copies (NewSubfileType bit 0, masks bit 2) are not pages
        try:
            image.seek(frame)
        except EOFError:
            break
        if not int(image.tag_v2.get(254, 0)) & 0b101 and int(image.tag_v2.get(255, 0)) != 2:
            raise ImageError(
                "This TIFF holds several pages, not one image", received=name, fix="save the page you mean as one image"
            )
        frame += 1
    image.seek(0)
