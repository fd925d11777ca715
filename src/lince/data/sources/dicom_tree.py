"""Source ``dicom``: DICOM files in folders of any depth, as archives and exports leave them.

Patients and attributes come from the headers; labels from a table, from a header's attribute, or from class folders.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePath

from lince.core.errors import SourceError
from lince.core.types import LabelSpace, Sample, Skipped
from lince.core.wording import counted, natural
from lince.data.collection import Collection
from lince.data.groups import groups_from_names
from lince.data.sources.dicom_labels import Labels, find_labels
from lince.data.sources.marker import MARKER, read_marker
from lince.data.sources.request import Request
from lince.data.sources.walk import find_images, is_clutter, may_be_image
from lince.imaging import IMAGE_SUFFIXES
from lince.imaging.dicom_scan import Header, scan_headers
from lince.imaging.sniff import is_dicom

_DICOMDIR = "dicomdir"

# How far `recognises` looks: entries and files in each folder, and folders in each by their depth.
_ENTRIES, _FILES = 2000, 2
_FOLDERS = (16, 8, 2, 1, 1, 1, 1, 1)
_HEAD = 512
_NAMED_DICOM = frozenset({".dcm", ".dicom", ".ima"})
_OTHER_IMAGES = IMAGE_SUFFIXES - _NAMED_DICOM
# One PatientID over so many studies or more is a placeholder that an anonymiser left.
_STUDIES_OF_NOBODY = 3


@dataclass(slots=True)
class _Reading:
    """The files of a tree by what they are."""

    images: list[Header] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    objects: Counter[str] = field(default_factory=Counter)


def recognises(location: str) -> bool:
    """A folder with a DICOMDIR, or one whose images, as far as a quick look goes, are all DICOM."""
    root = Request(location).path if location.strip() else None
    try:
        if root is None or not root.is_dir():
            return False
        with os.scandir(root) as entries:
            catalogued = any(entry.name.lower() == _DICOMDIR for entry in islice(entries, _ENTRIES))
        return catalogued or _all_dicom(root)
    except (OSError, ValueError):
        return False


def _all_dicom(root: Path) -> bool:
    found = False
    for path in _some_files(root):
        with open(path, "rb") as stream:  # noqa: PTH123  many, and nothing else is asked of them
            dicom = is_dicom(stream.read(_HEAD))
        if not dicom and PurePath(path).suffix.lower() in _OTHER_IMAGES:
            return False
        found = found or dicom
    return found


def _some_files(folder: Path, depth: int = 0) -> Iterator[str]:
    """A few files of this folder and of a few of the folders in it: of more at the top, where classes are."""
    with os.scandir(folder) as entries:
        listing = [entry for entry in islice(entries, _ENTRIES) if not is_clutter(entry.name)]
    suffixes = {e.path: PurePath(e.name).suffix.lower() for e in listing if e.is_file()}
    # A picture of another kind is seen by its name, however many DICOM files there are.
    yield from islice((path for path, suffix in suffixes.items() if suffix in _OTHER_IMAGES), 1)
    yield from islice((path for path, suffix in suffixes.items() if may_be_image(suffix)), _FILES)
    if depth < len(_FOLDERS):
        inner = [Path(entry.path) for entry in listing if entry.is_dir(follow_symlinks=False)]
        step = max(1, len(inner) // _FOLDERS[depth])
        for path in inner[::step][: _FOLDERS[depth]]:
            yield from _some_files(path, depth + 1)


def read(request: Request) -> Collection:
    """Read a tree of DICOM files; headers are read, pixels are not.

    Every file is looked into, whatever its name. A file of several frames gives one sample per frame, whose ``row`` is
    the frame. The group is the PatientID; where there is none, what the file's name says, the study, and for frames
    the file. Labels are those of ``table``; else the header's attribute ``target``; else the class folders, inside
    ``train``, ``val``, ``test`` or not. Attributes are those of `lince.imaging.dicom_header.read_header`.

    Raises
    ------
    SourceError
        No folder, no DICOM image in it, no labels, or fewer than two classes.
    ConfigError
        ``target`` is neither a column of the table nor an attribute.
    """
    root = request.path
    if not root.is_dir():
        raise SourceError("There is no such folder", received=request.location, fix="give a folder of DICOM files")
    reading = _scan(request, root)
    _check_images(request, reading)
    files = [PurePath(header.path).relative_to(root).as_posix() for header in reading.images]
    groups, group_notices = _groups(reading.images, files)
    labels = find_labels(request, reading.images, files, groups)
    samples = _samples(reading.images, labels, groups)
    names = sorted({sample.label for sample in samples}, key=natural)
    space = request.classes
    if space is None or not set(names) <= set(space.names):
        space = LabelSpace.with_default_positive(names, request.positive)
    marker = read_marker(root)
    refused = [Skipped(reading.images[position].path, reason) for position, reason in labels.refused.items()]
    notices = [*labels.notices, *group_notices, *_notices(reading, samples)]
    return Collection(
        name=marker.name or root.resolve().name or str(root),
        samples=tuple(samples),
        labels=space,
        source=str(root),
        synthetic=marker.synthetic,
        skipped=(*reading.skipped, *refused),
        notices=tuple(notices),
    )


def _scan(request: Request, root: Path) -> _Reading:
    found = find_images(root, any_name=True)
    own = {str(root / MARKER)} | ({str(request.table)} if request.table else set())
    reading = _Reading(skipped=found.skipped)
    for header in scan_headers([path for path in found.images if path not in own], bus=request.bus):
        suffix = PurePath(header.path).suffix.lower()
        if header.kind == "image":
            reading.images.append(header)
        elif header.kind == "object":
            reading.objects[header.modality] += 1
        elif header.kind == "unreadable":
            reading.skipped.append(Skipped(header.path, header.reason))
        elif suffix in _NAMED_DICOM:
            reading.skipped.append(Skipped(header.path, "not a DICOM file, whatever its name says"))
        else:
            reading.others[suffix if suffix and not suffix[1:].isdigit() else "no suffix"] += 1
    return reading


def _check_images(request: Request, reading: _Reading) -> None:
    if reading.images:
        return
    found = []
    if reading.skipped:
        found.append(f"{len(reading.skipped)} that cannot be read, the first: {reading.skipped[0].reason}")
    if reading.objects:
        found.append(f"DICOM objects without a picture: {_counted(reading.objects)}")
    if reading.others:
        found.append(f"other files: {_counted(reading.others)}")
    raise SourceError(
        "There is no DICOM image in this folder" + (f" ({'; '.join(found)})" if found else ""),
        received=request.location,
        fix="give a folder that holds DICOM files, at any depth",
    )


def _groups(images: Sequence[Header], files: Sequence[str]) -> tuple[list[str | None], list[str]]:
    """Who each file is of, and what should be known of it."""
    notices = []
    patients: list[str | None] = [header.patient for header in images]
    studies = [header.attributes.get("study_uid") for header in images]
    if None not in patients and len(set(patients)) == 1 and len(set(studies)) >= _STUDIES_OF_NOBODY:
        notices.append(
            f"All {len(images)} files carry the same PatientID over {len(set(studies))} studies, probably a "
            "placeholder: studies stand for patients, and two studies of one patient may end up on two sides."
        )
        patients = [None] * len(images)
    elif None in patients:
        without = patients.count(None)
        have = "has" if without == 1 else "have"
        notices.append(f"{without} of {counted(len(images), 'file')} {have} no PatientID.")
    named = groups_from_names([PurePath(file).name for file in files], [""] * len(files))
    whole = [file if header.frames > 1 else None for file, header in zip(files, images, strict=True)]
    choices = zip(patients, named, studies, whole, strict=True)
    return [next((choice for choice in options if choice), None) for options in choices], notices


def _samples(images: Sequence[Header], labels: Labels, groups: Sequence[str | None]) -> list[Sample]:
    samples: list[Sample] = []
    for header, label, split, group in zip(images, labels.labels, labels.splits, groups, strict=True):
        if label is None:
            continue
        attributes = {**header.attributes, "frames": header.frames} if header.frames > 1 else header.attributes
        rows: Sequence[int | None] = range(header.frames) if header.frames > 1 else (None,)
        samples.extend(Sample(header.path, label, group, split, row, attributes) for row in rows)
    return samples


def _notices(reading: _Reading, samples: Sequence[Sample]) -> list[str]:
    notices = []
    frames = sum(sample.row is not None for sample in samples)
    if frames:
        clips = len({sample.path for sample in samples if sample.row is not None})
        notices.append(f"Files of several frames: {clips}, with {frames} frames in all; each frame is one image.")
    uids = Counter(header.attributes.get("instance_uid") for header in reading.images)
    again = sum(count - 1 for uid, count in uids.items() if uid is not None and count > 1)
    if again:
        notices.append(f"Files that repeat the SOPInstanceUID of another, so probably copies of it: {again}.")
    if reading.objects:
        notices.append(f"DICOM objects without a picture were left alone: {_counted(reading.objects)}.")
    if reading.others:
        notices.append(f"Files that are not DICOM were left alone: {_counted(reading.others)}.")
    return notices


def _counted(kinds: Counter[str]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in kinds.most_common(5))
