"""Files that cannot be read, images that show nothing, images far out from the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lince.core.types import Skipped
from lince.data.audit import kinds
from lince.data.audit.findings import Evidence, Finding, Severity
from lince.data.audit.lettering import Box
from lince.data.collection import Collection

_SHOWN = 40
_SHOWN_PATHS = 200
# Grey levels of deviation, and share of black or white pixels, at which an image shows nothing.
_NOTHING, _ALL = 3.0, 0.998
# Share of white pixels from which an image is saturated, and how far above the usual one it must be.
_WHITE, _ABOVE = 0.20, 0.15
# Robust deviations beyond which a value is far out; and the share of images beyond which it is no exception.
_FAR, _RARE = 6.0, 0.02
_RATIO = 1.3  # where all values are the same, how many times larger or smaller another must be
# Images with letters that make a warning: in a single one texture may have looked so.
_LETTERED = 3
_LOGARITHMIC = ("width", "height", "aspect")
_MIDDLE_OF = ((1 / 3, "top"), (2 / 3, "middle"), (1.01, "bottom")), ((1 / 3, "left"), (2 / 3, ""), (1.01, "right"))

Numbers = Mapping[str, NDArray[np.float64]]


def corrupt_finding(collection: Collection, unread: Sequence[tuple[int, str]]) -> list[Finding]:
    """Files that the source or the decoder refused; masks left out on purpose are not among them."""
    refused = [skip for skip in collection.skipped if not skip.reason.startswith("mask")]
    listed = [Skipped(collection.samples[position].path, reason) for position, reason in unread] + refused
    if not listed:
        return []
    values = {
        "reasons": dict(Counter(_short(skip.reason) for skip in listed).most_common(12)),
        "paths": [{"path": skip.path, "reason": skip.reason} for skip in listed[:_SHOWN_PATHS]],
    }
    evidence = tuple(Evidence((position,), {"reason": reason}) for position, reason in unread[:_SHOWN])
    return [Finding(kinds.CORRUPT, "warning", len(listed), values, evidence, len(listed))]


def _short(reason: str) -> str:
    return reason.partition(":")[0]


def is_blank(numbers: Numbers) -> NDArray[np.bool_]:
    """(M,) images of one level, or black or white almost everywhere."""
    found: NDArray[np.bool_] = (numbers["std"] < _NOTHING) | (numbers["black"] >= _ALL) | (numbers["white"] >= _ALL)
    return found


def blank_finding(kept: NDArray[np.int64], numbers: Numbers) -> list[Finding]:
    """Images that show nothing."""
    rows = np.flatnonzero(is_blank(numbers))
    if not len(rows):
        return []
    evidence = tuple(
        Evidence((int(kept[r]),), {"mean": round(numbers["mean"][r], 1), "std": round(numbers["std"][r], 2)})
        for r in rows[:_SHOWN]
    )
    values = {"share": len(rows) / len(kept)}
    return [Finding(kinds.BLANK, "warning", len(rows), values, evidence, len(rows))]


def saturated_finding(kept: NDArray[np.int64], numbers: Numbers) -> list[Finding]:
    """Images of which much is pure white, where the others' are not."""
    white = numbers["white"]
    if not len(white):
        return []
    usual = float(np.median(white))
    rows = np.flatnonzero((white >= max(_WHITE, usual + _ABOVE)) & ~is_blank(numbers))
    rows = rows[np.argsort(-white[rows], kind="stable")]
    if not len(rows):
        return []
    evidence = tuple(
        Evidence((int(kept[r]),), {"white": round(white[r], 4), "black": round(numbers["black"][r], 4)})
        for r in rows[:_SHOWN]
    )
    share = len(rows) / len(kept)
    values = {"share": share, "usual": usual}
    severity: Severity = "warning" if share < 0.25 else "note"
    return [Finding(kinds.SATURATED, severity, len(rows), values, evidence, len(rows))]


def extreme_findings(kept: NDArray[np.int64], numbers: Numbers) -> list[Finding]:
    """Values far out from the rest, by fact."""
    found = []
    blank = is_blank(numbers) if numbers else np.zeros(0, bool)
    for fact in ("width", "height", "aspect", "mean", "std", "sharpness"):
        if fact not in numbers or len(kept) < 20:
            continue
        values = numbers[fact].copy()
        low, high, median = _usual(values[~blank] if (~blank).any() else values, logarithmic=fact in _LOGARITHMIC)
        rows = np.flatnonzero(((values < low) | (values > high)) & ~blank)
        if not 0 < len(rows) <= max(1.0, _RARE * len(kept)):
            continue
        far = np.abs(np.log((values[rows] + 1e-9) / (median + 1e-9)))
        rows = rows[np.argsort(-far, kind="stable")]
        evidence = tuple(Evidence((int(kept[r]),), {"value": round(float(values[r]), 4)}) for r in rows[:_SHOWN])
        told = {"fact": fact, "median": median, "low": low, "high": high}
        found.append(Finding(kinds.EXTREME, "note", len(rows), told, evidence, len(rows)))
    return found


def _usual(values: NDArray[np.float64], *, logarithmic: bool) -> tuple[float, float, float]:
    """Least and greatest value that is not far out, and the median."""
    scale = np.log(np.maximum(values, 1e-9)) if logarithmic else values
    median = float(np.median(scale))
    first, third = np.percentile(scale, (25, 75))
    spread = max(1.4826 * float(np.median(np.abs(scale - median))), float(third - first) / 1.349)
    margin = _FAR * spread if spread > 0 else (np.log(_RATIO) if logarithmic else 0.3 * abs(median) + 1e-9)
    low, high = median - margin, median + margin
    if logarithmic:
        return float(np.exp(low)), float(np.exp(high)), float(np.exp(median))
    return low, high, median


def text_finding(
    kept: NDArray[np.int64],
    boxes: Mapping[int, Sequence[Box]],
    headers: Mapping[int, Mapping[str, str]],
) -> list[Finding]:
    """Letters in the pixels, and images of which the header does not rule them out."""
    by_header = [row for row in headers if _header_says_text(headers[row])]
    rows = sorted(set(boxes) | set(by_header), key=lambda row: (row not in boxes, row))
    if not rows:
        return []
    evidence = tuple(
        Evidence(
            (int(kept[row]),),
            {"boxes": [list(box) for box in boxes.get(row, ())], "reason": "pixels" if row in boxes else "header"},
        )
        for row in rows[:_SHOWN]
    )
    values = {
        "share": len(rows) / max(1, len(kept)),
        "by_pixels": len(boxes),
        "by_header": len(by_header),
        "where": dict(Counter(place for own in boxes.values() for place in {_place(box) for box in own}).most_common()),
    }
    severity: Severity = "warning" if len(boxes) >= _LETTERED else "note"
    return [Finding(kinds.BURNED_IN_TEXT, severity, len(rows), values, evidence, len(rows))]


def _header_says_text(header: Mapping[str, str]) -> bool:
    """The rule of thumb for DICOM: it says so, or says nothing in a modality whose machines write into the picture."""
    told = header.get("BurnedInAnnotation", "").upper()
    return told == "YES" or (not told and header.get("Modality", "") in ("US", "SC", "OT", "XC", "ES"))


def _place(box: Box) -> str:
    """``top-left``, ``top``, ``middle`` ..., from where the middle of a box is."""
    down, across = _MIDDLE_OF
    row = next(name for limit, name in down if (box[0] + box[2]) / 2 < limit)
    column = next(name for limit, name in across if (box[1] + box[3]) / 2 < limit)
    return f"{row}-{column}" if column else row
