"""Confidence intervals, each with the name that reports state."""

from __future__ import annotations

from math import exp, isfinite, log, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from lince.evaluation.ranking import DeLong

WILSON = "Wilson"
WILSON_GROUPS = "Wilson, patients/groups as the unit"
WILSON_SMALLEST = "Wilson, size of the smallest class"
DELONG = "DeLong, logit scale"
DELONG_CLUSTERS = "DeLong for clusters (Obuchowski), logit scale"
PAIRS = "Wilson, largest variance an AUC can have"
SIMEL = "log of the ratio (Simel)"
MERCALDO = "logit, at the stated prevalence (Mercaldo)"
BOTH_ENDS = "interval ends of sensitivity and specificity together (wide)"
WALD = "Wald, logistic recalibration"
WALD_GROUPS = "Wald, robust to patients/groups"
BOOTSTRAP_IMAGES = "bootstrap over images"
BOOTSTRAP_GROUPS = "bootstrap over patients/groups"

# Under this many images on a side, DeLong's variance is itself too uncertain to be used.
SMALL_SIDE = 5


def normal_quantile(confidence: float) -> float:
    """Half width, in standard errors, of a normal interval: 1.96 for 0.95."""
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def wilson(proportion: float, trials: float, confidence: float) -> tuple[float, float]:
    """Wilson's score interval (JASA 22:209, 1927) for a proportion of ``trials``, which need not be whole.

    SciPy's interval takes counts only; the fractional proportions here are AUCs and clustered counts.
    """
    z = normal_quantile(confidence)
    centre = proportion + z * z / (2 * trials)
    half = z * sqrt(proportion * (1 - proportion) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return _around(proportion, (centre - half) / scale, (centre + half) / scale)


def auc_interval(found: DeLong, confidence: float) -> tuple[float, float, str]:
    """Interval of an AUC, and its method.

    DeLong's variance on the logit scale, so that the interval stays inside [0, 1] (Pepe, The Statistical Evaluation of
    Medical Tests, 2003, 5.2). It vanishes for a perfect or constant ranking and is unreliable with a handful of
    images; then `pairs_interval`.
    """
    smaller = min(found.positives, found.negatives)
    if smaller < SMALL_SIDE or not 0.0 < found.area < 1.0 or not found.variance > 0.0:
        return (*pairs_interval(found.area, smaller, confidence), PAIRS)
    logit = log(found.area / (1 - found.area))
    half = normal_quantile(confidence) * sqrt(found.variance) / (found.area * (1 - found.area))
    method = DELONG_CLUSTERS if found.clustered else DELONG
    return (*_around(found.area, _expit(logit - half), _expit(logit + half)), method)


def pairs_interval(area: float, smaller: int, confidence: float) -> tuple[float, float]:
    """A conservative interval of an AUC from the size of the smaller side alone.

    The variance of an AUC is at most A(1 - A) / min(m, n) (Birnbaum and Klose, Annals of Mathematical Statistics
    28:933, 1957): that of a proportion over as many independent pairs as the smaller side has images.
    """
    return wilson(area, smaller, confidence)


def percentile(value: float, replicates: NDArray[np.float64], confidence: float) -> tuple[float, float] | None:
    """Percentile interval of bootstrap replicates (Efron 1979), widened to the estimate where it falls outside.

    ``None`` when the replicates do not vary, when more than half of them have no value, or when an end is infinite.
    """
    known = replicates[~np.isnan(replicates)]
    if 2 * known.size < replicates.size or known.size == 0:
        return None
    with np.errstate(invalid="ignore"):
        if np.ptp(known) < 1e-12:
            return None
        low, high = np.quantile(known, [0.5 - confidence / 2, 0.5 + confidence / 2])
    if not (isfinite(low) and isfinite(high)):
        return None
    return min(float(low), value), max(float(high), value)


def simel(value: float, hits: tuple[int, int], alarms: tuple[int, int], confidence: float) -> tuple[float, float]:
    """Interval of a ratio of two independent proportions, on the log scale.

    Simel, Samsa and Matchar, Journal of Clinical Epidemiology 44:763, 1991. ``hits`` and ``alarms`` are part and whole
    of the upper and of the lower proportion; no part may be 0 or its whole.
    """
    error = sqrt(sum(1 / part - 1 / whole for part, whole in (hits, alarms)))
    half = normal_quantile(confidence) * error
    return value * exp(-half), value * exp(half)


def _expit(x: float) -> float:
    return 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))


def _around(value: float, low: float, high: float) -> tuple[float, float]:
    """Keep rounding from pushing an end across the estimate or out of [0, 1]."""
    return max(0.0, min(low, value)), min(1.0, max(high, value))
