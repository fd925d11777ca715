"""Source ``manifest``: a CSV or Parquet file that names images, their labels and what else is known of them."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import compress, repeat
from pathlib import Path
from typing import Any

from lince.core.errors import SourceError
from lince.core.types import LabelSpace, Sample, Skipped, Split
from lince.data.bulk import collector_paused
from lince.data.collection import Collection
from lince.data.groups import groups_from_names
from lince.data.manifest.cells import typed
from lince.data.manifest.columns import RESERVED, Columns, find_columns, words
from lince.data.manifest.files import MISSING, absent_files, spellings
from lince.data.manifest.table import SUFFIXES, Table, read_table
from lince.data.manifest.text import repaired
from lince.data.sources.folder import SPLIT_NAMES
from lince.data.sources.marker import read_marker
from lince.data.sources.request import Request
from lince.data.sources.walk import natural

_SPLITS: dict[str, Split] = {
    **SPLIT_NAMES,
    "treino": "train",
    "treinamento": "train",
    "validação": "val",
    "validacao": "val",
    "teste": "test",
}
# Names of files that say nothing of what is in them: the folder's name serves.
_PLAIN_NAMES = frozenset({"manifest", "labels", "metadata", "data", "dataset", "index", "images", "annotations"})
_EMPTY_LOOKS = frozenset({"nan", "na", "n/a", "null", "none", "-", "?"})
_SHOWN = 3


def recognises(location: str) -> bool:
    """A name that ends in .csv, .tsv or .parquet and is no folder."""
    path = Path(location)
    return path.suffix.lower() in SUFFIXES and not path.is_dir()


def read(request: Request) -> Collection:
    """Read a manifest: columns ``path`` and ``label``, optionally ``group, split, row``, and attributes.

    Paths that are not absolute are relative to the manifest's folder. Files are looked for, not opened. Left out, and
    listed in ``skipped``: rows without a path or label, files that are missing, images named twice with different
    labels, groups or parts. An image named twice the same is kept once. Without a column ``group``, patients are taken
    from a column that says so (``patient_id``), else from file names that follow a known scheme.

    Raises
    ------
    SourceError
        No readable table, no column ``path`` or ``label``, a part with an unknown name, no file that is there, or
        fewer than two classes.
    ConfigError
        ``target`` is not a column.
    """
    with collector_paused():
        return _read(request)


def _read(request: Request) -> Collection:
    path = request.path
    table = read_table(path, frozenset(RESERVED) | {(request.target or "label").lower()})
    columns = find_columns(table, path, request.target)
    if not len(table):
        raise SourceError("This manifest names no image", received=path, fix="add a row for each image")
    rows = _understand(table, columns, path)
    _check_twins(rows)
    _check_files(rows, path)
    return _collection(request, rows, table, columns)


@dataclass(slots=True)
class _Rows:
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

    def used(self) -> list[bool]:
        return [index not in self.left for index in range(len(self.paths))]

    def kept(self) -> list[int]:
        return [index for index in range(len(self.paths)) if index not in self.left]

    def place(self, index: int) -> str:
        return f"{self.unit} {self.places[index]}"


def _understand(table: Table, columns: Columns, path: Path) -> _Rows:
    cells: Sequence[str] = columns.path
    if table.unit == "row":  # Parquet may have other things than text
        cells = ["" if cell is None else str(cell) for cell in cells]
    nothing: list[Any] = [None] * len(table)
    rows = _Rows(
        cells,
        _joined(path.parent, cells),
        words(columns.label),
        nothing if columns.group is None else words(columns.group),
        nothing if columns.split is None else _parts(words(columns.split), path),
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
        return [cell if cell[:1] == "/" else prefix + cell for cell in cells]
    return [os.path.normpath(os.path.join(base, cell)) for cell in cells]  # noqa: PTH118


def _parts(names: Sequence[str | None], path: Path) -> list[Split | None]:
    known = {name: _SPLITS.get(name.casefold()) for name in set(names) if name is not None}
    strange = [name for name, part in known.items() if part is None]
    if strange:
        counts = Counter(name for name in names if name in set(strange))
        told = ", ".join(f"{name} ({count} rows)" for name, count in counts.most_common(5))
        near = get_close_matches(strange[0].casefold(), list(_SPLITS), n=1)
        # Leaving such rows unsplit would let them be drawn for training; leaving them out would hide a typing error.
        raise SourceError(
            f"The column split of {path.name} names parts that are not known",
            received=told,
            fix=(f"did you mean {near[0]}? " if near else "")
            + "Write train, val or test, or nothing where lince is to draw",
        )
    return [None if name is None else known[name] for name in names]


def _numbers(rows: _Rows, cells: Sequence[str | None]) -> list[int | None]:
    numbers: list[int | None] = []
    for index, cell in enumerate(cells):
        if cell is None or (cell.isascii() and cell.isdigit() and len(cell) < 18):
            numbers.append(None if cell is None else int(cell))
        else:
            numbers.append(None)
            rows.left.setdefault(index, f"row is not a whole number from 0, {rows.place(index)}")
    return numbers


def _check_twins(rows: _Rows) -> None:
    """Keep an image once where its rows agree, and not at all where they contradict each other."""
    first: dict[str | tuple[str, int], int] = {}
    repeats: dict[int, list[int]] = defaultdict(list)
    for index, (path, number) in enumerate(zip(rows.paths, rows.numbers, strict=True)):
        if index in rows.left:
            continue
        earlier = first.setdefault(path if number is None else (path, number), index)
        if earlier != index:
            repeats[earlier].append(index)
    contradicted: list[str] = []
    for earlier, others in repeats.items():
        found = (earlier, *others)
        reason = _contradiction(rows, found)
        for index in found if reason else others:
            rows.left[index] = reason
        if reason:
            contradicted.append(_tail(rows.paths[earlier]))
    same = sum(len(others) for others in repeats.values()) - sum(
        rows.left[earlier] is not None for earlier in repeats if earlier in rows.left for _ in repeats[earlier]
    )
    if same:
        rows.notices.append(f"{_count(same, 'row repeats', 'rows repeat')} another; each image is kept once.")
    if contradicted:
        rows.notices.append(
            f"{_count(len(contradicted), 'image is', 'images are')} named more than once with different labels, groups "
            f"or parts and left out: {_some(contradicted)}."
        )


def _contradiction(rows: _Rows, twins: Sequence[int]) -> str | None:
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


def _check_files(rows: _Rows, path: Path) -> None:
    """Leave out rows whose file is not there, after a look for it under another spelling."""
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
            f"{_count(found, 'file was', 'files were')} found under another spelling of the path (slashes, accents or "
            "blanks)."
        )
    if len(lost) == len(kept):
        raise _all_absent(rows, lost, absent[rows.paths[lost[0]]], path)
    if lost:
        rows.notices.append(
            f"{len(lost)} of the {len(kept)} images named in {path.name} are not there and were left out: "
            f"{_some([rows.cells[index] for index in lost])}."
        )


def _respelled(rows: _Rows, lost: Sequence[int], folder: Path) -> int:
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


def _all_absent(rows: _Rows, lost: Sequence[int], reason: str, path: Path) -> SourceError:
    cell, tried = rows.cells[lost[0]], rows.paths[lost[0]]
    fix = "check its paths"
    if not os.path.isabs(cell):  # noqa: PTH117
        fix = "paths are relative to the manifest's folder, not to the current one"
        if os.path.isfile(cell):  # noqa: PTH113
            fix += f": move the manifest to {Path.cwd()}"
    return SourceError(
        f"None of the {len(lost)} images named in {path.name} can be read ({reason})",
        received=repaired(tried),
        fix=fix,
    )


def _collection(request: Request, rows: _Rows, table: Table, columns: Columns) -> Collection:
    path = request.path
    kept = rows.kept()
    names = sorted({rows.labels[index] for index in kept}, key=natural)
    skipped = [Skipped(rows.paths[index] or str(path), reason) for index, reason in sorted(rows.left.items()) if reason]
    if len(names) < 2 and not (request.classes and names and set(names) <= set(request.classes.names)):
        raise SourceError(
            f"There is only one class, {names[0]}: a classifier needs at least two"
            if names
            else f"No row can be used (the first: {skipped[0].reason})",
            received=path,
            fix="give images of two classes or more" if names else "give each row a path and a label",
        )
    attributes, notices = _attributes(table, columns)
    labels = rows.labels
    marker = read_marker(path.parent)
    synthetic = marker.synthetic or (columns.synthetic is not None and "true" in map(_lower, set(columns.synthetic)))
    collection = Collection(
        name=marker.name or _title(path),
        samples=tuple(_samples(rows, attributes)),
        labels=request.classes
        if request.classes and set(names) <= set(request.classes.names)
        else LabelSpace.with_default_positive(names, request.positive),
        source=str(path),
        synthetic=synthetic,
        skipped=(*table.skipped, *skipped),
        notices=(
            *table.notices,
            *columns.notices,
            *notices,
            *rows.notices,
            *_bare_notices(table, rows),
            *_label_notices(Counter(labels[index] for index in kept)),
        ),
        root=_root(path.parent, rows.paths),
    )
    if columns.group is not None:
        return collection
    groups = groups_from_names([s.name for s in collection.samples], [s.label for s in collection.samples])
    return collection if not any(groups) else collection.with_groups(groups)


def _samples(rows: _Rows, attributes: dict[str, list[Any]]) -> Iterator[Sample]:
    names = tuple(attributes)
    facts: Iterable[tuple[Any, ...]] = zip(*attributes.values(), strict=True) if names else repeat((), len(rows.paths))
    known = zip(rows.paths, rows.labels, rows.groups, rows.splits, rows.numbers, facts, strict=True)
    whole = not any(None in cells for cells in attributes.values())
    for path, label, group, split, number, values in compress(known, rows.used()):
        about = dict(zip(names, values, strict=True))
        if not whole:
            about = {name: value for name, value in about.items() if value is not None}
        yield Sample(path, label, group, split, number, about)


def _attributes(table: Table, columns: Columns) -> tuple[dict[str, list[Any]], list[str]]:
    found: dict[str, list[Any]] = {}
    commas: list[str] = []
    for name, cells in columns.attributes.items():
        if table.unit == "row":  # Parquet knows its types
            found[name] = [None if value != value else value for value in cells]  # NaN is nothing
            continue
        found[name], comma = typed(cells, decimal_comma=table.decimal_comma)
        if comma:
            commas.append(name)
    notices = [f"Numbers with a decimal comma were read in: {', '.join(commas)}."] if commas else []
    return found, notices


def _bare_notices(table: Table, rows: _Rows) -> list[str]:
    bare = Counter(reason.split(",")[0] for reason in rows.left.values() if reason and not reason.startswith(MISSING))
    notices = [f"{bare[what]} rows have {what} and were left out." for what in ("no path", "no label") if bare[what]]
    if table.skipped:
        notices.append(f"{len(table.skipped)} rows do not fit the header and were left out.")
    return notices


def _label_notices(counts: Counter[str]) -> list[str]:
    notices = []
    folded = Counter(name.casefold() for name in counts)
    twins = sorted(name for name in counts if folded[name.casefold()] > 1)
    if twins:
        notices.append(f"Class names that differ only in case count as different classes: {', '.join(twins)}.")
    empty = [f"{name} ({counts[name]})" for name in counts if name.casefold() in _EMPTY_LOOKS]
    if empty:
        notices.append(f"Class names that look like a missing value: {', '.join(empty)}.")
    if all(name.isdecimal() for name in counts):
        notices.append(f"The classes have no names, only numbers: {', '.join(sorted(counts, key=natural)[:8])}.")
    return notices


def _root(folder: Path, paths: Sequence[str]) -> str:
    """What identities are relative to: the manifest's folder, or what all files share where some lie elsewhere."""
    prefix = os.path.join(str(folder), "")  # noqa: PTH118
    if str(folder) == "." or all(path.startswith(prefix) for path in paths):
        return str(folder)
    try:
        return os.path.commonpath({os.path.dirname(os.path.abspath(path)) for path in paths})  # noqa: PTH100, PTH120
    except ValueError:  # several drives
        return ""


def _title(path: Path) -> str:
    if path.stem.lower() not in _PLAIN_NAMES:
        return path.stem
    return path.absolute().parent.name or path.stem


def _lower(value: Any) -> str:
    return str(value).strip().lower()


def _tail(path: str) -> str:
    return repaired(path.replace("\\", "/").rsplit("/", 1)[-1])


def _some(names: Sequence[str]) -> str:
    return ", ".join(repaired(name) for name in names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
