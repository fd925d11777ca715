"""Whether a model is silent at the right moments: coverage of its sets, images refused, errors after referral."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lince.core.types import LabelSpace
from lince.evaluation import intervals
from lince.evaluation.checks import check_groups, legible
from lince.evaluation.estimate import Estimate, Frozen

Bools = NDArray[np.bool_]

# Shares of the images to refer for which the error among the others is told.
SHARES = (0.05, 0.1, 0.2, 0.3, 0.5)


class Kept(Frozen):
    """What is left when the decisions under a limit of the bundle are referred to a person.

    Attributes
    ----------
    asked
        Share of the images that the limit was made for.
    referred
        Share of these images that lies under it.
    error
        Wrong decisions among the others.
    """

    asked: float
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
        Error among the others as more are referred, from none on.
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
    limits: Mapping[float, float] | None = None,
    groups: Sequence[str | None] | None = None,
    level: float = 0.95,
) -> Reliance:
    """Measure the limits; every interval is Wilson's, with as many trials as there are patients.

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
    limits
        For a share of images to refer, the confidence under which the bundle refers.
    groups
        (N,) patient, case or slide; without them each image counts.
    level
        Of the intervals.
    """
    units = None if groups is None else check_groups(groups, len(wrong))
    true = np.array([labels.index(name) for name in truth], dtype=np.intp)
    everything = np.arange(len(wrong))

    def of(rows: NDArray[np.intp], event: Bools) -> Estimate:
        return _share(event[rows], None if units is None else units[0][rows], level)

    kept = []
    for asked, limit in {0.0: 0.0, **(limits or {})}.items():
        left = np.flatnonzero(confidence >= limit)
        if left.size:
            referred = 1.0 - left.size / len(wrong)
            kept.append(Kept(asked=asked, referred=referred, error=of(left, wrong)))
    coverage: dict[str, Estimate] = {}
    one_class = none = None
    if sets is not None:
        sizes = sets.sum(axis=1)
        one_class, none = of(everything, sizes == 1), of(everything, sizes == 0)
        coverage = {
            legible(name): of(np.flatnonzero(true == index), sets[:, index])
            for index, name in enumerate(labels.names)
            if (true == index).any()
        }
    return Reliance(
        promised=promised,
        coverage=coverage,
        one_class=one_class,
        none=none,
        refused=None if refused is None else of(everything, refused),
        kept=tuple(kept),
    )


def _share(event: Bools, units: NDArray[np.intp] | None, level: float) -> Estimate:
    hits, count = int(event.sum()), len(event)
    value, trials = hits / count, count if units is None else int(np.unique(units).size)
    low, high = intervals.wilson(value, trials, level)
    return Estimate(
        value=value,
        low=low,
        high=high,
        method=intervals.WILSON if trials == count else intervals.WILSON_GROUPS,
        numerator=hits,
        denominator=count,
    )
