"""Whether probabilities mean what they say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lince.evaluation.figures import Bin
from lince.evaluation.intervals import wilson

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

BINS = 10


def brier_terms(truth: Indices, probabilities: Floats) -> Floats:
    """Squared error of each row (N,): of one column for two classes, summed over the classes for more."""
    error = probabilities.copy()
    error[np.arange(truth.size), truth] -= 1.0
    return np.asarray((error**2).sum(axis=1) / (2.0 if probabilities.shape[1] == 2 else 1.0), dtype=np.float64)


def log_loss_terms(truth: Indices, probabilities: Floats) -> Floats:
    """Negative logarithm of the probability given to the true class (N,), in nats.

    A probability of 0 counts as the smallest step of float64, as in scikit-learn: one such row must not make the mean
    infinite.
    """
    given = probabilities[np.arange(truth.size), truth]
    return np.asarray(-np.log(given.clip(np.finfo(np.float64).eps, 1.0)), dtype=np.float64)


def reliability(
    score: Floats, happened: NDArray[np.bool_], *, confidence: float, group: Indices | None = None, bins: int = BINS
) -> tuple[Bin, ...]:
    """Predicted against observed frequency in bins of equal width.

    Parameters
    ----------
    score
        (N,) probability of an event, in [0, 1].
    happened
        (N,) whether it came true.
    group
        (N,) patient of each image; the Wilson interval of a bin then counts patients, not images.
    """
    place = np.minimum((score * bins).astype(np.intp), bins - 1)
    found = []
    for number in range(bins):
        inside = place == number
        count = int(inside.sum())
        lower, upper = number / bins, (number + 1) / bins
        if count == 0:
            empty = Bin(lower=lower, upper=upper, count=0, predicted=None, observed=None, low=None, high=None)
            found.append(empty)
            continue
        observed = float(happened[inside].mean())
        units = count if group is None else np.unique(group[inside]).size
        low, high = wilson(observed, units, confidence)
        predicted = float(score[inside].mean())
        found.append(
            Bin(lower=lower, upper=upper, count=count, predicted=predicted, observed=observed, low=low, high=high)
        )
    return tuple(found)


def calibration_error(bins: tuple[Bin, ...]) -> float:
    """Expected calibration error (Naeini et al., AAAI 2015): mean |observed - predicted|, weighted by images."""
    total = sum(b.count for b in bins)
    gaps = (
        (b.count, abs(b.observed - b.predicted)) for b in bins if b.observed is not None and b.predicted is not None
    )
    return sum(count * gap for count, gap in gaps) / total
