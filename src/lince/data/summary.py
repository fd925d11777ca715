"""What can be said of a collection before anything is trained, for ``lince data info``."""

from __future__ import annotations

import re
import struct
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lince.core.settings import max_pixels
from lince.core.types import Sample
from lince.core.wording import counted, quoted
from lince.data.collection import Collection
from lince.data.splits import torn_groups
from lince.imaging.sniff import is_dicom

# Headers looked at; spread evenly over the collection.
_LOOKED_AT = 512
_FEW = 30


def describe(collection: Collection) -> dict[str, Any]:
    """Facts of a collection, ready for JSON: counts, groups, formats and sizes, attributes, problems.

    Formats and sizes come from the headers of at most 512 files, spread evenly; no pixel is decoded. Returns the keys
    ``name``, ``source``, ``synthetic``, ``images``, ``classes`` (images by name), ``positive``, ``splits`` (images by
    part and name), ``groups`` (``count``, ``largest``, ``without``; or None), ``looked_at``, ``formats``, ``sizes``
    (``most_common``, ``smallest``, ``largest`` as width x height), ``attributes`` (how many samples have each),
    ``skipped`` (files by reason), ``notices``, ``problems`` (sentences), ``digest``.
    """
    headers = [_header(sample) for sample in _spread(collection.samples, _LOOKED_AT)]
    sizes = [(width, height) for _, width, height in headers if width and height]
    by_split = collection.counts_by_split()
    return {
        "name": collection.name,
        "source": collection.source,
        "synthetic": collection.synthetic,
        "images": len(collection),
        "classes": collection.counts(),
        "positive": collection.labels.positive,
        "splits": {part or "unsplit": counts for part, counts in by_split.items()},
        "groups": _groups(collection),
        "looked_at": len(headers),
        "formats": dict(Counter(kind for kind, _, _ in headers).most_common()),
        "sizes": _sizes(sizes),
        "attributes": dict(Counter(key for sample in collection.samples for key in sample.attributes).most_common()),
        "skipped": dict(Counter(_kind(skip.reason) for skip in collection.skipped)),
        "notices": list(collection.notices),
        "problems": _problems(collection, headers, sizes),
        "digest": collection.digest(),
    }


def _kind(reason: str) -> str:
    """Why a file was skipped, without what is of this file alone: a mask's image, labels and lines of a table."""
    return "mask" if reason.startswith("mask of ") else re.split(r", |: ", reason, maxsplit=1)[0]


def _spread(samples: Sequence[Sample], count: int) -> list[Sample]:
    if len(samples) <= count:
        return list(samples)
    return [samples[int(position)] for position in np.linspace(0, len(samples) - 1, count)]


def _groups(collection: Collection) -> dict[str, int] | None:
    if not collection.has_groups:
        return None
    sizes = Counter(sample.group for sample in collection.samples)
    without = sizes.pop(None, 0)
    return {"count": len(sizes), "largest": max(sizes.values()), "without": without}


def _header(sample: Sample) -> tuple[str, int, int]:
    """Format, width and height from the first bytes of a file; zeros where they do not say."""
    path = Path(sample.path)
    try:
        with path.open("rb") as stream:
            start = stream.read(512)
    except OSError:
        return "missing", 0, 0
    if is_dicom(start):
        return "DICOM", *_dicom_size(path)
    if sample.row is not None:
        return _array_header(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                return str(image.format), *image.size
    except (OSError, ValueError, SyntaxError, struct.error, Image.DecompressionBombError):
        return "unreadable", 0, 0


def _array_header(path: Path) -> tuple[str, int, int]:
    try:
        shape = np.load(path, mmap_mode="r", allow_pickle=False).shape
        return "ARRAY", int(shape[2]), int(shape[1])
    except (OSError, ValueError, IndexError):
        return "unreadable", 0, 0


def _dicom_size(path: Path) -> tuple[int, int]:
    import pydicom
    from pydicom.errors import InvalidDicomError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            facts = pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=["Rows", "Columns"])
            return int(facts.get("Columns") or 0), int(facts.get("Rows") or 0)
    except (InvalidDicomError, OSError, ValueError, TypeError, KeyError, AttributeError):
        return 0, 0


def _sizes(sizes: Sequence[tuple[int, int]]) -> dict[str, Any]:
    if not sizes:
        return {"most_common": {}, "smallest": None, "largest": None}
    common = Counter(f"{width}x{height}" for width, height in sizes).most_common(5)
    by_area = sorted(sizes, key=lambda size: (size[0] * size[1], size))
    return {
        "most_common": dict(common),
        "smallest": "{}x{}".format(*by_area[0]),
        "largest": "{}x{}".format(*by_area[-1]),
    }


def _problems(
    collection: Collection, headers: Sequence[tuple[str, int, int]], sizes: Sequence[tuple[int, int]]
) -> list[str]:
    """What is likely to spoil a training run, a sentence each."""
    problems = []
    counts = {label: count for label, count in collection.counts().items() if count}
    few = [f"{quoted(label)} ({count})" for label, count in counts.items() if count < _FEW]
    if few:
        problems.append(f"Classes with fewer than {_FEW} images: {', '.join(few)}.")
    if counts and max(counts.values()) > 10 * min(counts.values()):
        problems.append("The largest class has more than ten times the images of the smallest.")
    bad = Counter(kind for kind, _, _ in headers if kind in ("missing", "unreadable"))
    looked_at = counted(len(headers), "file")
    problems.extend(
        f"{count} of {looked_at} looked at {'is' if count == 1 else 'are'} {kind}." for kind, count in bad.items()
    )
    huge = sum(width * height > max_pixels() for width, height in sizes)
    if huge:
        have = "has" if huge == 1 else "have"
        problems.append(f"{huge} of {looked_at} looked at {have} more pixels than are read ({max_pixels():,}).")
    if not collection.has_groups and not collection.has_splits:
        problems.append("No patient is known for any image: parts are kept apart by near-duplicates only.")
    without = sum(sample.group is None for sample in collection.samples) if collection.has_groups else 0
    if without:
        problems.append(
            f"{without} of {counted(len(collection), 'image')} {'has' if without == 1 else 'have'} no patient or "
            "group: what belongs together among them may be parted."
        )
    torn = torn_groups(sample for sample in collection.samples if sample.split is not None)
    if torn:
        problems.append(
            f"{counted(len(torn), 'patient or group stands', 'patients or groups stand')} on two sides of the given "
            "split, so its figures may flatter the model."
        )
    return problems
