"""TensorBoard and MLflow, read back with their own packages."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from lince.core.errors import ConfigError, MissingExtraError, TrainingError
from lince.core.events import EpochFinished, Event, EventBus, Noticed
from lince.training import trackers
from lince.training.events import EpochsRecalled, RunStarted
from lince.training.run import train
from lince.training.trackers import tracking

QUICK: dict[str, Any] = {"model": "small-cnn", "image_size": 16, "preset": "fast", "epochs": 3, "batch_size": 8}
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of SQLAlchemy, by MLflow

EPOCH = EpochFinished("head", 1, 10, 0.4, 0.5, 0.8, 1e-3, 12.0, True)


def started(out: Path, name: str = "set") -> RunStarted:
    return RunStarted(name, "set/", out, synthetic=False, resumed=False)


@pytest.fixture(scope="module")
def run(tiny_images: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One training that both trackers hear."""
    place = tmp_path_factory.mktemp("trackers")
    bus = EventBus()
    epochs: list[EpochFinished] = []
    bus.subscribe(lambda event: epochs.append(event) if isinstance(event, EpochFinished) else None)
    with tracking(bus, tensorboard=place / "tb", mlflow=str(place / "ml")):
        bundle = train(tiny_images, out=place / "first", bus=bus, **QUICK)
    return {"place": place, "bundle": bundle, "epochs": epochs}


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder))
    read.Reload()
    return {tag: [(one.step, one.value) for one in read.Scalars(tag)] for tag in read.Tags()["scalars"]}


def test_tensorboard_has_every_epoch_and_the_figures(run: dict[str, Any]) -> None:
    found = scalars(run["place"] / "tb" / "first" / "train")
    assert found.keys() == {"train_loss", "val_loss", "val_auc", "learning_rate"}
    for name, points in found.items():
        assert points == [(e.epoch, pytest.approx(getattr(e, name), rel=1e-5)) for e in run["epochs"]]
    test = scalars(run["place"] / "tb" / "first" / "test")
    assert test["auc"] == [(0, pytest.approx(run["bundle"].summary()["auc"]["value"], rel=1e-5))]


def mlflow_run(place: Path, name: str) -> tuple[Any, Any]:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{place / 'mlflow.db'}")
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    (found,) = client.search_runs([experiment.experiment_id])
    return client, found


def test_mlflow_has_options_epochs_figures_and_plots(run: dict[str, Any]) -> None:
    client, found = mlflow_run(run["place"] / "ml", "breast-ultrasound phantoms")
    assert (found.info.run_name, found.info.status) == ("first", "FINISHED")
    assert found.data.params["model"] == "small-cnn"
    assert found.data.params["seed"] == "0"
    history = client.get_metric_history(found.info.run_id, "train/val_auc")
    assert [(one.step, one.value) for one in history] == [(e.epoch, e.val_auc) for e in run["epochs"]]
    assert found.data.metrics["test/auc"] == run["bundle"].summary()["auc"]["value"]
    assert found.data.tags["lince.model_id"] == run["bundle"].model_id
    kept = {one.path for one in client.list_artifacts(found.info.run_id)}
    assert {"card.md", "plan.json", "roc.png"} <= kept


def test_no_tracker_is_told_the_name_of_a_file(run: dict[str, Any], tiny_images: Path) -> None:
    names = [path.name.encode() for path in tiny_images.rglob("*.png")]
    places = [path for tracker in ("tb", "ml") for path in (run["place"] / tracker).rglob("*") if path.is_file()]
    assert len(places) > 5
    for place in places:
        content = place.read_bytes()
        assert str(tiny_images).encode() not in content, place
        assert not any(name in content for name in names), place


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt, "KILLED"), (TrainingError, "FAILED")])
def test_mlflow_says_how_a_run_ended(run: dict[str, Any], error: type[BaseException], status: str) -> None:
    bus = EventBus()
    place = run["place"] / "ml"

    def stop() -> None:
        with tracking(bus, mlflow=str(place)):
            bus.publish(started(Path("out"), status))
            bus.publish(EPOCH)
            raise error("stop")

    with pytest.raises(error):
        stop()
    _, found = mlflow_run(place, status)
    assert (found.info.status, found.data.metrics["head/val_auc"]) == (status, 0.8)
    assert bus == EventBus(), "nobody listens any more"


def test_a_resumed_run_writes_the_epochs_from_before(tmp_path: Path) -> None:
    row = {"epoch": 1, "train_loss": 0.5, "val_loss": 0.4, "val_auc": 0.7, "learning_rate": 1e-3}
    bus = EventBus()
    with tracking(bus, tensorboard=tmp_path):
        bus.publish(started(tmp_path / "out"))
        bus.publish(EpochsRecalled("head", (row,)))
        bus.publish(EpochFinished("head", 2, 10, 0.4, 0.5, 0.8, 1e-3, 12.0, True))
    assert [step for step, _ in scalars(tmp_path / "out" / "head")["val_auc"]] == [1, 2]


@pytest.mark.parametrize(
    ("which", "package", "extra"),
    [("tensorboard", "tensorboard", "tensorboard"), ("mlflow", "mlflow", "mlflow"), ("mlflow", "sqlalchemy", "mlflow")],
)
def test_a_missing_package_names_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: str, package: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    given: dict[str, Any] = {which: tmp_path if which == "tensorboard" else str(tmp_path)}
    with pytest.raises(MissingExtraError, match=rf"lince-med\[{extra}\]"), tracking(EventBus(), **given):
        raise AssertionError("nothing may start")


@pytest.mark.parametrize("place", ["http://user:secret@127.0.0.1:9", "nonsense://somewhere"])
def test_mlflow_out_of_reach_is_one_sentence_before_the_training(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(ConfigError, match="MLflow cannot be reached") as caught, tracking(EventBus(), mlflow=place):
        raise AssertionError("nothing may start")
    assert "secret" not in caught.value.sentence


def test_a_tracker_that_fails_costs_one_warning_and_no_training(
    tiny_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(trackers.TensorBoardWriter, "write", full)
    bus = EventBus()
    warnings: list[str] = []
    bus.subscribe(
        lambda e: warnings.append(e.message) if isinstance(e, Noticed) and "TensorBoard" in e.message else None
    )
    with tracking(bus, tensorboard=tmp_path / "tb"):
        bundle = train(tiny_images, out=tmp_path / "a", bus=bus, **QUICK)
    assert bundle.path.is_dir()
    assert len(warnings) == 1
    assert "No space left" in warnings[0]


def test_a_tracker_that_hangs_does_not_hold_up_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()

    def hang(_: object, event: Event) -> None:
        free.wait(30)

    monkeypatch.setattr(trackers.TensorBoardWriter, "write", hang)
    monkeypatch.setattr(trackers, "_CLOSING_SECONDS", 0.05)
    bus = EventBus()
    heard: list[Event] = []
    try:
        with tracking(bus, tensorboard=tmp_path):
            bus.subscribe(heard.append)
            for _ in range(100):
                bus.publish(EPOCH)
    finally:
        free.set()
    assert [type(event) for event in heard[:100]] == [EpochFinished] * 100
    assert [event.message for event in heard if isinstance(event, Noticed)] == [
        "TensorBoard gets no more of this run (TimeoutError)"
    ]
