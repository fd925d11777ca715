"""What the header of a DICOM file says, pixels unread. Runs in the worker process only, like all that parses DICOM."""

from __future__ import annotations

import os
import re
import warnings
from datetime import date, datetime
from typing import Any

from pydicom import Dataset, dcmread
from pydicom.tag import Tag
from pydicom.uid import UID, ExplicitVRLittleEndian

from lince.imaging.sniff import is_dicom

_SNIFFED = 512
_TEXT_LIMIT = 64  # of a UID, and of the LO values kept here (PS3.5, 6.2)

# Attribute of a sample -> elements that give it, the first that is not empty.
_TEXTS = {
    "modality": ("Modality",),
    "manufacturer": ("Manufacturer",),
    "model": ("ManufacturerModelName",),
    "view": ("ViewPosition",),
    "laterality": ("ImageLaterality", "Laterality"),
    "body_part": ("BodyPartExamined",),
    "site": ("InstitutionName",),
    "burned_in": ("BurnedInAnnotation",),
    "photometric": ("PhotometricInterpretation",),
    "study_uid": ("StudyInstanceUID",),
    "series_uid": ("SeriesInstanceUID",),
    "instance_uid": ("SOPInstanceUID",),
}
_NUMBERS = {"rows": "Rows", "columns": "Columns"}
_KEYWORDS = (
    *("SpecificCharacterSet", "SOPClassUID", "PatientID", "PatientSex", "PatientAge", "PatientBirthDate"),
    *("StudyDate", "ViewCodeSequence", "NumberOfFrames", "SamplesPerPixel", "BitsAllocated"),
    *(keyword for keywords in _TEXTS.values() for keyword in keywords),
    *_NUMBERS.values(),
)
_WANTED = [Tag(keyword) for keyword in _KEYWORDS]
# Objects with rows and columns that are no picture to classify: masks, doses, maps.
_NO_PICTURES = frozenset({"SEG", "RTDOSE", "RTSTRUCT", "RTPLAN", "SR", "PR", "KO", "REG", "RWV", "DOC", "FID"})
_YEARS = {"Y": 1.0, "M": 12.0, "W": 52.1775, "D": 365.2425}
_FRAGMENT_HEAD = 8  # bytes that each compressed frame takes at least (PS3.5, A.4)
_DEFLATED = 1032  # times that deflate can shrink data at most
_DAMAGED = "This DICOM file is damaged or cut short"


def read_header(path: str) -> dict[str, Any]:
    """Facts of one file, ready for JSON.

    Returns
    -------
    dict
        ``kind`` is ``other`` (not DICOM), ``unreadable`` (with ``reason``), ``object`` (DICOM, but no picture; with
        ``modality``) or ``image``, which comes with ``patient`` (or None), ``frames`` and ``attributes``: ``sex`` (F, M
        or O), ``age`` (years), ``rows`` and ``columns``, and texts: ``modality``, ``manufacturer``, ``model``,
        ``view``, ``laterality``, ``body_part``, ``site``, ``burned_in``, ``photometric``, ``study_uid``,
        ``series_uid``, ``instance_uid``; only those that the header has.
    """
    try:
        with open(path, "rb") as stream:  # noqa: PTH123  10,000 Path objects would be for nothing
            size = os.fstat(stream.fileno()).st_size
            if not is_dicom(stream.read(_SNIFFED)):
                return {"kind": "other"}
            stream.seek(0)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # pydicom's remarks quote values of the file
                ds = dcmread(stream, stop_before_pixels=True, force=True, specific_tags=_WANTED)
                return _facts(ds, size)
    except OSError as error:
        return {"kind": "unreadable", "reason": f"This file cannot be read: {error.strerror or 'input error'}"}
    except MemoryError:
        return {"kind": "unreadable", "reason": "The header of this DICOM file needs more memory than is allowed"}
    except Exception:  # pydicom raises whatever a damaged value leads to
        return {"kind": "unreadable", "reason": _DAMAGED}


def _facts(ds: Dataset, size: int) -> dict[str, Any]:
    modality = _text(ds, "Modality")
    rows, columns = (_number(ds, keyword) for keyword in ("Rows", "Columns"))
    if modality in _NO_PICTURES or not (rows and columns):
        whole = modality in _NO_PICTURES or _known_without_picture(_text(ds, "SOPClassUID"))
        return {"kind": "object", "modality": modality or "?"} if whole else {"kind": "unreadable", "reason": _DAMAGED}
    frames = max(_number(ds, "NumberOfFrames") or 1, 1)
    if frames > 1 and frames > _most_frames(ds, rows * columns, size):
        return {"kind": "unreadable", "reason": f"This DICOM file claims {frames} frames, more than it can hold"}
    return {"kind": "image", "patient": _text(ds, "PatientID"), "frames": frames, "attributes": _attributes(ds)}


def _known_without_picture(sop_class: str | None) -> bool:
    """Whether a file of this class may lack rows and columns; an image that does was cut short."""
    if sop_class is None:
        return False
    known = UID(sop_class)
    return bool(known.is_private) or (known.name != sop_class and "Image" not in known.name)


def _most_frames(ds: Dataset, pixels: int, size: int) -> int:
    """Frames that a file of so many bytes can hold at most."""
    syntax = UID(ds.file_meta.get("TransferSyntaxUID") or ExplicitVRLittleEndian)
    if syntax.is_private or not syntax.is_transfer_syntax or syntax.is_encapsulated:
        return size // _FRAGMENT_HEAD
    bits = (_number(ds, "SamplesPerPixel") or 1) * (_number(ds, "BitsAllocated") or 8)
    whole = size * _DEFLATED if syntax.is_deflated else size
    return 8 * whole // max(pixels * bits, 1)


def _attributes(ds: Dataset) -> dict[str, Any]:
    found: dict[str, Any] = {
        "sex": _sex(ds),
        "age": _age(ds),
        **{name: next(filter(None, (_text(ds, k) for k in keywords)), None) for name, keywords in _TEXTS.items()},
        **{name: _number(ds, keyword) for name, keyword in _NUMBERS.items()},
    }
    found["view"] = found["view"] or _view_code(ds)
    return {name: value for name, value in found.items() if value is not None}


def _text(ds: Dataset, keyword: str) -> str | None:
    try:
        value = ds.get(keyword)
        first = value[0] if hasattr(value, "append") and len(value) else value
        text = "" if first is None else "".join(c for c in str(first).strip() if c.isprintable())[:_TEXT_LIMIT]
    except Exception:  # a damaged value that nothing else needs
        return None
    return text or None


def _number(ds: Dataset, keyword: str) -> int | None:
    text = _text(ds, keyword)
    return int(text) if text and text.isascii() and text.isdigit() else None


def _sex(ds: Dataset) -> str | None:
    letter = (_text(ds, "PatientSex") or "")[:1].upper()
    return letter if letter in ("F", "M", "O") else None


def _age(ds: Dataset) -> float | int | None:
    """Years: as stated (AS: 045Y, 006M, 010W, 003D), else from birth to study."""
    stated = re.fullmatch(r"(\d{1,3})([YMWD])?", (_text(ds, "PatientAge") or "").upper())
    if stated:
        years = int(stated[1]) / _YEARS[stated[2] or "Y"]
    else:
        born, seen = _date(ds, "PatientBirthDate"), _date(ds, "StudyDate")
        if born is None or seen is None or seen < born:
            return None
        # Whole years, as the element itself would state them; a fraction would narrow down the birthday.
        years = float(seen.year - born.year - ((seen.month, seen.day) < (born.month, born.day)))
    if years > 130:
        return None
    return int(years) if years == int(years) else round(years, 2)


def _date(ds: Dataset, keyword: str) -> date | None:
    try:
        return datetime.strptime((_text(ds, keyword) or "").replace(".", ""), "%Y%m%d").date()
    except ValueError:
        return None


def _view_code(ds: Dataset) -> str | None:
    """The view of a mammogram that names it by code alone."""
    try:
        items = list(ds.get("ViewCodeSequence") or [])
        return _text(items[0], "CodeMeaning") if items else None
    except Exception:  # a damaged value that nothing else needs
        return None
