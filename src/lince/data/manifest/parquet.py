"""The Parquet side of a table: cells come with their types."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any

from lince.core.errors import SourceError
from lince.core.extras import require
from lince.core.wording import listed
from lince.data.manifest.table import Table


def read_parquet(path: Path) -> Table:
    """Read the columns of a Parquet file that hold one plain value a row; the others are named in a notice.

    Numbers, truth values and text stay what they are, dates become ISO text. Columns with values that mean nothing
    here (dates outside the calendar, text that is not UTF-8, an unknown time zone) are named with the reason in
    ``Table.unreadable``, and in a notice.

    Raises
    ------
    SourceError
        The file is cut off or damaged.
    MissingExtraError
        pyarrow is not installed.
    """
    arrow = require("pyarrow")
    parquet = require("pyarrow.parquet")
    columns: dict[str, list[Any]] = {}
    left: list[str] = []
    unreadable: dict[str, str] = {}
    try:
        with parquet.ParquetFile(path) as file:
            count = file.metadata.num_rows
            schema = file.schema_arrow
            wanted = [item.name for item in schema if _is_plain(arrow, item.type)]
            left = [item.name for item in schema if item.name not in wanted]
            names = [name for name in wanted if not name.startswith("__index_level_")]
            if len(set(names)) < len(names):
                raise SourceError("Two columns have the same name", received=path, fix="rename one of them")
            for name in names:  # one by one: the whole table twice would not fit where it fits once
                column = file.read(columns=[name]).column(0)
                try:
                    columns[name] = _cells(arrow, column)
                except (OverflowError, ValueError, LookupError) as error:
                    unreadable[name] = _why(column.type, error)
    except (arrow.ArrowException, OSError) as error:
        raise SourceError(
            f"This Parquet file is cut off or damaged: {error}", received=path, fix="write or copy it again"
        ) from error
    notices = [f"The column {name} of {path.name} was left alone: {why}." for name, why in unreadable.items()]
    if left:
        notices.append(f"Columns of {path.name} that are not plain values were left alone: {listed(left)}.")
    lines = array("q", range(1, count + 1))
    return Table(columns, lines, "row", notices=tuple(notices), unreadable=unreadable)


def _why(kind: Any, error: Exception) -> str:
    """What keeps the values of a column from becoming Python's; Arrow's own words speak of its packages."""
    if isinstance(error, UnicodeError):
        return "its text is not UTF-8"
    if isinstance(error, OverflowError):
        return f"its {kind} holds a value out of range"
    zone = getattr(kind, "tz", None)
    return f"its time zone {zone} is not known" if zone else f"its {kind} cannot be read ({error})"


def _is_plain(arrow: Any, kind: Any) -> bool:
    types = arrow.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    binary = types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)
    return not (types.is_nested(kind) or binary)


def _cells(arrow: Any, column: Any) -> list[Any]:
    types = arrow.types
    kind = column.type
    if types.is_string(kind) or types.is_large_string(kind):
        column = column.dictionary_encode()  # so that text that returns is kept once
        kind = column.type
    if types.is_dictionary(kind):
        cells: list[Any] = []
        for chunk in column.chunks:
            words = [_plain(word) for word in chunk.dictionary.to_pylist()]
            cells.extend(None if code is None else words[code] for code in chunk.indices.to_pylist())
        return cells
    cells = column.to_pylist()
    exact = types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)
    return cells if exact else [_plain(cell) for cell in cells]


def _plain(value: Any) -> Any:
    """Dates, times and decimals as text."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
