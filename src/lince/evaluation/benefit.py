"""Decision curves: at which thresholds acting on the model does more good than acting on all or on nobody."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lince.evaluation.figures import DecisionCurve

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_THRESHOLDS = np.arange(1, 100) / 100


def decision_curve(truth: Bools, probability: Floats, *, of: str) -> DecisionCurve:
    """Net benefit over thresholds (Vickers and Elkin, Medical Decision Making 26:565, 2006).

    At a threshold t a false alarm counts t / (1 - t) of a case found: who acts from a probability of 10 % on takes nine
    false alarms for one case.

    Parameters
    ----------
    truth, probability
        (N,) of the positive class; both kinds of images must be there.
    of
        Name of the positive class.
    """
    share = float(truth.mean())
    positives, negatives = np.sort(probability[truth]), np.sort(probability[~truth])
    found = 1.0 - np.searchsorted(positives, _THRESHOLDS, "left") / positives.size
    alarms = 1.0 - np.searchsorted(negatives, _THRESHOLDS, "left") / negatives.size
    price = _THRESHOLDS / (1.0 - _THRESHOLDS) * (1.0 - share)
    model, treat_all = share * found - price * alarms, share - price
    better = model > np.maximum(treat_all, 0.0) + 1e-9
    return DecisionCurve(
        of=of,
        prevalence=share,
        thresholds=tuple(_THRESHOLDS.tolist()),
        model=tuple(model.round(6).tolist()),
        treat_all=tuple(treat_all.round(6).tolist()),
        useful=_longest(better),
    )


def _longest(better: Bools) -> tuple[float, float] | None:
    """First and last threshold of the longest stretch that is marked."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], better.astype(int), [0]])))
    starts, ends = edges[::2], edges[1::2]
    if not starts.size:
        return None
    longest = int(np.argmax(ends - starts))
    return float(_THRESHOLDS[starts[longest]]), float(_THRESHOLDS[ends[longest] - 1])
