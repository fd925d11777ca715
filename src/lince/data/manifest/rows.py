"""Rows of a manifest: which image each one means, and which of them can be used."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from lince.core.errors import SourceError
from lince.core.types import Split
from lince.core.wording import counted
from lince.data.manifest.columns import Columns, words
from lince.data.manifest.files import MISSING, absent_files, spellings
from lince.data.manifest.table import Table
from lince.data.manifest.text import repaired

_SHOWN = 3


@dataclass(slots=True)
class Rows:
    """Rows as columns of one length; ``left`` says by position why a row is left out (None: it repeats another)."""

    cells: Sequence[str]
    paths: list[str]
    labels: list[Any]
    groups: list[str | None]
    splits: list[Split | None]
    numbers: list[int | None]
    places: Sequence[int]
    unit: str
    left: dict[int, str | None] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    def place(self, index: int) -> str:
        """Where a row stands in the file, for messages."""
        return f"{self.unit} {self.places[index]}"

    def used(self) -> list[bool]:
        """Whether each row is used."""
        return [index not in self.left for index in range(len(self.paths))]

    def kept(self) -> list[int]:
        """Positions of the rows that are used."""
        return [index for index in range(len(self.paths)) if index not in self.left]


def understand(table: Table, columns: Columns, path: Path, parts: Mapping[str, Split]) -> Rows:
    """Rows with whole paths and clean words; those without a path or label are left out.

    Parameters
    ----------
    parts
        What each name of a part means, lower case.

    Raises
    ------
    SourceError
        A part has a name that is not among ``parts``.
    """
    cells: Sequence[str] = columns.path
    if table.unit == "row":  # Parquet may have other things than text
        cells = ["" if cell is None else str(cell) for cell in cells]
    nothing: list[Any] = [None] * len(table)
    rows = Rows(
        cells,
        _joined(path.parent, cells),
        words(columns.label),
        nothing if columns.group is None else words(columns.group),
        nothing if columns.split is None else _parts(words(columns.split), path, parts),
        nothing,
        table.lines,
        table.unit,
    )
    for index, cell in enumerate(cells):
        if not cell or cell.isspace():
            rows.left[index] = f"no path, {rows.place(index)}"
    for index, label in enumerate(rows.labels):
        if label is None:
            rows.left.setdefault(index, f"no label, {rows.place(index)}")
    if columns.row is not None:
        rows.numbers = _numbers(rows, words(columns.row))
    return rows


def _joined(folder: Path, cells: Sequence[str]) -> list[str]:
    # os.path, not pathlib: a million Path objects would cost seconds.
    base = "" if str(folder) == "." else str(folder)
    if os.sep == "/":
        prefix = os.path.join(base, "") if base else ""  # noqa: PTH118
        paths = [cell if cell[:1] == "/" else prefix + cell for cell in cells]
        # ./a.png is a.png; what .. leads to depends on links and is left as it is.
        return [os.path.normpath(p) if ("./" in p or "//" in p) and ".." not in p else p for p in paths]
    return [os.path.normpath(os.path.join(base, cell)) for cell in cells]  # noqa: PTH118


def _parts(names: Sequence[str | None], path: Path, parts: Mapping[str, Split]) -> list[Split | None]:
    known = {name: parts.get(name.casefold()) for name in dict.fromkeys(names) if name is not None}
    strange = [name for name, part in known.items() if part is None]
    if strange:
        counts = Counter(name for name in names if name in set(strange))
        told = ", ".join(f"{name} ({count})" for name, count in counts.most_common(5))
        near = get_close_matches(strange[0].casefold(), list(parts), n=1)
        # Leaving such rows unsplit would let them be drawn for training; leaving them out would hide a typing error.
        raise SourceError(
            f"The column split of {path.name} names parts that are not known",
            received=told,
            fix=(f"{strange[0]} may mean {near[0]}; " if near else "")
            + "write train, val or test, or nothing where lince is to draw",
        )
    return [None if name is None else known[name] for name in names]


def _numbers(rows: Rows, cells: Sequence[str | None]) -> list[int | None]:
    numbers: list[int | None] = []
    for index, cell in enumerate(cells):
        if cell is None or (cell.isascii() and cell.isdigit() and len(cell) < 18):
            numbers.append(None if cell is None else int(cell))
        else:
            numbers.append(None)
            rows.left.setdefault(index, f"row is not a whole number from 0, {rows.place(index)}")
    return numbers


def check_twins(rows: Rows) -> None:
    """Keep an image once where its rows agree, and not at all where they contradict each other."""
    first: dict[str | tuple[str, int], int] = {}
    repeats: dict[int, list[int]] = defaultdict(list)
    for index, (path, number) in enumerate(zip(_places(rows), rows.numbers, strict=True)):
        if index in rows.left:
            continue
        earlier = first.setdefault(path if number is None else (path, number), index)
        if earlier != index:
            repeats[earlier].append(index)
    same = 0
    contradicted: list[str] = []
    for earlier, others in repeats.items():
        found = (earlier, *others)
        reason = _contradiction(rows, found)
        if reason is None:
            same += len(others)
        else:
            contradicted.append(_tail(rows.paths[earlier]))
        rows.left.update(dict.fromkeys(found if reason else others, reason))
    if same:
        rows.notices.append(f"{counted(same, 'row repeats', 'rows repeat')} another; each image is kept once.")
    if contradicted:
        rows.notices.append(
            f"{counted(len(contradicted), 'image is', 'images are')} named more than once with different labels, "
            f"groups or parts and left out: {_some(contradicted)}."
        )


def _places(rows: Rows) -> Sequence[str]:
    """Paths under which one file has one name: whole, and through no link of a folder, where folders are named in two
    ways."""
    ends = [path.rfind(os.sep) + 1 for path in rows.paths]
    folders = {path[:end] for path, end in zip(rows.paths, ends, strict=True)}
    real = {folder: _real(folder) for folder in folders}
    if len(set(real.values())) == len(folders):  # as nearly always: no folder is named in two ways
        return rows.paths
    return [
        os.path.join(real[path[:end]], path[end:])  # noqa: PTH118
        for path, end in zip(rows.paths, ends, strict=True)
    ]


def _real(folder: str) -> str:
    try:
        return os.path.realpath(folder)
    except (OSError, ValueError):  # a loop of links, or no path at all
        return folder


def _contradiction(rows: Rows, twins: Sequence[int]) -> str | None:
    """What rows of one image disagree on. Where they agree, the first one learns what only the others know."""
    places = ", ".join(rows.place(index) for index in twins[:_SHOWN]) + (", ..." if len(twins) > _SHOWN else "")
    facts: tuple[tuple[str, list[Any]], ...] = (
        ("labels", rows.labels),
        ("groups", rows.groups),
        ("parts", rows.splits),
    )
    for what, values in facts:
        found = dict.fromkeys(values[index] for index in twins if values[index] is not None)
        if len(found) > 1:
            return f"named more than once with different {what} ({' and '.join(map(str, found))}), {places}"
        if found:
            values[twins[0]] = next(iter(found))
    return None


def check_files(rows: Rows, path: Path) -> None:
    """Leave out rows whose file is not there, after a look for it under another spelling.

    Raises
    ------
    SourceError
        No file is there.
    """
    kept = rows.kept()
    absent = absent_files(rows.paths[index] for index in kept)
    if not absent:
        return
    lost = [index for index in kept if rows.paths[index] in absent]
    found = _respelled(rows, lost, path.parent) if any(r == MISSING for r in absent.values()) else 0
    lost = [index for index in lost if rows.paths[index] in absent]
    for index in lost:
        rows.left[index] = f"{absent[rows.paths[index]]}, {rows.place(index)}"
    if found:
        rows.notices.append(
            f"{counted(found, 'file was', 'files were')} found under another spelling of the path (slashes, accents or "
            "blanks)."
        )
    if len(lost) == len(kept):
        raise _all_absent(rows, lost, absent[rows.paths[lost[0]]], path)
    if lost:
        rows.notices.append(
            f"{len(lost)} of the {counted(len(kept), 'image')} named in {path.name} "
            f"{'is' if len(lost) == 1 else 'are'} not there and left out: "
            f"{_some([rows.cells[index] for index in lost])}."
        )


def _respelled(rows: Rows, lost: Sequence[int], folder: Path) -> int:
    """Give rows the spelling under which their file is there; how many were found so."""
    tries = {index: _joined(folder, spellings(rows.cells[index])) for index in lost}
    absent = absent_files(path for paths in tries.values() for path in paths)
    found = 0
    for index, paths in tries.items():
        there = next((path for path in paths if path not in absent), None)
        if there is not None:
            rows.paths[index] = there
            found += 1
    return found


def _all_absent(rows: Rows, lost: Sequence[int], reason: str, path: Path) -> SourceError:
    cell, tried = rows.cells[lost[0]], rows.paths[lost[0]]
    fix = "check its paths"
    if not os.path.isabs(cell):  # noqa: PTH117
        fix = "paths are relative to the manifest's folder, not to the current one"
        if os.path.isfile(cell):  # noqa: PTH113
            fix += f": move the manifest to {Path.cwd()}"
    return SourceError(
        f"None of the {counted(len(lost), 'image')} named in {path.name} can be read ({reason})",
        received=repaired(tried),
        fix=fix,
    )


def _tail(path: str) -> str:
    return repaired(path.replace("\\", "/").rsplit("/", 1)[-1])


def _some(names: Sequence[str]) -> str:
    return ", ".join(repaired(name) for name in names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
