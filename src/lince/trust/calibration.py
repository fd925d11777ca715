"""Calibration of probabilities: one temperature, or a scale and a shift for every class, where it helps.

Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

# A small validation set that happens to be separated perfectly would ask for a temperature of zero.
_BOUNDS = (0.5, 10.0)
# Images of every class below which a scale and a shift per class would be guessed rather than fitted.
_LEAST_PER_CLASS = 30
_FOLDS = 5
# Pulls every class towards the common temperature and no shift, as much as this many images would.
_PULL = 1.0


@final
class Calibration(BaseModel):
    """How logits become probabilities: ``softmax(scale * logits + shift)``.

    ``scale`` and ``shift`` have a value for each class, equal ones and zeros where one temperature serves all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["none", "temperature", "vector"] = "none"
    scale: tuple[float, ...] = Field(min_length=2)
    shift: tuple[float, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _one_value_a_class(self) -> Self:
        if len(self.scale) != len(self.shift) or not np.isfinite([*self.scale, *self.shift]).all():
            raise ValueError("scale and shift need one finite value for each class")
        return self

    @classmethod
    def none(cls, classes: int) -> Self:
        """Probabilities as the network gives them."""
        return cls(kind="none", scale=(1.0,) * classes, shift=(0.0,) * classes)

    @classmethod
    def of_temperature(cls, temperature: float, classes: int) -> Self:
        """One temperature for all classes."""
        return cls(kind="temperature", scale=(1.0 / temperature,) * classes, shift=(0.0,) * classes)

    @property
    def temperature(self) -> float | None:
        """What the logits are divided by; None where each class has its own."""
        return None if self.kind == "vector" else 1.0 / self.scale[0]

    def apply(self, logits: ArrayLike) -> Floats:
        """(N, C) logits to (N, C) probabilities."""
        return softmax(np.asarray(logits, dtype=np.float64) * self.scale + self.shift)


def softmax(logits: ArrayLike) -> Floats:
    """(N, C) logits to (N, C) probabilities."""
    from scipy.special import softmax

    values: Floats = softmax(np.asarray(logits, dtype=np.float64), axis=1)
    return values


def fit_temperature(logits: ArrayLike, truth: ArrayLike) -> float:
    """The temperature that minimises the negative log likelihood of held-out data.

    Parameters
    ----------
    logits
        (N, C), from validation images.
    truth
        (N,) class positions.

    Returns
    -------
    float
        Between 0.5 and 10; 1.0 when there is nothing to fit on.
    """
    from scipy.optimize import minimize_scalar

    scores, rows = np.asarray(logits, dtype=np.float64), np.asarray(truth, dtype=np.int64)
    if len(rows) == 0:
        return 1.0
    found = minimize_scalar(
        lambda log_temperature: _log_loss(scores / np.exp(log_temperature), rows),
        bounds=tuple(np.log(_BOUNDS)),
        method="bounded",
        options={"xatol": 1e-4},
    )
    return float(np.exp(found.x))


def fit_calibration(
    logits: ArrayLike, truth: ArrayLike, groups: Sequence[str | None] | None = None, *, seed: int = 0
) -> Calibration:
    """The calibration that predicts images it was not fitted on best, which may be none at all.

    Each kind is cross-fitted over groups; a more flexible one must lower both the log loss and the Brier score of the
    simpler one by more than a standard error, since what looks better on a few dozen images often is not. A scale and a
    shift per class are tried with 30 images of each.

    Parameters
    ----------
    logits
        (N, C), from images that were not trained on.
    truth
        (N,) class positions.
    groups
        (N,) patient, case or slide; one group is never fitted and judged on.
    seed
        Of the folds.
    """
    scores, rows = np.asarray(logits, dtype=np.float64), np.asarray(truth, dtype=np.int64)
    classes = scores.shape[1]
    chosen = Calibration.none(classes)
    folds = _folds(rows, groups, seed)
    if folds is None:
        return chosen
    least = np.bincount(rows, minlength=classes).min()
    fits = [_fit_one, *([_fit_each] if least >= _LEAST_PER_CLASS else [])]
    best = _losses(softmax(scores), rows)
    least_gain = 1.0 / np.sqrt(len(rows))
    for fit in fits:
        held_out = np.empty_like(scores)
        for inside, outside in folds:
            held_out[outside] = fit(scores[inside], rows[inside]).apply(scores[outside])
        losses = _losses(held_out, rows)
        gain = best - losses
        if (gain.mean(axis=1) > least_gain * gain.std(axis=1)).all():
            best, chosen = losses, fit(scores, rows)
    return chosen


def _folds(rows: Indices, groups: Sequence[str | None] | None, seed: int) -> list[tuple[Indices, Indices]] | None:
    """Folds of whole groups with every class on both sides as far as it goes; None where there are too few images."""
    from sklearn.model_selection import StratifiedGroupKFold

    names = [f"\0{i}" if groups is None or groups[i] is None else str(groups[i]) for i in range(len(rows))]
    if len(set(names)) < 2 * _FOLDS:
        return None
    _, units = np.unique(names, return_inverse=True)
    _, counts = np.unique(rows, return_counts=True)
    if len(counts) < 2 or counts.min() < _FOLDS:
        return None
    return list(StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed).split(rows, rows, units))


def _fit_one(scores: Floats, rows: Indices) -> Calibration:
    return Calibration.of_temperature(fit_temperature(scores, rows), scores.shape[1])


def _fit_each(scores: Floats, rows: Indices) -> Calibration:
    """A scale and a shift per class, pulled towards the common temperature."""
    from scipy.optimize import minimize

    classes = scores.shape[1]
    common = 1.0 / fit_temperature(scores, rows)
    truth, pull = np.eye(classes)[rows], _PULL / len(rows)

    def loss(values: Floats) -> tuple[float, Floats]:
        scale, shift = common * np.exp(values[:classes]), values[classes:]
        moved = scores * scale + shift
        wrong = (softmax(moved) - truth) / len(rows)
        slope = np.concatenate([(wrong * scores).sum(axis=0) * scale, wrong.sum(axis=0)])
        return _log_loss(moved, rows) + pull * float(values @ values) / 2, slope + pull * values

    found = minimize(loss, np.zeros(2 * classes), jac=True, method="L-BFGS-B").x
    scale, shift = common * np.exp(found[:classes]), found[classes:]
    return Calibration(kind="vector", scale=tuple(scale.tolist()), shift=tuple(shift.tolist()))


def _log_loss(logits: Floats, rows: Indices) -> float:
    from scipy.special import log_softmax

    return float(-log_softmax(logits, axis=1)[np.arange(len(rows)), rows].mean())


def _losses(table: Floats, rows: Indices) -> Floats:
    """(2, N) log loss and Brier score of each image."""
    own = table[np.arange(len(rows)), rows]
    logarithm = -np.log(np.maximum(own, np.finfo(float).tiny))
    return np.stack([logarithm, ((table - np.eye(table.shape[1])[rows]) ** 2).sum(axis=1)])
