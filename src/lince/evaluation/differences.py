"""Differences of two figures: their intervals, their p, and the correction for many of them."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from lince.evaluation import intervals, lacking
from lince.evaluation.estimate import Difference, Estimate

Floats = NDArray[np.float64]

NEWCOMBE = "from both intervals (Newcombe)"
NEWCOMBE_PAIRED = "Newcombe, paired"
DELONG_PAIRED = "DeLong, paired"
RANGE_OF_DRAWS = "range of 95 % of the draws"
MCNEMAR = "McNemar, exact"
MCNEMAR_GROUPS = "McNemar, patients/groups as the unit"


def recovered(
    first: Estimate, second: Estimate, confidence: float, *, correlation: float = 0.0, method: str = NEWCOMBE
) -> Difference:
    """``first`` minus ``second`` from their two intervals.

    The variance of each estimate is recovered from its own interval, on the side that matters (Zou and Donner,
    Statistics in Medicine 27:1693, 2008). For two independent proportions with Wilson's intervals that is Newcombe's
    method 10 (Statistics in Medicine 17:873, 1998). It asks for no symmetry, so it serves figures of 0 or 1 too.

    Parameters
    ----------
    confidence
        The level of both intervals.
    correlation
        Of the two estimates; 0 for independent ones.
    """
    if first.value is None or second.value is None:
        return Difference(value=None, reason=first.reason or second.reason or lacking.NO_FIGURE)
    value = first.value - second.value
    if first.low is None or first.high is None or second.low is None or second.high is None:
        return Difference(value=value, reason=lacking.NO_INTERVAL)
    down, up = first.value - first.low, first.high - first.value
    other_down, other_up = second.value - second.low, second.high - second.value
    low = value - _length(down, other_up, correlation)
    high = value + _length(up, other_down, correlation)
    return Difference(value=value, low=low, high=high, p=p_value(value, low, high, confidence), method=method)


def _length(one: float, other: float, correlation: float) -> float:
    return sqrt(max(0.0, one * one - 2 * correlation * one * other + other * other))


def paired_correlation(both: int, only_first: int, only_second: int, neither: int) -> float:
    """Correlation of two proportions of the same images for Newcombe's paired method 10.

    A positive one is corrected downwards (Newcombe, Statistics in Medicine 17:2635, 1998); 0 where a margin is empty.
    """
    margins = (both + only_first) * (only_second + neither) * (both + only_second) * (only_first + neither)
    product = float(both * neither - only_first * only_second)
    if product > 0:
        product = max(0.0, product - (both + only_first + only_second + neither) / 2)
    return product / sqrt(margins) if margins else 0.0


def resampled(value: float, replicates: Floats, confidence: float, method: str) -> Difference | None:
    """A difference with the percentile interval of its replicates; ``None`` where they give none."""
    ends = intervals.percentile(value, replicates, confidence)
    if ends is None:
        return None
    return Difference(value=value, low=ends[0], high=ends[1], p=p_value(value, *ends, confidence), method=method)


def p_value(value: float, low: float, high: float, confidence: float) -> float:
    """Two-sided p of no difference, from an interval (Altman and Bland, BMJ 343:d2304, 2011).

    The half of the interval that points to 0 counts, so that p is below 1 - ``confidence`` exactly where the interval
    excludes 0.
    """
    if value == 0:
        return 1.0
    half = value - low if value > 0 else high - value
    return 0.0 if half <= 0 else 2 * NormalDist().cdf(-abs(value) / half * intervals.normal_quantile(confidence))


def holm(p: Sequence[float]) -> list[float]:
    """p adjusted by Holm's step-down method (Scandinavian Journal of Statistics 6:65, 1979), in the order given."""
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(values.size, 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in adjusted]
