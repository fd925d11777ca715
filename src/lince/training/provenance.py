"""What a bundle keeps of the collection that it was trained on: numbers, and how the parts came about."""

from __future__ import annotations

from typing import Any

from lince.core.pages import legible
from lince.data import Collection
from lince.data.splits import torn_groups
from lince.training.prepared import Prepared


def collection_record(prepared: Prepared) -> dict[str, Any]:
    """The collection as plain data.

    Returns
    -------
    dict
        ``name`` and ``digest``; ``counts`` and ``groups`` by part and class; ``grouping`` and ``given_parts`` as in
        `Prepared`; how many groups are ``torn`` between parts; how many files were ``skipped``; ``notices``, those of
        the audit among them.
    """
    collection = prepared.collection
    return {
        "name": collection.name,
        "digest": collection.digest(),
        "counts": {str(split): row for split, row in collection.counts_by_split().items()},
        "groups": _groups(collection),
        "grouping": prepared.grouping,
        "given_parts": list(prepared.given_parts),
        "torn": len(torn_groups(collection.samples)),
        "skipped": len(prepared.skipped),
        "notices": [legible(notice) for notice in collection.notices],
    }


def _groups(collection: Collection) -> dict[str, dict[str, int]]:
    """Groups by part and class; an image without a group counts for itself."""
    units = {
        (str(sample.split), sample.label, (sample.group, -1 if sample.group is not None else number))
        for number, sample in enumerate(collection.samples)
    }
    found = {str(part): dict.fromkeys(collection.labels.names, 0) for part in collection.counts_by_split()}
    for part, label, _ in units:
        found[part][label] += 1
    return found
