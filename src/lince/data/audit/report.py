"""The folder of an audit: a page for people, and every finding with every case as JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from lince.core.errors import OutputError
from lince.core.files import atomic_file, atomic_folder, check_writable
from lince.core.pages import legible
from lince.core.types import Sample
from lince.data.audit import page
from lince.data.audit.findings import Audit, Evidence, Finding, Probe
from lince.data.audit.telling import inside, shown_source
from lince.data.audit.texts import Language
from lince.data.collection import Collection

FORMAT = 1
PAGE, DATA = "audit.html", "audit.json"
NOT_A_DEVICE = "Research use only; not a medical device."


def default_out(name: str) -> Path:
    """``audit/NAME``, with a name that any file system takes."""
    return Path("audit") / (re.sub(r"[^\w.-]+", "-", name.lower()).strip("-.") or "collection")


def check_place(folder: Path) -> None:
    """Make sure, before the work begins, that an audit may be written here.

    Raises
    ------
    OutputError
        The folder holds something other than an earlier audit, which would be replaced; or it cannot be written.
    """
    if not folder.exists():
        check_writable(folder)
        return
    try:
        names = {entry.name for entry in folder.iterdir()}
    except NotADirectoryError as error:
        raise OutputError("This is a file, not a folder", received=folder, fix="choose another --out") from error
    except OSError as error:
        raise OutputError("This folder cannot be read", received=folder, fix="choose another --out") from error
    if not names <= {PAGE, DATA}:
        raise OutputError(
            "This folder holds something other than an audit", received=folder, fix="choose another --out or remove it"
        )


def write_audit(
    folder: Path,
    audit: Audit,
    collection: Collection,
    *,
    against: Collection | None = None,
    language: Language = "en",
    version: str = "",
) -> dict[str, Any]:
    """Write ``audit.html`` and ``audit.json`` into a folder; those of an earlier audit are replaced.

    Parameters
    ----------
    folder
        Made when missing; then it appears with both files in it, or not at all.
    collection
        The one that was audited: members of evidence are positions in it.
    against
        The other collection, for pictures of what both have.
    version
        Of the program, for the page.

    Returns
    -------
    dict
        The content of ``audit.json``; see `as_json`.

    Raises
    ------
    OutputError
        The folder holds something else, or cannot be written.
    """
    check_place(folder)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    told = as_json(audit, collection, against=against, created=created, version=version)
    text = json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False)
    files = {
        PAGE: page.html(audit, collection, against=against, language=language, created=created, version=version),
        DATA: legible(text + "\n").encode(),
    }
    if folder.exists():
        for name, data in files.items():
            with atomic_file(folder / name) as stream:
                stream.write(data)
        return told
    with atomic_folder(folder) as place:
        for name, data in files.items():
            (place / name).write_bytes(data)
    return told


def as_json(
    audit: Audit, collection: Collection, *, against: Collection | None = None, created: str, version: str = ""
) -> dict[str, Any]:
    """The content of ``audit.json``. Images go by their names inside the collection, never by absolute paths.

    ``format`` changes only when a key changes its meaning or goes away.
    """
    return {
        "format": FORMAT,
        "statement": NOT_A_DEVICE,
        "name": legible(audit.name),
        "source": shown_source(audit.source),
        "against": audit.against,
        "created": created,
        "lince_version": version,
        "seconds": round(audit.seconds, 2),
        "images": audit.images,
        "synthetic": audit.synthetic,
        "classes": list(collection.labels.names),
        "positive": collection.labels.positive,
        "collection_digest": collection.digest(),
        "worst": audit.worst(),
        "findings": [_finding(finding, collection, against) for finding in audit.findings],
        "probes": [_probe(probe) for probe in audit.probes],
        "facts": _plain(audit.facts, collection.source),
        "skipped": [
            {"path": inside(item.path, collection.source), "reason": legible(item.reason)}
            for item in collection.skipped
        ],
    }


def _finding(finding: Finding, collection: Collection, against: Collection | None) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "severity": finding.severity,
        "count": int(finding.count),
        "cases": int(finding.cases),
        "values": _plain(finding.values, collection.source),
        "evidence": [_evidence(evidence, collection, against) for evidence in finding.evidence],
    }


def _evidence(evidence: Evidence, collection: Collection, against: Collection | None) -> dict[str, Any]:
    values = dict(evidence.values)
    theirs = values.pop("theirs", None)
    told: dict[str, Any] = {
        "images": [_image(collection.samples[member], collection) for member in evidence.members],
        **_plain(values, collection.source if against is None else against.source),
    }
    if theirs is not None and against is not None:
        told.pop("paths", None)  # the names inside the collection say the same, on every machine
        told["theirs"] = [_image(against.samples[member], against) for member in theirs]
    return told


def _image(sample: Sample, collection: Collection) -> dict[str, Any]:
    return {
        "image": legible(collection.identity(sample)),
        "label": legible(sample.label),
        "group": None if sample.group is None else legible(sample.group),
        "split": sample.split,
    }


def _probe(probe: Probe) -> dict[str, Any]:
    names = ("fact", "about", "auc", "low", "high", "label", "detail")
    told: dict[str, Any] = _plain({name: getattr(probe, name) for name in names}, "")
    return told


def _plain(value: Any, source: str, key: str = "") -> Any:
    """JSON without NaN, NumPy types, or absolute paths (under the keys ``path`` and ``paths``)."""
    if isinstance(value, Mapping):
        return {legible(str(name)): _plain(item, source, str(name)) for name, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(item, source, key) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):
        return inside(value, source) if key in ("path", "paths") else legible(value)
    return value
