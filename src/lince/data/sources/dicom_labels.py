"""What the files of a DICOM tree are labelled: by a table, by an attribute of their headers, or by their folders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from lince.core.errors import ConfigError, SourceError
from lince.core.types import Split
from lince.core.wording import counted
from lince.data.joining import Keys, join_labels
from lince.data.sources.folder import SPLIT_NAMES
from lince.data.sources.request import Request
from lince.imaging.dicom_scan import Header

_WAYS = "give a table of labels with --table labels.csv, or say --target ATTRIBUTE (modality, view, body_part, ...)"
_LEAST_FOLDERS = 3


@dataclass(slots=True)
class Labels:
    """One label and one part for each file; ``None`` where there is none.

    ``refused`` are positions of files with a reason; ``notices`` say what was taken and what was left over.
    """

    labels: list[str | None]
    splits: list[Split | None]
    refused: dict[int, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)


def find_labels(
    request: Request, images: Sequence[Header], files: Sequence[str], groups: Sequence[str | None]
) -> Labels:
    """Label the files of a tree.

    Parameters
    ----------
    request
        Its ``table`` speaks first, then its ``target``, an attribute; without either the folders do.
    images, files, groups
        Header, path inside the tree (with forward slashes) and patient of each file.

    Raises
    ------
    SourceError
        There are no labels, or one class only.
    ConfigError
        ``target`` is neither a column of the table nor an attribute.
    """
    least = 2 if request.table is None and request.target is None else 1  # folders above a file in a part
    parted = any(len(above := file.split("/")[:-1]) >= least and above[0].lower() in SPLIT_NAMES for file in files)
    splits = [SPLIT_NAMES.get(file.split("/")[0].lower()) if parted and "/" in file else None for file in files]
    if request.table is not None:
        found = _by_table(request.table, request.target, images, files, splits)
    elif request.target is not None:
        found = _by_attribute(request.target, images, splits)
    else:
        found = _by_folders(request, files, groups, splits, parted)
    _check_classes(request, found)
    return found


def _by_table(
    table: Path, target: str | None, images: Sequence[Header], files: Sequence[str], splits: list[Split | None]
) -> Labels:
    keys = [
        Keys(
            file,
            instance=header.attributes.get("instance_uid"),
            series=header.attributes.get("series_uid"),
            study=header.attributes.get("study_uid"),
            patient=header.patient,
        )
        for file, header in zip(files, images, strict=True)
    ]
    joined = join_labels(table, keys, target=target)
    return Labels(joined.labels, splits, joined.refused, joined.notices)


def _by_attribute(target: str, images: Sequence[Header], splits: list[Split | None]) -> Labels:
    known = sorted({name for header in images for name in header.attributes})
    name = target.lower().replace("-", "_")
    if name not in known:
        near = get_close_matches(name, known, n=1)
        raise ConfigError(
            "The headers of these files have no such attribute",
            received=target,
            fix=f"did you mean {near[0]}" if near else f"choose one of: {', '.join(known)}, or give a --table",
        )
    values = [header.attributes.get(name) for header in images]
    labels = [None if value is None else str(value) for value in values]
    without = labels.count(None)
    lack, left = ("has", "was") if without == 1 else ("have", "were")
    told = f"{without} of {counted(len(images), 'file')} {lack} no {name} and {left} left out."
    notices = [told] if without else []
    return Labels(labels, splits, notices=notices)


def _by_folders(
    request: Request,
    files: Sequence[str],
    groups: Sequence[str | None],
    splits: list[Split | None],
    parted: bool,
) -> Labels:
    level = 1 if parted else 0
    labels: list[str | None] = []
    for file, split in zip(files, splits, strict=True):
        parts = file.split("/")
        labelled = len(parts) > level + 1 and (split is not None or not parted)
        labels.append(parts[level] if labelled else None)
    _check_not_patients(request, labels, groups)
    outside = labels.count(None)
    where = "beside the folders of the parts" if parted else "outside the class folders"
    notices = [f"DICOM files {where} were left alone: {outside}."] if 0 < outside < len(files) else []
    return Labels(labels, splits, notices=notices)


def _check_not_patients(request: Request, labels: Sequence[str | None], groups: Sequence[str | None]) -> None:
    """Refuse to take the folders of an archive, one for each patient, for classes."""
    inside: dict[str, set[str | None]] = defaultdict(set)
    for label, group in zip(labels, groups, strict=True):
        if label is not None:
            inside[label].add(group)
    if len(inside) >= _LEAST_FOLDERS and all(len(of) == 1 and None not in of for of in inside.values()):
        raise SourceError(
            f"The {len(inside)} folders of this tree hold one patient each, so they are not classes",
            received=request.location,
            fix=_WAYS,
        )


def _check_classes(request: Request, found: Labels) -> None:
    present = {label for label in found.labels if label is not None}
    if len(present) >= 2 or (request.classes is not None and present and present <= set(request.classes.names)):
        return
    if not present:
        raise SourceError("These DICOM files have no labels", received=request.location, fix=_WAYS)
    if request.table is not None:
        told, fix = f" in {request.table.name}", "check which column --target names"
    elif request.target is not None:
        told, fix = f": every {request.target} is {next(iter(present))}", "choose another --target, or give a --table"
    else:
        told, fix = f", the folder {next(iter(present))}", f"{_WAYS}, or lay it out with one folder per class"
    raise SourceError(
        f"There is only one class{told}: a classifier needs at least two", received=request.location, fix=fix
    )
