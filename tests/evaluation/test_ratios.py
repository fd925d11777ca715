from __future__ import annotations

from collections.abc import Callable
from math import exp, log, sqrt
from typing import Any

import numpy as np
import pytest

from lince.core.types import LabelSpace
from lince.evaluation import Assessment, EvaluationError, assess, intervals, sentences

TWO = LabelSpace(("well", "ill"), "ill")


def table(tp: int, fn: int, fp: int, tn: int, **more: Any) -> Assessment:
    truth = ["ill"] * (tp + fn) + ["well"] * (fp + tn)
    score = np.concatenate([np.full(tp, 0.9), np.full(fn, 0.1), np.full(fp, 0.9), np.full(tn, 0.1)])
    return assess(truth, np.stack([1 - score, score], axis=1), TWO, threshold=0.5, **more)


def ends(estimate: Any) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high


def test_likelihood_ratios_of_a_published_table() -> None:
    # Scott et al. (2008), as in the manual of epiR (epi.tests): 3.75 (3.32, 4.24) and 0.13 (0.11, 0.16).
    found = table(670, 74, 202, 640)
    assert ends(found.lr_positive) == pytest.approx((3.75, 3.32, 4.24), abs=0.005)
    assert ends(found.lr_negative) == pytest.approx((0.13, 0.11, 0.16), abs=0.005)
    assert found.lr_positive.method == intervals.SIMEL


def test_predictive_values_at_a_prevalence_by_hand() -> None:
    # Sensitivity 80/100, specificity 180/200, of a hundred five ill: 0.04 / (0.04 + 0.095); 0.855 / (0.855 + 0.01).
    found = table(80, 20, 20, 180, prevalence=0.05)
    assert found.prevalence == 0.05
    # Mercaldo 2007: variance of the logit (1 - se) / (se n1) + sp / ((1 - sp) n0).
    ppv, npv = 0.04 / 0.135, 0.855 / 0.865
    upper, lower = 1.959964 * sqrt(0.2 / 80 + 0.9 / 20), 1.959964 * sqrt(0.8 / 20 + 0.1 / 180)

    def around(value: float, half: float) -> tuple[float, float, float]:
        logit = log(value / (1 - value))
        return value, 1 / (1 + exp(half - logit)), 1 / (1 + exp(-half - logit))

    assert ends(found.ppv_at_prevalence) == pytest.approx(around(ppv, upper), rel=1e-6)
    assert ends(found.npv_at_prevalence) == pytest.approx(around(npv, lower), rel=1e-6)
    assert found.ppv_at_prevalence.method == intervals.MERCALDO


def test_at_the_prevalence_of_the_images_it_is_the_ppv() -> None:
    found = table(30, 10, 12, 68, prevalence=40 / 120)
    assert found.ppv_at_prevalence.value == pytest.approx(found.ppv.value)
    assert found.npv_at_prevalence.value == pytest.approx(found.npv.value)


@pytest.mark.parametrize(
    ("counts", "positive", "negative"),
    [
        ((5, 5, 0, 10), sentences.NO_FALSE_ALARM, None),
        ((5, 5, 10, 0), None, sentences.NONE_CLEARED),
        ((0, 10, 0, 10), sentences.NONE_CALLED_POSITIVE, None),
        ((10, 0, 10, 0), None, sentences.NONE_CALLED_NEGATIVE),
        ((0, 10, 3, 7), None, None),
        ((10, 0, 3, 7), None, None),
    ],
)
def test_ratios_that_do_not_exist_say_why(
    counts: tuple[int, int, int, int], positive: str | None, negative: str | None
) -> None:
    found = table(*counts, prevalence=0.1)
    for estimate, reason in ((found.lr_positive, positive), (found.lr_negative, negative)):
        assert estimate.reason == reason
        assert (estimate.low is None) == (reason is not None)
    for estimate, called in ((found.ppv_at_prevalence, counts[0] + counts[2]),
                             (found.npv_at_prevalence, counts[1] + counts[3])):  # fmt: skip
        if called:
            assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
            assert estimate.low < estimate.high
        else:
            assert estimate.reason in (sentences.NONE_CALLED_POSITIVE, sentences.NONE_CALLED_NEGATIVE)


def test_a_rate_without_variation_does_not_make_the_ratio_sure() -> None:
    # All ten found and 30 of 100 false alarms: Simel's formula would take the 10 of 10 for certain.
    found = table(10, 0, 30, 70)
    hit, spared = found.sensitivity, found.specificity
    assert found.lr_positive.method == found.lr_negative.method == intervals.BOTH_ENDS
    assert ends(found.lr_positive) == pytest.approx((1 / 0.3, hit.low / (1 - spared.low), hit.high / (1 - spared.high)))
    assert ends(found.lr_negative) == pytest.approx((0, 0, (1 - hit.low) / spared.low))
    in_pairs = table(10, 0, 30, 70, groups=[f"p{number // 2}" for number in range(110)])
    assert in_pairs.lr_positive.method == intervals.BOTH_ENDS


def test_no_false_alarm_leaves_a_wide_interval_of_the_ppv() -> None:
    found = table(20, 5, 0, 40, prevalence=0.01).ppv_at_prevalence
    assert (found.value, found.high, found.method) == (1.0, 1.0, intervals.BOTH_ENDS)
    assert found.low < 0.12


def test_patients_are_the_unit(trial: Callable[..., Any]) -> None:
    made = trial(n=120)
    truth, doubled = made.truth * 3, np.tile(made.probabilities, (3, 1))
    naive = assess(truth, doubled, made.labels, threshold=0.4, prevalence=0.1)
    honest = assess(
        truth, doubled, made.labels, threshold=0.4, prevalence=0.1, groups=[f"p{i}" for i in range(120)] * 3
    )
    for name in ("lr_positive", "lr_negative", "ppv_at_prevalence", "npv_at_prevalence"):
        one, other = getattr(naive, name), getattr(honest, name)
        assert one.value == pytest.approx(other.value)
        assert other.method == intervals.BOOTSTRAP_GROUPS
        assert other.high - other.low > 1.4 * (one.high - one.low), name


@pytest.mark.parametrize("prevalence", [0.0, 1.0, -0.1, 5, float("nan")])
def test_a_prevalence_is_a_share(prevalence: float) -> None:
    with pytest.raises(EvaluationError, match="prevalence"):
        table(5, 5, 5, 5, prevalence=prevalence)


def test_a_prevalence_needs_a_positive_class() -> None:
    with pytest.raises(EvaluationError, match="positive"):
        assess(["a"], [[0.5, 0.5]], LabelSpace(("a", "b")), threshold=None, prevalence=0.1)
