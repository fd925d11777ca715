"""The log of a bundle: which labelled images it was measured on, and when.

Figures on images that were looked at before are no longer those of an untouched test: whoever chooses after looking,
chooses on them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lince.core.events import EventBus, Noticed
from lince.inference.bundle import SEEN_DIGITS
from lince.inference.records import OperatingPointRecord

OPENED = "opened.jsonl"
MEASURED = "measured.txt"


def record_opening(
    folder: Path,
    digests: Iterable[str],
    *,
    part: str,
    collection: str,
    bus: EventBus,
    point: OperatingPointRecord | None = None,
) -> None:
    """Note that labelled images were measured, and say so where some of them were before.

    A folder that cannot be written (a bundle on a read-only disk) is said, and is no error.

    Parameters
    ----------
    folder
        Of the bundle.
    digests
        SHA-256 of each image.
    point
        The operating point, where it was not the bundle's own.
    """
    images = _marks(digests)
    if not images:
        return
    known = _measured(folder)
    if again := len(known & images):
        bus.publish(
            Noticed(
                f"{again} of these {len(images)} images were measured with this bundle before: if a choice was made "
                "after looking, the figures are too good"
            )
        )
    line = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "collection": collection,
        "part": part,
        "images": len(images),
        "again": again,
        **({} if point is None else {"operating_point": point.model_dump(mode="json")}),
    }
    try:
        # One line that begins and ends with a break: what another process or a full disk left there stays its own.
        with (folder / OPENED).open("a", encoding="utf-8") as stream:
            stream.write("\n" + json.dumps(line) + "\n")
        # Added to, not written anew: another measurement may be noting its own images.
        with (folder / MEASURED).open("a", encoding="ascii") as stream:
            stream.write("\n".join(["", *sorted(images - known), ""]))
    except OSError as error:
        reason = getattr(error, "strerror", None) or "the place cannot be written"
        bus.publish(Noticed(f"It cannot be noted in the bundle that these images were measured: {reason}"))


def opened_before(folder: Path, digests: Iterable[str]) -> int:
    """How many of the images were measured with the bundle before."""
    return len(_measured(folder) & _marks(digests))


def openings(folder: Path) -> list[dict[str, Any]]:
    """What was noted, oldest first; lines that cannot be read are passed over."""
    found = []
    for line in _lines(folder / OPENED):
        try:
            one = json.loads(line)
        except ValueError:
            continue
        if isinstance(one, dict):
            found.append(one)
    return found


def _marks(digests: Iterable[str]) -> set[str]:
    return {digest[:SEEN_DIGITS] for digest in digests}


def _measured(folder: Path) -> set[str]:
    return set(_lines(folder / MEASURED))


def _lines(place: Path) -> list[str]:
    try:
        return place.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
