"""What is planted in a copy of a clean collection is found, and a clean one is left in peace."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bench import planting

from lince.data import Collection, load, write_phantoms
from lince.data.audit import Audit, Finding, audit_collection

COUNT = 100


@pytest.fixture
def phantoms(tmp_path: Path) -> Path:
    return write_phantoms(tmp_path / "phantoms", count=COUNT, seed=5, size=96)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def findings(audit: Audit) -> dict[str, Finding]:
    return {finding.kind: finding for finding in audit.findings}


def names(collection: Collection, finding: Finding) -> set[str]:
    return {collection.samples[position].name for evidence in finding.evidence for position in evidence.members}


@pytest.mark.parametrize("seed", [1, 2])
def test_a_clean_collection_gives_no_alarm(tmp_path: Path, seed: int) -> None:
    audit = audit_collection(load(write_phantoms(tmp_path / "clean", count=COUNT, seed=seed, size=96)))
    assert [finding.kind for finding in audit.findings if finding.severity != "note"] == []
    assert len(audit.probes) >= 8
    assert audit.images == COUNT
    assert audit.synthetic


def test_every_changed_copy_is_found_and_nothing_else(phantoms: Path, rng: np.random.Generator) -> None:
    changes = [change for change in planting.CHANGES if not change.startswith(("cropped by 1", "cropped by 25"))]
    planted = planting.plant_copies(phantoms, changes, 2, rng)
    collection = load(phantoms)
    found = findings(audit_collection(collection))["duplicates"]
    told = {frozenset(collection.samples[m].name for m in evidence.members) for evidence in found.evidence}
    assert told == {frozenset(pair) for pairs in planted.values() for pair in pairs}
    relations = {frozenset(collection.samples[m].name for m in e.members): e.values["relation"] for e in found.evidence}
    assert {relations[frozenset(pair)] for pair in planted["saved again"]} == {"pixels"}
    assert {relations[frozenset(pair)] for pair in planted["JPEG of quality 30"]} == {"near"}
    assert {relations[frozenset(pair)] for pair in planted["mirrored"]} == {"mirrored"}
    assert {relations[frozenset(pair)] for pair in planted["three quarters of a turn"]} == {"rotated"}


def test_a_copy_with_another_label_is_severe(phantoms: Path, rng: np.random.Generator) -> None:
    source = planting.pick(phantoms, 1, rng, "benign")[0]
    planting.write(phantoms / "malignant" / "copy.png", planting.as_jpeg(planting.read(source), 80))
    collection = load(phantoms)
    audit = audit_collection(collection)
    first = audit.findings[0]
    assert (first.kind, first.severity, first.count, first.cases) == ("conflicting-labels", "severe", 2, 1)
    assert names(collection, first) == {source.name, "copy.png"}
    assert first.values["labels"] == {"benign / malignant": 1}
    assert audit.worst() == "severe"


def test_a_copy_in_another_part_and_a_patient_in_two(phantoms: Path, rng: np.random.Generator) -> None:
    source = planting.pick(phantoms, 1, rng, "benign")[0]
    (phantoms / "benign" / "copy.png").write_bytes(source.read_bytes())
    collection = load(phantoms)
    collection = collection.with_splits(
        ["test" if s.name == "copy.png" or i % 5 == 4 else "train" for i, s in enumerate(collection.samples)]
    )
    collection = collection.with_splits(
        ["train" if s.name == source.name else s.split for s in collection.samples]
    ).with_groups([f"p{i // 2}" for i in range(len(collection))])
    found = findings(audit_collection(collection))
    torn = found["duplicates-across-splits"]
    assert torn.severity == "severe"
    assert torn.values["exact"] == torn.values["cases"] == 1
    assert torn.values["splits"] == {"train / test": 1}
    assert torn.values["twins"] == {"train": 1, "val": 0, "test": 1}
    patients = found["group-across-splits"]
    parts: dict[str, set[str]] = {}
    for sample in collection.samples:
        parts.setdefault(str(sample.group), set()).add(str(sample.split))
    assert patients.cases == patients.values["groups"] == sum(len(own) == 2 for own in parts.values())
    assert {e.values["group"] for e in patients.evidence} <= {g for g, own in parts.items() if len(own) == 2}


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        ("corrupt", planting.corrupt),
        ("blank", planting.blank),
        ("saturated", planting.saturate),
        ("burned-in-text", planting.letter),
    ],
)
def test_spoilt_images_are_named(phantoms: Path, rng: np.random.Generator, kind: str, spoil: object) -> None:
    spoilt = planting.pick(phantoms, 6, rng)
    for path in spoilt:
        spoil(path, rng)  # type: ignore[operator]
    collection = load(phantoms)
    found = findings(audit_collection(collection))[kind]
    assert names(collection, found) == {path.name for path in spoilt}
    assert found.severity == "warning"
    assert found.count == 6


@pytest.mark.parametrize("giveaway", list(planting.GIVEAWAYS))
def test_a_fact_that_gives_the_class_away_is_told(phantoms: Path, rng: np.random.Generator, giveaway: str) -> None:
    change, facts = planting.GIVEAWAYS[giveaway]
    for path in planting.pick(phantoms, 36, rng, "malignant"):
        change(path, rng)
    audit = audit_collection(load(phantoms))
    told = {f.values["fact"]: f for f in audit.findings if f.kind == "shortcut"}
    hit = set(told) & set(facts)
    assert hit, [(p.fact, p.auc, p.low) for p in audit.probes[:5]]
    assert all(told[fact].values["low"] <= told[fact].values["auc"] <= told[fact].values["high"] for fact in hit)
    assert all(told[fact].values["about"] != "content" for fact in hit)
    assert audit.probes[0].low > 0.8


def test_a_class_of_few_is_told(phantoms: Path) -> None:
    collection = load(phantoms)
    kept = [i for i, s in enumerate(collection.samples) if s.label == "benign" or i % 10 == 0]
    found = findings(audit_collection(collection.subset(kept)))["class-balance"]
    assert found.values["smallest"] == "malignant"
    assert found.values["ratio"] == pytest.approx(60 / 4)
    assert found.severity == "warning"
