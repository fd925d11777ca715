"""Source ``folder``: a folder of class folders, unsplit or already split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from lince.core.errors import SourceError
from lince.core.types import LabelSpace, Sample, Skipped, Split
from lince.core.wording import counted, natural
from lince.data.catalog import catalog
from lince.data.collection import Collection
from lince.data.groups import groups_from_names
from lince.data.sources.marker import read_marker
from lince.data.sources.request import Request
from lince.data.sources.walk import Found, find_images, subfolders

SPLIT_NAMES: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}

LAYOUT = "one folder per class (SOURCE/benign/1.png, SOURCE/malignant/2.png), inside train/, val/, test/ or not"


@dataclass(slots=True)
class _Reading:
    """What has been found so far."""

    samples: list[Sample] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    empty: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def recognises(location: str) -> bool:
    """Whatever no other source takes."""
    del location
    return True


def read(request: Request) -> Collection:
    """Read a folder of class folders; only names are looked at, no image is opened.

    Class names are the folders' names, in natural order. ``train``, ``val``, ``test`` folders (and their usual
    synonyms) that hold class folders are parts. Patients are taken from file names that follow a known scheme.

    Raises
    ------
    SourceError
        Nothing there, not a folder, or not laid out as class folders.
    """
    root = request.path
    _check_is_folder(root, request.location)
    folders = _list(root)
    parts = [path for path in folders if path.name.lower() in SPLIT_NAMES and _list(path)]
    reading = _Reading()
    if parts:
        beside = [path.name for path in folders if path not in parts]
        if beside:
            reading.notices.append(f"Folders beside {_names(parts)} were left alone: {', '.join(beside)}.")
        for part in parts:
            _check_not_flat(part, request.location)
            _read_classes(reading, _list(part), SPLIT_NAMES[part.name.lower()], root)
    else:
        _read_classes(reading, folders, None, root)
    return _collection(request, root, reading)


def _list(folder: Path) -> list[Path]:
    try:
        return subfolders(folder)
    except OSError as error:
        raise SourceError("This folder cannot be read", received=folder, fix="check its permissions") from error


def _check_is_folder(root: Path, location: str) -> None:
    try:
        is_folder, exists = root.is_dir(), root.exists()
    except OSError as error:
        raise SourceError(
            f"This place cannot be looked at: {error.strerror}", received=location, fix="check its name and permissions"
        ) from error
    if is_folder:
        if (root / "bundle.json").is_file():
            raise SourceError(
                "This is a trained bundle, not a collection", received=location, fix=f"give a folder with {LAYOUT}"
            )
        return
    if exists:
        raise SourceError("This is a file, not a collection", received=location, fix=f"give a folder with {LAYOUT}")
    close = get_close_matches(root.name.lower(), list(catalog()), n=1, cutoff=0.8)
    hint = f"to use the MedMNIST set {close[0]}, write its name so; else " if close else ""
    raise SourceError("There is no such folder", received=location, fix=f"{hint}give a folder with {LAYOUT}")


def _check_not_flat(part: Path, location: str) -> None:
    images = find_images(part, deep=False).images
    if images:
        raise SourceError(
            f"The folder {part.name}/ holds {counted(len(images), 'image')} outside its class folders",
            received=location,
            fix=f"lay it out as {LAYOUT}",
        )


def _read_classes(reading: _Reading, folders: Sequence[Path], split: Split | None, root: Path) -> None:
    for folder in folders:
        found: Found = find_images(folder, outside=(root, folder.parent))
        reading.samples.extend(Sample(path, folder.name, split=split) for path in found.images)
        reading.skipped.extend(found.skipped)
        reading.others.update(found.others)
        if not found.images:
            reading.empty.append(folder.relative_to(root).as_posix())


def _collection(request: Request, root: Path, reading: _Reading) -> Collection:
    _check_classes(request, root, reading)
    names = sorted({sample.label for sample in reading.samples}, key=natural)
    groups = groups_from_names(
        [sample.name for sample in reading.samples], [sample.label for sample in reading.samples]
    )
    marker = read_marker(root)
    collection = Collection(
        name=marker.name or _title(root),
        samples=tuple(reading.samples),
        labels=_labels(names, request),
        source=str(root),
        synthetic=marker.synthetic,
        skipped=tuple(reading.skipped),
        notices=tuple(reading.notices + _notices(reading, names)),
    )
    return collection.with_groups(groups)


def _labels(names: Sequence[str], request: Request) -> LabelSpace:
    if request.classes is not None and set(names) <= set(request.classes.names):
        return request.classes
    return LabelSpace.with_default_positive(names, request.positive)


def _check_classes(request: Request, root: Path, reading: _Reading) -> None:
    """Refuse what cannot be a collection, saying what was found instead."""
    labels = {sample.label for sample in reading.samples}
    if len(labels) >= 2 or (request.classes is not None and labels and labels <= set(request.classes.names)):
        return
    if labels:
        only = next(iter(labels))
        inner = [path.name for path in _list(root / only)] if (root / only).is_dir() else []
        hint = f", or point at its folder {only} if {', '.join(inner[:3])} are the classes" if len(inner) > 1 else ""
        raise SourceError(
            f"There is only one class, {only}: a classifier needs at least two",
            received=request.location,
            fix=f"give a folder with {LAYOUT}{hint}",
        )
    flat = len(find_images(root, deep=False).images)
    if flat:
        raise SourceError(
            f"This folder holds {counted(flat, 'image')} but no class folders",
            received=request.location,
            fix=f"lay it out as {LAYOUT}",
        )
    if reading.others or reading.empty:
        kinds = ", ".join(suffix for suffix, _ in reading.others.most_common(3))
        problem = "There is no image in these folders" + (f" (files found: {kinds})" if kinds else "")
    else:
        problem = "This folder is empty"
    raise SourceError(problem, received=request.location, fix=f"give a folder with {LAYOUT}")


def _notices(reading: _Reading, names: Sequence[str]) -> list[str]:
    notices = []
    masks = sum(skip.reason.startswith("mask") for skip in reading.skipped)
    if masks:
        left = counted(masks, "segmentation mask beside its image was", "segmentation masks beside their images were")
        notices.append(f"{left} left out.")
    if reading.others:
        kinds = ", ".join(f"{suffix} {count}" for suffix, count in reading.others.most_common(5))
        left = counted(reading.others.total(), "file that is not an image was", "files that are not images were")
        notices.append(f"{left} left alone: {kinds}.")
    if reading.empty:
        notices.append(f"Folders without an image: {', '.join(reading.empty)}.")
    folded = Counter(name.casefold() for name in names)
    twins = [name for name in names if folded[name.casefold()] > 1]
    if twins:
        notices.append(f"Class names that differ only in case count as different classes: {', '.join(twins)}.")
    return notices


def _title(root: Path) -> str:
    """The folder's name; that of the folder above where it only says ``train``."""
    whole = root.resolve()
    return (whole.parent.name if whole.name.lower() in SPLIT_NAMES else "") or whole.name or str(root)


def _names(folders: Sequence[Path]) -> str:
    return ", ".join(f"{folder.name}/" for folder in folders)
