"""The audit of a collection, whole or quick."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lince.core.events import EventBus
from lince.data.audit.balance import attribute_findings, attribute_tables, class_findings
from lince.data.audit.confirm import LEAST_SIDE
from lince.data.audit.copies import copy_findings, group_findings, pairs_of
from lince.data.audit.drift import drift_findings
from lince.data.audit.findings import SEVERITIES, Audit, Finding
from lince.data.audit.kinds import KINDS
from lince.data.audit.quality import (
    blank_finding,
    corrupt_finding,
    extreme_findings,
    is_blank,
    saturated_finding,
    text_finding,
)
from lince.data.audit.shortcuts import facts_of, probe_facts, shortcut_findings
from lince.data.audit.survey import Survey, survey
from lince.data.audit.twins import Looks, Twin, find_twins
from lince.data.collection import Collection
from lince.imaging import ImageArray

Embed: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""From images (N, S, S, 3) uint8 to embeddings (N, D) float32, in the same order."""

_BINS = 24
_MOST_CLASSES = 24  # of which the page shows distributions


def audit_collection(
    collection: Collection,
    *,
    against: Collection | None = None,
    embed: Embed | None = None,
    bus: EventBus | None = None,
) -> Audit:
    """Look for everything that would ruin results: see `lince.data.audit.kinds`.

    Every image is decoded once. Positions in the findings are positions in ``collection``.

    Parameters
    ----------
    against
        Another collection: how far it differs, and which images the two share.
    embed
        A frozen network; with it, crops are found, and drift is measured by what images show.
    bus
        Hears the progress.

    Raises
    ------
    OutputError
        The cache folder cannot be written.
    """
    start = time.monotonic()
    with survey(collection.samples, bus=bus) as seen:
        readable = collection.subset(seen.kept.tolist())
        looks = _looks(seen, embed, compared=against is not None)
        twins = _placed(find_twins(looks, bus=bus), seen.kept)
        facts = facts_of(readable, seen.numbers, seen.words, seen.headers)
        probes = probe_facts(readable, facts)
        findings = [
            *copy_findings(collection, twins),
            *group_findings(collection),
            *shortcut_findings(readable, seen.kept, facts, probes),
            *corrupt_finding(collection, seen.unread),
            *(blank_finding(seen.kept, seen.numbers) if len(seen) else ()),
            *(saturated_finding(seen.kept, seen.numbers) if len(seen) else ()),
            *extreme_findings(seen.kept, seen.numbers),
            *text_finding(seen.kept, seen.boxes, seen.headers),
            *class_findings(collection),
            *attribute_findings(collection),
        ]
        if against is not None:
            with survey(against.samples, size=seen.small.shape[1], bus=bus) as theirs:
                findings += drift_findings(
                    collection, seen, looks, against, theirs, _looks(theirs, embed, compared=True), bus=bus
                )
        told = _facts(collection, seen)
    return Audit(
        name=collection.name,
        source=collection.source,
        images=len(collection),
        synthetic=collection.synthetic,
        findings=sort_findings(findings),
        probes=tuple(probes),
        facts=told,
        seconds=time.monotonic() - start,
        against=against.name if against is not None else None,
    )


def quick_findings(
    collection: Collection,
    images: ImageArray,
    groups: Sequence[str] | None = None,
) -> tuple[Finding, ...]:
    """The part of the audit that needs no further look at the files: for a training that is about to start.

    Parameters
    ----------
    collection
        The samples of ``images``, in their order (its ``kept`` ones).
    images
        As decoded for training.
    groups
        One per image, shared by near-duplicates, as `lince.data.near_duplicate_groups` gives them; without them only
        files of the same bytes are told.

    Returns
    -------
    tuple[Finding, ...]
        Of the kinds for copies, groups, corrupt files and class balance; the worst first. Positions are rows of
        ``images``.
    """
    twins = [Twin(a, b, "file", 1.0) for a, b in pairs_of(images.digests)]
    known = {(twin.first, twin.second) for twin in twins}
    if groups is not None:
        twins += [Twin(a, b, "near", 1.0) for a, b in pairs_of(groups) if (a, b) not in known]
    findings = [*copy_findings(collection, twins), *group_findings(collection), *class_findings(collection)]
    return sort_findings(findings)


def sort_findings(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The worst first, then in the order of `KINDS`."""
    return tuple(sorted(findings, key=lambda f: (SEVERITIES.index(f.severity), KINDS.index(f.kind))))


def _looks(seen: Survey, embed: Embed | None, *, compared: bool) -> Looks:
    """Embeddings are for crops, which cannot be told in small images, and for comparing two collections."""
    blank = is_blank(seen.numbers) if len(seen) else np.zeros(0, bool)
    worth = embed is not None and len(seen) and (compared or seen.small.shape[1] >= LEAST_SIDE)
    embeddings = embed(seen.small) if embed is not None and worth else None
    return Looks(seen.small, seen.file_digests, seen.pixel_digests, blank, embeddings)


def _placed(twins: Sequence[Twin], kept: NDArray[np.int64]) -> list[Twin]:
    return [Twin(int(kept[t.first]), int(kept[t.second]), t.relation, t.similarity) for t in twins]


def _facts(collection: Collection, seen: Survey) -> dict[str, Any]:
    """Tables for the page."""
    groups = {sample.group for sample in collection.samples if sample.group is not None}
    labels = np.array([collection.samples[position].label for position in seen.kept.tolist()])
    shown = [name for name, _ in Counter(labels.tolist()).most_common(_MOST_CLASSES)]
    rows = {name: labels == name for name in collection.labels.names if name in shown}
    return {
        "classes": collection.counts(),
        "splits": {str(part or "none"): own for part, own in collection.counts_by_split().items()},
        "groups": {"count": len(groups), "images": sum(s.group is not None for s in collection.samples)},
        "attributes": attribute_tables(collection),
        "histograms": {
            name: _histogram(values, rows) for name, values in seen.numbers.items() if len(np.unique(values)) > 1
        },
        "readable": len(seen),
    }


def _histogram(values: NDArray[np.float64], rows: Mapping[str, NDArray[np.bool_]]) -> dict[str, Any]:
    """Counts of all images and of each class (``rows`` are its masks) between the same edges."""
    counts, edges = np.histogram(values, _BINS)
    return {
        "counts": counts.tolist(),
        "edges": [round(float(edge), 6) for edge in edges],
        "by_class": {name: np.histogram(values[own], edges)[0].tolist() for name, own in rows.items()},
    }
