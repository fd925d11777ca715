"""What a recalibration on a few local images would give, tried out on the images at hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lince.evaluation import lacking
from lince.evaluation.calibration import calibration_error, reliability
from lince.evaluation.contrasts import Recalibration
from lince.evaluation.differences import RANGE_OF_DRAWS
from lince.evaluation.estimate import Estimate
from lince.evaluation.estimator import Estimator
from lince.evaluation.figures import Assessment
from lince.evaluation.operating import Aim, operating_point

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LOCAL = (20, 50, 100, 200)
DRAWS = 50
# Images on which a recalibration is measured, at least.
_REST = 20
_NAMES = ("brier", "calibration_error", "sensitivity", "specificity")


def recalibrations(
    estimator: Estimator, assessment: Assessment, aim: Aim, seed: int
) -> tuple[tuple[Recalibration, ...], str | None]:
    """The bundle as it is, then recalibrated on 20, 50, 100 and 200 images, as far as there are; or why not.

    Whole groups are drawn in random order until there are enough images. On them intercept and slope of the logit of
    the positive class (Platt 1999) and the operating point are fitted; on the others they are measured. That is
    repeated 50 times. All is of the positive class against the rest, the Brier score too.
    """
    if estimator.positive is None:
        return (), lacking.RECALIBRATION_NO_POSITIVE
    score, ill = estimator.event()
    if ill.all() or not ill.any():
        return (), lacking.RECALIBRATION_ONE_CLASS
    if ill.size < LOCAL[0] + _REST:
        return (), lacking.RECALIBRATION_FEW
    found = [_as_it_is(score, ill, assessment)]
    for images in LOCAL:
        if images + _REST > ill.size:
            break
        rng = np.random.default_rng([seed, images])
        draws = [_drawn(score, ill, estimator.group, images, aim, rng) for _ in range(DRAWS)]
        known = [draw for draw in draws if draw is not None]
        if 2 * len(known) < DRAWS:
            continue
        found.append(_spread(images, np.array(known)))
    return (tuple(found), None) if len(found) > 1 else ((), lacking.RECALIBRATION_DRAWS)


def platt(score: Floats, happened: Bools) -> tuple[float, float]:
    """Intercept and slope on the logit scale that make probabilities fit what happened.

    Targets are moved off 0 and 1 as in Platt (Advances in Large Margin Classifiers, 1999), so that a few images
    that are told apart perfectly do not give an infinite slope.
    """
    from sklearn.linear_model import LogisticRegression

    positives, negatives = int(happened.sum()), int((~happened).sum())
    target = np.where(happened, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    # A soft target is an image counted on both sides; C is so large that nothing is shrunk.
    column = np.tile(logit(score), 2)[:, None]
    sides = np.repeat([1, 0], score.size)
    fitted = LogisticRegression(C=1e9, solver="newton-cholesky").fit(
        column, sides, sample_weight=np.concatenate([target, 1 - target])
    )
    return float(fitted.intercept_[0]), float(fitted.coef_[0, 0])


def logit(score: Floats) -> Floats:
    """Log odds (N,), finite for 0 and 1 too."""
    inside = score.clip(1e-6, 1 - 1e-6)
    return np.asarray(np.log(inside / (1 - inside)), dtype=np.float64)


def _drawn(
    score: Floats, ill: Bools, group: NDArray[np.intp], images: int, aim: Aim, rng: np.random.Generator
) -> Sequence[float] | None:
    """The four figures on the rest after a fit on one draw; ``None`` where either part lacks a class."""
    order = rng.permutation(int(group.max()) + 1)
    sizes = np.bincount(group)[order]
    taken = order[: int(np.searchsorted(np.cumsum(sizes), images)) + 1]
    local = np.isin(group, taken)
    rest = ~local
    if any(not side.any() or side.all() for side in (ill[local], ill[rest])):
        return None
    intercept, slope = platt(score[local], ill[local])
    again = 1 / (1 + np.exp(-(intercept + slope * logit(score))))
    threshold = operating_point(ill[local], again[local], aim=aim).threshold
    return _measured(again[rest], ill[rest], threshold)


def _measured(score: Floats, ill: Bools, threshold: float) -> tuple[float, float, float, float]:
    called = score >= threshold
    return (
        float(((score - ill) ** 2).mean()),
        calibration_error(reliability(score, ill, confidence=0.95)),
        float(called[ill].mean()),
        float((~called[~ill]).mean()),
    )


def _as_it_is(score: Floats, ill: Bools, assessment: Assessment) -> Recalibration:
    brier, error, *_ = _measured(score, ill, 0.5)
    return Recalibration(
        images=0,
        draws=0,
        brier=Estimate(value=brier),
        calibration_error=Estimate(value=error),
        sensitivity=assessment.sensitivity,
        specificity=assessment.specificity,
    )


def _spread(images: int, values: Floats) -> Recalibration:
    """Mean and 95 % range of the figures (D, 4) of the draws."""
    ends = np.quantile(values, [0.025, 0.975], axis=0)
    found = {
        name: Estimate(value=float(mean), low=float(low), high=float(high), method=RANGE_OF_DRAWS)
        for name, mean, low, high in zip(_NAMES, values.mean(axis=0), *ends, strict=True)
    }
    return Recalibration(images=images, draws=len(values), **found)
