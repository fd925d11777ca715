"""What a table says of image files: the texts of named columns, joined by the file's name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lince.core.errors import SourceError
from lince.data.joining import file_column
from lince.data.manifest import read_table
from lince.data.manifest.columns import called, words

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class TableTexts:
    """The outcome of a join.

    Attributes
    ----------
    said
        One for each file: its texts by column; empty where the table says nothing of it.
    notices
        How the table was understood, and which of its rows were left out.
    """

    said: list[dict[str, str]]
    notices: list[str]


def table_texts(table: Path, files: Sequence[str | Path], wanted: Sequence[str]) -> TableTexts:
    """Find what a table says of each file.

    Parameters
    ----------
    table
        CSV, TSV or Parquet. The column that names the files is found by its own name (``file``, ``path``, ``image``,
        ``name``, ...), else by its content; it may name them by the end of their path, with or without suffix.
    files
        Paths; a name that two of them share names neither.
    wanted
        Names of columns, without regard to case; one of them is enough.

    Raises
    ------
    SourceError
        The table cannot be read, names none of the files, has none of the columns, or says two things of a file.
    MissingExtraError
        It is a Parquet file and pyarrow is not installed.
    """
    content = read_table(table, frozenset(field.lower() for field in wanted))
    found = {field: called(field, [*content.columns]) for field in wanted}
    columns = {field: words(content.columns[name]) for field, name in found.items() if name is not None}
    if not columns:
        raise SourceError(
            f"{table.name} has no column {' or '.join(wanted)}",
            received=", ".join([*content.columns, *content.unreadable]) or "no columns",
            fix=f"name its column of texts {wanted[0]}",
        )
    places = dict.fromkeys(_place(file) for file in files)
    keys = {name: words(cells) for name, cells in content.columns.items() if name not in found.values()}
    named = file_column(keys, [*places])
    if places and named is None:
        raise SourceError(
            f"No column of {table.name} names these images",
            received=", ".join(keys) or "no other column",
            fix="give it a column called file with their names",
        )
    rows_of = dict(zip(places, named[1] if named else (), strict=True))
    said = [_texts(columns, rows_of[_place(file)], table, file) for file in files]
    notices = [*content.notices]
    notices += [f"A row of {table.name} was left out: {skip.reason}." for skip in content.skipped[:_SHOWN]]
    if len(content.skipped) > _SHOWN:
        notices.append(f"{len(content.skipped) - _SHOWN} more rows of {table.name} were left out.")
    return TableTexts(said, notices)


def _place(file: str | Path) -> str:
    """The path from the root on, links as they are called."""
    return Path(os.path.normpath(Path(file).absolute())).as_posix()


def _texts(columns: dict[str, list[str | None]], rows: Sequence[int], table: Path, file: str | Path) -> dict[str, str]:
    said: dict[str, str] = {}
    for field, cells in columns.items():
        given = {text for row in rows if (text := cells[row]) is not None}
        if len(given) > 1:
            raise SourceError(
                f"{table.name} says two things of one image in its column {field}",
                received=file,
                fix="leave one row for each image",
            )
        if given:
            said[field] = given.pop()
    return said
