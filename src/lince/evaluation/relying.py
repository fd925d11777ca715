"""Whether a model is silent at the right moments: coverage of its sets, images refused, errors after referral."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lince.core.types import LabelSpace
from lince.evaluation import intervals
from lince.evaluation.checks import legible
from lince.evaluation.estimate import Estimate, Frozen

Bools = NDArray[np.bool_]

_SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)


class Kept(Frozen):
    """What is left when a share of the images, those with the lowest confidence, is referred to a person."""

    referred: float
    error: Estimate


class Reliance(Frozen):
    """How the limits of a bundle worked on these images.

    Attributes
    ----------
    promised
        Coverage that the prediction sets were made for; None where the bundle has none.
    coverage
        By class: of its images, those whose set holds it.
    one_class
        Images whose set holds exactly one class; ``none`` those whose set is empty.
    refused
        Images unlike the training images, by the bundle's limit; None where it has none.
    kept
        Error among the others as more are referred, from none to half.
    """

    promised: float | None
    coverage: dict[str, Estimate]
    one_class: Estimate | None
    none: Estimate | None
    refused: Estimate | None
    kept: tuple[Kept, ...]


def reliance(
    truth: Sequence[str],
    labels: LabelSpace,
    *,
    confidence: NDArray[np.float64],
    wrong: Bools,
    sets: Bools | None,
    promised: float | None,
    refused: Bools | None,
    level: float = 0.95,
) -> Reliance:
    """Measure the limits; every interval is Wilson's over images.

    Parameters
    ----------
    truth
        (N,) class names.
    confidence, wrong
        (N,) probability of each decision, and whether it was wrong.
    sets
        (N, C) whether each class was in the prediction set.
    promised
        Their coverage.
    refused
        (N,) whether the image was refused.
    level
        Of the intervals.
    """
    true = np.array([labels.index(name) for name in truth], dtype=np.intp)
    order = np.argsort(confidence, kind="stable")
    kept = []
    for share in _SHARES:
        left = order[round(share * len(order)) :]
        if left.size:
            kept.append(Kept(referred=share, error=_share(wrong[left], level)))
    coverage: dict[str, Estimate] = {}
    one_class = none = None
    if sets is not None:
        sizes = sets.sum(axis=1)
        one_class, none = _share(sizes == 1, level), _share(sizes == 0, level)
        coverage = {
            legible(name): _share(sets[true == index, index], level)
            for index, name in enumerate(labels.names)
            if (true == index).any()
        }
    return Reliance(
        promised=promised,
        coverage=coverage,
        one_class=one_class,
        none=none,
        refused=None if refused is None else _share(refused, level),
        kept=tuple(kept),
    )


def _share(event: Bools, level: float) -> Estimate:
    hits, count = int(event.sum()), len(event)
    value = hits / count
    low, high = intervals.wilson(value, count, level)
    return Estimate(value=value, low=low, high=high, method=intervals.WILSON, numerator=hits, denominator=count)
