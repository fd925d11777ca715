from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from lince.evaluation import intervals
from lince.evaluation.ranking import DeLong, average_precision, delong
from lince.evaluation.resampling import Ranking, bootstrap


def test_wilson_worked_example() -> None:
    # Newcombe, Statistics in Medicine 17:857 (1998), table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    published = {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0.0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }
    for (k, n), ends in published.items():
        assert intervals.wilson(k / n, n, 0.95) == pytest.approx(ends, abs=5e-5)


@given(st.integers(1, 400), st.floats(0, 1), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_wilson_equals_scipy_and_holds_the_estimate(n: int, share: float, confidence: float) -> None:
    k = round(share * n)
    low, high = intervals.wilson(k / n, n, confidence)
    reference = binomtest(k, n).proportion_ci(confidence, method="wilson")
    assert (low, high) == pytest.approx((reference.low, reference.high), abs=1e-9)
    assert 0 <= low <= k / n <= high <= 1
    assert low < high


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**32 - 1), st.floats(-1, 4))
def test_auc_interval_holds_the_estimate_and_stays_in_bounds(m: int, n: int, seed: int, shift: float) -> None:
    rng = np.random.default_rng(seed)
    truth = np.arange(m + n) < m
    score = np.round(rng.normal(size=m + n) + shift * truth, 1)
    found = delong(truth, score)
    low, high, method = intervals.auc_interval(found, 0.95)
    assert 0 <= low <= found.area <= high <= 1
    assert low < high
    assert method in (intervals.DELONG, intervals.PAIRS)


def test_auc_interval_on_the_logit_scale_by_hand() -> None:
    # logit(0.8) = 1.3863; half width 1.95996 * 0.05 / 0.16 = 0.61249; ends expit(0.77381) and expit(1.99878).
    low, high, method = intervals.auc_interval(DeLong(0.8, 0.0025, 40, 40), 0.95)
    assert (low, high) == pytest.approx((0.68435, 0.88066), abs=1e-4)
    assert method == intervals.DELONG


@pytest.mark.parametrize(
    "found",
    [DeLong(1.0, 0.0, 50, 20), DeLong(0.0, 0.0, 20, 50), DeLong(0.5, 0.0, 20, 30), DeLong(0.7, 0.01, 4, 100)],
    ids=["perfect", "reversed", "constant", "tiny"],
)
def test_where_delong_fails_the_interval_is_wide_and_says_so(found: DeLong) -> None:
    low, high, method = intervals.auc_interval(found, 0.95)
    assert method == intervals.PAIRS
    assert high - low > 0.1
    assert (low, high) == intervals.wilson(found.area, min(found.positives, found.negatives), 0.95)


def test_delong_covers_the_truth_about_as_often_as_it_says() -> None:
    # Two normals one standard deviation apart: AUC = Phi(1 / sqrt(2)) = 0.7602. 400 samples of 30 and 30.
    rng = np.random.default_rng(1)
    truth = np.arange(60) < 30
    hits = 0
    for _ in range(400):
        low, high, _ = intervals.auc_interval(delong(truth, rng.normal(size=60) + truth), 0.95)
        hits += low <= 0.76025 <= high
    assert 0.92 <= hits / 400 <= 0.98


def test_percentile_widens_to_the_estimate_and_refuses_no_spread() -> None:
    replicates = np.linspace(0.4, 0.6, 2_001)
    assert intervals.percentile(0.5, replicates, 0.95) == pytest.approx((0.405, 0.595))
    assert intervals.percentile(0.7, replicates, 0.95) == pytest.approx((0.405, 0.7))
    assert intervals.percentile(1.0, np.ones(100), 0.95) is None
    # A ratio may be infinite in some resamples: in few enough the ends are still known.
    some = np.where(np.arange(2_001) < 20, np.inf, replicates)
    assert intervals.percentile(0.5, some, 0.95) == pytest.approx((0.407, 0.597), abs=1e-3)
    assert intervals.percentile(0.5, np.where(np.arange(2_001) < 80, np.inf, replicates), 0.95) is None
    assert intervals.percentile(0.5, np.full(100, np.inf), 0.95) is None
    assert intervals.percentile(0.5, np.where(np.arange(2_001) < 1_200, np.nan, replicates), 0.95) is None


def test_bootstrap_equals_a_loop_over_the_same_draws() -> None:
    rng = np.random.default_rng(0)
    n, n_groups = 60, 15
    group = np.concatenate([np.arange(n_groups), rng.integers(0, n_groups, n - n_groups)])
    truth, score = rng.random(n) < 0.4, np.round(rng.random(n), 1)
    identity = np.eye(n_groups)[group]
    sums, ranked = bootstrap(group, n_groups, identity, [Ranking.of(truth, score, group)], seed=5, resamples=120)
    sizes = np.bincount(group, minlength=n_groups)
    drawn = (sums / sizes[:, None]).round().astype(int)
    assert (drawn.sum(axis=0) == n_groups).all()
    for resample in range(120):
        rows = np.repeat(np.arange(n), drawn[group, resample])
        expected = delong(truth[rows], score[rows]).area
        assert ranked[0, 0, resample] == pytest.approx(expected, nan_ok=True, abs=1e-6)
        expected = average_precision(truth[rows], score[rows])
        assert ranked[1, 0, resample] == pytest.approx(expected, nan_ok=True, abs=1e-6)


def test_bootstrap_repeats_with_its_seed_and_draws_all_groups_alike() -> None:
    group = np.arange(40)
    first, second, other = (bootstrap(group, 40, np.eye(40), [], seed=seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)
    assert first.mean(axis=1) == pytest.approx(np.ones(40), abs=0.12)
