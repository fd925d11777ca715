"""A DICOM file to display pixels. Runs in the worker process only: damaged files have killed decoders before."""

from __future__ import annotations

import io
import warnings
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread, uid
from pydicom.encaps import get_frame
from pydicom.pixels.processing import apply_color_lut
from pydicom.pixels.utils import pixel_array

from lince.core.errors import ImageError
from lince.imaging.codestream import read_claim
from lince.imaging.decoded import Pixels
from lince.imaging.dicom_grey import to_grey

_GREY = ("MONOCHROME1", "MONOCHROME2")
_COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_EXTRA = "pip install 'lince-med[dicom-jpeg]', which brings a GPL-3.0 decoder, or convert the file"

# Facts about the picture that identify nobody. Nothing else leaves the file: no names, dates, numbers or free text.
ATTRIBUTES = (
    "Modality", "BodyPartExamined", "Manufacturer", "ManufacturerModelName", "PhotometricInterpretation",
    "ViewPosition", "ImageLaterality", "Laterality", "PresentationIntentType", "BurnedInAnnotation",
    "LossyImageCompression", "ConversionType", "BitsStored", "Rows", "Columns", "PixelSpacing", "ImagerPixelSpacing",
)  # fmt: skip

# Transfer syntax -> pydicom plugin. gdcm (aborts the process) and pylibjpeg-rle (raises BaseException) are never used.
_PLUGINS: dict[str, str] = {
    uid.ImplicitVRLittleEndian: "",
    uid.ExplicitVRLittleEndian: "",
    uid.ExplicitVRBigEndian: "",
    uid.DeflatedExplicitVRLittleEndian: "",
    uid.RLELossless: "pydicom",
    uid.JPEGBaseline8Bit: "pillow",
    uid.JPEGExtended12Bit: "pylibjpeg",
    uid.JPEGLossless: "pylibjpeg",
    uid.JPEGLosslessSV1: "pylibjpeg",
    uid.JPEGLSLossless: "pyjpegls",
    uid.JPEGLSNearLossless: "pyjpegls",
    uid.JPEG2000Lossless: "pylibjpeg",
    uid.JPEG2000: "pylibjpeg",
    uid.HTJ2KLossless: "pylibjpeg",
    uid.HTJ2KLosslessRPCL: "pylibjpeg",
    uid.HTJ2K: "pylibjpeg",
}
_NEEDS_LIBJPEG = frozenset({uid.JPEGExtended12Bit, uid.JPEGLossless, uid.JPEGLosslessSV1})


def read_dicom(data: bytes, max_pixels: int) -> tuple[Pixels, dict[str, str]]:
    """Decode a single-frame DICOM image as a viewer would first show it.

    Parameters
    ----------
    data
        The file, with or without preamble.
    max_pixels
        Rows x Columns above which it is refused.

    Returns
    -------
    pixels
        (H, W) or (H, W, 3), uint8 or uint16, nominal range.
    attributes
        The `ATTRIBUTES` present.

    Raises
    ------
    ImageError
        It holds no single still picture that can be decoded. The message never quotes the file.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's remarks quote values of the file
        try:
            ds = dcmread(io.BytesIO(data), force=True)
            _name_transfer_syntax(ds)
            _guard(ds, max_pixels)
            return _render(ds), _attributes(ds)
        except (ImageError, MemoryError):
            raise
        except Exception as error:  # pydicom raises whatever a damaged value leads to, and only on access
            raise ImageError("This DICOM file is damaged or cut short", fix="export it again") from error


def _name_transfer_syntax(ds: Dataset) -> None:
    """Say how a file without meta information is encoded, as far as reading it has shown."""
    if "TransferSyntaxUID" in ds.file_meta:
        return
    if "PixelData" in ds and ds["PixelData"].is_undefined_length:
        raise ImageError("This DICOM file does not say how its pixels are compressed", fix="export it as a DICOM file")
    implicit, little = ds.original_encoding
    explicit = uid.ExplicitVRLittleEndian if little else uid.ExplicitVRBigEndian
    ds.file_meta.TransferSyntaxUID = uid.ImplicitVRLittleEndian if implicit else explicit


def _whole(ds: Dataset, keyword: str, default: int | None = None) -> int:
    value = ds.get(keyword)
    if value is None or value == "":
        if default is None:
            raise ImageError(f"This DICOM file lacks {keyword}, which its pixels need", fix="export it again")
        return default
    return int(value)


def _guard(ds: Dataset, max_pixels: int) -> None:
    """Refuse what is no single picture, or claims too much, before anything is decoded."""
    if "PixelData" not in ds:
        if "FloatPixelData" in ds or "DoubleFloatPixelData" in ds:
            raise ImageError("This DICOM file has floating-point pixels, which have no agreed black and white")
        raise ImageError("This DICOM file holds no picture", fix="give an image object, not a report or plan")
    rows, columns = _whole(ds, "Rows"), _whole(ds, "Columns")
    samples, bits = _whole(ds, "SamplesPerPixel", 1), _whole(ds, "BitsAllocated")
    stored = _whole(ds, "BitsStored", bits)
    if rows < 1 or columns < 1:
        raise ImageError(f"This DICOM image has no pixels ({columns} x {rows})")
    if rows * columns > max_pixels:
        raise ImageError(
            f"This DICOM image claims {columns} x {rows} pixels, more than the limit of {max_pixels:,}",
            fix="reduce it, or raise LINCE_MAX_PIXELS if it is meant to be so large",
        )
    if _whole(ds, "NumberOfFrames", 1) > 1:
        raise ImageError(
            "This DICOM file holds several frames, not one image", fix="save the frame you mean on its own"
        )
    if samples not in (1, 3) or bits not in (8, 16) or not 1 <= stored <= bits:
        raise ImageError(
            f"This DICOM image has {samples} samples of {bits} bits ({stored} stored) a pixel, which is not supported",
            fix="export it with 8 or 16 bits, grey or RGB",
        )
    _guard_compressed(ds, rows, columns, samples)


def _guard_compressed(ds: Dataset, rows: int, columns: int, samples: int) -> None:
    syntax = uid.UID(ds.file_meta.TransferSyntaxUID)
    if syntax not in _PLUGINS:
        known = syntax.name if not syntax.is_private and syntax.name != syntax else "unknown to this version"
        raise ImageError(f"The pixels of this DICOM file are in a transfer syntax that is not supported: {known}")
    if syntax.is_encapsulated and syntax != uid.RLELossless:  # RLE is decoded to Rows x Columns, whatever it holds
        claim = read_claim(get_frame(ds.PixelData, 0, number_of_frames=1))
        if claim is None:
            raise ImageError("The compressed pixels of this DICOM file have no readable header", fix="export it again")
        if (claim.height, claim.width, claim.components) != (rows, columns, samples) or claim.bits > 16:
            raise ImageError(
                f"The compressed pixels of this DICOM file claim {claim.width} x {claim.height} x {claim.components} "
                f"of {claim.bits} bits, its header {columns} x {rows} x {samples}",
                fix="export it again",
            )
        if syntax in _NEEDS_LIBJPEG and not _by_pillow(syntax, claim.bits) and find_spec("libjpeg") is None:
            raise ImageError(f"The pixels of this DICOM file are compressed as {syntax.name}", fix=_EXTRA)


def _by_pillow(syntax: str, bits: int) -> bool:
    """JPEG Extended with 8 bits is what any JPEG decoder reads."""
    return bool(syntax == uid.JPEGExtended12Bit and bits == 8)


def _render(ds: Dataset) -> Pixels:
    syntax = ds.file_meta.TransferSyntaxUID
    plugin = "pillow" if _by_pillow(syntax, int(ds.BitsStored)) else _PLUGINS[syntax]
    kind = str(ds.get("PhotometricInterpretation", "")).strip()
    samples = _whole(ds, "SamplesPerPixel", 1)
    if (kind in _COLOUR) != (samples == 3) or kind not in (*_GREY, *_COLOUR, "PALETTE COLOR"):
        shown = kind if kind in (*_GREY, *_COLOUR, "PALETTE COLOR", "HSV", "CMYK", "ARGB") else "unknown"
        raise ImageError(f"This DICOM image has a colour model that is not supported: {shown} of {samples} samples")
    stored = pixel_array(ds, index=0, decoding_plugin=plugin)
    if kind in _GREY:
        return to_grey(stored, ds)
    if kind == "PALETTE COLOR":
        return _palette(apply_color_lut(stored, ds)[..., :3])
    return _colour(stored, _whole(ds, "BitsStored"))


def _palette(colour: NDArray[Any]) -> Pixels:
    # Some devices write 8-bit colours into 16-bit entries.
    deep = colour.dtype == np.uint16 and int(colour.max(initial=0)) > 255
    return colour.astype(np.uint16, copy=False) if deep else colour.astype(np.uint8)


def _colour(stored: NDArray[Any], bits: int) -> Pixels:
    """Spread the stored bits over the whole sample type."""
    if bits == 8:
        return stored.astype(np.uint8)
    top = (1 << bits) - 1
    levels = np.minimum(np.arange(1 << 8 * stored.dtype.itemsize), top)
    shallow: NDArray[np.uint8] = (levels * 255 // top).astype(np.uint8)
    deep: NDArray[np.uint16] = (levels * 65535 // top).astype(np.uint16)
    pixels: Pixels = shallow[stored] if bits < 8 else deep[stored]
    return pixels


def _attributes(ds: Dataset) -> dict[str, str]:
    found: dict[str, str] = {}
    for keyword in ATTRIBUTES:
        try:
            value = ds.get(keyword)
            text = "\\".join(map(str, value)) if isinstance(value, list | tuple) or hasattr(value, "append") else value
        except Exception:  # noqa: S112  a damaged value that the pixels do not need
            continue
        text = "" if text is None else "".join(c for c in str(text).strip() if c.isprintable())[:64]
        if text:
            found[keyword] = text
    return found
