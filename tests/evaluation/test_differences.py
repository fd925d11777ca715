"""Differences against published worked examples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from lince.evaluation import lacking
from lince.evaluation.differences import holm, p_value, paired_correlation, recovered, resampled
from lince.evaluation.estimate import Estimate
from lince.evaluation.intervals import wilson

PROPORTION = st.tuples(st.integers(0, 60), st.integers(1, 60)).map(lambda pair: (min(pair), pair[1]))


def proportion(hits: int, trials: int) -> Estimate:
    low, high = wilson(hits / trials, trials, 0.95)
    return Estimate(value=hits / trials, low=low, high=high)


@pytest.mark.parametrize(
    ("hits", "trials", "other_hits", "other_trials", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17:873 (1998), table II, method 10.
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (10, 10, 0, 20, 0.6791, 1.0000),
        (5, 56, 0, 29, -0.0381, 0.1926),
    ],
)
def test_two_independent_proportions(
    hits: int, trials: int, other_hits: int, other_trials: int, low: float, high: float
) -> None:
    found = recovered(proportion(hits, trials), proportion(other_hits, other_trials), 0.95)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_two_proportions_of_the_same_images() -> None:
    # Newcombe, Statistics in Medicine 17:2635 (1998): 36 both, 12 and 2 one alone, none neither; method 10.
    phi = paired_correlation(36, 12, 2, 0)
    found = recovered(proportion(48, 50), proportion(38, 50), 0.95, correlation=phi)
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0569, 0.3404), abs=5e-5)


@given(PROPORTION, PROPORTION)
def test_p_and_interval_agree_and_the_order_only_changes_the_sign(one: tuple[int, int], two: tuple[int, int]) -> None:
    first, second = proportion(*one), proportion(*two)
    there, back = recovered(first, second, 0.95), recovered(second, first, 0.95)
    assert there.low <= there.value <= there.high
    assert (there.value, there.low, there.high, there.p) == pytest.approx((-back.value, -back.high, -back.low, back.p))
    assert (there.p < 0.05) == (there.low > 0 or there.high < 0)


def test_p_from_an_interval() -> None:
    # A normal interval: p is that of the z test. Altman and Bland's example: 0.81 (0.70 to 0.94), P = 0.005.
    assert p_value(0.3, 0.3 - 1.959964 * 0.1, 0.3 + 1.959964 * 0.1, 0.95) == pytest.approx(2 * norm.sf(3), rel=1e-4)
    assert p_value(*np.log([0.81, 0.70, 0.94]), 0.95) == pytest.approx(0.005, abs=1e-3)
    assert p_value(0.0, -0.1, 0.1, 0.95) == 1.0
    assert p_value(0.2, 0.2, 0.3, 0.95) == 0.0


def test_a_difference_that_cannot_be_had_says_why() -> None:
    missing = Estimate(value=None, reason="no images of the positive class")
    assert recovered(missing, proportion(1, 2), 0.95).reason == "no images of the positive class"
    bare = recovered(Estimate(value=0.5), proportion(1, 4), 0.95)
    assert (bare.value, bare.low, bare.p, bare.reason) == (0.25, None, None, lacking.NO_INTERVAL)
    assert resampled(0.1, np.full(2000, 0.1), 0.95, "bootstrap") is None


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
