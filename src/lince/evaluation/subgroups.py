"""The figures by subgroup, and which of them differ from the rest by more than chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lince.core.types import LabelSpace
from lince.evaluation import lacking
from lince.evaluation.banding import Banded, banded
from lince.evaluation.checks import check_confidence, check_groups, check_probabilities, check_truth, legible
from lince.evaluation.contrasts import Gap, Subgroup, Subgroups
from lince.evaluation.differences import holm, recovered
from lince.evaluation.estimate import Difference, Estimate
from lince.evaluation.estimator import Estimator
from lince.evaluation.tables import Cell, to_csv

Bools = NDArray[np.bool_]

# Under this many images of the positive class or of the others, a subgroup is an anecdote; without a positive class,
# under twice as many images.
FEW = 10


@dataclass(frozen=True, slots=True)
class _Data:
    """The whole evaluation, from which subgroups are taken."""

    true: NDArray[np.intp]
    table: NDArray[np.float64]
    labels: LabelSpace
    threshold: float | None
    grouping: tuple[NDArray[np.intp], int] | None
    seed: int
    confidence: float

    def figures(self, rows: Bools) -> dict[str, Estimate]:
        """The figures of some images; of none, the reason."""
        positive = self.labels.positive_index
        names = ("macro_auc", "accuracy") if positive is None else ("auc", "sensitivity", "specificity", "ppv")
        if not rows.any():
            return dict.fromkeys(names, Estimate(value=None, reason=lacking.NO_REST))
        estimator = Estimator.of(
            self.true[rows], self.table[rows], self.labels, self.threshold, self._groups(rows), self.seed,
            self.confidence,
        )  # fmt: skip
        if positive is None:
            areas = [estimator.class_auc(index) for index in range(len(self.labels))]
            return {"macro_auc": estimator.macro_auc(areas), "accuracy": estimator.proportions()["accuracy"]}
        proportions = estimator.proportions()
        return {"auc": estimator.class_auc(positive), **{name: proportions[name] for name in names[1:]}}

    def _groups(self, rows: Bools) -> tuple[NDArray[np.intp], int] | None:
        if self.grouping is None:
            return None
        found, numbers = np.unique(self.grouping[0][rows], return_inverse=True)
        return numbers.astype(np.intp), int(found.size)

    def units(self, rows: Bools) -> int:
        """Patients, or images where none is named."""
        return int(rows.sum()) if self.grouping is None else int(np.unique(self.grouping[0][rows]).size)

    def few(self, rows: Bools) -> bool:
        """Whether these are too few to compare."""
        positive = self.labels.positive_index
        if positive is None:
            return self.units(rows) < 2 * FEW
        ill = self.true == positive
        return min(self.units(rows & ill), self.units(rows & ~ill)) < FEW


def by_subgroup(
    truth: Sequence[str],
    probabilities: ArrayLike,
    labels: LabelSpace,
    *,
    threshold: float | None,
    attributes: Mapping[str, Sequence[object]],
    groups: Sequence[str | None] | None = None,
    seed: int = 0,
    confidence: float = 0.95,
) -> Subgroups:
    """Measure each value of each attribute, and its distance from the other images with that attribute.

    Intervals of the figures are those of `assess`; the interval of a difference is recovered from the two, which takes
    them as independent. Where one patient has images on both sides the two go up and down together, and the interval
    is then rather too wide than too narrow. A difference is flagged where p is small enough after Holm's correction
    for every comparison made. The two values of an attribute that has only two are one comparison.

    Parameters
    ----------
    attributes
        (N,) values of each attribute; ``None`` or blank where it is not recorded.

    Raises
    ------
    EvaluationError
        Data that `assess` would refuse, or a column of another length.
    ConfigError
        An attribute with a value of its own for nearly every image.
    """
    table = check_probabilities(probabilities, labels)
    true, grouping = check_truth(truth, labels, len(table)), check_groups(groups, len(table))
    data = _Data(true, table, labels, threshold, grouping, seed, check_confidence(confidence))
    found: list[Subgroup] = []
    columns = {name: banded(name, column) for name, column in attributes.items()}
    for name, column in columns.items():
        found += _of_attribute(data, name, column)
    comparisons, found = _corrected(found, 1 - data.confidence)
    return Subgroups(
        confidence=data.confidence,
        comparisons=comparisons,
        not_recorded={legible(name): column.values.count(None) for name, column in columns.items()},
        banded=tuple(legible(name) for name, column in columns.items() if column.in_bands),
        groups=tuple(found),
    )


def _of_attribute(data: _Data, name: str, column: Banded) -> list[Subgroup]:
    values = np.array(column.values, dtype=object)
    recorded = np.array([value is not None for value in column.values], dtype=bool)
    positive, found = data.labels.positive_index, []
    for value in column.order:
        inside = values == value
        rest = recorded & ~inside
        here, there = data.figures(inside), data.figures(rest)
        small = data.few(inside) or data.few(rest)
        gaps = tuple(
            Gap(name=key, here=here[key], rest=there[key], difference=recovered(here[key], there[key], data.confidence))
            for key in here
        )
        found.append(
            Subgroup(
                attribute=legible(name),
                value=legible(value),
                n=int(inside.sum()),
                n_groups=None if data.grouping is None else data.units(inside),
                n_positive=None if positive is None else int((data.true[inside] == positive).sum()),
                small=small,
                gaps=gaps,
            )
        )
    return found


def _corrected(found: Sequence[Subgroup], limit: float) -> tuple[int, list[Subgroup]]:
    """How many comparisons were made, and the subgroups with p corrected for them and flags set."""
    family: dict[tuple[int, str], float] = {}
    mirrors: dict[int, int] = {}
    for place, one in enumerate(found):
        alike = [other for other, it in enumerate(found) if it.attribute == one.attribute]
        if len(alike) == 2 and alike[1] == place:
            mirrors[place] = alike[0]
        elif not one.small:
            family |= {(place, gap.name): gap.difference.p for gap in one.gaps if gap.difference.p is not None}
    adjusted = dict(zip(family, holm(list(family.values())), strict=True))

    def settled(place: int, gap: Gap) -> Gap:
        p = adjusted.get((mirrors.get(place, place), gap.name))
        return gap.model_copy(update={"p_adjusted": p, "flagged": p is not None and p <= limit})

    return len(family), [
        one.model_copy(update={"gaps": tuple(settled(place, gap) for gap in one.gaps)})
        for place, one in enumerate(found)
    ]


def subgroups_csv(found: Subgroups) -> bytes:
    """One row a subgroup and figure.

    Columns: ``attribute, value, images, groups, positive, small, figure, here, low, high, rest, difference,
    difference_low, difference_high, p, p_adjusted, flagged, reason``.
    """
    head: list[Cell] = [
        "attribute", "value", "images", "groups", "positive", "small", "figure", "here", "low", "high", "rest",
        "difference", "difference_low", "difference_high", "p", "p_adjusted", "flagged", "reason",
    ]  # fmt: skip
    return to_csv([head, *(_row(one, gap, gap.difference) for one in found.groups for gap in one.gaps)])


def _row(one: Subgroup, gap: Gap, between: Difference) -> list[Cell]:
    return [
        one.attribute, one.value, one.n, one.n_groups, one.n_positive, one.small, gap.name, gap.here.value,
        gap.here.low, gap.here.high, gap.rest.value, between.value, between.low, between.high, between.p,
        gap.p_adjusted, gap.flagged, gap.here.reason or between.reason,
    ]  # fmt: skip
