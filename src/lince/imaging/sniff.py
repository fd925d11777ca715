"""What kind of file some bytes are, told from the bytes alone: a name can lie."""

from __future__ import annotations

from lince.core.errors import ImageError

IMAGE_SUFFIXES = frozenset(
    {
        *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".bmp", ".dib", ".webp"),
        *(".dcm", ".dicom", ".ima"),
    }
)
"""Suffixes, in lower case, of the files worth trying when a folder is searched; decoding itself never looks at them."""

ACCEPTED = "give a PNG, JPEG, TIFF, BMP, WebP or DICOM file"

_DICOM_PREFIX = b"DICM"
_BMP_HEADER_SIZES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_DICOM_GROUPS = {b"\x02\x00": "little", b"\x08\x00": "little", b"\x00\x08": "big"}

# What else people have given, so that the message can say it.
_OTHERS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"GIF8", "a GIF"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive (or an Office document)"),
    (0, b"\x1f\x8b", "a gzip archive (perhaps NIfTI)"),
    (0, b"7z\xbc\xaf", "a 7z archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"\x00\x00\x00\x0cjP", "a JPEG 2000 file outside DICOM"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 codestream outside DICOM"),
    (4, b"ftypavi", "an AVIF image"),
    (4, b"ftyphei", "a HEIC photograph"),
    (4, b"ftypmif", "a HEIC photograph"),
    (4, b"ftyp", "a video"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"\x89HDF", "an HDF5 file"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"\x00\x00\x01\x00", "an icon"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"),
    (344, b"n+1\x00", "a NIfTI volume"),
    (344, b"ni1\x00", "a NIfTI header"),
)


def sniff(data: bytes, name: str) -> str:
    """Tell the format of a file from its content.

    Returns
    -------
    str
        ``PNG``, ``JPEG``, ``TIFF``, ``BMP``, ``WEBP`` or ``DICOM``.

    Raises
    ------
    ImageError
        It is empty or something else; the message says what, where that can be told.
    """
    if not data:
        raise ImageError("This file is empty", received=name, fix=ACCEPTED)
    # DICOM first: its free preamble may hold another format's signature (PS3.10, 7.1).
    if data[128:132] == _DICOM_PREFIX:
        return "DICOM"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith((b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")):
        return "TIFF"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    if data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in _BMP_HEADER_SIZES:
        return "BMP"
    if _is_bare_dicom(data):
        return "DICOM"
    raise ImageError(f"This is {_describe(data)}, not an image that can be read here", received=name, fix=ACCEPTED)


def is_dicom(head: bytes) -> bool:
    """Whether the first bytes of a file (a few hundred) are those of DICOM, with or without preamble."""
    return head[128:132] == _DICOM_PREFIX or _is_bare_dicom(head)


def _is_bare_dicom(data: bytes) -> bool:
    """Whether a DICOM data set without preamble starts here: an element of group 2 or 8, plausibly laid out."""
    order = _DICOM_GROUPS.get(data[:2])
    if order is None or len(data) < 16:
        return False
    element = int.from_bytes(data[2:4], "little" if order == "little" else "big")
    if element > 0x0100:
        return False
    explicit = data[4:6].isalpha() and data[4:6].isupper()
    return explicit or (order == "little" and int.from_bytes(data[4:8], "little") <= len(data) - 8)


def _describe(data: bytes) -> str:
    for offset, signature, what in _OTHERS:
        if data.startswith(signature, offset):
            return what
    head = data[:2048]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "a text file"
    try:
        # A character may be cut at the end of the head.
        text = head.decode("utf-8", errors="strict" if len(data) <= len(head) else "ignore")
    except UnicodeDecodeError:
        return "a file of unknown kind"
    if any(ord(c) < 32 and c not in "\t\n\r\f\x1b" for c in text):
        return "a file of unknown kind"
    lowered = text.lstrip("\ufeff \t\r\n").lower()
    if "<svg" in lowered:
        return "an SVG drawing"
    if lowered.startswith(("<!doctype html", "<html")):
        return "a web page"
    return "a text file"
