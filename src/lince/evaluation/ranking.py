"""How well scores rank: the area under the ROC curve, its variance, its curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lince.evaluation.checks import check_scores

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


def auc(truth: ArrayLike, score: ArrayLike) -> float:
    """Area under the ROC curve: the chance that a positive outranks a negative, ties counting half.

    Parameters
    ----------
    truth
        (N,), true for a positive.
    score
        (N,), larger means more likely positive.

    Returns
    -------
    float
        Mann-Whitney U over the number of pairs; NaN when there is no positive or no negative.

    Raises
    ------
    EvaluationError
        Different lengths or a score that is not finite.
    """
    truth, score = check_scores(truth, score)
    return _area(np.sort(score[~truth]), score[truth])


def macro_auc(truth_index: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean one-vs-rest AUC over the classes that have images on both sides; of two classes, the second's AUC.

    Parameters
    ----------
    truth_index
        (N,) class indices.
    probabilities
        (N, C).

    Returns
    -------
    float
        NaN when no class has images on both sides.
    """
    areas, _ = _one_against_rest(truth_index, probabilities)
    return float(np.mean(areas)) if areas else float("nan")


def weighted_auc(truth_index: ArrayLike, probabilities: ArrayLike) -> float:
    """As `macro_auc`, each class weighed by its images.

    The AUC of a class with three images moves by tenths when one of them changes its place. So models are chosen by
    this mean, in which such a class counts little.
    """
    areas, sizes = _one_against_rest(truth_index, probabilities)
    return float(np.average(areas, weights=sizes)) if areas else float("nan")


def _one_against_rest(truth_index: ArrayLike, probabilities: ArrayLike) -> tuple[list[float], list[int]]:
    """The AUC and the number of images of every class that has images on both sides."""
    truth = np.asarray(truth_index)
    table = np.asarray(probabilities, dtype=np.float64)
    columns = range(1, 2) if table.shape[1] == 2 else range(table.shape[1])
    areas = {column: auc(truth == column, table[:, column]) for column in columns}
    known = [column for column, area in areas.items() if not np.isnan(area)]
    return [areas[column] for column in known], [int((truth == column).sum()) for column in known]


def _area(sorted_negatives: Floats, positives: Floats) -> float:
    pairs = positives.size * sorted_negatives.size
    if pairs == 0:
        return float("nan")
    below = np.searchsorted(sorted_negatives, positives, "left").sum()
    not_above = np.searchsorted(sorted_negatives, positives, "right").sum()
    return float((int(below) + int(not_above)) / (2 * pairs))


@dataclass(frozen=True, slots=True)
class DeLong:
    """AUC and its variance after DeLong, with the size of both sides: in clusters, where scores come in clusters."""

    area: float
    variance: float
    positives: int
    negatives: int
    clustered: bool = False


def average_precision(truth: ArrayLike, score: ArrayLike) -> float:
    """Mean precision over the positives, each at its own score: the area under the steps of precision and recall.

    Returns
    -------
    float
        NaN when there is no positive.
    """
    recall, precision = precision_recall_curve(truth, score)
    return float(np.diff(recall, prepend=0.0) @ precision) if recall.size else float("nan")


def precision_recall_curve(truth: ArrayLike, score: ArrayLike) -> tuple[Floats, Floats]:
    """Recall, rising, and precision at each score that some positive has; empty arrays without a positive."""
    truth, score = check_scores(truth, score)
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), score.size - 1) if score.size else np.empty(0, dtype=int)
    caught = np.cumsum(truth[order])[ends]
    rises = np.diff(caught, prepend=0) > 0
    caught, ends = caught[rises], ends[rises]
    return caught / max(int(truth.sum()), 1), caught / (ends + 1)


def delong(truth: ArrayLike, score: ArrayLike, cluster: NDArray[np.intp] | None = None) -> DeLong:
    """AUC with DeLong's variance, in O(n log n).

    The placement values of DeLong, DeLong and Clarke-Pearson (Biometrics 44:837, 1988) are read off sorted scores, the
    insight of Sun and Xu (IEEE Signal Processing Letters 21:1389, 2014), rather than from all pairs. The variance is
    NaN with fewer than two images on a side.

    Scores that come in clusters, such as several of one image, are not independent: with the number of the ``cluster``
    of each score (N,), the variance is that of Obuchowski (Biometrics 53:567, 1997), which is DeLong's for clusters of
    one.
    """
    truth, score = check_scores(truth, score)
    m, n = int(truth.sum()), int((~truth).sum())
    area = _area(np.sort(score[~truth]), score[truth])
    if min(m, n) < 2:
        return DeLong(area, float("nan"), m, n)
    of_positives, of_negatives = _placements(truth, score)
    if cluster is not None:
        return _obuchowski(area, (of_positives, of_negatives), (cluster[truth], cluster[~truth]))
    variance = of_positives.var(ddof=1) / m + of_negatives.var(ddof=1) / n
    return DeLong(area, float(variance), m, n)


def _obuchowski(area: float, placements: tuple[Floats, Floats], clusters: tuple[Indices, Indices]) -> DeLong:
    """Variance from the placement values of both sides, summed by cluster."""
    count = max(int(side.max()) for side in clusters) + 1
    sizes = [side.size for side in clusters]
    present = [np.bincount(side, minlength=count) for side in clusters]
    excess = [
        np.bincount(side, weights=placed, minlength=count) - area * inside
        for side, placed, inside in zip(clusters, placements, present, strict=True)
    ]
    holding = [int((inside > 0).sum()) for inside in present]
    total = int((present[0] + present[1] > 0).sum())
    if min(holding) < 2:
        return DeLong(area, float("nan"), holding[0], holding[1], clustered=True)
    variance = sum(
        held / (held - 1) * float(gap @ gap) / size**2 for held, gap, size in zip(holding, excess, sizes, strict=True)
    )
    shared = total / (total - 1) * float(excess[0] @ excess[1])
    return DeLong(area, variance + 2 * shared / (sizes[0] * sizes[1]), holding[0], holding[1], clustered=True)


@dataclass(frozen=True, slots=True)
class PairedDeLong:
    """The second AUC minus the first, of the same images, and its variance after DeLong."""

    difference: float
    variance: float
    positives: int
    negatives: int


def delong_paired(truth: ArrayLike, first: ArrayLike, second: ArrayLike) -> PairedDeLong:
    """Difference of two AUCs of the same images with DeLong's variance, covariance included; see `delong`.

    The variance is NaN with fewer than two images on a side.
    """
    truth, first = check_scores(truth, first)
    _, second = check_scores(truth, second)
    m, n = int(truth.sum()), int((~truth).sum())
    areas = [_area(np.sort(score[~truth]), score[truth]) for score in (first, second)]
    if min(m, n) < 2:
        return PairedDeLong(areas[1] - areas[0], float("nan"), m, n)
    (ill, well), (other_ill, other_well) = _placements(truth, first), _placements(truth, second)
    # The variance of a difference of means, image by image, holds both variances and the covariance.
    variance = (other_ill - ill).var(ddof=1) / m + (other_well - well).var(ddof=1) / n
    return PairedDeLong(areas[1] - areas[0], float(variance), m, n)


def _placements(truth: NDArray[np.bool_], score: Floats) -> tuple[Floats, Floats]:
    """Share of the other side that each positive outranks, and that outranks each negative; in the order given."""
    positives, negatives = score[truth], score[~truth]
    of_positives = _mid_rank(np.sort(negatives), positives) / negatives.size
    of_negatives = 1.0 - _mid_rank(np.sort(positives), negatives) / positives.size
    return of_positives, of_negatives


def _mid_rank(reference: Floats, values: Floats) -> Floats:
    """How many of the sorted ``reference`` lie below each value, ties counting half."""
    both = np.searchsorted(reference, values, "left") + np.searchsorted(reference, values, "right")
    return np.asarray(both / 2.0, dtype=np.float64)


def roc_curve(truth: ArrayLike, score: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """False and true positive rates and their thresholds, from (0, 0) to (1, 1); corners only.

    The first threshold is infinity: nothing is called positive. Empty arrays when a side has no images.
    """
    truth, score = check_scores(truth, score)
    m, n = int(truth.sum()), int((~truth).sum())
    if m == 0 or n == 0:
        return np.empty(0), np.empty(0), np.empty(0)
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), score.size - 1)
    true_positives = np.cumsum(truth[order])[ends]
    tps = np.concatenate([[0], true_positives])
    fps = np.concatenate([[0], ends + 1 - true_positives])
    thresholds = np.concatenate([[np.inf], score[order][ends]])
    # A point on the straight line between its neighbours adds nothing to the curve.
    turns = np.diff(tps)[:-1] * np.diff(fps)[1:] != np.diff(tps)[1:] * np.diff(fps)[:-1]
    keep = np.concatenate([[True], turns, [True]])
    return fps[keep] / n, tps[keep] / m, thresholds[keep]
