"""What the columns of a manifest mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from lince.core.errors import ConfigError, SourceError
from lince.core.wording import listed
from lince.data.manifest.table import Table
from lince.data.manifest.text import repaired

RESERVED = ("path", "label", "group", "split", "row", "synthetic")
"""Columns with a meaning of their own; every other column is an attribute."""

# What people call these columns, to suggest. Only patients are taken without asking: a patient missed is a leak.
_LIKELY: Mapping[str, tuple[str, ...]] = {
    "path": (
        "file", "filename", "file_name", "filepath", "file_path", "image", "image_path", "img_path", "image_name",
        "caminho", "arquivo", "ficheiro", "imagem",
    ),
    "label": ("class", "diagnosis", "target", "category", "finding", "y", "classe", "diagnostico", "diagnóstico"),
    "group": (
        "patient", "patient_id", "patientid", "subject", "subject_id", "case_id", "paciente", "id_paciente",
        "paciente_id",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Columns:
    """The cells of a table by what they mean; ``None`` where there is no such column."""

    path: Sequence[Any]
    label: Sequence[Any]
    group: Sequence[Any] | None
    split: Sequence[Any] | None
    row: Sequence[Any] | None
    synthetic: Sequence[Any] | None
    attributes: Mapping[str, Sequence[Any]]
    notices: tuple[str, ...] = ()


def find_columns(table: Table, source: Path, target: str | None) -> Columns:
    """Find the columns by name, without regard to case; ``target`` takes the place of ``label``.

    Raises
    ------
    SourceError
        There is no column ``path`` or ``label``, two may be meant, or a column with a meaning cannot be read.
    ConfigError
        There is no column ``target``.
    """
    names = [*table.columns, *table.unreadable]
    found = {role: called(role, names) for role in RESERVED}
    if found["path"] is None:
        raise _missing("path", names, source)
    attributes = [name for name in names if name not in found.values()]
    if target is not None:
        found["label"] = _target(target, names)
        attributes = [name for name in attributes if name != found["label"]]
    elif found["label"] is None:
        raise _missing("label", names, source)
    notices: tuple[str, ...] = ()
    if found["group"] is None:
        patients = [name for name in attributes if name.lower() in _LIKELY["group"]]
        if len(patients) == 1:
            found["group"] = patients[0]
            attributes.remove(patients[0])
            notices = (f"The column {patients[0]} is taken as the patient; name it group to say so.",)
    for role, name in found.items():
        # To go on without the column of patients or parts would be a leak.
        if name is not None and name in table.unreadable:
            raise SourceError(
                f"The column {name} of {source.name}, its {role}, cannot be read: {table.unreadable[name]}",
                received=source,
                fix="write it again as plain UTF-8 text",
            )
    attributes = [name for name in attributes if name in table.columns]
    cells = {role: None if name is None else table.columns[name] for role, name in found.items()}
    path, label = cells.pop("path"), cells.pop("label")
    return Columns(
        path or (), label or (), **cells, attributes={n: table.columns[n] for n in attributes}, notices=notices
    )


def called(wanted: str, names: Sequence[str]) -> str | None:
    """The column of this very name, else the only one that differs in case alone."""
    if wanted in names:
        return wanted
    found = [name for name in names if name.lower() == wanted.lower()]
    if len(found) > 1:
        raise SourceError(
            f"Two columns may be meant by {wanted}", received=listed(found), fix="rename the one that is not"
        )
    return found[0] if found else None


def _target(target: str, names: Sequence[str]) -> str:
    found = called(target, names)
    if found is None or found.lower() in set(RESERVED) - {"label", "group", "split"}:
        near = get_close_matches(target, names, n=1)
        offered = ", ".join(name for name in names if name.lower() != "path")
        raise ConfigError(
            "This manifest has no such column to classify by",
            received=target,
            fix=f"did you mean {near[0]}" if near and near[0] != found else f"choose one of: {offered}",
        )
    return found


def _missing(role: str, names: Sequence[str], source: Path) -> SourceError:
    near = [name for name in names if name.lower() in _LIKELY[role]] or get_close_matches(role, names, n=1)
    told = listed(names, most=12)
    if near and role == "label":
        fix = f"say --target {near[0]}, or rename that column to label"
    elif near:
        fix = f"rename the column {near[0]} to {role}"
    else:
        fix = "its first line must name the columns path and label"
    return SourceError(f"The manifest {source.name} has no column {role}", received=told or "no column", fix=fix)


def words(cells: Sequence[Any]) -> list[str | None]:
    """Cells as text without blanks around it, ``None`` where nothing is left; equal texts are one object."""
    known = {cell: _word(cell) for cell in set(cells)}
    return list(map(known.__getitem__, cells))


def _word(cell: Any) -> str | None:
    if cell is None:
        return None
    if isinstance(cell, str):
        return repaired(cell).strip() or None
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        if cell != cell:  # not a number: how pandas writes an empty cell
            return None
        return str(int(cell)) if cell.is_integer() else str(cell)
    return str(cell)
