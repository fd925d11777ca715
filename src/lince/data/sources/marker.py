"""The optional file ``lince.json`` in a folder of images: its name, and whether the images are synthetic."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from lince.core.errors import SourceError

MARKER = "lince.json"


@dataclass(frozen=True, slots=True)
class Marker:
    """What a folder says of itself."""

    name: str | None = None
    synthetic: bool = False


def read_marker(folder: Path) -> Marker:
    """The folder's marker, or an empty one.

    Raises
    ------
    SourceError
        There is a marker, but it is not a JSON object with a text ``name`` and a true or false ``synthetic``: whether
        images are real is never guessed.
    """
    path = folder / MARKER
    try:
        if not path.is_file():
            return Marker()
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SourceError("The folder's lince.json cannot be read", received=error, fix="remove it") from error
    facts = facts if isinstance(facts, dict) else {"name": facts}
    name, synthetic = facts.get("name"), facts.get("synthetic", False)
    if not (name is None or isinstance(name, str)) or not isinstance(synthetic, bool):
        raise SourceError(
            "The folder's lince.json is not understood",
            received=path,
            fix='write {"name": "...", "synthetic": false}, or remove it',
        )
    return Marker(name, synthetic)
