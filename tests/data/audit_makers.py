"""Audits made by hand, for the tests of what is said and shown of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lince.core.types import LabelSpace, Sample
from lince.data import Collection
from lince.data.audit import Audit, Evidence, Finding, Probe, Severity, kinds


def collection_in(folder: Path, *, labels: Sequence[str] = ("benign", "malignant"), each: int = 4) -> Collection:
    """Small noisy images in class folders, with groups and parts."""
    rng = np.random.default_rng(0)
    samples = []
    for label in labels:
        (folder / label).mkdir(parents=True)
        for number in range(each):
            path = folder / label / f"{number}.png"
            Image.fromarray(rng.integers(0, 256, (20, 30), np.uint8)).save(path)
            part: Any = ("train", "val", "test")[number % 3]
            samples.append(Sample(str(path), label, f"patient{number}", part))
    return Collection("Clinic A", tuple(samples), LabelSpace(tuple(labels), labels[-1]), str(folder))


def audit_of(collection: Collection, *findings: Finding, **changes: Any) -> Audit:
    """An audit with these findings."""
    facts: dict[str, Any] = {"name": collection.name, "source": collection.source, "images": len(collection)}
    facts |= {"synthetic": False, "probes": (), "facts": {}, "seconds": 1.5}
    return Audit(**facts | changes, findings=findings)


COPY = {"relation": "near", "similarity": 0.93, "labels": ["a", "b"], "splits": ["train", "test"], "groups": [None] * 2}
SHORTCUT = {
    "fact": "format", "about": "container", "auc": 0.971, "low": 0.93, "high": 0.99, "label": "malignant",
    "detail": "PNG in 98 % of malignant, 3 % of the others", "tried": 18,
}  # fmt: skip

# By kind: severity, values as `lince.data.audit.kinds` documents them, and the values of one piece of evidence.
VALUES: dict[str, tuple[Severity, dict[str, Any], dict[str, Any]]] = {
    kinds.CONFLICTING_LABELS: ("severe", {"cases": 1, "exact": 1, "labels": {"benign / malignant": 1}}, COPY),
    kinds.DUPLICATES_ACROSS_SPLITS: (
        "severe",
        {"cases": 3, "exact": 0, "splits": {"train / test": 3}, "twins": {"train": 3, "val": 0, "test": 39},
         "of": {"train": 546, "val": 78, "test": 156}},
        COPY,
    ),
    kinds.GROUP_ACROSS_SPLITS: (
        "severe", {"groups": 2, "of": 40, "splits": {"train / test": 2}},
        {"group": "patient7", "splits": {"train": 3, "test": 1}},
    ),
    kinds.DUPLICATES_ACROSS_COLLECTIONS: (
        "severe", {"cases": 1, "exact": 0, "against": "Clinic B"},
        {"theirs": [0], "paths": ["/home/maria/b/0.png"], "relation": "near", "similarity": 0.9},
    ),
    kinds.DUPLICATES_ACROSS_GROUPS: ("warning", {"cases": 2, "exact": 2}, COPY),
    kinds.SHORTCUT: ("severe", SHORTCUT, {"value": "PNG"}),
    kinds.GROUPS_MISSING: ("warning", {"cases": 12, "share": 0.2}, COPY),
    kinds.CORRUPT: (
        "warning",
        {"reasons": {"This JPEG file is cut short": 1}, "paths": [{"path": "/home/maria/a/x.png", "reason": "cut"}]},
        {"reason": "cut"},
    ),
    kinds.BLANK: ("warning", {"share": 0.01}, {"mean": 0.0, "std": 0.0}),
    kinds.SATURATED: ("warning", {"share": 0.02, "usual": 0.01}, {"white": 0.4, "black": 0.0}),
    kinds.BURNED_IN_TEXT: (
        "warning", {"share": 0.1, "by_pixels": 3, "by_header": 1, "where": {"top-left": 2, "middle-right": 1}},
        {"boxes": [[0.1, 0.25, 0.2, 0.75]], "reason": "pixels"},
    ),
    kinds.CLASS_BALANCE: (
        "warning",
        {"counts": {"benign": 90, "malignant": 9}, "smallest": "malignant", "largest": "benign", "ratio": 10.0,
         "absent": {"test": ["malignant"]}},
        {},
    ),
    kinds.ATTRIBUTE_BALANCE: (
        "note",
        {"attribute": "sex", "measure": "cramers-v", "effect": 0.31, "p": 1e-5,
         "table": {"benign": {"shares": {"F": 0.9, "M": 0.1}}, "malignant": {"shares": {"F": 0.5, "M": 0.5}}}},
        {},
    ),
    kinds.DRIFT: (
        "warning",
        {"against": "Clinic B", "auc": 0.9, "low": 0.85, "high": 0.94, "attributes": [], "classes": {},
         "statistics": [{"fact": "mean", "here": 80.0, "there": 120.5, "effect": 0.7, "p": 1e-9}]},
        {},
    ),
    kinds.DUPLICATES: ("note", {"cases": 1, "exact": 0, "share": 0.02, "relations": {"mirrored": 1}}, COPY),
    kinds.EXTREME: ("note", {"fact": "width", "median": 512.0, "low": 300.0, "high": 800.0}, {"value": 4000.0}),
}  # fmt: skip


def finding(kind: str, *, members: tuple[int, ...] = (0, 1), **changes: Any) -> Finding:
    """A finding of a kind, with documented values, some of them changed."""
    severity, values, evidence = VALUES[kind]
    severity = changes.pop("severity", severity)
    return Finding(kind, severity, 2, values | changes, (Evidence(members, evidence),), 1)


PROBE = Probe("format", "container", 0.971, 0.93, 0.99, "malignant", "PNG in 98 % of malignant, 3 % of the others")
