"""What the page knows after events."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lince.core.errors import TrainingError
from lince.core.events import FileSkipped, Noticed, PhaseStarted, WorkAdvanced, WorkFinished, WorkStarted
from lince.core.types import LabelSpace
from lince.models import entry_for
from lince.training.events import EpochsRecalled, RunPlanned, RunStarted
from lince.training.live.state import LiveState
from lince.training.live.telling import plan_in_words
from lince.training.live.words import Language, Wording
from lince.training.options import TrainOptions
from lince.training.plan import make_plan

from .runs import epoch, measured, planned


def told(*events: object) -> LiveState:
    state = LiveState()
    for event in events:
        state.hear(event)  # type: ignore[arg-type]
    return state


def test_whoever_has_seen_epochs_gets_only_the_new_ones() -> None:
    state = told(PhaseStarted("head", 10), epoch(1), epoch(2))
    assert [row["epoch"] for row in state.snapshot()["epochs"]] == [1, 2]
    state.hear(epoch(3))
    later = state.snapshot(since=2)
    assert ([row["epoch"] for row in later["epochs"]], later["since"]) == ([3], 2)


def test_epochs_belong_to_the_phase_that_ran_them_even_when_names_repeat() -> None:
    state = told(PhaseStarted("head", 1), epoch(1), PhaseStarted("fine-tuning", 5), epoch(1), epoch(2))
    state.hear(PhaseStarted("fine-tuning", 5))  # a batch did not fit: the phase goes on with smaller ones
    state.hear(epoch(3))
    found = state.snapshot()
    assert [(phase["name"], phase["first"]) for phase in found["phases"]] == [("head", 0), ("fine-tuning", 1)]
    assert [row["stretch"] for row in found["epochs"]] == [0, 1, 1, 1]


def test_a_resumed_run_shows_the_epochs_from_before_once() -> None:
    rows = tuple(
        {"epoch": n, "train_loss": 0.5, "val_loss": 0.4, "val_auc": 0.7, "learning_rate": 1e-3, "best": n == 1}
        for n in (1, 2)
    )
    state = told(EpochsRecalled("head", rows), PhaseStarted("fine-tuning", 9), EpochsRecalled("fine-tuning", rows))
    state.hear(epoch(3, phase="fine-tuning"))
    found = state.snapshot()
    assert [(row["stretch"], row["epoch"]) for row in found["epochs"]] == [(0, 1), (0, 2), (1, 1), (1, 2), (1, 3)]
    assert found["phases"][1] == {"name": "fine-tuning", "epochs": 9, "first": 2}


def test_what_is_no_number_is_none_and_all_of_it_is_json() -> None:
    state = told(PhaseStarted("head", 2), epoch(1, auc=math.nan, loss=math.inf), Noticed("a \udcff name"))
    found = json.loads(json.dumps(state.snapshot(), allow_nan=False))
    assert (found["epochs"][0]["val_auc"], found["epochs"][0]["val_loss"]) == (None, None)
    assert found["notices"][0]["message"].encode() == rb"a \udcff name"


@pytest.mark.parametrize(("language", "told"), [("en", "solved for 4 strengths"), ("pt", "resolvida com 4 forças")])
def test_a_head_that_is_solved_is_planned_without_epochs_and_rate(language: Language, told: str) -> None:
    options = TrainOptions(augment="none")
    plan = make_plan(options, entry_for("efficientnet-lite0"), thaw_from=12, images=100)
    collection = SimpleNamespace(labels=LabelSpace(("a", "b")))
    prepared: Any = SimpleNamespace(collection=collection, rows=lambda _: range(3))
    head, later = plan_in_words(RunPlanned(options, plan, prepared), Wording(language))[2:4]
    assert told in head
    assert "0.003" not in head.replace(",", ".")
    assert "20" in later


def test_work_counts_on_and_goes_when_it_is_done() -> None:
    state = told(WorkStarted("Reading images", 40), WorkAdvanced("Reading images", 10))
    (work,) = state.snapshot()["works"]
    assert (work["done"], work["total"]) == (10, 40)
    assert work["seconds_left"] >= 0
    state.hear(WorkFinished("Reading images"))
    assert state.snapshot()["works"] == []


def test_time_left_is_of_the_phase_and_counts_down() -> None:
    state = told(PhaseStarted("head", 10))
    assert state.snapshot()["seconds_left"] is None
    state.hear(epoch(1))
    first = state.snapshot()["seconds_left"]
    assert 11 < first <= 12
    assert state.snapshot()["seconds_left"] < first
    state.hear(WorkStarted("Measuring", 1))
    assert state.snapshot()["seconds_left"] is None, "the phase ended early: what was left of it is no longer left"


def test_only_a_better_validation_replaces_the_one_that_is_shown() -> None:
    state = told(planned())
    for number, score in enumerate((0.7, 0.9, 0.8), 1):
        state.hear(measured([0, 1], [[0.9, 0.1], [0.2, 0.8]], score=score, number=number))
    assert state.snapshot()["validation"]["epoch"] == 2


def test_other_images_are_another_fold_whose_best_is_looked_for_anew() -> None:
    state = told(planned(), measured([0, 1], [[0.9, 0.1], [0.2, 0.8]], score=0.9))
    state.hear(measured([0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], score=0.7, number=5))
    assert state.snapshot()["validation"]["epoch"] == 5


def test_curve_and_counts_of_a_worked_example() -> None:
    likely = np.array([0.1, 0.4, 0.35, 0.8])  # of the positive class; the example of scikit-learn's roc_curve
    state = told(planned(), measured([0, 0, 1, 1], np.column_stack([1 - likely, likely]).tolist()))
    found = state.snapshot()["validation"]
    (curve,) = found["roc"]
    assert (curve["name"], curve["auc"]) == ("malignant", pytest.approx(0.75))
    assert curve["points"] == [[0, 0], [0, 0.5], [0.5, 0.5], [0.5, 1], [1, 1]]
    assert found["confusion"] == [[2, 0], [1, 1]]


def test_without_a_positive_class_each_class_with_images_has_a_curve() -> None:
    state = told(
        planned(("a", "b", "c"), None), measured([0, 0, 1], [[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1]])
    )
    found = state.snapshot()["validation"]
    assert [curve["name"] for curve in found["roc"]] == ["a", "b"]
    assert found["confusion"] == [[2, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_a_long_curve_is_thinned_but_keeps_its_ends() -> None:
    random = np.random.default_rng(0)
    truth, likely = random.integers(0, 2, 5000), random.random(5000)
    state = told(planned(), measured(truth.tolist(), np.column_stack([1 - likely, likely]).tolist()))
    points = state.snapshot()["validation"]["roc"][0]["points"]
    assert len(points) <= 200
    assert (points[0], points[-1]) == ([0, 0], [1, 1])


def test_skipped_files_are_counted_and_named_without_their_folder() -> None:
    state = told(*(FileSkipped(f"/patients/of/mine/{n}.png", "it is cut short") for n in range(150)))
    found = state.snapshot()["skipped"]
    assert found["count"] == 150
    assert len(found["files"]) == 100
    assert "patients" not in json.dumps(found)


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (KeyboardInterrupt(), "interrupted", None),
        (
            TrainingError("The loss became nan", fix="try another seed"),
            "failed",
            "The loss became nan; try another seed.",
        ),
        (ZeroDivisionError("secret"), "failed", "ZeroDivisionError"),
    ],
)
def test_the_end_without_a_bundle_is_said(error: BaseException, status: str, sentence: str | None) -> None:
    state = told(RunStarted("set", "set/", Path("out"), synthetic=False, resumed=False), WorkStarted("Measuring", 1))
    state.stop(error)
    found = state.snapshot()
    assert (found["status"], found["error"], found["works"]) == (status, sentence, [])
    assert found["elapsed"] == state.snapshot()["elapsed"], "the clock stands"
