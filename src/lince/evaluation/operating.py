"""The decision threshold: how it is chosen on validation data, and how it decides."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, model_validator

from lince.core.errors import ConfigError
from lince.core.types import LabelSpace
from lince.evaluation.checks import EvaluationError, check_scores


class Aim(BaseModel):
    """What a threshold is chosen for.

    ``youden``: the largest sensitivity + specificity - 1. ``sensitivity`` or ``specificity``: at least ``target``, and
    then the best of the other.

    Raises
    ------
    ConfigError
        A target is missing, superfluous, or outside (0, 1].
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["youden", "sensitivity", "specificity"] = "youden"
    target: float | None = None

    @model_validator(mode="after")
    def _target_fits(self) -> Aim:
        if self.kind == "youden":
            if self.target is not None:
                raise ConfigError(
                    "Youden's index takes no target",
                    received=self.target,
                    fix="leave the target out, or aim at sensitivity or specificity",
                )
        elif self.target is None or not 0.0 < self.target <= 1.0:
            raise ConfigError(
                f"Aiming at {self.kind} needs a target above 0 and at most 1",
                received=self.target,
                fix=f"give the {self.kind} to reach, 0.95 for example",
            )
        return self


def parse_aim(text: str) -> Aim:
    """``youden``, ``sensitivity=0.95`` or ``specificity=0.9``.

    Raises
    ------
    ConfigError
        Anything else.
    """
    kind, _, target = text.partition("=")
    if kind not in ("youden", "sensitivity", "specificity"):
        raise ConfigError("There is no such aim", received=text, fix="use youden, sensitivity=0.95 or specificity=0.95")
    try:
        value = float(target) if target else None
    except ValueError as error:
        raise ConfigError("The target of the aim must be a number", received=text) from error
    return Aim(kind=kind, target=value)


class OperatingPoint(BaseModel):
    """A threshold, why it was chosen, and what it gave on the data it was chosen from.

    ``met`` is false when no threshold reaches the aim: a target out of reach, or scores that separate nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float
    aim: Aim
    sensitivity: float
    specificity: float
    met: bool = True


def operating_point(truth: ArrayLike, score: ArrayLike, *, aim: Aim | None = None) -> OperatingPoint:
    """Choose the threshold for an aim; an image is called positive when its score reaches it.

    The threshold stands midway between two neighbouring scores, so that a rounding difference between machines moves
    no image across it, and strictly inside (0, 1). When two thresholds serve the aim equally, the more sensitive wins
    (for an aim at specificity, the more specific).

    Parameters
    ----------
    truth
        (N,), true for a positive.
    score
        (N,), calibrated probability of the positive class.
    aim
        Youden's index when not given.

    Raises
    ------
    EvaluationError
        No positive or no negative images, or a score outside [0, 1].
    """
    aim = aim or Aim()
    truth, score = check_scores(truth, score)
    if truth.all() or not truth.any():
        raise EvaluationError(
            "An operating point needs images of the positive class and of another",
            received=f"{int(truth.sum())} positive of {truth.size}",
            fix="choose it on a validation split with both",
        )
    if score.min() < 0.0 or score.max() > 1.0:
        raise EvaluationError(
            "Scores for an operating point must be probabilities", received=f"{score.min():.4g} to {score.max():.4g}"
        )
    thresholds, sensitivity, specificity = _candidates(truth, score)
    chosen, met = _best(sensitivity, specificity, aim)
    return OperatingPoint(
        threshold=float(thresholds[chosen]),
        aim=aim,
        sensitivity=float(sensitivity[chosen]),
        specificity=float(specificity[chosen]),
        met=met,
    )


def _candidates(
    truth: NDArray[np.bool_], score: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Every threshold that decides differently, rising, with its sensitivity and specificity."""
    edges = np.unique(np.concatenate([[0.0, 1.0], score]))
    low, high = edges[:-1], edges[1:]
    middle = low + (high - low) / 2.0
    # Between two neighbouring floating-point numbers there is no middle; the upper decides the same.
    middle = np.where((middle > low) & (middle <= high), middle, high)
    middle = middle[(middle > 0.0) & (middle < 1.0)]
    positives, negatives = np.sort(score[truth]), np.sort(score[~truth])
    sensitivity = (positives.size - np.searchsorted(positives, middle, "left")) / positives.size
    specificity = np.searchsorted(negatives, middle, "left") / negatives.size
    return middle, sensitivity, specificity


def _best(sensitivity: NDArray[np.float64], specificity: NDArray[np.float64], aim: Aim) -> tuple[int, bool]:
    if aim.kind == "youden":
        index = np.round(sensitivity + specificity - 1.0, 12)
        return int(np.lexsort((sensitivity, index))[-1]), bool(index.max() > 0)
    wanted, other = (sensitivity, specificity) if aim.kind == "sensitivity" else (specificity, sensitivity)
    reached = wanted >= (aim.target or 0.0)
    if not reached.any():
        return int(np.lexsort((other, wanted))[-1]), False
    places = np.flatnonzero(reached)
    return int(places[np.lexsort((wanted[places], other[places]))[-1]]), True


def decisions(probabilities: NDArray[np.float64], labels: LabelSpace, threshold: float | None) -> NDArray[np.intp]:
    """`lince.core.types.decide` for a whole (N, C) table: the class index of each row, (N,)."""
    best: NDArray[np.intp] = probabilities.argmax(axis=1)
    positive = labels.positive_index
    if positive is None or threshold is None:
        return best
    others = probabilities.copy()
    others[:, positive] = -np.inf
    best = others.argmax(axis=1)
    best[probabilities[:, positive] >= threshold] = positive
    return best
