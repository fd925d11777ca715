"""From true classes and probabilities to every figure with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lince.core.types import LabelSpace
from lince.evaluation import intervals
from lince.evaluation.calibration import brier_terms, calibration_error, log_loss_terms, reliability
from lince.evaluation.checks import (
    EvaluationError,
    check_confidence,
    check_groups,
    check_probabilities,
    check_truth,
    legible,
)
from lince.evaluation.figures import Assessment, Calibration, ClassFigures, Estimate, RocPoint
from lince.evaluation.operating import decisions
from lince.evaluation.ranking import delong, macro_auc, roc_curve
from lince.evaluation.resampling import Ranking, bootstrap

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Bools = NDArray[np.bool_]

# Fixed sentences, so that a report can say them in another language.
NO_POSITIVE = "no class was named as the positive one"
NO_POSITIVES_HERE = "no images of the positive class"
NO_NEGATIVES_HERE = "no images of any other class"
NONE_CALLED_POSITIVE = "no image was called positive"
NONE_CALLED_NEGATIVE = "no image was called negative"
ONE_SIDE = "needs images of this class and of another"
ONE_CLASS = "needs images of two classes or more"
NO_INTERVAL = "no interval: too few images to resample"
NO_ECE_INTERVAL = "no interval: resampling overstates a calibration error"
NOTE_GROUPS = "Several images come from one patient or group, so the intervals treat the patient or group as the unit."
NOTE_FEW_GROUPS = "Fewer than 30 patients or groups: the intervals are probably too narrow."
NOTE_ABSENT = "A class of the model has no images here, so nothing is known of how it recognises that class."
NOTE_CONSTANT = "Every image got the same probabilities: the model tells nothing apart."

FEW_GROUPS = 30
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
) -> Assessment:
    """Measure a classifier.

    Proportions get Wilson intervals, AUCs DeLong's on the logit scale, other figures a percentile bootstrap. Where
    some group has more than one image, every interval comes from a bootstrap over groups.

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

    Raises
    ------
    EvaluationError
        No images, lengths that differ, a class that the model does not know, or rows that are not probabilities.
    """
    table = check_probabilities(probabilities, labels)
    true = check_truth(truth, labels, len(table))
    grouping = check_groups(groups, len(table))
    if threshold is not None and not 0.0 <= threshold <= 1.0:
        raise EvaluationError("A threshold is a probability", received=threshold)
    bench = _Bench.of(true, table, labels, threshold, grouping, seed, check_confidence(confidence))
    counts = _confusion(true, bench.chosen, len(labels))
    names = tuple(legible(name) for name in labels.names)
    areas = [bench.class_auc(index) for index in range(len(labels))]
    macro = bench.macro_auc(areas)
    positive = labels.positive_index
    return Assessment(
        n=true.size,
        n_groups=None if grouping is None else grouping[1],
        labels=names,
        positive=None if positive is None else names[positive],
        threshold=threshold,
        confidence=bench.confidence,
        truth_counts=dict(zip(names, counts.sum(axis=1).tolist(), strict=True)),
        predicted_counts=dict(zip(names, counts.sum(axis=0).tolist(), strict=True)),
        confusion=tuple(tuple(row) for row in counts.tolist()),
        auc=macro if positive is None else areas[positive],
        macro_auc=macro,
        **bench.proportions(),
        **bench.means(),
        **bench.losses(),
        per_class=_per_class(names, counts, areas),
        calibration=bench.calibration(names),
        roc=_roc(true, table, names, positive),
        notes=bench.notes(),
    )


@dataclass(frozen=True, slots=True)
class _Bench:
    """The data on the table, the decisions made of it, and its resamples.

    ``group`` numbers the unit that is resampled: the patient where some patient has several images (``clustered``),
    else the image. ``replicates`` and ``areas`` hold the figures of every resample.
    """

    true: Indices
    table: Floats
    chosen: Indices
    positive: int | None
    group: Indices
    clustered: bool
    n_groups: int
    confidence: float
    replicates: Mapping[str, Floats]
    areas: Floats

    @classmethod
    def of(
        cls,
        true: Indices,
        table: Floats,
        labels: LabelSpace,
        threshold: float | None,
        grouping: tuple[Indices, int] | None,
        seed: int,
        confidence: float,
    ) -> _Bench:
        clustered = grouping is not None and grouping[1] < true.size
        group, n_groups = grouping if grouping is not None and clustered else (np.arange(true.size), true.size)
        chosen = decisions(table, labels, threshold)
        classes = np.arange(len(labels))
        supports, predicted = true[:, None] == classes, chosen[:, None] == classes
        losses = np.stack([brier_terms(true, table), log_loss_terms(true, table), np.ones(true.size)], axis=1)
        # Without clusters the AUC of a class has DeLong's interval; only the mean over several classes needs resamples.
        rankings = [Ranking.of(supports[:, c], table[:, c], group) for c in classes if clustered or len(labels) > 2]
        columns = np.concatenate([supports & predicted, supports, predicted, losses], axis=1)
        sums, areas = bootstrap(group, n_groups, columns, rankings, seed=seed)
        hits, support, calls, rest = np.split(sums, [len(classes), 2 * len(classes), 3 * len(classes)])
        replicates = _rates(hits, support, calls, labels.positive_index)
        with np.errstate(invalid="ignore"):
            replicates |= {"brier": rest[0] / rest[2], "log_loss": rest[1] / rest[2]}
        return cls(
            true, table, chosen, labels.positive_index, group, clustered, n_groups, confidence, replicates, areas
        )

    def units(self, inside: Bools) -> int:
        """Patients (or images) among the images marked."""
        return int(np.unique(self.group[inside]).size) if self.clustered else int(inside.sum())

    @property
    def resampling(self) -> str:
        return intervals.BOOTSTRAP_GROUPS if self.clustered else intervals.BOOTSTRAP_IMAGES

    def proportion(self, name: str, event: Bools, among: Bools, reason: str) -> Estimate:
        """Share of ``among`` that is ``event``."""
        numerator, denominator = int((event & among).sum()), int(among.sum())
        if denominator == 0:
            return Estimate(value=None, numerator=0, denominator=0, reason=reason)
        value = numerator / denominator
        found = intervals.percentile(value, self.replicates[name], self.confidence) if self.clustered else None
        method = self.resampling
        if found is None:
            found = intervals.wilson(value, self.units(among), self.confidence)
            method = intervals.WILSON_GROUPS if self.clustered else intervals.WILSON
        return Estimate(
            value=value, low=found[0], high=found[1], method=method, numerator=numerator, denominator=denominator
        )

    def proportions(self) -> dict[str, Estimate]:
        """Accuracy, and sensitivity, specificity, PPV and NPV of the positive class."""
        correct, everything = self.chosen == self.true, np.ones(self.true.size, dtype=bool)
        found = {"accuracy": self.proportion("accuracy", correct, everything, "")}
        if self.positive is None:
            missing = Estimate(value=None, reason=NO_POSITIVE)
            return found | dict.fromkeys(("sensitivity", "specificity", "ppv", "npv"), missing)
        ill, called = self.true == self.positive, self.chosen == self.positive
        return found | {
            "sensitivity": self.proportion("sensitivity", called, ill, NO_POSITIVES_HERE),
            "specificity": self.proportion("specificity", ~called, ~ill, NO_NEGATIVES_HERE),
            "ppv": self.proportion("ppv", ill, called, NONE_CALLED_POSITIVE),
            "npv": self.proportion("npv", ~ill, ~called, NONE_CALLED_NEGATIVE),
        }

    def means(self) -> dict[str, Estimate]:
        """Balanced accuracy, macro F1, and F1 of the positive class."""
        count = self.table.shape[1]
        hits = np.bincount(self.true[self.true == self.chosen], minlength=count)
        support, calls = np.bincount(self.true, minlength=count), np.bincount(self.chosen, minlength=count)
        point = _rates(hits[:, None], support[:, None], calls[:, None], self.positive)
        several = int((support > 0).sum()) > 1
        missing = {
            "balanced_accuracy": None if several else ONE_CLASS,
            "macro_f1": None if several else ONE_CLASS,
            "f1": NO_POSITIVE if self.positive is None else (None if support[self.positive] else NO_POSITIVES_HERE),
        }
        return {
            name: self.rate(name, float(point[name][0])) if reason is None else Estimate(value=None, reason=reason)
            for name, reason in missing.items()
        }

    def rate(self, name: str, value: float) -> Estimate:
        """A figure in [0, 1] that is no simple proportion."""
        found = intervals.percentile(value, self.replicates[name], self.confidence)
        if found is not None:
            return Estimate(value=value, low=found[0], high=found[1], method=self.resampling)
        smallest = min(self.units(self.true == label) for label in np.unique(self.true))
        low, high = intervals.wilson(value, smallest, self.confidence)
        return Estimate(value=value, low=low, high=high, method=intervals.WILSON_SMALLEST)

    def losses(self) -> dict[str, Estimate]:
        """Brier score, log loss and expected calibration error."""
        terms = {"brier": brier_terms(self.true, self.table), "log_loss": log_loss_terms(self.true, self.table)}
        found = {}
        for name, each in terms.items():
            value = float(each.mean())
            ends = intervals.percentile(value, self.replicates[name], self.confidence)
            found[name] = (
                Estimate(value=value, reason=NO_INTERVAL)
                if ends is None
                else Estimate(value=value, low=ends[0], high=ends[1], method=self.resampling)
            )
        error = calibration_error(reliability(*self._event(), confidence=self.confidence))
        return found | {"calibration_error": Estimate(value=error, reason=NO_ECE_INTERVAL)}

    def class_auc(self, index: int) -> Estimate:
        """One-vs-rest AUC of a class."""
        ill = self.true == index
        if ill.all() or not ill.any():
            return Estimate(value=None, reason=ONE_SIDE)
        found = delong(ill, self.table[:, index])
        if not self.clustered:
            low, high, method = intervals.auc_interval(found, self.confidence)
            return Estimate(value=found.area, low=low, high=high, method=method)
        smaller = min(self.units(ill), self.units(~ill))
        ends = intervals.percentile(found.area, self.areas[index], self.confidence)
        if ends is None or smaller < intervals.SMALL_SIDE or not 0.0 < found.area < 1.0:
            low, high = intervals.pairs_interval(found.area, smaller, self.confidence)
            return Estimate(value=found.area, low=low, high=high, method=intervals.PAIRS)
        return Estimate(value=found.area, low=ends[0], high=ends[1], method=self.resampling)

    def macro_auc(self, areas: Sequence[Estimate]) -> Estimate:
        """Mean of the one-vs-rest AUCs; for two classes, the AUC."""
        if len(areas) == 2:
            return areas[1 if self.positive is None else self.positive]
        known = [index for index, area in enumerate(areas) if area.value is not None]
        if not known:
            return Estimate(value=None, reason=ONE_CLASS)
        value = macro_auc(self.true, self.table)
        replicates = self.areas[known]
        defined = np.isfinite(replicates)
        with np.errstate(invalid="ignore"):
            means = np.where(defined, replicates, 0.0).sum(axis=0) / defined.sum(axis=0)
        ends = intervals.percentile(value, means, self.confidence)
        if ends is not None and 0.0 < value < 1.0:
            return Estimate(value=value, low=ends[0], high=ends[1], method=self.resampling)
        sides = [min(self.units(self.true == index), self.units(self.true != index)) for index in known]
        low, high = intervals.pairs_interval(value, min(sides), self.confidence)
        return Estimate(value=value, low=low, high=high, method=intervals.PAIRS)

    def _event(self) -> tuple[Floats, Bools]:
        """The probability whose calibration is shown, and whether what it foretold came true."""
        if self.positive is not None:
            return self.table[:, self.positive], self.true == self.positive
        return self.table.max(axis=1), self.table.argmax(axis=1) == self.true

    def calibration(self, names: Sequence[str]) -> Calibration:
        """The reliability diagram of the positive class, or of the most likely one."""
        score, happened = self._event()
        group = self.group if self.clustered else None
        bins = reliability(score, happened, confidence=self.confidence, group=group)
        return Calibration(of=None if self.positive is None else names[self.positive], bins=bins)

    def notes(self) -> tuple[str, ...]:
        """What a reader must know before trusting the figures."""
        found = {
            NOTE_CONSTANT: self.true.size > 1 and bool((self.table == self.table[0]).all()),
            NOTE_ABSENT: np.unique(self.true).size < self.table.shape[1],
            NOTE_GROUPS: self.clustered,
            NOTE_FEW_GROUPS: self.clustered and self.n_groups < FEW_GROUPS,
        }
        return tuple(note for note, holds in found.items() if holds)


def _rates(hits: NDArray, support: NDArray, calls: NDArray, positive: int | None) -> dict[str, Floats]:  # type: ignore[type-arg]
    """Rates from counts by class (C, B), for the data itself (B = 1) and for resamples; NaN where nothing counts."""
    n = support.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall, f1 = hits / support, 2 * hits / (support + calls)
        found = {
            "accuracy": hits.sum(axis=0) / n,
            "balanced_accuracy": _mean_of_known(recall),
            "macro_f1": _mean_of_known(f1),
        }
        if positive is not None:
            tp, ill, called = hits[positive], support[positive], calls[positive]
            tn = n - ill - called + tp
            found |= {
                "f1": f1[positive],
                "sensitivity": tp / ill,
                "specificity": tn / (n - ill),
                "ppv": tp / called,
                "npv": tn / (n - called),
            }
    return found


def _mean_of_known(values: Floats) -> Floats:
    """Mean over the classes (C, B) of those that have a value."""
    known = np.isfinite(values)
    return np.asarray(np.where(known, values, 0.0).sum(axis=0) / known.sum(axis=0), dtype=np.float64)


def _confusion(true: Indices, chosen: Indices, classes: int) -> Indices:
    return np.bincount(true * classes + chosen, minlength=classes * classes).reshape(classes, classes)


def _per_class(names: Sequence[str], counts: Indices, areas: Sequence[Estimate]) -> tuple[ClassFigures, ...]:
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
