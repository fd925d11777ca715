"""How much each model of an ensemble counts: weights learned on out-of-fold predictions alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from lince.trust import fit_temperature

Logits = NDArray[np.float64]

# A model with less than this share of the say costs time and adds nothing.
_LEAST_SHARE = 0.08
# Pull towards equal shares, in units of one image's log loss: a few hundred images cannot tell similar models apart.
_PULL = 4.0


@final
@dataclass(frozen=True)
class Blend:
    """How the logits of the members become those of the ensemble.

    Attributes
    ----------
    shares
        (M,) what the logits of each are multiplied by before they are added up; zero where one is left out.
    say
        (M,) how much each then counts, whatever the scale of its logits; their sum is 1.
    """

    shares: NDArray[np.float64]
    say: NDArray[np.float64]

    def apply(self, logits: Sequence[Logits]) -> Logits:
        """(N, C) logits of the ensemble from the (N, C) logits of each member."""
        return np.asarray(np.tensordot(self.shares, np.stack(logits), axes=1))


def stack(logits: Sequence[Logits], truth: NDArray[np.int64], *, most: int) -> Blend:
    """Weights that minimise the log loss of out-of-fold predictions, none below zero.

    Stacking with non-negative weights (Breiman, "Stacked regressions", Machine Learning 24, 1996). Each member's
    logits are first brought to one scale by a temperature of its own. Then members with little weight are left out,
    the least first, until at most ``most`` remain.

    Parameters
    ----------
    logits
        One (N, C) array a member, each row from a model that did not see the image.
    truth
        (N,) class positions.
    most
        Members that may remain.
    """
    scales = np.array([1.0 / fit_temperature(one, truth) for one in logits])
    scaled = np.stack([scale * one for scale, one in zip(scales, logits, strict=True)])
    # What a member says is its weight times the spread of its logits: those of a useless one are close to zero.
    loudness = (scaled - scaled.mean(axis=2, keepdims=True)).std(axis=(1, 2))
    chosen = list(range(len(logits)))
    while True:
        weights = _minimise(scaled[chosen], truth)
        says = weights * loudness[chosen]
        least = int(np.argmin(says))
        if len(chosen) == 1 or (len(chosen) <= most and says[least] >= _LEAST_SHARE * says.sum()):
            break
        del chosen[least]
    shares, say = np.zeros((2, len(logits)))
    shares[chosen] = weights * scales[chosen]
    say[chosen] = says / says.sum()
    return Blend(shares, say)


def _minimise(scaled: Logits, truth: NDArray[np.int64]) -> NDArray[np.float64]:
    from scipy.optimize import minimize
    from scipy.special import log_softmax

    members, count = len(scaled), len(truth)
    rows = np.arange(count)

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logs = log_softmax(np.tensordot(weights, scaled, axes=1), axis=1)
        gap = np.exp(logs)
        gap[rows, truth] -= 1.0
        away = weights - weights.mean()
        value = -logs[rows, truth].sum() + _PULL * members * (away**2).sum()
        slope = np.einsum("gnc,nc->g", scaled, gap) + 2.0 * _PULL * members * away
        return value / count, slope / count

    start = np.full(members, 1.0 / members)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * members)
    weights = np.asarray(found.x, dtype=np.float64)
    return weights if weights.sum() > 1e-6 else start


def log_loss(logits: Logits, truth: NDArray[np.int64]) -> float:
    """Mean log loss after the best temperature: how good a ranking and its margins are, whatever their scale."""
    from scipy.special import log_softmax

    logs = log_softmax(logits / fit_temperature(logits, truth), axis=1)
    return float(-logs[np.arange(len(truth)), truth].mean())


def cross_fitted(logits: Sequence[Logits], truth: NDArray[np.int64], fold: NDArray[np.int64], *, most: int) -> Logits:
    """(N, C) logits of the ensemble for figures: each fold is blended by weights learned on the other folds."""
    out = np.empty_like(logits[0], dtype=np.float64)
    for number in np.unique(fold):
        inside = fold == number
        blend = stack([one[~inside] for one in logits], truth[~inside], most=most)
        out[inside] = blend.apply([one[inside] for one in logits])
    return out
