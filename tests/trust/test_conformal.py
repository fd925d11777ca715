"""Prediction sets: coverage on new draws, and few images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lince.core.types import LabelSpace
from lince.trust import Calibration, PredictionSets, Trust, softmax


def drawn(count: int, seed: int, *, share: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a mediocre, badly calibrated model, and the truth; the second class is rare."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(count) < share).astype(int)
    margin = 3.0 * (1.2 * (2 * truth - 1) + rng.normal(size=count)) - 2.0
    return softmax(np.stack([-margin / 2, margin / 2], axis=1)), truth


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
def test_each_class_is_covered_on_new_images(coverage: float) -> None:
    """The mean over calibration sets lies between the coverage and the coverage plus 1 / (n + 1)."""
    covered = np.zeros((200, 2))
    for seed in range(200):
        sets = PredictionSets.fit(*drawn(300, seed), coverage=coverage)
        table, truth = drawn(2000, 10_000 + seed)
        inside = sets.contains(table)
        covered[seed] = [inside[truth == c, c].mean() for c in (0, 1)]
    assert (covered.mean(axis=0) > coverage - 0.01).all()
    assert (covered.mean(axis=0) < coverage + 0.04).all()


def test_a_rare_class_is_covered_although_the_model_hardly_calls_it() -> None:
    table, truth = drawn(4000, 1, share=0.03)
    assert (table.argmax(1)[truth == 1] == 1).mean() < 0.8
    sets = PredictionSets.fit(*drawn(4000, 2, share=0.03))
    assert sets.contains(table)[truth == 1, 1].mean() == pytest.approx(0.9, abs=0.06)


def test_by_hand() -> None:
    """Nine images of each class at 90 %: the smallest of the nine; at 80 % the second smallest."""
    own = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])
    table, truth = np.stack([own, 1 - own], axis=1), np.zeros(9, int)
    assert PredictionSets.fit(table, truth).least == (0.1, 0.0)
    assert PredictionSets.fit(table, truth, coverage=0.8).least == (0.2, 0.0)
    assert PredictionSets.fit(table[:8], truth[:8]).least == (0.0, 0.0)


def test_a_class_with_too_few_images_is_in_every_set() -> None:
    table, truth = drawn(400, 3)
    kept = np.concatenate([np.flatnonzero(truth == 0), np.flatnonzero(truth == 1)[:8]])
    sets = PredictionSets.fit(table[kept], truth[kept])
    assert sets.needed == 9
    assert sets.without_guarantee == (1,)
    assert sets.contains(table)[:, 1].all()
    assert not sets.contains(table)[:, 0].all()


@given(st.integers(0, 60), st.floats(0.5, 0.99))
def test_as_many_of_the_calibration_images_as_promised_are_inside(count: int, coverage: float) -> None:
    rng = np.random.default_rng(count)
    table = rng.dirichlet((1, 1, 1), count) if count else np.empty((0, 3))
    truth = rng.integers(0, 3, count)
    sets = PredictionSets.fit(table, truth, coverage=coverage)
    assert sets.counts == tuple(np.bincount(truth, minlength=3))
    inside = sets.contains(table)
    for index in range(3):
        own = truth == index
        assert inside[own, index].sum() >= coverage * own.sum() - 1e-9


def test_classes_without_a_limit_do_not_make_every_answer_open() -> None:
    """Two classes with limits, one with a single image, which is therefore in every set."""
    labels = LabelSpace(("chest", "brain", "rare"))
    table = np.tile([[0.9, 0.08, 0.02], [0.08, 0.9, 0.02]], (20, 1))
    truth = np.tile([0, 1], 20)
    truth[-1] = 2
    trust = Trust.fit(Calibration.none(3), table, truth, labels, None)
    clear, open_ = trust.set_of([0.95, 0.03, 0.02], labels), trust.set_of([0.5, 0.48, 0.02], labels)
    assert clear == ("chest", "rare")
    assert not trust.undecided(clear, "chest", labels)
    assert trust.undecided(clear, "rare", labels), "of what has no limit nothing is promised"
    assert trust.undecided(clear, "brain", labels), "the set excludes what was decided"
    assert trust.undecided(open_, "chest", labels)
    assert trust.undecided((), "chest", labels)
    assert not trust.undecided(None, "chest", labels)
