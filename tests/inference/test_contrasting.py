"""Evaluating by subgroup, beside another bundle, and away from home."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lince
from lince.core.errors import ConfigError
from lince.core.events import Event, EventBus, Noticed, WorkStarted
from lince.inference import Bundle, evaluate


@pytest.fixture
def elsewhere(tiny_images: Path, tmp_path: Path) -> Path:
    """The tiny images from another device: brighter, so that no file is one of the training."""
    folder = tmp_path / "elsewhere"
    for path in sorted(tiny_images.rglob("*.png")):
        target = folder / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.asarray(Image.open(path)).astype(float)
        Image.fromarray((255 * (pixels / 255) ** 0.5).astype(np.uint8)).save(target)
    return folder


@pytest.fixture
def manifest(tiny_images: Path, tmp_path: Path) -> Path:
    """The tiny images with sex, age and device in a table; two ages are not known."""
    place = tmp_path / "table.csv"
    with place.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["path", "label", "sex", "age", "device"])
        for number, path in enumerate(sorted(tiny_images.rglob("*.png"))):
            age = "" if number < 2 else str(30 + 3 * number)
            rows.writerow([str(path), path.parent.name, "FM"[number % 2], age, f"scanner {number % 3}"])
    return place


def test_subgroups_from_a_table(tiny_bundle: Path, manifest: Path, tmp_path: Path) -> None:
    found = evaluate(tiny_bundle, manifest, split="all", by=["sex", "AGE"], out=tmp_path / "out")
    assert found.subgroups is not None
    assert [(one.attribute, one.value) for one in found.subgroups.groups] == [
        ("sex", "F"), ("sex", "M"), ("age", "< 40"), ("age", "40–59"), ("age", "60–79"), ("age", "≥ 80"),
    ]  # fmt: skip
    assert found.subgroups.not_recorded == {"sex": 0, "age": 2}
    assert sum(one.n for one in found.subgroups.groups) == 24 + 22
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert summary["subgroups"]["banded"] == ["age"]
    assert (tmp_path / "out" / "subgroups.csv").is_file()


def test_an_unknown_attribute_is_refused_before_the_images_are_read(tiny_bundle: Path, manifest: Path) -> None:
    heard: list[Event] = []
    bus = EventBus()
    bus.subscribe(heard.append)
    with pytest.raises(ConfigError, match="choose among: age, device, sex"):
        evaluate(tiny_bundle, manifest, by=["scanner"], bus=bus)
    assert not [event for event in heard if isinstance(event, WorkStarted)]


def test_a_bundle_beside_itself(tiny_bundle: Path, tiny_images: Path) -> None:
    found = evaluate(tiny_bundle, tiny_images, split="all", compare=tiny_bundle).comparison
    assert found is not None
    assert (found.first, found.second) == ("bundle (A)", "bundle (B)")
    assert all(figure.difference.value == 0 and figure.difference.p == 1 for figure in found.figures)


def test_images_that_either_bundle_has_seen_are_left_out(
    tiny_bundle: Path, tiny_images: Path, altered: Callable[..., Path]
) -> None:
    seen = Bundle(tiny_bundle).manifest.hashes
    other = altered(hashes={name: digest for name, digest in seen.items() if name != "seen.txt"})
    heard: list[Event] = []
    bus = EventBus()
    bus.subscribe(heard.append)
    # The other bundle does not know what it has seen; the tiny one has seen all but three.
    found = evaluate(other, tiny_images, compare=tiny_bundle, bus=bus)
    assert found.n == 3
    assert any(isinstance(e, Noticed) and "21 of 24 images were used in training" in e.message for e in heard)


def test_bundles_of_other_classes_are_refused(
    tiny_bundle: Path, tiny_images: Path, altered: Callable[..., Path]
) -> None:
    with pytest.raises(ConfigError, match="know different classes"):
        evaluate(tiny_bundle, tiny_images, compare=altered(classes=["benign", "cyst"], positive="cyst"))
    with pytest.raises(ConfigError, match="different positive classes"):
        evaluate(tiny_bundle, tiny_images, compare=altered(positive="benign"))


def test_another_collection_is_held_against_the_bundles_own(tiny_bundle: Path, elsewhere: Path) -> None:
    found = evaluate(tiny_bundle, elsewhere)
    assert found.external is not None
    own = Bundle(tiny_bundle).summary()
    assert found.external.n_there == own["n"] == 3
    hit = found.external.changes[1]
    assert hit.here == found.sensitivity
    assert hit.there.value == own["sensitivity"]["value"]
    assert found.external.recalibration_reason.startswith("too few images")


def test_the_own_collection_is_not_another(
    tiny_bundle: Path, tiny_images: Path, tmp_path: Path, altered: Callable[..., Path]
) -> None:
    assert evaluate(tiny_bundle, tiny_images).external is None
    assert evaluate(tiny_bundle, tiny_images, split="all").external is None
    # A bundle that does not know what it has seen still knows its collection by name and size.
    manifest = Bundle(tiny_bundle).manifest
    forgetful = altered(hashes={k: v for k, v in manifest.hashes.items() if k != "seen.txt"})
    assert evaluate(forgetful, tiny_images).external is None
    shutil.copytree(tiny_images, tmp_path / "fewer")
    for path in sorted((tmp_path / "fewer").rglob("*.png"))[::4]:
        path.unlink()
    assert evaluate(forgetful, tmp_path / "fewer").external is not None
    assert lince.load(tiny_images).name == manifest.provenance["collection"]["name"]
