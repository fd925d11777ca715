"""What a table says of image files: the texts of named columns, joined by the file's name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lince.core.errors import SourceError
from lince.data.joining import Keys, key_column
from lince.data.manifest import read_table
from lince.data.manifest.columns import words


def table_texts(table: Path, files: Sequence[str], wanted: Sequence[str]) -> list[dict[str, str]]:
    """For each file the texts of the wanted columns; an empty dictionary where the table does not name it.

    Parameters
    ----------
    table
        CSV, TSV or Parquet; the column that names the files is found by its name, else by its content.
    files
        Paths; the table may name them by the end of the path.
    wanted
        Names of columns, without regard to case; one of them is enough.

    Raises
    ------
    SourceError
        The table cannot be read, names none of the files, has none of the columns, or says two things of a file.
    """
    content = read_table(table)
    named = {name.casefold(): name for name in content.columns}
    columns = {field: named[field.casefold()] for field in wanted if field.casefold() in named}
    if not columns:
        raise SourceError(
            f"{table.name} has no column {' or '.join(wanted)}",
            received=", ".join([*content.columns, *content.unreadable]) or "no columns",
            fix=f"name its column of texts {wanted[0]}",
        )
    texts = {field: words(content.columns[column]) for field, column in columns.items()}
    rest = {name: words(cells) for name, cells in content.columns.items() if name not in columns.values()}
    rows = key_column(table, rest, [Keys(Path(file).as_posix()) for file in files])[2]
    found = []
    for file, of_file in zip(files, rows, strict=True):
        said: dict[str, str] = {}
        for field, cells in texts.items():
            given = dict.fromkeys(text for row in of_file if (text := cells[row]) is not None)
            if len(given) > 1:
                raise SourceError(
                    f"{table.name} says two things of one image in its column {columns[field]}",
                    received=file,
                    fix="leave one row for each image",
                )
            if given:
                said[field] = next(iter(given))
        found.append(said)
    return found
