from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm

from lince.evaluation import intervals, sentences
from lince.evaluation.recalibration import recalibration


def sample(n: int = 200, seed: int = 0, stretch: float = 1.6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, probabilities that are too extreme, and their logits."""
    logit = np.random.default_rng(seed).normal(-0.5, 1.2, n)
    truth = np.random.default_rng(seed + 1).random(n) < 1 / (1 + np.exp(-logit))
    shown = stretch * logit + 0.4
    return truth, 1 / (1 + np.exp(-shown)), shown


def ends(estimate: Any) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high


def test_equals_statsmodels() -> None:
    truth, probability, logit = sample()
    found = recalibration(truth, probability, confidence=0.95)
    slope = sm.Logit(truth, sm.add_constant(logit)).fit(disp=0)
    moved = sm.GLM(truth, np.ones(truth.size), offset=logit, family=sm.families.Binomial()).fit()
    assert ends(found["calibration_slope"]) == pytest.approx((slope.params[1], *slope.conf_int()[1]), rel=1e-6)
    assert ends(found["calibration_intercept"]) == pytest.approx((moved.params[0], *moved.conf_int()[0]), rel=1e-6)
    assert found["calibration_slope"].method == intervals.WALD
    assert found["calibration_slope"].value < 0.9


def test_clusters_equal_the_sandwich_of_statsmodels() -> None:
    truth, probability, logit = sample()
    group = np.random.default_rng(5).integers(0, 40, truth.size)
    found = recalibration(truth, probability, confidence=0.95, group=np.unique(group, return_inverse=True)[1])
    kind = {"cov_type": "cluster", "cov_kwds": {"groups": group, "use_correction": False}}
    slope = sm.Logit(truth, sm.add_constant(logit)).fit(disp=0, **kind)
    moved = sm.GLM(truth, np.ones(truth.size), offset=logit, family=sm.families.Binomial()).fit(**kind)
    correction = np.sqrt(40 / 39)
    for name, error in (("calibration_slope", slope.bse[1]), ("calibration_intercept", moved.bse[0])):
        width = found[name].high - found[name].low
        assert width == pytest.approx(2 * intervals.normal_quantile(0.95) * error * correction, rel=1e-5)
        assert found[name].method == intervals.WALD_GROUPS


def test_probabilities_that_are_stretched_and_moved_are_named_so() -> None:
    truth, probability, _ = sample(n=20_000, stretch=2.0)
    found = recalibration(truth, probability, confidence=0.95)
    assert found["calibration_slope"].value == pytest.approx(0.5, abs=0.03)
    # Shifted upwards by 0.4 and stretched: the event happens less often than foretold, or as often.
    assert found["calibration_intercept"].low < found["calibration_intercept"].value < 0.3


@pytest.mark.parametrize(
    ("truth", "probability", "reason"),
    [
        ([0, 1, 0, 1], [0.3, 0.3, 0.3, 0.3], sentences.SAME_SCORE),
        ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], sentences.SEPARATED),
        ([0, 0, 1, 1], [0.1, 0.5, 0.5, 0.9], sentences.SEPARATED),
        ([1, 1, 0, 0], [0.1, 0.2, 0.8, 0.9], sentences.SEPARATED),
    ],
)
def test_where_no_slope_fits_the_reason_is_told(truth: list[int], probability: list[float], reason: str) -> None:
    found = recalibration(np.array(truth, dtype=bool), np.array(probability), confidence=0.95)
    assert (found["calibration_slope"].value, found["calibration_slope"].reason) == (None, reason)
    assert found["calibration_intercept"].low < found["calibration_intercept"].high


@pytest.mark.parametrize("size", [1e-3, 1.0, 40.0, 4_000.0])
def test_any_scale_of_logits_converges(size: float) -> None:
    rng = np.random.default_rng(3)
    logit = np.clip(size * rng.normal(size=300), -15, 15)
    truth = rng.random(300) < 0.5
    found = recalibration(truth, 1 / (1 + np.exp(-logit)), confidence=0.95)
    expected = sm.Logit(truth, sm.add_constant(logit)).fit(disp=0)
    assert found["calibration_slope"].value == pytest.approx(expected.params[1], rel=1e-3, abs=1e-6)


def test_certain_probabilities_have_no_interval() -> None:
    found = recalibration(np.array([True, False] * 6), np.array([1.0, 0.0] * 6), confidence=0.95)
    assert found["calibration_intercept"].value == pytest.approx(0, abs=1e-6)
    assert found["calibration_intercept"].reason == sentences.NO_INFORMATION


def test_certain_and_wrong_is_finite() -> None:
    found = recalibration(np.array([True, False, True, False]), np.array([0.0, 1.0, 1.0, 0.0]), confidence=0.95)
    assert all(np.isfinite(estimate.value) for estimate in found.values())


def test_one_patient_has_no_interval(trial: Callable[..., Any]) -> None:
    truth, probability, _ = sample(n=30)
    found = recalibration(truth, probability, confidence=0.95, group=np.zeros(30, dtype=np.intp))
    assert found["calibration_slope"].value is not None
    assert (found["calibration_slope"].low, found["calibration_slope"].reason) == (None, sentences.ONE_GROUP)
