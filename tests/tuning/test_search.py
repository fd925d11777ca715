"""Searches on a tiny collection: what is looked at, what is written, how they stop and go on."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
import yaml
from optuna.trial import TrialState
from PIL import Image

from lince.core.errors import ConfigError, OutputError, TrainingError
from lince.core.events import EpochFinished, EventBus, Noticed
from lince.data import write_phantoms
from lince.training import train
from lince.training.fit import score
from lince.training.options import parse_options, read_options
from lince.training.prepared import Prepared
from lince.tuning import Tuned, search, tune
from lince.tuning.study import BASELINE, only_here

QUICK: dict[str, Any] = {"model": "small-cnn", "image_size": 16, "epochs": 3, "batch_size": 8, "seed": 1}
HEAD: dict[str, Any] = {"preset": "fast", "image_size": 32, "epochs": 3, "seed": 1}


def opened(found: Tuned) -> optuna.Study:
    return optuna.load_study(study_name=found.study, storage=f"sqlite:///{found.folder / 'study.db'}")


def said(bus: EventBus) -> list[str]:
    lines: list[str] = []
    bus.subscribe(lambda event: lines.append(event.message) if isinstance(event, Noticed) else None)
    return lines


def epochs(bus: EventBus) -> list[EpochFinished]:
    found: list[EpochFinished] = []
    bus.subscribe(lambda event: found.append(event) if isinstance(event, EpochFinished) else None)
    return found


def kept(found: list[EpochFinished]) -> float:
    """The AUC of the epoch that a training keeps."""
    return max(found, key=lambda event: score(event.val_auc, event.val_loss)).val_auc


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough phantoms for AUCs between a half and one."""
    return write_phantoms(tmp_path_factory.mktemp("tuning") / "images", count=80, seed=2, size=40)


@pytest.fixture(scope="module")
def found(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    """Six trials of a head on frozen features."""
    return tune(images, trials=6, out=tmp_path_factory.mktemp("tuning") / "out", **HEAD)


def test_a_search_writes_a_configuration_a_picture_and_its_study(found: Tuned) -> None:
    assert sorted(path.name for path in found.folder.iterdir() if path.name != ".lock") == [
        "best.yaml", "study.db", "tuning.png",
    ]  # fmt: skip
    with Image.open(found.picture) as picture:
        assert picture.width > 600
    trials = opened(found).get_trials()
    assert len(trials) == found.trials == 6
    assert [trial.user_attrs.get(BASELINE) for trial in trials] == [True, None, None, None, None, None]
    assert trials[0].params == {}
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    assert found.auc == max(trial.value or 0 for trial in complete)
    assert found.baseline_auc == trials[0].value
    assert len({tuple(trial.params.items()) for trial in trials}) == 6


@pytest.mark.usefixtures("no_report")
def test_train_repeats_every_epoch_of_a_trial(found: Tuned, images: Path, tmp_path: Path) -> None:
    trials = opened(found).get_trials()
    assert len({value for trial in trials for value in trial.intermediate_values.values()}) > 1, "nothing to compare"
    for trial, values in ((trials[found.trial], read_options(found.config)), (trials[5], HEAD | trials[5].params)):
        bus = EventBus()
        heard = epochs(bus)
        train(images, out=tmp_path / str(trial.number), bus=bus, **values)
        steps = [event.val_auc for event in heard][: len(trial.intermediate_values)]
        assert steps == list(trial.intermediate_values.values())
        assert trial.state is not TrialState.COMPLETE or kept(heard) == trial.value
    assert trials[found.trial].value == found.auc


@pytest.mark.usefixtures("no_report")
def test_a_fine_tuned_trial_is_repeated_too(images: Path, tmp_path: Path) -> None:
    fixed = {"image_size": 32, "epochs": 2, "tune_epochs": 2, "phases": 2, "thaw": "2", "seed": 3}
    (trial,) = [
        trial for trial in opened(tune(images, trials=2, out=tmp_path / "out", **fixed)).get_trials() if trial.params
    ]
    assert "tune_lr" in trial.params
    assert max(trial.intermediate_values) > 1000, "it had two phases"
    bus = EventBus()
    heard = epochs(bus)
    train(images, out=tmp_path / "again", bus=bus, **{**fixed, **trial.params})
    assert [event.val_auc for event in heard] == list(trial.intermediate_values.values())
    assert kept(heard) == trial.value


def test_the_configuration_holds_what_was_set_and_found_and_no_default(found: Tuned) -> None:
    values = yaml.safe_load(found.config.read_text(encoding="utf-8"))
    assert values == {**HEAD, **found.values}
    assert parse_options(values) == found.options
    assert f"{found.auc:.4f}" in found.config.read_text(encoding="utf-8")


def test_the_test_part_is_not_looked_at(
    found: Tuned, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With other test images, and labels that any use of would fail on, every AUC of every epoch is the same."""
    honest = search.prepare_single

    def poisoned(*arguments: Any) -> Any:
        entry, prepared = honest(*arguments)
        assert isinstance(prepared, Prepared)
        test = prepared.rows("test")
        assert len(test) > 0
        pixels, labels = np.array(prepared.images.pixels), prepared.labels.copy()
        pixels[test] = np.random.default_rng(0).integers(0, 256, pixels[test].shape)
        labels[test] = -1_000_000
        images = dataclasses.replace(prepared.images, pixels=pixels)
        return entry, dataclasses.replace(prepared, images=images, labels=labels)

    monkeypatch.setattr(search, "prepare_single", poisoned)
    again = tune(images, trials=6, out=tmp_path / "out", **HEAD)
    steps = [[trial.intermediate_values for trial in opened(one).get_trials()] for one in (found, again)]
    assert steps[0] == steps[1]
    assert any(steps[0])


def test_the_frozen_part_runs_once_for_trials_that_freeze_the_same(
    tiny_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lince.training.activations import Frozen

    images: list[int] = []
    honest = Frozen.run

    def counted(self: Frozen, pixels: Any, boundary: Any) -> Any:
        images.append(len(pixels))
        return honest(self, pixels, boundary)

    monkeypatch.setattr(Frozen, "run", counted)
    tune(tiny_images, trials=1, out=tmp_path / "one", augment="none", **HEAD)
    once = sum(images)
    images.clear()
    tune(tiny_images, trials=4, out=tmp_path / "four", augment="none", **HEAD)
    assert sum(images) == once > 0


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Trials that train nothing: their AUC depends on the learning rate alone. Gives the options of each."""
    tried: list[dict[str, Any]] = []

    def pretend(_: Any, options: Any, trial: optuna.Trial, **__: Any) -> float:
        tried.append(dict(trial.params))
        return 0.5 if options.lr is None else 0.9 - abs(np.log10(options.lr) + 3) / 10

    monkeypatch.setattr(search, "validation_auc", pretend)
    return tried


def test_it_finds_what_matters(tiny_images: Path, tmp_path: Path, pretended: list[dict[str, Any]]) -> None:
    found = tune(tiny_images, trials=40, out=tmp_path / "out", **QUICK)
    assert found.baseline_auc == 0.5
    assert found.auc > 0.89
    assert found.values["lr"] == pytest.approx(1e-3, rel=0.3)
    assert next(iter(found.importances)) == "lr"
    assert sum(found.importances.values()) == pytest.approx(1)


def test_the_same_command_goes_on(tiny_images: Path, tmp_path: Path, pretended: list[dict[str, Any]]) -> None:
    whole = tune(tiny_images, trials=5, out=tmp_path / "a", **QUICK)
    assert [*pretended] == [trial.params for trial in opened(whole).get_trials()]
    pretended.clear()
    tune(tiny_images, trials=3, out=tmp_path / "b", **QUICK)
    bus = EventBus()
    lines = said(bus)
    found = tune(tiny_images, trials=5, out=tmp_path / "b", bus=bus, **QUICK)
    assert (found.trials, len(pretended)) == (5, 5)
    assert any("which has 3 trials" in line for line in lines)
    assert pretended[:3] == [trial.params for trial in opened(whole).get_trials()][:3], "the same seed, the same trials"
    assert len({str(params) for params in pretended}) == 5, "it does not try the same again"
    tune(tiny_images, trials=5, out=tmp_path / "b", **QUICK)
    assert len(pretended) == 5


def test_an_interrupted_trial_is_made_again(tiny_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> float:
        raise KeyboardInterrupt

    with monkeypatch.context() as inner:
        inner.setattr(search, "validation_auc", interrupt)
        with pytest.raises(KeyboardInterrupt):
            tune(tiny_images, trials=2, out=tmp_path / "out", **QUICK)
    monkeypatch.setattr(search, "validation_auc", lambda *_, **__: 0.7)
    found = tune(tiny_images, trials=2, out=tmp_path / "out", **QUICK)
    assert (found.complete, found.failed, found.baseline_auc) == (2, 0, 0.7)


def test_a_killed_process_leaves_nothing_that_counts(
    tiny_images: Path, tmp_path: Path, pretended: list[dict[str, Any]]
) -> None:
    found = tune(tiny_images, trials=1, out=tmp_path / "out", **QUICK)
    opened(found).ask()
    (found.folder / ".work" / "trial-1.partial").mkdir(parents=True)
    found = tune(tiny_images, trials=3, out=tmp_path / "out", **QUICK)
    assert [trial.state for trial in opened(found).get_trials()].count(TrialState.RUNNING) == 0
    assert (found.complete, found.failed) == (3, 0)
    assert not (found.folder / ".work").exists()


def test_another_collection_or_other_options_need_another_study(
    tiny_images: Path, tmp_path: Path, pretended: list[dict[str, Any]]
) -> None:
    tune(tiny_images, trials=1, out=tmp_path / "out", **QUICK)
    with pytest.raises(ConfigError, match=r"another choice of options.*--study"):
        tune(tiny_images, trials=2, out=tmp_path / "out", **{**QUICK, "epochs": 4})
    other = write_phantoms(tmp_path / "other" / "images", count=24, seed=9, size=64)
    with pytest.raises(ConfigError, match="another collection"):
        tune(other, trials=2, out=tmp_path / "out", **QUICK)
    before = (tmp_path / "out" / "best.yaml").read_bytes()
    named = shutil.copytree(tiny_images, tmp_path / "other name")
    for marker in named.glob("*.*"):
        marker.unlink()
    with pytest.raises(OutputError, match="search of another collection is in this folder"):
        tune(named, trials=2, out=tmp_path / "out", **QUICK)
    assert (tmp_path / "out" / "best.yaml").read_bytes() == before
    assert tune(other, trials=2, out=tmp_path / "out", study="two", **QUICK).trials == 2


def test_two_searches_do_not_share_a_folder(tiny_images: Path, tmp_path: Path) -> None:
    with only_here(tmp_path / "out"), pytest.raises(OutputError, match="at work in this folder"):
        tune(tiny_images, trials=1, out=tmp_path / "out", **QUICK)


def test_a_database_of_several_machines(tiny_images: Path, tmp_path: Path, pretended: list[dict[str, Any]]) -> None:
    address = f"sqlite:///{tmp_path / 'common.db'}"
    for machine in ("a", "b"):
        found = tune(tiny_images, trials=2 + 2 * (machine == "b"), out=tmp_path / machine, storage=address, **QUICK)
    assert found.trials == 4
    assert not (tmp_path / "b" / "study.db").exists()
    assert read_options(tmp_path / "b" / "best.yaml").keys() >= QUICK.keys()


@pytest.mark.parametrize(
    "address", ["nonsense", "postgresql://me:secret@nowhere.invalid/db", "sqlite:////nowhere/x.db"]
)
def test_a_database_that_cannot_be_opened_is_one_sentence_without_its_password(
    address: str, tiny_images: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        tune(tiny_images, trials=1, out=tmp_path / "out", storage=address, **QUICK)
    assert "cannot be opened" in caught.value.sentence
    assert "secret" not in caught.value.sentence


def test_bad_trials_are_stopped_early_but_never_the_options_as_they_are(
    tiny_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def hopeless(trial: optuna.Trial) -> bool:
        asked.append(trial.number)
        return True

    monkeypatch.setattr(optuna.Trial, "should_prune", hopeless)
    found = tune(tiny_images, trials=3, out=tmp_path / "out", **QUICK)
    assert (found.complete, found.stopped) == (1, 2)
    assert asked == [1, 2], "each is stopped after its first epoch"
    assert found.values == {}
    assert found.auc == found.baseline_auc


def test_the_time_limit_ends_the_trial_under_way_but_not_the_first(
    tiny_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = EventBus()
    lines = said(bus)
    found = tune(tiny_images, trials=9, time_limit=1e-6, out=tmp_path / "out", bus=bus, **QUICK)
    assert (found.complete, found.trials) == (1, 1)
    assert any("time is up after 1 of 9" in line for line in lines)
    clock = iter([False, False] + [True] * 99)
    monkeypatch.setattr(search._Search, "_out_of_time", lambda _: next(clock))
    found = tune(tiny_images, trials=9, out=tmp_path / "out", **QUICK)
    assert found.trials == 1
    assert [trial.state for trial in opened(found).get_trials()] == [TrialState.COMPLETE, TrialState.FAIL]


def test_a_trial_that_fails_is_said_and_the_search_goes_on(
    tiny_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverge(_: Any, __: Any, trial: optuna.Trial, **___: Any) -> float:
        if trial.number == 1:
            raise TrainingError("The loss became nan")
        return 0.8

    monkeypatch.setattr(search, "validation_auc", diverge)
    bus = EventBus()
    lines = said(bus)
    found = tune(tiny_images, trials=3, out=tmp_path / "out", bus=bus, **QUICK)
    assert (found.complete, found.failed) == (2, 1)
    assert any("The loss became nan" in line for line in lines)


def test_options_that_do_not_work_end_the_search(
    tiny_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverge(*_: Any, **__: Any) -> float:
        raise TrainingError("The loss became nan")

    monkeypatch.setattr(search, "validation_auc", diverge)
    with pytest.raises(TrainingError, match="The loss became nan"):
        tune(tiny_images, trials=3, out=tmp_path / "out", **QUICK)
    assert not (tmp_path / "out" / "best.yaml").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"trials": 0}, "at least one trial"),
        ({"time_limit": 0}, "above zero"),
        ({"preset": "best"}, "one model at a time"),
        ({"folds": 3}, "one model at a time"),
        ({"learning_rate": 3}, "no option of this name"),
        ({"text": "caption"}, "how a network of images is trained"),
        ({"preset": "fast", "tune_lr": 1e-3}, "would change nothing"),
    ],
)
def test_a_wrong_choice_is_found_before_anything(
    arguments: dict[str, Any], message: str, tiny_images: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        tune(tiny_images, out=tmp_path / "out", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_events_of_a_trial_tell_the_study_every_epoch(found: Tuned) -> None:
    values = opened(found).get_trials()[0].intermediate_values
    assert len(values) == HEAD["epochs"]
    assert all(0 <= value <= 1 for value in values.values())
