"""Drift, attributes, shortcuts of the device, the quick part, and the edges of the engine."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lince.core.events import Event, EventBus, WorkFinished
from lince.core.types import LabelSpace, Sample
from lince.data import Collection, load, near_duplicate_groups, write_phantoms
from lince.data.audit import KINDS, Finding, audit_collection, quick_findings
from lince.data.audit.balance import attribute_findings, difference_between
from lince.data.audit.quality import text_finding
from lince.data.audit.shortcuts import auc_interval
from lince.imaging import ImageSpec, cached_images


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_phantoms(tmp_path_factory.mktemp("engine") / "phantoms", count=80, seed=9, size=64)


def of_kind(findings: tuple[Finding, ...], kind: str) -> list[Finding]:
    return [finding for finding in findings if finding.kind == kind]


def brightness(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A poor network: means of a grid of nine cells."""
    cells = np.array_split(np.arange(images.shape[1]), 3)
    return np.stack([images[:, a][:, :, b].mean(axis=(1, 2, 3)) for a in cells for b in cells], 1).astype(np.float32)


def with_attribute(collection: Collection, name: str, values: list[object]) -> Collection:
    samples = tuple(replace(s, attributes={name: v}) for s, v in zip(collection.samples, values, strict=True))
    return replace(collection, samples=samples)


def test_a_device_that_serves_one_class_is_a_severe_shortcut(phantoms: Path) -> None:
    collection = load(phantoms)
    devices = ["A" if s.label == "malignant" else "B" for s in collection.samples]
    audit = audit_collection(with_attribute(collection, "Manufacturer", devices))
    found = of_kind(audit.findings, "shortcut")
    assert [f.values["fact"] for f in found] == ["attribute:Manufacturer"]
    assert found[0].severity == "severe"
    assert "100 % of" in found[0].values["detail"]
    mixed = with_attribute(collection, "Manufacturer", ["AB"[i % 2] for i in range(len(collection))])
    assert of_kind(audit_collection(mixed).findings, "shortcut") == []


def test_an_attribute_that_goes_with_the_class_is_told_once_per_patient() -> None:
    rng = np.random.default_rng(0)
    labels = ["a"] * 100 + ["b"] * 100
    ages = np.r_[rng.normal(40, 8, 100), rng.normal(60, 8, 100)]
    sexes = rng.choice(["F", "M"], 200)
    samples = tuple(
        Sample(f"{i}.png", label, attributes={"age": float(age), "sex": str(sex)})
        for i, (label, age, sex) in enumerate(zip(labels, ages, sexes, strict=True))
    )
    collection = Collection("test", samples, LabelSpace(("a", "b")), "test")
    (found,) = attribute_findings(collection)
    assert found.values["attribute"] == "age"
    assert found.values["measure"] == "ks"
    assert found.severity == "warning"
    assert found.values["table"]["a"]["quartiles"][1] < 45 < found.values["table"]["b"]["quartiles"][1]
    # One hundred images of each class of one patient each say nothing about ages.
    one_patient = collection.with_groups(labels)
    assert attribute_findings(one_patient) == []


def test_cramers_v_of_a_known_table() -> None:
    # 2 x 2 with 30 + 10 and 10 + 30: chi2 = 20, phi2 = 0.25, corrected (0.25 - 1/79) / (2 - 1/79 - 1).
    values = ["x"] * 30 + ["y"] * 10 + ["x"] * 10 + ["y"] * 30
    difference = difference_between(values, ["a"] * 40 + ["b"] * 40)
    assert difference is not None
    assert difference.effect == pytest.approx(((0.25 - 1 / 79) / (1 - 1 / 79)) ** 0.5)
    assert difference.p == pytest.approx(7.744e-06, rel=1e-3)


def test_the_interval_of_hanley_and_mcneil() -> None:
    # Their example (Radiology 1982): A = 0.893, 51 abnormal and 58 normal cases, standard error 0.032.
    low, high = auc_interval(0.893, 51, 58)
    assert (high - low) / 2 / 1.96 == pytest.approx(0.032, abs=0.001)
    assert auc_interval(1.0, 10, 10)[0] < 1


def test_drift_is_told_by_statistics_by_embeddings_and_by_shared_images(phantoms: Path, tmp_path: Path) -> None:
    same = load(write_phantoms(tmp_path / "same", count=80, seed=10, size=64))
    assert of_kind(audit_collection(load(phantoms), against=same, embed=brightness).findings, "drift") == []
    other = load(write_phantoms(tmp_path / "other", count=80, seed=11, size=110))
    first = load(phantoms).samples[0]
    shutil.copy(first.path, Path(other.samples[0].path).parent / "shared.png")
    audit = audit_collection(load(phantoms), against=load(tmp_path / "other"), embed=brightness)
    loud = of_kind(audit.findings, "drift")[0]
    assert loud.severity == "warning"
    assert {"width", "height"} <= {s["fact"] for s in loud.values["statistics"]}
    (shared,) = of_kind(audit.findings, "duplicates-across-collections")
    assert (shared.severity, shared.count, shared.values["exact"]) == ("severe", 1, 1)
    assert shared.evidence[0].members == (0,)
    assert shared.evidence[0].values["paths"][0].endswith("shared.png")


def test_the_quick_part_tells_copies_and_torn_groups_without_reading_again(phantoms: Path, tmp_path: Path) -> None:
    place = tmp_path / "copy"
    shutil.copytree(phantoms, place)
    source = next((place / "benign").glob("*.png"))
    shutil.copy(source, place / "malignant" / "copy.png")
    collection = load(place)
    images = cached_images(collection.samples, ImageSpec(size=64, channels=1))
    parts = ["train" if i % 2 else "test" for i in range(len(collection))]
    collection = collection.with_splits(parts)  # type: ignore[arg-type]
    found = quick_findings(collection, images, near_duplicate_groups(images.pixels))
    assert found[0].kind == "conflicting-labels"
    names = {collection.samples[m].name for m in found[0].evidence[0].members}
    assert names == {source.name, "copy.png"}
    assert of_kind(found, "duplicates")[0].cases == 1
    torn = quick_findings(collection.with_groups(["one"] * len(collection)), images)
    assert of_kind(torn, "group-across-splits")[0].count == len(collection)


def test_a_header_that_allows_text_is_a_note() -> None:
    kept = np.arange(3)
    headers = {0: {"Modality": "US"}, 1: {"Modality": "CT"}, 2: {"Modality": "US", "BurnedInAnnotation": "NO"}}
    (found,) = text_finding(kept, {}, headers)
    assert (found.severity, found.count) == ("note", 1)
    assert found.evidence[0].members == (0,)
    assert found.evidence[0].values["reason"] == "header"


def test_nothing_to_read_is_told_and_not_fatal(tmp_path: Path) -> None:
    samples = tuple(Sample(str(tmp_path / f"{i}.png"), "ab"[i % 2]) for i in range(4))
    audit = audit_collection(Collection("none", samples, LabelSpace(("a", "b")), str(tmp_path)), embed=brightness)
    (found,) = of_kind(audit.findings, "corrupt")
    assert found.count == 4
    assert audit.probes == ()


def test_kinds_are_listed_in_order_and_progress_ends(phantoms: Path) -> None:
    heard: list[Event] = []
    bus = EventBus()
    bus.subscribe(heard.append)
    audit = audit_collection(load(phantoms), embed=brightness, bus=bus)
    assert {finding.kind for finding in audit.findings} <= set(KINDS)
    assert sum(isinstance(event, WorkFinished) for event in heard) == 2


def test_the_same_images_do_not_look_different(phantoms: Path) -> None:
    findings = audit_collection(load(phantoms), against=load(phantoms), embed=brightness).findings
    assert of_kind(findings, "drift") == []
    assert len(of_kind(findings, "duplicates-across-collections")) == 1


def test_a_shortcut_is_shown_on_images_of_both_sides(phantoms: Path) -> None:
    collection = load(phantoms)
    devices = ["A" if s.label == "malignant" else "B" for s in collection.samples]
    (found,) = of_kind(audit_collection(with_attribute(collection, "Manufacturer", devices)).findings, "shortcut")
    shown = [(collection.samples[e.members[0]].label, e.values["value"]) for e in found.evidence]
    assert len(shown) == 12
    assert set(shown) == {("malignant", "A"), ("benign", "B")}


def test_one_named_patient_does_not_silence_the_rest(phantoms: Path, tmp_path: Path) -> None:
    for path in phantoms.rglob("*.png"):
        for quality in (95, 70):
            place = tmp_path / path.parent.name / f"{path.stem}-{quality}.jpeg"
            place.parent.mkdir(exist_ok=True)
            Image.open(path).convert("L").save(place, quality=quality)
    collection = load(tmp_path)
    one = collection.with_groups(["somebody", *[None] * (len(collection) - 1)])
    assert of_kind(audit_collection(one).findings, "groups-missing")
    everybody = collection.with_groups([str(number // 2) for number in range(len(collection))])
    assert not of_kind(audit_collection(everybody).findings, "groups-missing")
