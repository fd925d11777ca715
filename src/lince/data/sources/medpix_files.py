"""Where the files of MedPix 2.0 lie, and their lines."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from lince.core.errors import SourceError
from lince.core.types import SPLITS, Skipped, Split
from lince.data.sources.folder import SPLIT_NAMES
from lince.imaging import IMAGE_SUFFIXES

_PARTS = re.compile(r"(?P<what>descriptions|data)_(?P<part>[A-Za-z]+)(?:_(?P<half>\d+))?\.jsonl")
# The publisher spelt the file in both ways.
_WHOLE = ("Descriptions.json", "Description.json")
_CASES = "Case_topic.json"


@dataclass(frozen=True, slots=True)
class Record:
    """One line, or one item of a JSON list, and where it stands."""

    place: str
    content: dict[str, Any]


@dataclass(slots=True)
class Layout:
    """The files of one MedPix folder.

    Attributes
    ----------
    descriptions
        Files that describe images, each with its part.
    cases
        Files that tell cases.
    images
        Folder of the images.
    note
        What the user should know of the choice of files.
    """

    descriptions: list[tuple[Path, Split | None]]
    cases: list[Path]
    images: Path
    note: str = ""
    _listing: dict[str, str] = field(default_factory=dict)

    def image(self, name: str) -> str | None:
        """Path of the image that a line calls ``name``, with or without suffix; None when it is not there.

        Names are looked up in the folder's listing, so that a line cannot point outside of it.
        """
        if not self._listing:
            self._listing = _list_images(self.images)
        return self._listing.get(name)


def locate(path: Path) -> Layout | None:
    """The files of a MedPix folder, of the folder above it, or of one file of descriptions; None where there are none.

    Divided files are preferred to undivided ones; the halves ``train_1`` and ``train_2`` are read where there is no
    whole ``train``.
    """
    try:
        if path.is_file():
            return _from_file(path)
        for base in (path, path / "MedPix-2-0"):
            for folder in (base / "splitted_dataset", base):
                found = _divided(sorted(folder.glob("descriptions_*.jsonl")), sorted(folder.glob("data_*.jsonl")))
                if found is not None:
                    return found
            for name in _WHOLE:
                if (base / name).is_file():
                    return _from_file(base / name)
    except OSError:
        return None
    return None


def _from_file(path: Path) -> Layout | None:
    if path.name in _WHOLE:
        cases = [path.with_name(_CASES)] if path.with_name(_CASES).is_file() else []
        note = "" if cases else f"There is no {_CASES} beside {path.name}: images come without their clinical case."
        return Layout([(path, None)], cases, _images_of(path.parent), note)
    match = _PARTS.fullmatch(path.name)
    if match is None or match["what"] != "descriptions":
        return None
    return _divided([path], sorted(path.parent.glob("data_*.jsonl")))


def _divided(descriptions: list[Path], data: list[Path]) -> Layout | None:
    parts = _by_part(descriptions)
    if not parts:
        return None
    cases = [file for file, _ in _by_part(data)]
    absent = [name for name in ("train", "val", "test") if name not in {split for _, split in parts}]
    notes = []
    if absent and len(descriptions) > 1:
        notes.append(f"MedPix comes here without its official part {' and '.join(absent)}.")
    if not cases:
        notes.append("There is no data_*.jsonl beside the descriptions: images come without their clinical case.")
    return Layout(list(parts), cases, _images_of(descriptions[0].parent), " ".join(notes))


def _by_part(files: list[Path]) -> list[tuple[Path, Split]]:
    """Files with their part; halves only where the whole is not there."""
    known = [(file, match) for file in files if (match := _PARTS.fullmatch(file.name))]
    known = [(file, match) for file, match in known if match["part"].lower() in SPLIT_NAMES]
    whole = {match["part"].lower() for _, match in known if not match["half"]}
    chosen = [
        (file, SPLIT_NAMES[match["part"].lower()])
        for file, match in known
        if not match["half"] or match["part"].lower() not in whole
    ]
    return sorted(chosen, key=lambda pair: SPLITS.index(pair[1]))


def _images_of(folder: Path) -> Path:
    """The folder of images: beside the files, or beside their folder."""
    choices = (folder / "images", folder.parent / "images")
    return next((choice for choice in choices if choice.is_dir()), choices[-1])


def _list_images(folder: Path) -> dict[str, str]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if PurePath(entry.name).suffix.lower() in IMAGE_SUFFIXES)
    except OSError as error:
        raise SourceError(
            f"The images of MedPix cannot be listed: {error.strerror or error}",
            received=folder,
            fix="put the folder images/ beside splitted_dataset/",
        ) from error
    listing = {PurePath(name).stem: str(folder / name) for name in names}
    return listing | {name: str(folder / name) for name in names}


def records(file: Path, skipped: list[Skipped]) -> Iterator[Record]:
    """The records of a JSON Lines file, or of a JSON list; what is damaged is added to ``skipped``.

    Raises
    ------
    SourceError
        The file cannot be read, or is no JSON list.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise SourceError(f"This file cannot be read: {error.strerror}", received=file) from error
    items = _lines(data, file, skipped) if file.suffix == ".jsonl" else _items(data, file)
    for place, content in items:
        if isinstance(content, dict):
            yield Record(place, content)
        else:
            skipped.append(Skipped(place, "record is no JSON object"))


def _lines(data: bytes, file: Path, skipped: list[Skipped]) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if not line.strip():
            continue
        place = f"{file}:{number}"
        try:
            yield place, json.loads(line.decode("utf-8"))
        except UnicodeDecodeError:
            skipped.append(Skipped(place, "line is not UTF-8"))
        except (ValueError, RecursionError):
            skipped.append(Skipped(place, "line is not JSON"))


def _items(data: bytes, file: Path) -> Iterator[tuple[str, Any]]:
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        where = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "its encoding"
        raise SourceError(f"This file is not JSON: {where} is damaged", received=file) from error
    if not isinstance(content, list):
        raise SourceError("This file is not a JSON list", received=file, fix="give MedPix's own file")
    for number, item in enumerate(content, start=1):
        yield f"{file}[{number}]", item
