from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.metrics import roc_curve as sklearn_roc_curve

from lince.evaluation import EvaluationError, auc, macro_auc, weighted_auc
from lince.evaluation.ranking import average_precision, delong, precision_recall_curve, roc_curve

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


def test_delong_of_a_published_example() -> None:
    # Hanley and McNeil (Radiology 143:29, 1982), table I: 109 CT scans read on five grades. Area 0.893; the manual of
    # Stata (roctab) gives DeLong's standard error, 0.0307, and the interval 0.83295 to 0.95339.
    normal, abnormal = (33, 6, 6, 11, 2), (3, 2, 2, 11, 33)
    grades = np.repeat(np.tile(np.arange(5), 2), normal + abnormal)
    found = delong(np.arange(109) >= 58, grades)
    half = 1.959964 * math.sqrt(found.variance)
    assert found.area == pytest.approx(0.8932, abs=5e-5)
    assert math.sqrt(found.variance) == pytest.approx(0.0307, abs=5e-5)
    assert (found.area - half, found.area + half) == pytest.approx((0.83295, 0.95339), abs=5e-6)


@given(samples())
def test_clusters_of_one_change_nothing(sample: tuple[np.ndarray, np.ndarray]) -> None:
    plain, clustered = delong(*sample), delong(*sample, np.arange(sample[0].size))
    assert clustered.area == plain.area
    assert clustered.variance == pytest.approx(plain.variance, nan_ok=True, abs=1e-12)


def test_copies_in_a_cluster_are_no_more_than_one() -> None:
    rng = np.random.default_rng(0)
    truth, score = rng.random(80) < 0.4, rng.normal(size=80)
    once = delong(truth, score)
    copied = delong(np.tile(truth, 3), np.tile(score, 3), np.tile(np.arange(80), 3))
    assert copied.area == pytest.approx(once.area)
    assert copied.variance == pytest.approx(once.variance)
    assert (copied.positives, copied.negatives) == (once.positives, once.negatives)


def test_clusters_with_both_kinds_agree_with_a_bootstrap() -> None:
    rng = np.random.default_rng(2)
    cluster = np.repeat(np.arange(150), 4)
    truth = rng.random(600) < 0.4
    score = rng.normal(size=150)[cluster] + rng.normal(size=600) + truth
    found = delong(truth, score, cluster)
    areas = []
    for _ in range(600):
        rows = (rng.integers(0, 150, 150)[:, None] * 4 + np.arange(4)).ravel()
        areas.append(auc(truth[rows], score[rows]))
    assert math.sqrt(found.variance) == pytest.approx(np.std(areas), rel=0.1)


@given(samples())
def test_average_precision_equals_scikit_learn(sample: tuple[np.ndarray, np.ndarray]) -> None:
    assert average_precision(*sample) == pytest.approx(average_precision_score(*sample), abs=1e-12)


def test_precision_and_recall_by_hand() -> None:
    # Down to 0.8 one of one; to 0.5 two of four, for two have that score; to 0.1 three of five.
    truth, score = [True, False, True, False, True], [0.8, 0.6, 0.5, 0.5, 0.1]
    recall, precision = precision_recall_curve(truth, score)
    assert recall == pytest.approx([1 / 3, 2 / 3, 1])
    assert precision == pytest.approx([1, 2 / 4, 3 / 5])
    assert math.isnan(average_precision([False, False], [0.1, 0.2]))


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


def test_weighted_auc_weighs_classes_by_their_images() -> None:
    rng = np.random.default_rng(1)
    truth = np.array([0] * 20 + [1] * 8 + [2] * 3)
    table = rng.dirichlet(np.ones(3), size=31)
    expected = roc_auc_score(truth, table, multi_class="ovr", average="weighted")
    assert weighted_auc(truth, table) == pytest.approx(expected)
    assert weighted_auc(truth, table) != pytest.approx(macro_auc(truth, table))
    two = table[:, :2] / table[:, :2].sum(axis=1, keepdims=True)
    assert weighted_auc(truth > 0, two) == macro_auc(truth > 0, two)
    assert math.isnan(weighted_auc([1, 1, 1], table[:3]))


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
