"""Calibration slope and intercept: how the logits would have to be stretched and moved to fit what was observed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lince.evaluation import intervals, sentences
from lince.evaluation.figures import Estimate

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Indices = NDArray[np.intp]

# Probabilities of float32 networks stop here; nearer to 0 or 1 a logit is rounding, and one image would decide the fit.
_NEAREST = float(np.finfo(np.float32).eps)
_STEPS = 100
# An error this large, in logits, turns 1 % into 60 %: Wald's interval then says nothing and the likelihood is flat.
_VAGUE = 5.0


def recalibration(
    truth: Bools, probability: Floats, *, confidence: float, group: Indices | None = None
) -> dict[str, Estimate]:
    """Slope and intercept of a logistic regression of the truth on the logit of the probability.

    The slope (Cox, Biometrika 45:562, 1958) is below 1 for probabilities that are too extreme. The intercept is that of
    calibration in the large (Van Calster et al., BMC Medicine 17:230, 2019): with the slope held at 1, above 0 where
    the event happens more often than foretold.

    Parameters
    ----------
    truth, probability
        (N,) of the positive class; both kinds of images must be there.
    group
        (N,) patient of each image, where patients have several: intervals then use the sandwich variance by group
        (Liang and Zeger, Biometrika 73:13, 1986).

    Returns
    -------
    dict
        ``calibration_slope`` and ``calibration_intercept``.
    """
    inside = probability.clip(_NEAREST, 1.0 - _NEAREST)
    logit = np.log(inside) - np.log1p(-inside)
    ones = np.ones((truth.size, 1))
    moved = _fit(ones, logit, truth)
    found = {"calibration_intercept": _estimate(moved, 0, 1.0, confidence, group)}
    reason = _no_slope(truth, logit)
    if reason is not None:
        return found | {"calibration_slope": Estimate(value=None, reason=reason)}
    spread = float(logit.std())
    scaled = ((logit - logit.mean()) / spread)[:, None]
    stretched = _fit(np.hstack([ones, scaled]), np.zeros(truth.size), truth)
    return found | {"calibration_slope": _estimate(stretched, 1, spread, confidence, group)}


def _no_slope(truth: Bools, logit: Floats) -> str | None:
    positives, negatives = logit[truth], logit[~truth]
    if np.ptp(logit) < 1e-9:
        return sentences.SAME_SCORE
    if positives.min() >= negatives.max() or negatives.min() >= positives.max():
        return sentences.SEPARATED
    return None


@dataclass(frozen=True, slots=True)
class _Fit:
    """Coefficients (K,), their covariance (K, K) if the model holds, and each image's share in the gradient (N, K)."""

    coefficients: Floats
    covariance: Floats
    scores: Floats

    def by_group(self, group: Indices) -> Floats | None:
        """Covariance (K, K) that holds when images of a group resemble each other; none for a single group."""
        count = int(group.max()) + 1
        if count < 2:
            return None
        sums = np.stack([np.bincount(group, weights=column) for column in self.scores.T], axis=1)
        return np.asarray(count / (count - 1) * self.covariance @ (sums.T @ sums) @ self.covariance)


def _fit(design: Floats, offset: Floats, truth: Bools) -> _Fit:
    """Logistic regression by Newton's method; steps are halved until they raise the likelihood, which is concave."""
    coefficients = np.zeros(design.shape[1])
    gain = _likelihood(offset, truth)
    for _ in range(_STEPS):
        score, information = _slope_of(design, offset + design @ coefficients, truth)
        step = np.linalg.solve(information, score.sum(axis=0))
        trial = _likelihood(offset + design @ (coefficients + step), truth)
        while trial < gain and np.abs(step).max() > 1e-12:
            step = step / 2
            trial = _likelihood(offset + design @ (coefficients + step), truth)
        coefficients, gain = np.asarray(coefficients + step, dtype=np.float64), trial
        if np.abs(step).max() < 1e-9:
            break
    score, information = _slope_of(design, offset + design @ coefficients, truth)
    return _Fit(coefficients, np.asarray(np.linalg.inv(information), dtype=np.float64), score)


def _likelihood(eta: Floats, truth: Bools) -> float:
    return float(eta[truth].sum() - np.logaddexp(0.0, eta).sum())


def _slope_of(design: Floats, eta: Floats, truth: Bools) -> tuple[Floats, Floats]:
    """Gradient of the likelihood by image (N, K), and the information matrix (K, K)."""
    expected = 0.5 * (1.0 + np.tanh(eta / 2.0))
    weight = expected * (1.0 - expected)
    return design * (truth - expected)[:, None], design.T @ (design * weight[:, None])


def _estimate(fit: _Fit, place: int, unit: float, confidence: float, group: Indices | None) -> Estimate:
    value = float(fit.coefficients[place]) / unit
    covariance = fit.covariance if group is None else fit.by_group(group)
    if covariance is None:
        return Estimate(value=value, reason=sentences.ONE_GROUP)
    if float(np.sqrt(fit.covariance[place, place])) > _VAGUE:
        return Estimate(value=value, reason=sentences.NO_INFORMATION)
    half = intervals.normal_quantile(confidence) * float(np.sqrt(covariance[place, place])) / unit
    method = intervals.WALD if group is None else intervals.WALD_GROUPS
    return Estimate(value=value, low=value - half, high=value + half, method=method)
