from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lince.evaluation.benefit import decision_curve

TRUTH = np.array([True, True, False, True, False, False, False, False, False, False])
SCORE = np.array([0.9, 0.6, 0.55, 0.3, 0.25, 0.2, 0.15, 0.1, 0.1, 0.05])


def at(curve: object, threshold: float, of: str = "model") -> float:
    return float(getattr(curve, of)[curve.thresholds.index(threshold)])  # type: ignore[attr-defined]


def test_net_benefit_by_hand() -> None:
    curve = decision_curve(TRUTH, SCORE, of="ill")
    # From 0.5 on: two found, one false alarm at the price of one: (2 - 1) / 10.
    assert at(curve, 0.5) == pytest.approx(0.1)
    # From 0.2 on: three found, three false alarms at a quarter each: (3 - 0.75) / 10.
    assert at(curve, 0.2) == pytest.approx(0.225)
    # All: 0.3 - 0.7 / 4 at 0.2; 0.3 - 0.7 at 0.5.
    assert at(curve, 0.2, "treat_all") == pytest.approx(0.125)
    assert at(curve, 0.5, "treat_all") == pytest.approx(-0.4)
    assert (curve.treat_none, curve.prevalence, curve.of) == (0.0, 0.3, "ill")
    # From 0.91 on nobody is called positive, which is worth nothing.
    assert at(curve, 0.91) == 0.0
    assert curve.useful == (0.06, 0.9)


@given(st.integers(0, 2**32 - 1), st.integers(3, 80))
def test_equals_counting_at_every_threshold(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    truth = np.append([True, False], rng.random(n - 2) < 0.4)
    score = rng.random(n).round(2)
    curve = decision_curve(truth, score, of="ill")
    share = truth.mean()
    for threshold, found in zip(curve.thresholds, curve.model, strict=True):
        hit, alarm = (score[truth] >= threshold).mean(), (score[~truth] >= threshold).mean()
        assert found == pytest.approx(share * hit - (1 - share) * alarm * threshold / (1 - threshold), abs=1e-6)


def test_a_model_that_tells_nothing_is_never_useful() -> None:
    curve = decision_curve(TRUTH, np.full(10, 0.3), of="ill")
    assert curve.useful is None
    reversed_ = decision_curve(TRUTH, 1 - SCORE, of="ill")
    assert reversed_.useful is None
