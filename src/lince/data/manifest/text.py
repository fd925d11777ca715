"""CSV as people have it: any of three encodings, mixed ones too, and any of four separators."""

from __future__ import annotations

import codecs
import csv
import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain, islice
from pathlib import Path
from typing import TextIO

from lince.core.errors import SourceError
from lince.core.types import Skipped
from lince.data.manifest.table import Table

_SEPARATORS = ",;\t|"
_BLOCK = 20_000  # rows turned into columns at a time

# Bytes that are not UTF-8, as Python's "surrogateescape" keeps them.
_STRAY = re.compile("[\udc80-\udcff]+")
_BREAK = re.compile(r"\r\n|\r|\n")
# Excel's own way to name the separator, in a first line of its own.
_SEPARATOR_LINE = re.compile(r"sep=(.)\s*", re.IGNORECASE)


def repaired(text: str) -> str:
    """Stray bytes read as Windows-1252, the encoding of most files that are not UTF-8."""
    return text if text.isascii() else _STRAY.sub(_as_windows, text)


def _as_windows(match: re.Match[str]) -> str:
    stray = match[0].encode("utf-8", "surrogateescape")
    try:
        return stray.decode("cp1252")
    except UnicodeDecodeError:  # five bytes mean nothing in Windows-1252, but something in Latin-1
        return stray.decode("latin-1")


def read_text(path: Path, start: bytes, expected: frozenset[str]) -> Table:
    """Read a text table whose first bytes are ``start``; see `lince.data.manifest.read_table`.

    Stray bytes stay in the cells as surrogates: in a path they may be the file's real name. `repaired` reads them.
    """
    encoding = _encoding(path, start)
    try:
        with path.open(encoding=encoding, errors="surrogateescape" if "8" in encoding else "strict", newline="") as raw:
            return _read(path, raw, encoding, expected)
    except UnicodeError as error:
        raise SourceError(
            f"This file is not whole {encoding.upper()} text", received=path, fix="save it again as UTF-8"
        ) from error
    except OSError as error:
        raise SourceError(f"This file cannot be read: {error.strerror or error}", received=path) from error


def _encoding(path: Path, start: bytes) -> str:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in start:
        # Western text in UTF-16 has a zero in every second byte.
        for encoding, zeros in (("utf-16-le", start[1::2]), ("utf-16-be", start[0::2])):
            if zeros.count(0) > 0.8 * len(zeros):
                return encoding
        raise SourceError("This file is not text", received=path, fix="give a CSV or Parquet file")
    return "utf-8-sig"


@dataclass(slots=True)
class _Lines:
    """Lines of a file, noting those with stray bytes."""

    stream: TextIO
    stray: list[int] = field(default_factory=list)

    def __iter__(self) -> Iterator[str]:
        for number, line in enumerate(self.stream, 1):
            if not line.isascii() and _STRAY.search(line):
                self.stray.append(number)
            yield line


def _read(path: Path, stream: TextIO, encoding: str, expected: frozenset[str]) -> Table:
    lines = _Lines(stream)
    running = iter(lines)
    first, passed = _first_line(running)
    named = _SEPARATOR_LINE.fullmatch(first)
    if named:
        first = next(running, "")
        passed += 1
    separator = named[1] if named else _separator(first, expected)
    reader = csv.reader(chain([first], running), delimiter=separator, strict=True)
    try:
        header = next(reader, [])
        rows = _Rows(path, [repaired(name).strip() for name in header], passed + reader.line_num)
        _check_header(rows.header, path)
        while block := list(islice(reader, _BLOCK)):
            rows.add(block, passed + reader.line_num)
    except csv.Error as error:
        raise SourceError(
            f"Line {passed + reader.line_num} is not well-formed CSV: {error}", received=path, fix="check its quotes"
        ) from error
    notices = _notices(path, lines.stray, encoding)
    return Table(rows.columns(), rows.lines, "line", separator != ",", tuple(rows.skipped), notices)


def _first_line(lines: Iterator[str]) -> tuple[str, int]:
    """The first line that is not blank, and how many were passed over."""
    for passed, line in enumerate(lines):
        if line.strip():
            return line, passed
    return "", 0


def _separator(header: str, expected: frozenset[str]) -> str:
    def fitness(separator: str) -> tuple[int, int]:
        names = [cell.strip().strip('"').strip().lower() for cell in header.split(separator)]
        return len(expected.intersection(names)), len(names)

    return max(_SEPARATORS, key=fitness)


def _check_header(header: Sequence[str], path: Path) -> None:
    seen: set[str] = set()
    for name in header:
        if name and name in seen:
            raise SourceError("Two columns have the same name", received=name, fix=f"rename one of them in {path}")
        seen.add(name)


@dataclass(slots=True)
class _Rows:
    """Blocks of rows on their way to becoming columns."""

    path: Path
    header: list[str]
    last: int  # line on which the header ends, then the rows so far
    lines: array[int] = field(default_factory=lambda: array("q"))
    skipped: list[Skipped] = field(default_factory=list)
    _columns: list[list[str]] = field(default_factory=list)
    _known: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._columns = [[] for _ in self.header]
        self._known = [{} for _ in self.header]

    def add(self, block: list[list[str]], last: int) -> None:
        """Rows of which the last ends on the line ``last``."""
        lines = self._ends(block, last)
        if set(map(len, block)) != {len(self.header)}:
            fitting = [(cells, line) for row, line in zip(block, lines, strict=True) if (cells := self._fit(row, line))]
            block, lines = [cells for cells, _ in fitting], [line for _, line in fitting]
        self.lines.extend(lines)
        # Text that returns (labels, parts, patients) is kept once: a million rows would hold a million copies.
        for turned, column, known in zip(zip(*block, strict=True), self._columns, self._known, strict=False):
            if len(known) > _BLOCK and 2 * len(known) > len(column):
                column.extend(turned)  # nearly all different, such as paths
            else:
                column.extend(map(known.setdefault, turned, turned))

    def _ends(self, block: list[list[str]], last: int) -> Sequence[int]:
        """The line on which each row ends; a quoted cell may hold line breaks."""
        first, self.last = self.last + 1, last
        if last - first + 1 == len(block):
            return range(first, last + 1)
        breaks = ([len(_BREAK.findall(cell)) for cell in row] for row in block)
        return list(accumulate((1 + sum(found) for found in breaks), initial=first - 1))[1:]

    def _fit(self, cells: list[str], line: int) -> list[str] | None:
        """The row with as many cells as the header, or None where that cannot be."""
        width = len(self.header)
        if not any(cells):
            return None
        if any(cells[width:]):
            reason = f"row has more cells ({len(cells)}) than the header ({width}), line {line}"
            self.skipped.append(Skipped(str(self.path), reason))
            return None
        return (cells + [""] * width)[:width]  # spreadsheets leave empty cells at the end away

    def columns(self) -> dict[str, list[str]]:
        """Columns that have a name."""
        return {name: column for name, column in zip(self.header, self._columns, strict=True) if name}


def _notices(path: Path, stray: Sequence[int], encoding: str) -> tuple[str, ...]:
    if stray:
        count = f"{len(stray)} lines" if len(stray) > 1 else "One line"
        return (
            f"{count} of {path.name} (the first: {stray[0]}) are not UTF-8 and were read as Windows-1252; check that "
            "accents are right.",
        )
    return (f"{path.name} was read as UTF-16.",) if encoding.startswith("utf-16") else ()
