"""Runs from source to bundle: same seed, interruptions, what is left behind."""

from __future__ import annotations

import errno
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from lince.core.errors import ConfigError, OutputError, SourceError, TrainingError
from lince.core.events import EpochFinished, Event, EventBus, Noticed, PhaseStarted
from lince.core.files import write_error
from lince.core.types import LabelSpace
from lince.data import load, write_phantoms
from lince.inference.bundle import Bundle
from lince.models import build, entry_for
from lince.training import phases as phases_module
from lince.training import reporting, single
from lince.training.fit import PhaseResult
from lince.training.folder import RunFolder, default_out
from lince.training.losses import Imbalance
from lince.training.options import TrainOptions
from lince.training.plan import Phase, make_plan
from lince.training.prepared import prepare
from lince.training.run import train

QUICK: dict[str, Any] = {"model": "small-cnn", "image_size": 16, "preset": "fast", "epochs": 3, "batch_size": 8}


@pytest.fixture
def no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report has tests of its own and takes most of the time of a tiny run."""
    monkeypatch.setattr(reporting, "write_report", lambda *_, **__: None)


def interrupting(epoch: int) -> EventBus:
    """A bus on which somebody presses Ctrl-C at this epoch."""
    bus = EventBus()

    def hear(event: Event) -> None:
        if isinstance(event, EpochFinished) and event.epoch == epoch:
            raise KeyboardInterrupt

    bus.subscribe(hear)
    return bus


def weights(bundle: Bundle | Path) -> bytes:
    return (Path(bundle) / "model.safetensors").read_bytes()


@pytest.mark.usefixtures("no_report")
def test_the_same_seed_gives_the_same_weights_even_through_ctrl_c(tiny_images: Path, tmp_path: Path) -> None:
    first = train(tiny_images, out=tmp_path / "a", **QUICK)
    assert weights(train(tiny_images, out=tmp_path / "b", **QUICK)) == weights(first)
    assert weights(train(tiny_images, out=tmp_path / "other", **QUICK, seed=5)) != weights(first)
    with pytest.raises(KeyboardInterrupt):
        train(tiny_images, out=tmp_path / "c", bus=interrupting(2), **QUICK)
    assert (tmp_path / "c.partial" / "run.json").is_file()
    assert not (tmp_path / "c").exists()
    with pytest.raises(OutputError, match=r"An interrupted run is here.*go on with --resume"):
        train(tiny_images, out=tmp_path / "c", **QUICK)
    # The options come from the interrupted run.
    resumed = train(tiny_images, out=tmp_path / "c", resume=True)
    assert weights(resumed) == weights(first)
    assert resumed.trust.model_copy(update={"fixed": first.trust.fixed}) == first.trust
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c", "other"]


@pytest.mark.usefixtures("no_report")
def test_a_run_interrupted_in_its_second_phase_resumes_there(tiny_images: Path, tmp_path: Path) -> None:
    quick = {"image_size": 32, "epochs": 2, "tune_epochs": 2, "phases": 2, "batch_size": 8, "augment": False}
    bus = EventBus()

    def hear(event: Event) -> None:
        if isinstance(event, EpochFinished) and (event.phase, event.epoch) == ("fine-tuning", 2):
            raise KeyboardInterrupt

    leave = bus.subscribe(hear)
    with pytest.raises(KeyboardInterrupt):
        train(tiny_images, out=tmp_path / "a", bus=bus, **quick)
    assert not list((tmp_path / "a.partial" / "head").glob("*.npy")), "features of a finished phase are removed"
    leave()
    epochs: list[tuple[str, int]] = []
    bus.subscribe(lambda event: epochs.append((event.phase, event.epoch)) if isinstance(event, EpochFinished) else None)
    resumed = train(tiny_images, out=tmp_path / "a", resume=True, bus=bus)
    assert epochs == [("fine-tuning", 2)]
    assert weights(resumed) == weights(train(tiny_images, out=tmp_path / "b", **quick))


@pytest.mark.usefixtures("no_report")
def test_a_resumed_run_refuses_other_images(tiny_images: Path, tmp_path: Path) -> None:
    images = shutil.copytree(tiny_images, tmp_path / "images")
    with pytest.raises(KeyboardInterrupt):
        train(images, out=tmp_path / "a", bus=interrupting(2), **QUICK)
    next(images.glob("benign/*.png")).unlink()
    with pytest.raises(TrainingError, match="collection has changed"):
        train(images, out=tmp_path / "a", resume=True)
    assert (tmp_path / "a.partial").is_dir(), "putting the image back makes it resumable again"


@pytest.mark.usefixtures("no_report")
def test_a_full_disk_keeps_what_was_trained(tiny_images: Path, tmp_path: Path) -> None:
    bus = EventBus()

    def fill(event: Event) -> None:
        if isinstance(event, EpochFinished) and event.epoch == 2:
            raise write_error(tmp_path / "a.partial" / "last", OSError(errno.ENOSPC, "No space left on device"))

    bus.subscribe(fill)
    with pytest.raises(OutputError, match=r"The disk is full.*go on with --resume: what was trained is kept"):
        train(tiny_images, out=tmp_path / "a", bus=bus, **QUICK)
    assert train(tiny_images, out=tmp_path / "a", resume=True).path.is_dir()


@pytest.mark.usefixtures("no_report")
def test_two_runs_do_not_share_a_folder(tiny_images: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tiny_images, out=tmp_path / "a", bus=interrupting(2), **QUICK)
    going = RunFolder(tmp_path / "a", resume=True)
    with pytest.raises(OutputError, match="A run is at work here"):
        train(tiny_images, out=tmp_path / "a", resume=True)
    going.release()
    assert train(tiny_images, out=tmp_path / "a", resume=True).path == tmp_path / "a"


@pytest.mark.usefixtures("no_report")
def test_what_a_resumed_run_ignores_is_named(tiny_images: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tiny_images, out=tmp_path / "a", bus=interrupting(2), **QUICK)
    bus, heard = EventBus(), []
    bus.subscribe(lambda event: heard.append(event.message) if isinstance(event, Noticed) else None)
    train(tiny_images, out=tmp_path / "a", resume=True, bus=bus, **{**QUICK, "seed": 9, "epochs": 5})
    assert any(message.endswith("not with --epochs, --seed") for message in heard)


def test_nothing_to_resume(tiny_images: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"no interrupted run here.*leave out --resume"):
        train(tiny_images, out=tmp_path / "a", resume=True, **QUICK)
    assert list(tmp_path.iterdir()) == []


def test_a_loss_that_is_no_number_leaves_nothing(
    tiny_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def poisoned(*arguments: Any, **options: Any) -> Any:
        network = build(*arguments, **options)
        network.head.shift_logits(torch.tensor([float("nan"), 0.0]))
        return network

    monkeypatch.setattr(single, "build", poisoned)
    with pytest.raises(TrainingError, match="loss became nan"):
        train(tiny_images, out=tmp_path / "a", **QUICK)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("choices", "error"),
    [
        ({"model": "resnet"}, ConfigError),
        ({"aim": "best"}, ConfigError),
        ({"positive": "cyst"}, (ConfigError, SourceError)),
        ({"image_size": 33}, ConfigError),
        ({"epoch": 2}, ConfigError),
        ({"time_limit": 5}, ConfigError),
        ({"preset": "fast", "tune_epochs": 5}, ConfigError),
        ({"phases": 1, "tune_lr": 0.1}, ConfigError),
    ],
)
def test_a_wrong_choice_is_found_before_training(
    tiny_images: Path, tmp_path: Path, choices: dict[str, Any], error: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single, "run_phases", lambda *_, **__: pytest.fail("it trained"))
    with pytest.raises(error):
        train(tiny_images, out=tmp_path / "a", **choices)
    assert list(tmp_path.iterdir()) == []


def phases(monkeypatch: pytest.MonkeyPatch, scores: list[float]) -> tuple[Any, list[str]]:
    """Run two pretended phases that set every bias to their number; give the network and the notices."""
    entry = entry_for("small-cnn")
    network = build(entry, 2, entry.image_spec(16)).requires_grad_(False)
    made = [
        Phase(name=f"p{i}", boundary=0, views=1, epochs=1, learning_rate=1, weight_decay=0, patience=1, batch_size=2)
        for i in range(len(scores))
    ]

    def pretend(network: Any, phase: Phase, *_: object) -> PhaseResult:
        network.head.linear.bias.data.fill_(float(phase.name[1:]) + 1)
        return PhaseResult(scores[int(phase.name[1:])], [{"phase": phase.name}])

    monkeypatch.setattr(phases_module, "_run_phase", pretend)
    prepared = type("P", (), {"labels": np.array([0] * 9 + [1] * 3), "rows": lambda *_: np.arange(12)})()
    prepared.collection = type("C", (), {"labels": LabelSpace(("a", "b"), None)})()
    plan = type("Plan", (), {"phases": made, "imbalance": Imbalance(kind="weights"), "seed": 0})()
    said: list[str] = []
    bus = EventBus()
    bus.subscribe(lambda event: said.append(event.message) if isinstance(event, Noticed) else None)
    history = phases_module.run_phases(network, plan, prepared, None, bus)  # type: ignore[arg-type]
    assert [row["phase"] for row in history] == [phase.name for phase in made]
    return network, said


def test_a_later_phase_that_does_not_help_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    network, said = phases(monkeypatch, [0.9, 0.8])
    assert any("p1" in line and "not used" in line for line in said)
    assert float(network.head.linear.bias.mean()) < 1.5
    network, said = phases(monkeypatch, [0.8, 0.9])
    assert said == []
    assert float(network.head.linear.bias.mean()) > 1.5


def test_the_weights_of_the_classes_are_given_back_to_the_logits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine to three: the odds of the first class grow threefold."""
    network, _ = phases(monkeypatch, [0.9])
    bias = network.head.linear.bias
    assert float(bias[0] - bias[1]) == pytest.approx(np.log(3), rel=1e-5)


def test_a_place_for_each_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert default_out("BUSI / 2020") == Path("bundles/busi-2020")
    assert default_out("...") == Path("bundles/model")
    Path("bundles/busi").mkdir(parents=True)
    assert default_out("busi") == Path("bundles/busi-2")
    Path("bundles/busi-2.partial").mkdir()
    assert default_out("busi") == Path("bundles/busi-3")
    assert default_out("busi", resume=True) == Path("bundles/busi-2")


def test_damaged_notes_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.partial").mkdir()
    (tmp_path / "a.partial" / "run.json").write_text("{", encoding="utf-8")
    with pytest.raises(TrainingError, match="notes of the interrupted run are damaged"):
        RunFolder(tmp_path / "a", resume=True).recall()


def test_too_few_images_of_a_class(tmp_path: Path, tiny_images: Path) -> None:
    for label in ("benign", "malignant"):
        (tmp_path / "set" / label).mkdir(parents=True)
        one = next((tiny_images / label).glob("*.png"))
        shutil.copy(one, tmp_path / "set" / label / one.name)
    with pytest.raises(SourceError):
        train(load(tmp_path / "set"), out=tmp_path / "a", **QUICK)
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.usefixtures("no_report")
def test_a_cut_checkpoint_starts_the_phase_anew(tiny_images: Path, tmp_path: Path) -> None:
    quick = {"model": "small-cnn", "image_size": 32, "epochs": 3}
    bus = EventBus()

    def hear(event: Event) -> None:
        if isinstance(event, EpochFinished) and event.epoch == 2:
            raise KeyboardInterrupt

    bus.subscribe(hear)
    with pytest.raises(KeyboardInterrupt):
        train(tiny_images, out=tmp_path / "cut", bus=bus, **quick)
    last = tmp_path / "cut.partial" / "train" / "last.safetensors"
    last.write_bytes(last.read_bytes()[:500])
    whole = train(tiny_images, out=tmp_path / "whole", **quick)
    assert train(tiny_images, out=tmp_path / "cut", resume=True).model_id == whole.model_id


def test_validation_without_the_positive_class_is_told_before_the_training(tmp_path: Path) -> None:
    write_phantoms(tmp_path / "images", count=36, seed=1, size=64)
    collection = load(tmp_path / "images")
    parts = [("train", "train", "val", "test")[number % 4] for number in range(len(collection))]
    labels = LabelSpace((*collection.labels.names, "cyst"), "malignant")
    samples = [
        replace(sample, split=part, label="cyst" if number % 5 == 0 else sample.label)
        for number, (sample, part) in enumerate(zip(collection.samples, parts, strict=True))
    ]
    kept = [one for one in samples if (one.split, one.label) != ("val", "malignant")]
    changed = replace(collection, samples=tuple(kept), labels=labels)
    heard: list[Event] = []
    bus = EventBus()
    bus.subscribe(heard.append)
    with pytest.raises(SourceError, match="no image of the positive class malignant"):
        train(changed, out=tmp_path / "model", preset="fast", image_size=32, bus=bus)
    assert not any(isinstance(event, PhaseStarted) for event in heard)


def test_near_duplicates_stay_together_where_only_some_patients_are_known(tmp_path: Path) -> None:
    write_phantoms(tmp_path / "one", count=24, seed=3, size=64)
    for path in sorted((tmp_path / "one").rglob("*.png")):
        for quality in (95, 60):
            place = tmp_path / "two" / path.parent.name / f"{path.stem}_{quality}.jpeg"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.open(path).convert("L").save(place, quality=quality)
    collection = load(tmp_path / "two")
    collection = collection.with_groups(["somebody", *[None] * (len(collection) - 1)])
    plan = make_plan(TrainOptions(model="small-cnn"), entry_for("small-cnn"), thaw_from=0, images=48)
    parts: dict[str, set[str | None]] = {}
    for sample in prepare(collection, plan, EventBus()).collection.samples:
        parts.setdefault(sample.name.rsplit("_", 1)[0], set()).add(sample.split)
    assert len(parts) == 24
    assert [stem for stem, found in parts.items() if len(found) > 1] == []


def test_a_phase_whose_validation_has_one_class_can_be_noted(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "model", resume=False)
    folder.finish_phase("head", {"best_score": -0.1, "history": [{"epoch": 1, "val_auc": float("nan")}]})
    note = folder.finished_phase("head")
    assert note == {"best_score": -0.1, "history": [{"epoch": 1, "val_auc": None}]}
