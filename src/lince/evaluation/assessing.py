"""From true classes and probabilities to every figure with its interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lince.core.types import LabelSpace
from lince.evaluation.checks import (
    EvaluationError,
    check_confidence,
    check_groups,
    check_prevalence,
    check_probabilities,
    check_truth,
    legible,
)
from lince.evaluation.estimator import Estimator
from lince.evaluation.figures import Assessment, ClassFigures, Estimate, RocPoint
from lince.evaluation.ranking import roc_curve
from lince.evaluation.ratios import at_prevalence, likelihood_ratios

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

# Corners of a ROC curve kept in the assessment; plots draw from the scores themselves.
_ROC_POINTS = 200


def assess(
    truth: Sequence[str],
    probabilities: ArrayLike,
    labels: LabelSpace,
    *,
    threshold: float | None,
    groups: Sequence[str | None] | None = None,
    seed: int = 0,
    confidence: float = 0.95,
    prevalence: float | None = None,
) -> Assessment:
    """Measure a classifier.

    Proportions get Wilson intervals, AUCs DeLong's on the logit scale, likelihood ratios Simel's, calibration slope and
    intercept Wald's, other figures a percentile bootstrap. Where some group has more than one image, every interval
    takes the group as the unit: by a bootstrap over groups, or a variance that is made for clusters.

    Parameters
    ----------
    truth
        (N,) true class names.
    probabilities
        (N, C) calibrated probabilities, columns in the order of ``labels``.
    threshold
        The operating point of the positive class, chosen elsewhere; ``None`` decides by the highest probability.
    groups
        (N,) patient, case or slide of each image; ``None`` for an image that stands alone.
    seed
        Of the bootstrap.
    confidence
        Level of the intervals.
    prevalence
        Share of the positive class where the model will be used, for PPV and NPV there.

    Raises
    ------
    EvaluationError
        No images, lengths that differ, a class that the model does not know, rows that are not probabilities, or a
        prevalence without a positive class.
    """
    table = check_probabilities(probabilities, labels)
    true = check_truth(truth, labels, len(table))
    grouping = check_groups(groups, len(table))
    if threshold is not None and not 0.0 <= threshold <= 1.0:
        raise EvaluationError("A threshold is a probability", received=threshold)
    prevalence = check_prevalence(prevalence, labels)
    estimator = Estimator.of(true, table, labels, threshold, grouping, seed, check_confidence(confidence))
    counts = _confusion(true, estimator.chosen, len(labels))
    names = tuple(legible(name) for name in labels.names)
    areas = [estimator.class_auc(index) for index in range(len(labels))]
    macro = estimator.macro_auc(areas)
    precisions = [estimator.class_precision(index) for index in range(len(labels))]
    proportions = estimator.proportions()
    ratios = likelihood_ratios(estimator, proportions["sensitivity"], proportions["specificity"])
    positive = labels.positive_index
    return Assessment(
        n=true.size,
        n_groups=None if grouping is None else grouping[1],
        labels=names,
        positive=None if positive is None else names[positive],
        threshold=threshold,
        confidence=estimator.confidence,
        prevalence=prevalence,
        truth_counts=dict(zip(names, counts.sum(axis=1).tolist(), strict=True)),
        predicted_counts=dict(zip(names, counts.sum(axis=0).tolist(), strict=True)),
        absent=tuple(name for name, count in zip(names, counts.sum(axis=1), strict=True) if count == 0),
        confusion=tuple(tuple(row) for row in counts.tolist()),
        auc=macro if positive is None else areas[positive],
        macro_auc=macro,
        micro_auc=estimator.micro_auc(),
        average_precision=estimator.average_precision(precisions),
        **proportions,
        **estimator.top_accuracies(),
        **estimator.means(),
        **ratios,
        **at_prevalence(prevalence, proportions["sensitivity"], proportions["specificity"], ratios),
        **estimator.losses(),
        **estimator.recalibration(),
        per_class=_per_class(names, counts, areas, precisions),
        calibration=estimator.calibration(names),
        decision_curve=estimator.decision_curve(names),
        roc=_roc(true, table, names, positive),
        notes=estimator.notes(),
    )


def _confusion(true: Indices, chosen: Indices, classes: int) -> Indices:
    return np.bincount(true * classes + chosen, minlength=classes * classes).reshape(classes, classes)


def _per_class(
    names: Sequence[str], counts: Indices, areas: Sequence[Estimate], precisions: Sequence[float | None]
) -> tuple[ClassFigures, ...]:
    def ratio(part: int, whole: int) -> float | None:
        return part / whole if whole else None

    found = []
    for index, name in enumerate(names):
        hits, support, calls = int(counts[index, index]), int(counts[index].sum()), int(counts[:, index].sum())
        others = int(counts.sum()) - support
        found.append(
            ClassFigures(
                name=name,
                support=support,
                predicted=calls,
                precision=ratio(hits, calls),
                sensitivity=ratio(hits, support),
                specificity=ratio(others - calls + hits, others),
                f1=ratio(2 * hits, support + calls),
                auc=areas[index],
                average_precision=precisions[index],
            )
        )
    return tuple(found)


def _roc(true: Indices, table: Floats, names: Sequence[str], positive: int | None) -> dict[str, tuple[RocPoint, ...]]:
    curves = {}
    for index in range(len(names)) if positive is None else (positive,):
        fpr, tpr, thresholds = roc_curve(true == index, table[:, index])
        kept = (
            np.unique(np.linspace(0, len(fpr) - 1, min(len(fpr), _ROC_POINTS)).round().astype(int)) if len(fpr) else ()
        )
        if len(fpr):
            curves[names[index]] = tuple(
                RocPoint(
                    threshold=float(thresholds[i]) if np.isfinite(thresholds[i]) else None,
                    false_positive_rate=float(fpr[i]),
                    true_positive_rate=float(tpr[i]),
                )
                for i in kept
            )
    return curves
