"""Two bundles on the same images: what the second does better or worse, and whether that may be chance."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lince.core.errors import ConfigError
from lince.core.types import LabelSpace
from lince.evaluation import intervals, lacking
from lince.evaluation.checks import check_confidence, check_groups, check_probabilities, check_truth, legible
from lince.evaluation.contrasts import Comparison, Paired, Reclassification, Reclassified
from lince.evaluation.differences import (
    DELONG_PAIRED,
    MCNEMAR,
    MCNEMAR_GROUPS,
    NEWCOMBE_PAIRED,
    p_value,
    paired_correlation,
    recovered,
    resampled,
)
from lince.evaluation.estimate import Difference, Estimate
from lince.evaluation.estimator import Estimator
from lince.evaluation.ranking import delong_paired

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Sign patterns tried for the clustered test; up to this many, all of them.
_PATTERNS = 9_999


def check_comparable(wanted: LabelSpace, given: LabelSpace) -> None:
    """Two bundles know the same classes, in whatever order, and the same one is positive.

    Raises
    ------
    ConfigError
        The classes or the positive class are not the same.
    """
    if set(given.names) != set(wanted.names):
        raise ConfigError(
            "The two bundles know different classes, so that they cannot be compared",
            received=f"{', '.join(wanted.names)} and {', '.join(given.names)}",
            fix="compare bundles trained on the same classes",
        )
    if given.positive != wanted.positive:
        raise ConfigError(
            "The two bundles have different positive classes, so that they cannot be compared",
            received=f"{wanted.positive or 'none'} and {given.positive or 'none'}",
            fix="train one of them again with --positive",
        )


def in_order(probabilities: Floats, given: LabelSpace, wanted: LabelSpace) -> Floats:
    """The columns (N, C) of one bundle in the order of another's classes."""
    return probabilities[:, [given.index(name) for name in wanted.names]]


def compare(
    truth: Sequence[str],
    first: ArrayLike,
    second: ArrayLike,
    labels: LabelSpace,
    *,
    names: tuple[str, str],
    thresholds: tuple[float | None, float | None],
    groups: Sequence[str | None] | None = None,
    seed: int = 0,
    confidence: float = 0.95,
) -> Comparison:
    """Compare two bundles image by image.

    AUCs by DeLong's paired test, proportions by Newcombe's paired interval and McNemar's exact test. Where some group
    has several images, intervals come from a bootstrap over groups and McNemar's test flips the sign of whole groups.

    Parameters
    ----------
    first, second
        (N, C) calibrated probabilities of each, columns in the order of ``labels``.
    names, thresholds
        Of each bundle.

    Raises
    ------
    EvaluationError
        Data that `assess` would refuse.
    """
    tables = [check_probabilities(table, labels) for table in (first, second)]
    true, grouping = check_truth(truth, labels, len(tables[0])), check_groups(groups, len(tables[0]))
    check_truth(truth, labels, len(tables[1]))
    level = check_confidence(confidence)
    # The same seed and the same groups: both are measured on the same resamples.
    one, two = (
        Estimator.of(true, table, labels, threshold, grouping, seed, level)
        for table, threshold in zip(tables, thresholds, strict=True)
    )
    positive = labels.positive_index
    everything = np.ones(true.size, dtype=bool)
    if positive is None:
        figures = [_macro(one, two), _proportion("accuracy", one, two, everything, seed)]
    else:
        ill = true == positive
        figures = [
            _area(one, two, positive),
            _proportion("sensitivity", one, two, ill, seed),
            _proportion("specificity", one, two, ~ill, seed),
            _proportion("accuracy", one, two, everything, seed),
        ]
    return Comparison(
        first=legible(names[0]),
        second=legible(names[1]),
        n=true.size,
        n_groups=None if grouping is None else grouping[1],
        positive=None if labels.positive is None else legible(labels.positive),
        confidence=level,
        thresholds=thresholds,
        figures=tuple(figures),
        reclassification=None if positive is None else _reclassification(one, two, figures[1], figures[2]),
    )


def _area(one: Estimator, two: Estimator, index: int) -> Paired:
    first, second = one.class_auc(index), two.class_auc(index)
    if first.value is None or second.value is None:
        return Paired(name="auc", first=first, second=second, difference=_missing(first))
    value = second.value - first.value
    if one.clustered:
        difference = resampled(value, two.areas[index] - one.areas[index], one.confidence, one.resampling)
    else:
        difference = _delong(one, two, index)
    return Paired(
        name="auc", first=first, second=second, difference=difference or recovered(second, first, one.confidence)
    )


def _delong(one: Estimator, two: Estimator, index: int) -> Difference | None:
    """DeLong's test of two AUCs of the same images; ``None`` where the variance cannot be had."""
    found = delong_paired(one.true == index, one.table[:, index], two.table[:, index])
    if np.array_equal(one.table[:, index].argsort(kind="stable"), two.table[:, index].argsort(kind="stable")) and (
        found.difference == 0
    ):
        return Difference(value=0.0, p=1.0, method=DELONG_PAIRED, reason=lacking.SAME_RANKING)
    if not found.variance > 0 or min(found.positives, found.negatives) < intervals.SMALL_SIDE:
        return None
    half = intervals.normal_quantile(one.confidence) * sqrt(found.variance)
    low, high = found.difference - half, found.difference + half
    p = p_value(found.difference, low, high, one.confidence)
    return Difference(value=found.difference, low=low, high=high, p=p, method=DELONG_PAIRED)


def _macro(one: Estimator, two: Estimator) -> Paired:
    classes = range(one.table.shape[1])
    first, second = (each.macro_auc([each.class_auc(index) for index in classes]) for each in (one, two))
    if first.value is None or second.value is None:
        return Paired(name="macro_auc", first=first, second=second, difference=_missing(first))
    if len(classes) == 2:
        return _area(one, two, 1).model_copy(update={"name": "macro_auc"})
    known = [index for index in classes if one.class_auc(index).value is not None]
    gaps = two.areas[known] - one.areas[known]
    held = np.isfinite(gaps)
    with np.errstate(invalid="ignore"):
        replicates = np.where(held, gaps, 0.0).sum(axis=0) / held.sum(axis=0)
    difference = resampled(second.value - first.value, replicates, one.confidence, one.resampling)
    return Paired(
        name="macro_auc", first=first, second=second, difference=difference or recovered(second, first, one.confidence)
    )


def _missing(estimate: Estimate) -> Difference:
    return Difference(value=None, reason=estimate.reason)


def _proportion(name: str, one: Estimator, two: Estimator, among: Bools, seed: int) -> Paired:
    """A share of the images in ``among`` that each judges rightly."""
    first, second = one.proportions()[name], two.proportions()[name]
    if first.value is None or second.value is None:
        return Paired(name=name, first=first, second=second, difference=_missing(first))
    rights = [_right(each, name)[among] for each in (one, two)]
    gained, lost = int((~rights[0] & rights[1]).sum()), int((rights[0] & ~rights[1]).sum())
    value = second.value - first.value
    difference = None
    if one.clustered:
        gaps = two.replicates[name] - one.replicates[name]
        difference = resampled(value, gaps, one.confidence, one.resampling)
    if difference is None:
        both = int((rights[0] & rights[1]).sum())
        phi = paired_correlation(both, gained, lost, int(among.sum()) - both - gained - lost)
        method = NEWCOMBE_PAIRED
        difference = recovered(second, first, one.confidence, correlation=phi, method=method)
    test = MCNEMAR_GROUPS if one.clustered else MCNEMAR
    settled = {"p": _p_of_pairs(rights, one.group[among], seed), "method": f"{difference.method}; {test}"}
    if gained + lost == 0:
        settled["reason"] = lacking.SAME_DECISIONS
    return Paired(
        name=name,
        first=first,
        second=second,
        gained=gained,
        lost=lost,
        difference=difference.model_copy(update=settled),
    )


def _right(estimator: Estimator, name: str) -> Bools:
    """Whether each image (N,) was judged rightly: as the right class, or on the right side of the positive one."""
    if name == "accuracy":
        return np.asarray(estimator.chosen == estimator.true, dtype=bool)
    return np.asarray((estimator.chosen == estimator.positive) == (estimator.true == estimator.positive), dtype=bool)


def _p_of_pairs(rights: Sequence[Bools], group: NDArray[np.intp], seed: int) -> float:
    """McNemar's exact test (Psychometrika 12:153, 1947), over groups where images come in groups.

    Where the bundles are equally good, a group's surplus of images that only the second judges rightly is as likely to
    be a deficit. With one image a group that is the binomial test of McNemar.
    """
    from scipy.stats import binomtest, permutation_test

    surplus = np.bincount(group, weights=rights[1].astype(float) - rights[0].astype(float))
    surplus = surplus[surplus != 0]
    if surplus.size < 2:  # of one patient, the opposite is as likely
        return 1.0
    if (np.abs(surplus) == 1).all():
        return float(binomtest(int((surplus > 0).sum()), surplus.size).pvalue)
    found = permutation_test(
        (surplus,), np.sum, permutation_type="samples", n_resamples=_PATTERNS, rng=np.random.default_rng(seed)
    )
    return float(found.pvalue)


def _reclassification(one: Estimator, two: Estimator, sensitivity: Paired, specificity: Paired) -> Reclassification:
    """Who was moved across the threshold; for two categories the parts are the differences of the two rates."""
    ill, calls = one.true == one.positive, [each.chosen == one.positive for each in (one, two)]
    up, down = ~calls[0] & calls[1], calls[0] & ~calls[1]

    def part(of: str, among: Bools, net: Difference) -> Reclassified:
        return Reclassified(
            of=of, n=int(among.sum()), up=int((up & among).sum()), down=int((down & among).sum()), net=net
        )

    return Reclassification(
        events=part("events", ill, sensitivity.difference),
        non_events=part("non-events", ~ill, specificity.difference),
        total=_total(one, two, sensitivity.difference, specificity.difference),
    )


def _total(one: Estimator, two: Estimator, events: Difference, others: Difference) -> Difference:
    """The sum of both parts, between -2 and 2."""
    if events.value is None or others.value is None:
        return Difference(value=None, reason=events.reason if events.value is None else others.reason)
    value = events.value + others.value
    if one.clustered:
        gaps = [two.replicates[name] - one.replicates[name] for name in ("sensitivity", "specificity")]
        found = resampled(value, gaps[0] + gaps[1], one.confidence, one.resampling)
        if found is not None:
            return found
    # Positive and other images are different images: the sum is the difference of one and minus the other.
    mirrored = Estimate(
        value=-others.value,
        low=None if others.high is None else -others.high,
        high=None if others.low is None else -others.low,
    )
    return recovered(Estimate(value=events.value, low=events.low, high=events.high), mirrored, one.confidence)
