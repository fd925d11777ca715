"""Cross-validation from source to bundle: one model per fold, resumable, honest, bounded in time."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lince.core.errors import SourceError, TrainingError
from lince.core.events import EpochFinished, Event, EventBus, Noticed
from lince.data import load
from lince.inference import Predictor
from lince.inference.bundle import Bundle
from lince.inference.export import export_onnx
from lince.training import candidates, crossval, reporting
from lince.training.blend import Blend
from lince.training.candidates import Candidate, common_side, native_side
from lince.training.members import Trainer
from lince.training.options import TrainOptions
from lince.training.run import train

QUICK: dict[str, Any] = {
    "model": "small-cnn", "image_size": 16, "preset": "fast", "epochs": 2, "batch_size": 8, "folds": 2,
}  # fmt: skip
# The default model on thumbnails, frozen and tuned
BEST: dict[str, Any] = {
    "model": "efficientnet-lite0", "preset": "best", "image_size": 32, "tune_epochs": 1, "folds": 2, "augment": "none",
}  # fmt: skip


@pytest.fixture
def no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report has tests of its own and takes most of the time of a tiny run."""
    monkeypatch.setattr(reporting, "write_report", lambda *_, **__: None)


def listening() -> tuple[EventBus, list[Event]]:
    heard: list[Event] = []
    bus = EventBus()
    bus.subscribe(heard.append)
    return bus, heard


def weights(bundle: Bundle | Path) -> bytes:
    return (Path(bundle) / "model.safetensors").read_bytes()


def test_folds_give_one_bundle_with_figures_over_folds(tiny_images: Path, tmp_path: Path) -> None:
    bus, heard = listening()
    bundle = train(tiny_images, out=tmp_path / "a", positive="malignant", bus=bus, **QUICK)
    assert bundle.manifest.model.name == "ensemble"
    assert bundle.manifest.model.facts is not None
    (member,) = bundle.manifest.model.facts["members"]
    assert (member["model"], member["branches"]) == ("small-cnn", 2)
    folds = bundle.manifest.figures["folds"]
    assert folds["count"] == len(folds["auc"]) == 2
    assert bundle.manifest.operating_point is not None
    assert bundle.manifest.operating_point.chosen_on == "out-of-fold predictions"
    with (bundle.path / "report" / "out_of_fold.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    counts = bundle.manifest.provenance["collection"]["counts"]
    assert (
        len(rows)
        == bundle.manifest.figures["val"]["n"]
        == sum(sum(counts[part].values()) for part in counts) - sum(counts["test"].values())
    )
    assert {row["fold"] for row in rows} == {"1", "2"}
    assert all(abs(float(row["p_benign"]) + float(row["p_malignant"]) - 1) < 1e-5 for row in rows)
    for group in {row["group"] for row in rows}:
        assert len({row["fold"] for row in rows if row["group"] == group}) == 1
    assert any(isinstance(event, Noticed) and "Out-of-fold AUC" in event.message for event in heard)
    card = (bundle.path / "card.md").read_text(encoding="utf-8")
    assert "Member: small-cnn, 16 px" in card
    assert "| | test | out of fold |" in card
    # Served like any other bundle, with heat maps
    outcome = Predictor(bundle).explain(next(tiny_images.glob("malignant/*.png")))
    assert outcome.heat_map is not None
    assert outcome.heat_map.max() <= 1.0
    assert (bundle.path / "report" / "report.html").is_file()
    assert (bundle.path / "report" / "out_of_fold" / "summary.json").is_file()


@pytest.mark.usefixtures("no_report")
def test_killed_in_the_second_fold_it_resumes_there_to_the_same_weights(tiny_images: Path, tmp_path: Path) -> None:
    whole = train(tiny_images, out=tmp_path / "whole", **QUICK)
    bus, epochs = EventBus(), []

    def kill(event: Event) -> None:
        if isinstance(event, EpochFinished) and "fold-2" in event.phase and event.epoch == 2:
            raise KeyboardInterrupt

    leave = bus.subscribe(kill)
    with pytest.raises(KeyboardInterrupt):
        train(tiny_images, out=tmp_path / "a", bus=bus, **QUICK)
    leave()
    bus.subscribe(lambda event: epochs.append(event.phase) if isinstance(event, EpochFinished) else None)
    resumed = train(tiny_images, out=tmp_path / "a", resume=True, bus=bus)
    assert epochs
    assert all("fold-2" in phase for phase in epochs), "the first fold is not trained again"
    assert weights(resumed) == weights(whole)
    assert resumed.trust.model_copy(update={"fixed": whole.trust.fixed}) == whole.trust
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "whole"]


@pytest.mark.usefixtures("no_report")
def test_folds_that_meet_other_images_keep_their_work(tiny_images: Path, tmp_path: Path) -> None:
    images = shutil.copytree(tiny_images, tmp_path / "images")
    bus = EventBus()

    def kill(event: Event) -> None:
        if isinstance(event, EpochFinished) and "fold-1" in event.phase and event.epoch == 2:
            raise KeyboardInterrupt

    bus.subscribe(kill)
    with pytest.raises(KeyboardInterrupt):
        train(images, out=tmp_path / "a", bus=bus, **QUICK)
    gone = next(images.glob("benign/*.png"))
    gone.rename(tmp_path / gone.name)
    before = sorted(path.relative_to(tmp_path) for path in (tmp_path / "a.partial").rglob("*.safetensors"))
    assert before
    with pytest.raises(TrainingError, match="put the images back"):
        train(images, out=tmp_path / "a", resume=True)
    assert sorted(path.relative_to(tmp_path) for path in (tmp_path / "a.partial").rglob("*.safetensors")) == before
    (tmp_path / gone.name).rename(gone)
    assert train(images, out=tmp_path / "a", resume=True).path.is_dir()


@pytest.mark.usefixtures("no_report")
def test_best_weighs_frozen_and_tuned_and_predicts_as_it_measured(
    tiny_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINCE_PRECISION", "float32")
    seen: dict[str, Any] = {}
    original = crossval.finish
    monkeypatch.setattr(crossval, "finish", lambda *a, **k: seen.update(k) or original(*a, **k))
    bundle = train(tiny_images, out=tmp_path / "a", **BEST)
    told = bundle.manifest.provenance["cross_validation"]
    ways = ["head", "kernel", "tuned"]
    assert [one["name"] for one in told["candidates"]] == [f"efficientnet-lite0-32-{way}" for way in ways]
    assert sum(one["share"] for one in told["candidates"]) == pytest.approx(1.0)
    assert told["milliseconds_per_image"] > 0
    assert bundle.manifest.model.facts is not None
    for member in bundle.manifest.model.facts["members"]:
        # A frozen network is there once, whatever the number of folds; a tuned one branches off at its last blocks.
        assert (member["branches"], member["shared"], member["landmarks"] > 0) in (
            (1, 17, False),
            (2, 17, True),
            (2, 12, False),
        )
    assert np.isfinite(seen["held_out"].logits).all()


@pytest.mark.usefixtures("no_report")
def test_the_plan_is_that_of_the_member_with_most_say_and_the_card_tells_each_way(
    tiny_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weighed = Blend(np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5]))
    monkeypatch.setattr(crossval, "stack", lambda *_, **__: weighed)
    bundle = train(tiny_images, out=tmp_path / "a", **BEST)
    (phase,) = bundle.manifest.provenance["plan"]["phases"]
    assert phase["name"] == "fine-tuning"
    card = (bundle.path / "card.md").read_text(encoding="utf-8")
    assert "- Training of the main member: fine-tuned from a head that was solved for one strength" in card
    assert "fine-tuning (at most 1 epochs, 32 images a step, rate 0.001" in card
    assert "- 3 members vote; each averages what was learned in 2 folds." in card
    kernel = "support vectors on what the frozen network sees, solved for several costs of an error"
    assert f"- Member: efficientnet-lite0, 32 px, weight 0.30; {kernel}; at most " in card
    assert f"efficientnet-lite0-32-kernel ({kernel}) " in card
    assert "those with the lowest out-of-fold log loss were kept. Kept was the last epoch" in card


@pytest.mark.usefixtures("no_report")
def test_features_of_the_frozen_network_are_computed_once_for_all_folds(tiny_images: Path, tmp_path: Path) -> None:
    bus, heard = listening()
    train(tiny_images, out=tmp_path / "a", bus=bus, **{**BEST, "folds": 3})
    started = [event for event in heard if getattr(event, "task", "") == "Computing features"]
    totals = [event.total for event in started if hasattr(event, "total")]
    assert len(totals) == 2, "once up to the head, once up to the last blocks"


@pytest.mark.usefixtures("no_report")
def test_support_vectors_are_served_as_they_were_measured(
    tiny_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINCE_PRECISION", "float32")
    fitted: list[Any] = []
    original, every = Trainer.fit, candidates.candidates
    monkeypatch.setattr(crossval, "candidates", lambda *given: [one for one in every(*given) if one.way == "kernel"])
    monkeypatch.setattr(Trainer, "fit", lambda *given: fitted.append(original(*given)) or fitted[-1])
    bundle = train(tiny_images, out=tmp_path / "a", **BEST)
    assert bundle.manifest.model.facts is not None
    (member,) = bundle.manifest.model.facts["members"]
    assert (member["branches"], member["shared"]) == (2, 17)
    assert member["landmarks"] > 0
    predictor, path = Predictor(bundle), next(tiny_images.glob("malignant/*.png"))
    pixels = predictor.prepare(path).pixels[None]
    logits = predictor.logits(pixels)[0]
    with torch.inference_mode():
        each = predictor.network.head.each(*predictor.network.maps(torch.from_numpy(pixels)))[0]
    share = member["share"]
    views = 2 if member["mirrored"] else 1
    np.testing.assert_allclose(logits, share * each[:views].mean(dim=(0, 1))[0].numpy(), rtol=1e-4)
    assert np.isfinite(fitted[0].plain).all()
    assert np.ptp(fitted[0].plain[:, 0]) > 0.1, "the images are told apart"
    heat = predictor.explain(path).heat_map
    assert heat is not None
    assert heat.max() > 0
    # Compared with the bundle before it is written
    assert export_onnx(bundle, out=tmp_path / "a.onnx", images=tiny_images).path.is_file()


@pytest.mark.usefixtures("no_report")
def test_the_time_limit_leaves_out_what_does_not_fit(tiny_images: Path, tmp_path: Path) -> None:
    bus, heard = listening()
    bundle = train(tiny_images, out=tmp_path / "a", bus=bus, time_limit=1e-4, **BEST)
    told = bundle.manifest.provenance["cross_validation"]
    assert [one["name"] for one in told["candidates"]] == ["efficientnet-lite0-32-head"]
    assert told["left_out"] == ["efficientnet-lite0-32-kernel", "efficientnet-lite0-32-tuned"]
    assert any(isinstance(e, Noticed) and "Left out for the time limit" in e.message for e in heard)
    assert any(isinstance(e, Noticed) and "the first model always runs to its end" in e.message for e in heard)


def test_the_models_that_are_held_out_from_never_saw_the_image(
    tiny_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every row that a fold trains or stops on is outside its held-out part, and none is of the test part."""
    used: list[tuple[int, set[int]]] = []
    original = crossval.finish

    def look(self: Trainer, candidate: Candidate, plan: Any, own: Any, fold: int, place: Path) -> Any:
        held = set(self.folds.held_out(fold).tolist())
        test = set(own.rows("test").tolist())
        found = fit_fold(self, candidate, plan, own, fold, place)
        used.append((fold, held | test))
        return found

    fit_fold = Trainer._fit_fold
    monkeypatch.setattr(Trainer, "_fit_fold", look)
    phases: list[Any] = []
    from lince.training import members

    run_phases = members.run_phases
    monkeypatch.setattr(
        members, "run_phases", lambda n, p, inner, *a, **k: phases.append(inner) or run_phases(n, p, inner, *a, **k)
    )
    monkeypatch.setattr(crossval, "finish", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        train(tiny_images, out=tmp_path / "a", **QUICK)
    assert original is not crossval.finish
    assert len(used) == len(phases) == 2
    for (_, closed), inner in zip(used, phases, strict=True):
        assert closed
        assert not closed & {*inner.rows("train").tolist(), *inner.rows("val").tolist()}


def test_too_many_folds_are_explained(tiny_images: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="for 20 folds"):
        train(load(tiny_images).subset(range(16)), out=tmp_path / "a", **{**QUICK, "folds": 20})
    assert list(tmp_path.iterdir()) == []


def test_what_best_tries_depends_on_the_images(tiny_images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    collection = load(tiny_images)
    assert 60 < native_side(collection) < 75
    tried = candidates.candidates(TrainOptions(preset="best"), collection)
    assert tried[0].name == "efficientnet-lite0-224-head"
    assert {one.way for one in tried} == {"head", "kernel", "tuned"}
    assert {one.size for one in tried if one.entry.name == "efficientnet-lite0"} == {224, 320}
    monkeypatch.setattr(candidates, "native_side", lambda _: 28)
    thumbnails = candidates.candidates(TrainOptions(preset="best"), collection)
    assert {one.size for one in thumbnails if one.entry.name == "efficientnet-lite0"} == {224, 128}
    assert [one.size for one in thumbnails if one.way == "scratch"] == [32]
    assert common_side(tried)[1] == 3
    assert [one.way for one in candidates.candidates(TrainOptions(folds=3), collection)] == ["plan"]
    asked = candidates.candidates(TrainOptions(preset="best", model="small-cnn"), collection)
    assert [(one.size, one.way) for one in asked] == [(64, "scratch")]
    assert common_side(asked) == (64, 1)
