"""A DICOM file to display pixels. Runs in the worker process only: damaged files have killed decoders before."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import IO, Any, final

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
    with _damage_told():
        return _decoded(_opened(io.BytesIO(data)), None, max_pixels)


@final
class FrameReader:
    """Frames of multi-frame files, one at a time; the file opened last stays open, since its next frame comes next."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._dataset: Dataset | None = None

    def read(self, path: str, frame: int, max_pixels: int) -> tuple[Pixels, dict[str, str]]:
        """Decode one frame, counted from 0; otherwise like `read_dicom`.

        Raises
        ------
        ImageError
            The file cannot be read, or has no such frame that can be decoded.
        """
        with _damage_told():
            dataset = self._open(path)
            last = frame + 1 >= _whole(dataset, "NumberOfFrames", 1)
            try:
                return _decoded(dataset, frame, max_pixels)
            finally:
                if last:
                    self.forget()

    def _open(self, path: str) -> Dataset:
        try:
            with open(path, "rb") as stream:  # noqa: PTH123  the path comes as text and goes no further
                facts = os.fstat(stream.fileno())
                key = (path, facts.st_ino, facts.st_size, facts.st_mtime_ns)
                if self._dataset is None or key != self._key:
                    self.forget()
                    self._dataset, self._key = _opened(stream), key
        except OSError as error:
            raise ImageError(f"This file cannot be read: {error.strerror or 'input error'}") from error
        return self._dataset

    def forget(self) -> None:
        """Let go of the file, and of the memory that it takes."""
        self._key, self._dataset = (), None


@contextmanager
def _damage_told() -> Iterator[None]:
    """One sentence for whatever a damaged value leads to. pydicom raises anything, and only on access."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's remarks quote values of the file
        try:
            yield
        except (ImageError, MemoryError):
            raise
        except Exception as error:
            raise ImageError("This DICOM file is damaged or cut short", fix="export it again") from error


def _opened(stream: IO[bytes]) -> Dataset:
    ds = dcmread(stream, force=True)
    _name_transfer_syntax(ds)
    return ds


def _decoded(ds: Dataset, frame: int | None, max_pixels: int) -> tuple[Pixels, dict[str, str]]:
    """One picture of a data set: the only one, or that of a frame."""
    frames = _whole(ds, "NumberOfFrames", 1)
    _guard(ds, max_pixels)
    if frame is None and frames > 1:
        raise ImageError(
            "This DICOM file holds several frames, not one image", fix="save the frame you mean on its own"
        )
    if frame is not None and not 0 <= frame < max(frames, 1):
        raise ImageError(f"This DICOM file has {frames} frames, no number {frame}")
    _guard_compressed(ds, frame or 0, max(frames, 1))
    return _render(ds, frame or 0), _attributes(ds)


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
    if samples not in (1, 3) or bits not in (8, 16) or not 1 <= stored <= bits:
        raise ImageError(
            f"This DICOM image has {samples} samples of {bits} bits ({stored} stored) a pixel, which is not supported",
            fix="export it with 8 or 16 bits, grey or RGB",
        )


def _guard_compressed(ds: Dataset, frame: int, frames: int) -> None:
    """Refuse a frame that is not what the header says, before a decoder believes it."""
    rows, columns, samples = _whole(ds, "Rows"), _whole(ds, "Columns"), _whole(ds, "SamplesPerPixel", 1)
    syntax = uid.UID(ds.file_meta.TransferSyntaxUID)
    if syntax not in _PLUGINS:
        known = syntax.name if not syntax.is_private and syntax.name != syntax else "unknown to this version"
        raise ImageError(f"The pixels of this DICOM file are in a transfer syntax that is not supported: {known}")
    if syntax.is_encapsulated and syntax != uid.RLELossless:  # RLE is decoded to Rows x Columns, whatever it holds
        claim = read_claim(_stream(ds, frame, frames))
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


def _stream(ds: Dataset, frame: int, frames: int) -> bytes:
    """The compressed stream of one frame."""
    table, lengths = ds.get("ExtendedOffsetTable"), ds.get("ExtendedOffsetTableLengths")
    extended = (table, lengths) if table and lengths else None
    stream: bytes = get_frame(ds.PixelData, frame, number_of_frames=frames, extended_offsets=extended)
    return stream


def _by_pillow(syntax: str, bits: int) -> bool:
    """JPEG Extended with 8 bits is what any JPEG decoder reads."""
    return bool(syntax == uid.JPEGExtended12Bit and bits == 8)


def _render(ds: Dataset, frame: int) -> Pixels:
    syntax = ds.file_meta.TransferSyntaxUID
    plugin = "pillow" if _by_pillow(syntax, int(ds.BitsStored)) else _PLUGINS[syntax]
    kind = str(ds.get("PhotometricInterpretation", "")).strip()
    samples = _whole(ds, "SamplesPerPixel", 1)
    if (kind in _COLOUR) != (samples == 3) or kind not in (*_GREY, *_COLOUR, "PALETTE COLOR"):
        shown = kind if kind in (*_GREY, *_COLOUR, "PALETTE COLOR", "HSV", "CMYK", "ARGB") else "unknown"
        raise ImageError(f"This DICOM image has a colour model that is not supported: {shown} of {samples} samples")
    stored = pixel_array(ds, index=frame, decoding_plugin=plugin)
    if kind in _GREY:
        return to_grey(stored, ds, frame)
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
