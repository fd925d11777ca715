"""A table file as columns. Its content decides what it is, not its name."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lince.core.errors import SourceError
from lince.core.types import Skipped

SUFFIXES = frozenset({".csv", ".tsv", ".parquet"})

_PARQUET = b"PAR1"
_NOT_TABLES: Mapping[bytes, str] = {
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "compressed with gzip",
    b"%PDF": "a PDF",
}
_LOOKED_AT = 4096


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of one length, by name.

    Attributes
    ----------
    columns
        Cells as text where the file is CSV (an empty cell is ``""``); as they are typed in Parquet (``None``).
    lines
        Where each row ends in the file: line of the text, or row of the Parquet file, from 1.
    unit
        What ``lines`` counts: ``line`` or ``row``.
    decimal_comma
        Whether numbers may be written 3,5: the separator is not a comma.
    skipped
        Rows that do not fit the header.
    notices
        Sentences on how the file was understood.
    unreadable
        Columns that are there but whose values cannot be read, and why; ``notices`` tell of them.
    """

    columns: Mapping[str, Sequence[Any]]
    lines: array[int]
    unit: str = "line"
    decimal_comma: bool = False
    skipped: tuple[Skipped, ...] = ()
    notices: tuple[str, ...] = ()
    unreadable: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.lines)


def read_table(path: Path, expected: frozenset[str] = frozenset()) -> Table:
    """Read a CSV, TSV or Parquet file.

    Text may be UTF-8, UTF-16 or, where bytes are not UTF-8, Windows-1252; separated by commas, semicolons, tabs or
    bars. Of the separators, the one that finds most of the ``expected`` column names (lower case) is taken.

    Raises
    ------
    SourceError
        There is no such file, it may not be read, it is empty, damaged, or no table.
    MissingExtraError
        It is a Parquet file and pyarrow is not installed.
    """
    start = _first_bytes(path)
    if start.startswith(_PARQUET):
        from lince.data.manifest.parquet import read_parquet

        return read_parquet(path)
    kind = next((kind for magic, kind in _NOT_TABLES.items() if start.startswith(magic)), None)
    if kind is not None:
        raise SourceError(f"This file is {kind}, not a table", received=path, fix="save it as CSV UTF-8")
    if path.suffix.lower() == ".parquet":
        raise SourceError("This is not a Parquet file, or its start is damaged", received=path, fix="write it again")
    from lince.data.manifest.text import read_text

    return read_text(path, start, expected)


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            start = stream.read(_LOOKED_AT)
    except FileNotFoundError as error:
        raise SourceError("There is no such file", received=path, fix="check its name") from error
    except IsADirectoryError as error:
        raise SourceError(
            "This is a folder, not a file", received=path, fix="give a CSV, TSV or Parquet file"
        ) from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise SourceError(f"This file cannot be read: {why}", received=path, fix="check its permissions") from error
    if not start.strip():
        raise SourceError(
            "This file is empty", received=path, fix="its first line must name the columns path and label"
        )
    return start
