"""What is known to be wrong with published collections is found."""

from __future__ import annotations

from collections import Counter, defaultdict
from hashlib import sha256
from pathlib import Path

import pytest

from lince.data import load
from lince.data.audit import Audit, Finding, audit_collection

pytestmark = pytest.mark.real_data


def findings(audit: Audit) -> dict[str, Finding]:
    return {finding.kind: finding for finding in audit.findings}


def test_breastmnist_has_a_conflict_across_parts_and_twins_of_its_test_images(real_data: Path) -> None:
    collection = load(real_data / "medmnist" / "breastmnist.npz")
    audit = audit_collection(collection)
    found = findings(audit)
    conflict = audit.findings[0]
    assert conflict.kind == "conflicting-labels"
    first = conflict.evidence[0]  # the exact pair comes first
    assert first.values["relation"] == "file"
    assert set(first.values["splits"]) == {"train", "test"}
    assert set(first.values["labels"]) == {"malignant", "normal, benign"}
    torn = found["duplicates-across-splits"]
    assert torn.values["of"]["test"] == 156
    assert 39 <= torn.values["twins"]["test"] <= 65
    assert "groups-missing" in found


def test_busi_has_copies_across_classes_first(real_data: Path) -> None:
    collection = load(real_data / "busi")
    audit = audit_collection(collection)
    assert audit.findings[0].kind == "conflicting-labels"
    assert all(len(set(e.values["labels"])) > 1 for e in audit.findings[0].evidence)
    found = findings(audit)
    assert 85 <= found["duplicates"].cases <= 110
    assert found["burned-in-text"].severity == "warning"


def test_the_byte_identical_chest_films_are_found_and_no_shortcut_is_invented(real_data: Path) -> None:
    collection = load(real_data / "chest_xray")
    by_digest: dict[str, list[int]] = defaultdict(list)
    for position, sample in enumerate(collection.samples):
        by_digest[sha256(Path(sample.path).read_bytes()).hexdigest()].append(position)
    copies = {tuple(own) for own in by_digest.values() if len(own) > 1}
    assert (len(copies), sum(map(len, copies))) == (24, 50)
    # The copies and every tenth film: the whole takes half a minute.
    kept = sorted({p for own in copies for p in own} | set(range(0, len(collection), 10)))
    part = collection.subset(kept)
    audit = audit_collection(part)
    found = findings(audit)
    told = {tuple(sorted(kept[m] for m in e.members)) for e in found["duplicates"].evidence}
    assert copies <= told
    assert len(told) <= 26
    assert found["duplicates"].values["exact"] == 24
    images = Counter(sample.group for sample in part.samples)
    assert audit.facts["groups"]["count"] == len(images)
    assert max(images.values()) > 1
    assert not any(f.kind == "shortcut" and f.values["about"] == "container" for f in audit.findings)
