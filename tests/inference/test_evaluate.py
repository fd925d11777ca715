"""Measuring a bundle on a labelled source."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lince
from lince.core.errors import BundleError, ConfigError, LinceError, OutputError, SourceError
from lince.core.events import Event, EventBus, Noticed, WorkStarted
from lince.inference import Bundle, Predictor, evaluate
from lince.inference.aiming import at_aim


@pytest.fixture
def heard() -> tuple[EventBus, Callable[[], list[Noticed]]]:
    events: list[Event] = []
    bus = EventBus()
    bus.subscribe(events.append)
    return bus, lambda: [event for event in events if isinstance(event, Noticed)]


@pytest.fixture
def split_images(tiny_images: Path, tmp_path: Path) -> Path:
    """The tiny images split by hand: six for testing."""
    for label in ("benign", "malignant"):
        for number, path in enumerate(sorted((tiny_images / label).glob("*.png"))):
            part = "test" if number < 3 else "train"
            target = tmp_path / "split" / part / label / f"renamed-{number}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    return tmp_path / "split"


def test_unseen_images_are_measured_where_there_is_no_test_part(
    tiny_bundle: Path, tiny_images: Path, heard: tuple[EventBus, Callable[[], list[Noticed]]]
) -> None:
    bus, notices = heard
    assessment = evaluate(tiny_bundle, tiny_images, bus=bus)
    test = Bundle(tiny_bundle).manifest.figures["test"]
    assert assessment.n == test["n"] == 3
    assert assessment.auc.value == pytest.approx(test["auc"]["value"])
    assert assessment.accuracy.value == pytest.approx(test["accuracy"]["value"])
    assert [notice.message for notice in notices() if "used in training" in notice.message] == [
        "21 of 24 images were used in training; the other 3 are measured"
    ]


def test_all_images_come_with_a_warning(
    tiny_bundle: Path, tiny_images: Path, heard: tuple[EventBus, Callable[[], list[Noticed]]]
) -> None:
    bus, notices = heard
    assert evaluate(tiny_bundle, tiny_images, split="all", bus=bus).n == 24
    (warning,) = [notice for notice in notices() if notice.level == "warning"]
    assert warning.message == "21 of 24 images were used in training: these figures are too good"


def test_the_test_part_is_measured_where_there_is_one(
    tiny_bundle: Path, split_images: Path, heard: tuple[EventBus, Callable[[], list[Noticed]]]
) -> None:
    bus, notices = heard
    assessment = evaluate(tiny_bundle, split_images, bus=bus)
    assert assessment.n == 6
    # Copies under other names are known by their content.
    assert any("of 6 images were used in training: these figures are too good" in n.message for n in notices())
    assert evaluate(tiny_bundle, split_images, split="train").n == 18


def test_a_prevalence_is_passed_on_and_checked_before_the_work(
    tiny_bundle: Path, tiny_images: Path, heard: tuple[EventBus, Callable[[], list[Noticed]]]
) -> None:
    found = evaluate(tiny_bundle, tiny_images, split="all", prevalence=0.05)
    hit, spared = found.sensitivity.value, found.specificity.value
    assert found.prevalence == 0.05
    assert found.ppv_at_prevalence.value == pytest.approx(hit * 0.05 / (hit * 0.05 + (1 - spared) * 0.95))
    bus, notices = heard
    with pytest.raises(LinceError, match="A prevalence lies between 0 and 1"):
        evaluate(tiny_bundle, tiny_images, prevalence=5, bus=bus)
    assert not notices()


def test_a_part_that_is_not_there(tiny_bundle: Path, tiny_images: Path) -> None:
    with pytest.raises(SourceError) as caught:
        evaluate(tiny_bundle, tiny_images, split="val")
    assert caught.value.sentence.startswith("There is no image to measure (part: val)")
    assert caught.value.sentence.endswith("try --split all.")


def test_nothing_unseen_is_left(tiny_bundle: Path, tiny_images: Path, tmp_path: Path) -> None:
    from lince.core.files import sha256_file

    seen = Bundle(tiny_bundle).seen()
    for path in tiny_images.rglob("*.png"):
        if sha256_file(path)[:16] in seen:
            (tmp_path / "old" / path.parent.name).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, tmp_path / "old" / path.parent.name / f"copy-{path.name}")
    assert len(list((tmp_path / "old").rglob("*.png"))) == 21
    with pytest.raises(SourceError, match=r"There is no image to measure \(part: unseen\)"):
        evaluate(tiny_bundle, tmp_path / "old")


def test_classes_that_the_bundle_does_not_know(tiny_bundle: Path, tiny_images: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_images / "benign", tmp_path / "set" / "benign")
    shutil.copytree(tiny_images / "malignant", tmp_path / "set" / "cyst")
    with pytest.raises(SourceError) as caught:
        evaluate(tiny_bundle, tmp_path / "set")
    assert caught.value.sentence == (
        "The source has classes that this bundle does not know (received: cyst); "
        "rename or remove them; the bundle knows: benign, malignant."
    )


def test_the_report_is_written_whole(tiny_bundle: Path, tiny_images: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    assessment = evaluate(Predictor(tiny_bundle), lince.load(tiny_images), split="all", out=out)
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert summary["n"] == 24
    assert summary["auc"]["value"] == pytest.approx(assessment.auc.value)
    with (out / "predictions.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 24
    page = next(out.glob("*.html")).read_text(encoding="utf-8")
    assert "small-cnn trained on breast-ultrasound phantoms" in page
    assert "of these images were used in training: the figures are too good" in page
    assert "synthetic" in page.lower()
    assert os.listdir(tmp_path) == ["report"]  # noqa: PTH208


def test_a_report_does_not_replace_another(tiny_bundle: Path, tiny_images: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="exists already"):
        evaluate(tiny_bundle, tiny_images, out=tmp_path)


def test_a_file_that_cannot_be_read_is_reported(tiny_bundle: Path, tiny_images: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_images, tmp_path / "set")
    (tmp_path / "set" / "benign" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    out = tmp_path / "report"
    assert evaluate(tiny_bundle, tmp_path / "set", split="all", out=out).n == 24
    assert any("broken.png" in path.read_text(encoding="utf-8") for path in out.rglob("*.html"))


def test_images_of_one_class_are_measured(tiny_bundle: Path, tiny_images: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_images / "benign", tmp_path / "set" / "benign")
    found = evaluate(tiny_bundle, tmp_path / "set", split="all")
    whole = evaluate(tiny_bundle, tiny_images, split="all")
    assert found.truth_counts["benign"] == found.n == whole.truth_counts["benign"]
    assert found.specificity.value == whole.specificity.value
    assert found.sensitivity.value is found.auc.value is None


def test_one_class_that_the_model_does_not_know_is_refused(
    tiny_bundle: Path, tiny_images: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny_images / "benign", tmp_path / "set" / "cyst")
    with pytest.raises(LinceError, match="cyst"):
        evaluate(tiny_bundle, tmp_path / "set", split="all")


def test_a_report_that_cannot_be_written_is_refused_before_the_images_are_read(
    tiny_bundle: Path, tiny_images: Path, tmp_path: Path
) -> None:
    (tmp_path / "report").mkdir()
    heard: list[Event] = []
    bus = EventBus()
    bus.subscribe(heard.append)
    with pytest.raises(OutputError, match="exists"):
        evaluate(tiny_bundle, tiny_images, out=tmp_path / "report", bus=bus)
    assert not [event for event in heard if isinstance(event, WorkStarted)]


def test_another_aim_is_met_on_held_out_predictions_and_leaves_the_bundle_as_it_was(
    tiny_bundle: Path, tiny_images: Path, tmp_path: Path, heard: tuple[EventBus, Callable[[], list[Noticed]]]
) -> None:
    bus, notices = heard
    folder = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    before = (folder / "bundle.json").read_bytes()
    own = Bundle(folder)
    found = evaluate(folder, tiny_images, split="all", aim="sensitivity>=1", gallery=False, bus=bus, out=tmp_path / "r")
    with (folder / "report" / "validation" / "predictions.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    lowest = min(float(row["p_malignant"]) for row in rows if row["truth"] == "malignant")
    assert found.threshold is not None
    assert found.threshold <= lowest
    assert found.threshold != own.threshold
    assert any("chosen on" in notice.message and "keeps its own" in notice.message for notice in notices())
    assert (folder / "bundle.json").read_bytes() == before
    opened = [json.loads(line) for line in (folder / "opened.jsonl").read_text(encoding="utf-8").split("\n") if line]
    assert opened[-1]["operating_point"]["aim"] == "sensitivity>=1"
    told = (tmp_path / "r" / "card.md").read_text(encoding="utf-8")
    assert "chosen for this evaluation" in told
    assert f"Operating point: {own.threshold:.3f}" in told
    assert "chosen for this evaluation" in (tmp_path / "r" / "report.html").read_text(encoding="utf-8")
    assert opened[-1]["operating_point"]["weights"] == own.manifest.hashes["model.safetensors"]


def test_at_another_aim_the_own_test_images_are_decided_by_it_too(
    tiny_bundle: Path, tiny_images: Path, tmp_path: Path
) -> None:
    away = tmp_path / "away"
    for label in ("benign", "malignant"):
        shutil.copytree(tiny_images / label, away / label)
    for number, path in enumerate(sorted(away.rglob("*.png"))):
        with Image.open(path) as image:
            image.convert("L").point(lambda value, n=number: min(255, value + 1 + n % 3)).save(path)
    plain = evaluate(tiny_bundle, away, split="all").external
    found = evaluate(tiny_bundle, away, split="all", aim="sensitivity>=1")
    assert plain is not None
    assert found.external is not None
    with (tiny_bundle / "report" / "predictions.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    called = {kind: [float(r["p_malignant"]) >= found.threshold for r in rows if (r["truth"] == "malignant") is kind]
              for kind in (True, False)}  # fmt: skip
    there = {change.name: change.there.value for change in found.external.changes}
    assert there["sensitivity"] == pytest.approx(np.mean(called[True]))
    assert there["specificity"] == pytest.approx(1 - np.mean(called[False]))
    assert there["auc"] == pytest.approx(plain.changes[0].there.value, abs=1e-4)


def test_at_another_aim_the_limits_of_referral_are_those_of_its_decisions(tiny_bundle: Path) -> None:
    own = Bundle(tiny_bundle)
    aimed = at_aim(own, "sensitivity>=1", EventBus())
    with (tiny_bundle / "report" / "validation" / "predictions.csv").open(encoding="utf-8", newline="") as stream:
        scores = np.array([float(row["p_malignant"]) for row in csv.DictReader(stream)])
    confidence = np.where(scores >= aimed.threshold, scores, 1 - scores)
    assert aimed.trust.referral is not None
    for share in (0.1, 0.2, 0.4):
        referred = (confidence < aimed.trust.referral.limit(share)).mean()
        assert referred == pytest.approx(share, abs=1 / len(scores))
    assert own.trust.referral == Bundle(tiny_bundle).trust.referral


def test_an_aim_is_that_of_both_bundles(tiny_bundle: Path, tiny_images: Path, tmp_path: Path) -> None:
    folders = [shutil.copytree(tiny_bundle, tmp_path / name) for name in ("one", "two")]
    found = evaluate(folders[0], tiny_images, split="all", aim="sensitivity>=1", compare=folders[1])
    assert found.comparison is not None
    assert {figure.difference.value for figure in found.comparison.figures} == {0.0}


def test_an_aim_needs_held_out_predictions(tiny_bundle: Path, tiny_images: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    with pytest.raises(ConfigError, match="no such aim"):
        evaluate(folder, tiny_images, aim="best")
    place = folder / "report" / "validation" / "predictions.csv"
    for damaged in ("name,truth\nx,benign\n", "name,truth,p_malignant\n", "name,truth,p_malignant\nx,benign,high\n"):
        place.write_text(damaged, encoding="utf-8")
        with pytest.raises(BundleError, match="predictions of this bundle are damaged"):
            evaluate(folder, tiny_images, aim="youden")
    place.unlink()
    with pytest.raises(ConfigError, match=r"no held-out predictions.*lince recalibrate"):
        evaluate(folder, tiny_images, aim="youden")
