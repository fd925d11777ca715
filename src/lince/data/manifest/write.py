"""A collection written as a manifest."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

from lince.core.errors import ConfigError, OutputError
from lince.core.extras import require
from lince.core.files import atomic_file
from lince.core.paths import expanded
from lince.data.collection import Collection
from lince.data.manifest.columns import RESERVED
from lince.data.manifest.table import SUFFIXES


def write_manifest(collection: Collection, path: str | Path, *, force: bool = False) -> Path:
    """Write a collection as a table with the columns ``path, label, group, split`` and one for each attribute.

    ``row`` is written where images are rows of an array, ``synthetic`` where they are computer-made. Files under the
    manifest's folder are named relative to it, others by their whole path. Images are not copied. CSV is UTF-8, with
    empty cells for what is not known; Parquet keeps the types of attributes. An attribute called like one of the
    columns above gets a ``_`` after its name.

    Parameters
    ----------
    path
        Ends in ``.csv``, ``.tsv`` or ``.parquet``.
    force
        Replace a file that is there.

    Returns
    -------
    Path
        The file, whole: it is written under another name first.

    Raises
    ------
    ConfigError
        The suffix is another.
    OutputError
        The file exists, or cannot be written.
    MissingExtraError
        Parquet, and pyarrow is not installed.
    """
    path = check_out(path, force=force)
    columns = _columns(collection, path)
    if path.suffix.lower() == ".parquet":
        arrow, parquet = require("pyarrow"), require("pyarrow.parquet")
        table = arrow.table({name: _arrow(arrow, name, cells) for name, cells in columns.items()})
        with atomic_file(path) as stream:
            parquet.write_table(table, stream)
    else:
        with atomic_file(path) as stream:
            _write_text(stream, columns, "\t" if path.suffix.lower() == ".tsv" else ",")
    return path


def check_out(path: str | Path, *, force: bool) -> Path:
    """Refuse a place where no manifest can be written, before the work that leads to it.

    Returns
    -------
    Path
        The place, with ``~`` resolved.

    Raises
    ------
    ConfigError, OutputError
        As in `write_manifest`.
    """
    path = expanded(path)
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(
            "A manifest's name ends in .csv, .tsv or .parquet", received=path, fix=f"write {path.stem or 'out'}.csv"
        )
    if path.suffix.lower() == ".parquet":
        require("pyarrow")
    if path.is_dir():
        raise OutputError("This is a folder", received=path, fix="give the name of a file")
    if path.exists() and not force:
        raise OutputError("This file exists already", received=path, fix="say --force to replace it")
    return path


def _columns(collection: Collection, path: Path) -> dict[str, Sequence[Any]]:
    samples = collection.samples
    columns: dict[str, Sequence[Any]] = {
        "path": _paths((sample.path for sample in samples), path.absolute().parent),
        "label": [sample.label for sample in samples],
        "group": [sample.group for sample in samples],
        "split": [sample.split for sample in samples],
    }
    if any(sample.row is not None for sample in samples):
        columns["row"] = [sample.row for sample in samples]
    if collection.synthetic:
        columns["synthetic"] = [True] * len(samples)
    for name in dict.fromkeys(name for sample in samples for name in sample.attributes):
        title = name
        while title in columns or title.lower() in RESERVED:
            title += "_"
        columns[title] = [_plain(sample.attributes.get(name)) for sample in samples]
    return columns


def _paths(paths: Iterable[str], folder: Path) -> list[str]:
    """Relative to the folder, with slashes, where they lie under it; absolute elsewhere."""
    # os.path, not pathlib: a million Path objects would cost seconds.
    prefix = os.path.join(str(folder), "")  # noqa: PTH118
    found = []
    for path in paths:
        whole = path if os.path.isabs(path) else os.path.abspath(path)  # noqa: PTH100, PTH117
        found.append(whole[len(prefix) :].replace(os.sep, "/") if whole.startswith(prefix) else whole)
    return found


def _plain(value: Any) -> Any:
    """A value that a cell can hold; None where there is nothing."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if hasattr(value, "item") and not getattr(value, "shape", ()):  # a number of NumPy
        value = value.item()
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value if isinstance(value, (str, bool, int)) else str(value)


def _write_text(stream: IO[bytes], columns: dict[str, Sequence[Any]], separator: str) -> None:
    # A file's name may hold bytes that are not text: they go out as they came in.
    text = io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="")
    table = [_texts(cells) for cells in columns.values()]
    # Before Python 3.13 a lone carriage return is not quoted by itself, and would end the row.
    returns = any("\r" in cell for cells in (columns, *table) for cell in cells)
    writer = csv.writer(
        text, delimiter=separator, lineterminator="\n", quoting=csv.QUOTE_ALL if returns else csv.QUOTE_MINIMAL
    )
    try:
        writer.writerow(columns)
        writer.writerows(zip(*table, strict=True))
    except UnicodeEncodeError as error:
        raise OutputError(
            "A text of this collection cannot be written as UTF-8", received=ascii(error.object[:80])
        ) from error
    text.flush()
    text.detach()


def _texts(cells: Sequence[Any]) -> list[str]:
    return [_text(cell) for cell in cells]


def _text(cell: Any) -> str:
    if isinstance(cell, str):
        return cell
    if cell is None:
        return ""
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


def _arrow(arrow: Any, name: str, cells: Sequence[Any]) -> Any:
    kind = {"path": arrow.string(), "label": arrow.string(), "group": arrow.string(), "split": arrow.string()}.get(name)
    try:
        return arrow.array(cells, type=kind)
    except UnicodeEncodeError as error:
        raise OutputError(
            "A name of this collection is not text, which Parquet needs",
            received=ascii(error.object[:80]),
            fix="write .csv, or rename the file",
        ) from error
    except (arrow.ArrowInvalid, arrow.ArrowTypeError, OverflowError):  # a column of several types
        return arrow.array([None if cell is None else _text(cell) for cell in cells], type=arrow.string())
