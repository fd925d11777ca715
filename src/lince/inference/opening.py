"""The log of a bundle: which labelled images it was measured on, and when.

Figures on images that were looked at before are no longer those of an untouched test: whoever chooses after looking,
chooses on them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lince.core.events import EventBus, Noticed
from lince.inference.bundle import SEEN_DIGITS

OPENED = "opened.jsonl"


def record_opening(folder: Path, digests: Iterable[str], *, part: str, collection: str, bus: EventBus) -> None:
    """Note that labelled images were measured, and say so where the same ones were before.

    A folder that cannot be written (a bundle on a read-only disk) is said, and is no error.

    Parameters
    ----------
    folder
        Of the bundle.
    digests
        SHA-256 of each image.
    """
    images = sorted({digest[:SEEN_DIGITS] for digest in digests})
    if not images:
        return
    mark = hashlib.sha256("".join(images).encode()).hexdigest()
    before = [one for one in openings(folder) if one.get("digest") == mark]
    if before:
        bus.publish(
            Noticed(
                f"These {len(images)} images were measured with this bundle before, first on {before[0].get('time')}: "
                "if a choice was made after looking, the figures are too good"
            )
        )
    line = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "collection": collection,
        "part": part,
        "images": len(images),
        "digest": mark,
    }
    try:
        # One short line at the end of the file: two processes at once do not cut each other's.
        with (folder / OPENED).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
    except OSError as error:
        bus.publish(Noticed(f"It cannot be noted in the bundle that these images were measured: {error.strerror}"))


def openings(folder: Path) -> list[dict[str, Any]]:
    """What was noted, oldest first; lines that cannot be read are passed over."""
    found = []
    try:
        lines = (folder / OPENED).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    for line in lines:
        try:
            one = json.loads(line)
        except ValueError:
            continue
        if isinstance(one, dict):
            found.append(one)
    return found
