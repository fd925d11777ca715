"""Labels from a table, joined to images by whatever of them the table names: a UID, the file, the patient."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, get_args

from lince.core.errors import ConfigError, SourceError
from lince.core.wording import counted
from lince.data.manifest import Table, read_table
from lince.data.manifest.columns import words

Level = Literal["instance", "file", "series", "study", "patient"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""What a table may name an image by, from the finest: a table of images speaks before a table of patients."""

_CALLED: Mapping[Level, str] = {
    "instance": "SOPInstanceUID", "file": "the file's name", "series": "SeriesInstanceUID",
    "study": "StudyInstanceUID", "patient": "PatientID",
}  # fmt: skip

# Names of columns, in lower case without accents, blanks and signs.
_KEY_NAMES: Mapping[Level, frozenset[str]] = {
    "instance": frozenset({"sopinstanceuid", "instanceuid", "sopuid", "sopinstance", "imageuid"}),
    "file": frozenset({
        "path", "file", "filename", "filepath", "image", "imagepath", "imagename", "imagefile", "imagefilepath",
        "imgpath", "dicom", "dicompath", "dicomfile", "dcm", "caminho", "arquivo", "ficheiro", "imagem",
    }),
    "series": frozenset({"seriesinstanceuid", "seriesuid", "series"}),
    "study": frozenset({"studyinstanceuid", "studyuid", "study"}),
    "patient": frozenset({
        "patientid", "patient", "pid", "subjectid", "subject", "mrn", "paciente", "pacienteid", "idpaciente",
    }),
}  # fmt: skip
_LABEL_NAMES = frozenset({
    "label", "labels", "class", "classname", "diagnosis", "target", "category", "finding", "pathology", "outcome",
    "groundtruth", "y", "classe", "diagnostico", "rotulo", "etiqueta", "categoria", "achado", "patologia",
})  # fmt: skip

_MOST_CLASSES = 50  # of a column whose name does not say that it holds labels
_SHOWN = 3
# A file's suffix is not the end of a UID.
_SUFFIX = re.compile(r"\.[A-Za-z]\w*$")


@dataclass(frozen=True, slots=True)
class Keys:
    """What a table may name a file by; ``None`` where the file does not say.

    ``file`` is its path inside the source, with forward slashes.
    """

    file: str
    instance: str | None = None
    series: str | None = None
    study: str | None = None
    patient: str | None = None


@dataclass(slots=True)
class Joined:
    """The outcome of a join.

    Attributes
    ----------
    labels
        One per file; ``None`` where the table has none for it.
    refused
        Position of a file -> why the table's rows for it cannot be used.
    notices
        What was joined on what, and how much was left over.
    """

    labels: list[str | None]
    refused: dict[int, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)


def join_labels(table: Path, files: Sequence[Keys], *, target: str | None = None) -> Joined:
    """Find a label for each file in a table.

    The column that names the files is found by its own name, else by its content: a UID that occurs, or a column that
    names at least half of the files. The finest level wins (`LEVELS`). Rows that give one file two labels are refused
    for that file.

    Parameters
    ----------
    table
        CSV, TSV or Parquet.
    files
        What the table may know them by.
    target
        The column of labels; when not given, one whose name says so, or the only one that could be.

    Raises
    ------
    SourceError
        The table cannot be read, names none of the files, or has no obvious column of labels.
    ConfigError
        ``target`` is not one of its columns.
    """
    content = read_table(table)
    columns = {name: words(cells) for name, cells in content.columns.items()}
    labels = None if target is None else _target(target, [*columns, *content.unreadable])
    if labels is not None and labels in content.unreadable:
        raise SourceError(
            f"The column {labels} of {table.name} cannot be read: {content.unreadable[labels]}",
            received=table,
            fix="write it again as plain UTF-8 text",
        )
    keys = {n: cells for n, cells in columns.items() if n != labels and _plain(n) not in _LABEL_NAMES}
    key, level, rows = _key_column(table, keys, files)
    labels = labels or _label_column(table, {n: cells for n, cells in columns.items() if n != key})
    joined = _joined(rows, columns[labels], table, content)
    found = sum(label is not None for label in joined.labels)
    joined.notices.insert(
        0,
        f"Labels are the column {labels} of {table.name}, joined on {_CALLED[level]} by its column {key}: "
        f"{found} of {counted(len(files), 'file')} {'has' if found == 1 else 'have'} one.",
    )
    used = {row for of_file in rows for row in of_file}
    if len(used) < len(content):
        unused = len(content) - len(used)
        rest = f"{unused} of {counted(len(content), 'row')} of {table.name}"
        joined.notices.append(f"{rest} {'names' if unused == 1 else 'name'} no file here.")
    joined.notices.extend(content.notices)
    joined.notices.extend(f"A row of {table.name} was left out: {skip.reason}." for skip in content.skipped[:_SHOWN])
    return joined


def _plain(name: str) -> str:
    """A column's name without case, accents, blanks and signs."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(c for c in letters if c.isalnum() and c.isascii())


def _target(target: str, names: Sequence[str]) -> str:
    found = next((name for name in names if name == target), None)
    found = found or next((name for name in names if name.casefold() == target.casefold()), None)
    if found is None:
        near = get_close_matches(target, names, n=1)
        raise ConfigError(
            "The table has no such column",
            received=target,
            fix=f"did you mean {near[0]}" if near else f"choose one of: {', '.join(names)}",
        )
    return found


def _label_column(table: Path, columns: Mapping[str, Sequence[str | None]]) -> str:
    """The column of labels that nobody named, where there is no doubt."""
    named = [name for name in columns if _plain(name) in _LABEL_NAMES]
    plain = [name for name in named if _plain(name) == "label"]
    if len(named) == 1 or len(plain) == 1:
        return (plain or named)[0]
    telling = _LABEL_NAMES.union({"split"}, *_KEY_NAMES.values())
    others = [name for name, cells in columns.items() if _plain(name) not in telling and _could_be_labels(cells)]
    if not named and len(others) == 1:
        return others[0]
    raise SourceError(
        f"Which column of {table.name} holds the labels is not clear",
        received=", ".join(columns) or "no column but the key",
        fix="say it with --target COLUMN",
    )


def _could_be_labels(cells: Sequence[str | None]) -> bool:
    distinct = len({cell for cell in cells if cell is not None})
    return 2 <= distinct <= _MOST_CLASSES and 2 * distinct <= len(cells)


def _key_column(
    table: Path, columns: Mapping[str, Sequence[str | None]], files: Sequence[Keys]
) -> tuple[str, Level, list[list[int]]]:
    """The column that names the files, as what it names them, and the rows of each file."""
    for by_name in (True, False):
        for level in LEVELS:
            find = _finder(files, level)
            candidates = [name for name in columns if not by_name or _plain(name) in _KEY_NAMES[level]]
            fits = [(name, _rows(columns[name], find, len(files))) for name in candidates]
            fits = [(name, rows) for name, rows in fits if by_name or _telling(columns[name], rows, level)]
            if fits:
                name, rows = max(fits, key=lambda fit: sum(map(bool, fit[1])))
                if any(rows):
                    return name, level, rows
    raise SourceError(
        f"No column of {table.name} names the images of this tree",
        received=", ".join(columns) or "no column",
        fix="give it a column with SOPInstanceUID, SeriesInstanceUID, StudyInstanceUID, PatientID or the file's path",
    )


def file_column(
    columns: Mapping[str, Sequence[str | None]], files: Sequence[str]
) -> tuple[str, list[list[int]]] | None:
    """The column that names files, and the rows of each: by its own name, else by its content; None if none does.

    Parameters
    ----------
    columns
        Cells by name, `lince.data.manifest.columns.words`.
    files
        Paths with forward slashes, each once.
    """
    find = _finder([Keys(file) for file in files], "file")
    rows = {name: _rows(cells, find, len(files)) for name, cells in columns.items()}
    by_name = [name for name in columns if _plain(name) in _KEY_NAMES["file"] or _plain(name) == "name"]
    telling = [name for name in columns if _telling(columns[name], rows[name], "file")]
    for names in (by_name, telling):
        best = max(names, key=lambda name: sum(map(bool, rows[name])), default=None)
        if best is not None and any(rows[best]):
            return best, rows[best]
    return None


def _telling(cells: Sequence[str | None], rows: Sequence[Sequence[int]], level: Level) -> bool:
    """Whether a column whose name says nothing names files by more than chance; an age may well be a file's name."""
    matched = sum(map(bool, rows))
    if level in ("instance", "series", "study"):
        return matched > 0  # no other value looks like a UID of this tree
    varied = level == "patient" or 2 * len(set(cells)) >= len(cells)
    return varied and 2 * matched >= len(rows)


def _finder(files: Sequence[Keys], level: Level) -> Callable[[str], Sequence[int]]:
    """From what a cell says to the positions of the files that it names."""
    if level == "file":
        return _names(files)
    known: dict[str, list[int]] = defaultdict(list)
    for position, file in enumerate(files):
        if (value := getattr(file, level)) is not None:
            known[value].append(position)
    return lambda cell: known.get(cell, ())


def _names(files: Sequence[Keys]) -> Callable[[str], Sequence[int]]:
    """Files by the end of their path, or by a path that begins further up; with or without suffix.

    A name that several files have names none of them, and b/IM1 does not find a/IM1: a longer name fits only where it
    ends in the whole of a file's path.
    """
    whole: dict[str, list[int]] = defaultdict(list)
    ends: dict[str, list[int]] = defaultdict(list)
    for position, file in enumerate(files):
        for number, end in enumerate(_ends(file.file)):
            for form in dict.fromkeys((end, _SUFFIX.sub("", end))):
                ends[form].append(position)
                if number == 0:
                    whole[form].append(position)

    def find(cell: str) -> Sequence[int]:
        path = cell.replace("\\", "/").removeprefix("./").strip("/")
        forms = dict.fromkeys((path, _SUFFIX.sub("", path)))
        shorter = (whole.get(end) for form in forms for end in _ends(form))
        found = next(filter(None, (*(ends.get(form) for form in forms), *shorter)), [])
        return found if len(found) == 1 else ()

    return find


def _ends(path: str) -> Iterator[str]:
    """``a/b/c``, ``b/c``, ``c``."""
    yield path
    while "/" in path:
        path = path.partition("/")[2]
        yield path


def _rows(cells: Sequence[str | None], find: Callable[[str], Sequence[int]], count: int) -> list[list[int]]:
    """The rows that name each file."""
    rows: list[list[int]] = [[] for _ in range(count)]
    for row, cell in enumerate(cells):
        for position in () if cell is None else find(cell):
            rows[position].append(row)
    return rows


def _joined(rows: Sequence[Sequence[int]], labels: Sequence[str | None], table: Path, content: Table) -> Joined:
    """The label of each file; none, and a reason, where its rows disagree."""
    joined = Joined([])
    contradictions: dict[str, None] = {}  # a patient's rows contradict each other once, not once for each image
    for position, of_file in enumerate(rows):
        given = {label: row for row in reversed(of_file) if (label := labels[row]) is not None}
        if len(given) > 1:
            told = ", ".join(
                f"{label} ({content.unit} {content.lines[row]})"
                for label, row in sorted(given.items(), key=lambda item: item[1])[:_SHOWN]
            )
            contradictions[told] = None
            joined.refused[position] = f"labels of {table.name} contradict each other: {told}"
        joined.labels.append(next(iter(given)) if len(given) == 1 else None)
    if contradictions:
        shown = "; ".join([*list(contradictions)[:_SHOWN], *(["..."] if len(contradictions) > _SHOWN else [])])
        left = counted(len(joined.refused), "file was", "files were")
        joined.notices.append(f"{left} left out, since rows of {table.name} contradict each other: {shown}.")
    return joined
