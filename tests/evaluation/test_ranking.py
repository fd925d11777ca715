from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import roc_auc_score
from sklearn.metrics import roc_curve as sklearn_roc_curve

from lince.evaluation import EvaluationError, auc, macro_auc
from lince.evaluation.ranking import delong, roc_curve

# Sixteenths: ties are common, and monotone maps of them stay exact.
SCORES = st.integers(0, 16).map(lambda k: k / 16)


@st.composite
def samples(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    n = draw(st.integers(2, 40))
    truth = draw(arrays(bool, n))
    truth[:2] = [True, False]
    return truth, draw(arrays(float, n, elements=SCORES))


def brute_force(truth: np.ndarray, score: np.ndarray) -> tuple[float, float]:
    """AUC and DeLong's variance from all pairs, as in the paper of 1988."""
    kernel = (score[truth][:, None] > score[~truth]) + 0.5 * (score[truth][:, None] == score[~truth])
    m, n = kernel.shape
    return kernel.mean(), kernel.mean(axis=1).var(ddof=1) / m + kernel.mean(axis=0).var(ddof=1) / n


def test_worked_example_with_a_tie() -> None:
    # Positives 0.8, 0.4; negatives 0.4, 0.1: of four pairs three and a half are in order.
    assert auc([True, True, False, False], [0.8, 0.4, 0.4, 0.1]) == 0.875


@given(samples())
def test_equals_scikit_learn(sample: tuple[np.ndarray, np.ndarray]) -> None:
    assert auc(*sample) == pytest.approx(roc_auc_score(*sample), abs=1e-12)


@given(samples(), st.sampled_from([np.exp, np.cbrt, lambda x: 3 * x - 7, lambda x: x**3]))
def test_monotone_maps_change_nothing(sample: tuple[np.ndarray, np.ndarray], rising: object) -> None:
    truth, score = sample
    assert auc(truth, rising(score)) == auc(truth, score)
    assert auc(truth, -score) == pytest.approx(1 - auc(truth, score), abs=1e-12)


@given(samples())
def test_delong_equals_all_pairs(sample: tuple[np.ndarray, np.ndarray]) -> None:
    truth, score = sample
    found = delong(truth, score)
    if min(truth.sum(), (~truth).sum()) < 2:
        assert math.isnan(found.variance)
        return
    area, variance = brute_force(truth, score)
    assert found.area == pytest.approx(area, abs=1e-12)
    assert found.variance == pytest.approx(variance, abs=1e-12)


@pytest.mark.parametrize("truth", [[True, True], [False, False], []])
def test_one_side_only_has_no_auc(truth: list[bool]) -> None:
    assert math.isnan(auc(truth, [0.5] * len(truth)))


@pytest.mark.parametrize("score", [[0.1, float("nan")], [0.1], [[0.1, 0.2]]])
def test_bad_scores_are_refused(score: list[float]) -> None:
    with pytest.raises(EvaluationError):
        auc([True, False], score)


def test_macro_auc_is_the_mean_over_classes_seen() -> None:
    rng = np.random.default_rng(0)
    truth = np.array([0, 1, 2, 0, 1, 2, 0])
    table = rng.dirichlet(np.ones(4), size=7)
    expected = np.mean([roc_auc_score(truth == c, table[:, c]) for c in range(3)])
    assert macro_auc(truth, table) == pytest.approx(expected)


def test_macro_auc_of_two_classes_is_the_auc_of_the_second() -> None:
    table = np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7]])
    assert macro_auc([0, 1, 1], table) == 1.0
    assert macro_auc([1, 0, 0], table) == 0.0
    assert math.isnan(macro_auc([1, 1, 1], table))


def test_macro_auc_is_quick_enough_for_every_epoch() -> None:
    rng = np.random.default_rng(0)
    truth, table = rng.integers(0, 2, 5_000), rng.dirichlet(np.ones(2), size=5_000)
    times = []
    for _ in range(7):
        start = time.perf_counter()
        macro_auc(truth, table)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.005


@given(samples())
def test_curve_passes_through_scikit_learn_s(sample: tuple[np.ndarray, np.ndarray]) -> None:
    fpr, tpr, thresholds = roc_curve(*sample)
    ref_fpr, ref_tpr, _ = sklearn_roc_curve(*sample, drop_intermediate=False)
    assert (fpr[0], tpr[0], fpr[-1], tpr[-1]) == (0, 0, 1, 1)
    assert np.isinf(thresholds[0])
    assert np.all(np.diff(thresholds) < 0)
    # The corners are all there is: the area under them is the AUC, and they are among the points of the reference.
    assert np.trapezoid(tpr, fpr) == pytest.approx(auc(*sample), abs=1e-12)
    assert set(zip(fpr, tpr, strict=True)) <= set(zip(ref_fpr, ref_tpr, strict=True))


def test_curve_drops_points_on_a_line() -> None:
    fpr, _, _ = roc_curve([True, True, True, False, False], [0.9, 0.8, 0.7, 0.2, 0.1])
    assert fpr.tolist() == [0, 0, 1]
