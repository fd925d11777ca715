"""Source ``manifest``: a CSV or Parquet file that names images, their labels and what else is known of them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress, repeat
from pathlib import Path
from typing import Any

from lince.core.errors import SourceError
from lince.core.types import LabelSpace, Sample, Skipped, Split
from lince.core.wording import counted, natural
from lince.data.bulk import collector_paused
from lince.data.collection import Collection
from lince.data.groups import groups_from_names
from lince.data.manifest.cells import typed
from lince.data.manifest.columns import RESERVED, Columns, find_columns
from lince.data.manifest.files import MISSING
from lince.data.manifest.rows import Rows, check_files, check_twins, understand
from lince.data.manifest.table import SUFFIXES, Table, read_table
from lince.data.sources.folder import SPLIT_NAMES
from lince.data.sources.marker import read_marker
from lince.data.sources.request import Request

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
    if os.path.isdir(path):  # noqa: PTH112 a name that cannot be is told of below
        raise SourceError("This is a folder, not a file", received=path, fix=f"write folder:{path}")
    table = read_table(path, frozenset(RESERVED) | {(request.target or "label").lower()})
    columns = find_columns(table, path, request.target)
    if not len(table):
        raise SourceError("This manifest names no image", received=path, fix="add a row for each image")
    rows = understand(table, columns, path, _SPLITS)
    check_files(rows, path)
    check_twins(rows)  # afterwards: two spellings may have turned out to be one file
    return _collection(request, rows, table, columns)


def _collection(request: Request, rows: Rows, table: Table, columns: Columns) -> Collection:
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


def _samples(rows: Rows, attributes: dict[str, list[Any]]) -> Iterator[Sample]:
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


def _bare_notices(table: Table, rows: Rows) -> list[str]:
    bare = Counter(reason.split(",")[0] for reason in rows.left.values() if reason and not reason.startswith(MISSING))
    notices = [
        f"{counted(bare[what], 'row has', 'rows have')} {what} and {_left(bare[what])}."
        for what in ("no path", "no label")
        if bare[what]
    ]
    if table.skipped:
        count = len(table.skipped)
        notices.append(f"{counted(count, 'row does', 'rows do')} not fit the header and {_left(count)}.")
    return notices


def _left(count: int) -> str:
    return "was left out" if count == 1 else "were left out"


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
