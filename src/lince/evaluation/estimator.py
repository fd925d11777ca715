"""The data of one evaluation, its decisions and its resamples, and every figure they give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lince.core.types import LabelSpace
from lince.evaluation import intervals, sentences
from lince.evaluation.benefit import decision_curve
from lince.evaluation.calibration import brier_terms, calibration_error, log_loss_terms, reliability
from lince.evaluation.figures import Calibration, DecisionCurve, Estimate
from lince.evaluation.operating import decisions
from lince.evaluation.ranking import average_precision, delong, macro_auc
from lince.evaluation.recalibration import recalibration
from lince.evaluation.resampling import Ranking, bootstrap

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Bools = NDArray[np.bool_]
# Whole numbers: of the data itself, or weighted by a resample.
Counts = Indices | Floats

FEW_GROUPS = 30
# A class counts as found when it is among so many of the likeliest.
TOP = (2, 3)


@dataclass(frozen=True, slots=True)
class Estimator:
    """The data on the table, the decisions made of it, and its resamples.

    ``group`` numbers the unit that is resampled: the patient where some patient has several images (``clustered``),
    else the image. ``replicates`` (name: (B,)), ``areas`` and ``precisions`` (C, B) hold the figures of every resample.
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
    precisions: Floats

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
    ) -> Estimator:
        """Decide every image and draw the resamples."""
        clustered = grouping is not None and grouping[1] < true.size
        group, n_groups = grouping if grouping is not None and clustered else (np.arange(true.size), true.size)
        chosen = decisions(table, labels, threshold)
        classes = np.arange(len(labels))
        supports, predicted = true[:, None] == classes, chosen[:, None] == classes
        positive = labels.positive_index
        means = {"brier": brier_terms(true, table), "log_loss": log_loss_terms(true, table)} | {
            f"top_{k}_accuracy": among_likeliest(true, table, k).astype(np.float64) for k in TOP if k < len(labels)
        }
        # Of two classes without clusters only the average precision needs resamples: their AUC has DeLong's interval.
        wanted = classes if clustered or len(labels) > 2 or positive is None else classes[[positive]]
        rankings = [Ranking.of(supports[:, c], table[:, c], group) for c in wanted]
        weighed = np.stack([*means.values(), np.ones(true.size)], axis=1)
        columns = np.concatenate([supports & predicted, supports, predicted, weighed], axis=1)
        sums, found = bootstrap(group, n_groups, columns, rankings, seed=seed)
        hits, support, calls, rest = np.split(sums, [len(classes), 2 * len(classes), 3 * len(classes)])
        ranked = np.full((2, len(classes), sums.shape[1]), np.nan)
        ranked[:, wanted] = found
        replicates = rates(hits, support, calls, positive)
        replicates |= {name: rest[place] / rest[-1] for place, name in enumerate(means)}
        return cls(
            true, table, chosen, positive, group, clustered, n_groups, confidence, replicates, ranked[0], ranked[1]
        )

    def units(self, inside: Bools) -> int:
        """Patients (or images) among the images marked."""
        return int(np.unique(self.group[inside]).size) if self.clustered else int(inside.sum())

    @property
    def resampling(self) -> str:
        """Name of the bootstrap in use."""
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
            missing = Estimate(value=None, reason=sentences.NO_POSITIVE)
            return found | dict.fromkeys(("sensitivity", "specificity", "ppv", "npv"), missing)
        ill, called = self.true == self.positive, self.chosen == self.positive
        return found | {
            "sensitivity": self.proportion("sensitivity", called, ill, sentences.NO_POSITIVES_HERE),
            "specificity": self.proportion("specificity", ~called, ~ill, sentences.NO_NEGATIVES_HERE),
            "ppv": self.proportion("ppv", ill, called, sentences.NONE_CALLED_POSITIVE),
            "npv": self.proportion("npv", ~ill, ~called, sentences.NONE_CALLED_NEGATIVE),
        }

    def means(self) -> dict[str, Estimate]:
        """Balanced accuracy, macro F1, Matthews correlation, and F1 of the positive class."""
        count = self.table.shape[1]
        hits = np.bincount(self.true[self.true == self.chosen], minlength=count)
        support, calls = np.bincount(self.true, minlength=count), np.bincount(self.chosen, minlength=count)
        point = rates(hits[:, None], support[:, None], calls[:, None], self.positive)
        several = int((support > 0).sum()) > 1
        missing = {
            "balanced_accuracy": None if several else sentences.ONE_CLASS,
            "macro_f1": None if several else sentences.ONE_CLASS,
            "mcc": None if several and np.isfinite(point["mcc"][0]) else _no_mcc(several),
            "f1": sentences.NO_POSITIVE
            if self.positive is None
            else (None if support[self.positive] else sentences.NO_POSITIVES_HERE),
        }
        return {
            name: self.rate(name, float(point[name][0])) if reason is None else Estimate(value=None, reason=reason)
            for name, reason in missing.items()
        }

    def rate(self, name: str, value: float, replicates: Floats | None = None) -> Estimate:
        """A figure in [0, 1] that is no simple proportion (Matthews correlation: -1 to 1)."""
        found = intervals.percentile(
            value, self.replicates[name] if replicates is None else replicates, self.confidence
        )
        if found is not None:
            return Estimate(value=value, low=found[0], high=found[1], method=self.resampling)
        if name == "mcc":
            return Estimate(value=value, reason=sentences.NO_SPREAD)
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
                Estimate(value=value, reason=sentences.NO_INTERVAL)
                if ends is None
                else Estimate(value=value, low=ends[0], high=ends[1], method=self.resampling)
            )
        error = calibration_error(reliability(*self.event(), confidence=self.confidence))
        return found | {"calibration_error": Estimate(value=error, reason=sentences.NO_ECE_INTERVAL)}

    def class_auc(self, index: int) -> Estimate:
        """One-vs-rest AUC of a class."""
        ill = self.true == index
        if ill.all() or not ill.any():
            return Estimate(value=None, reason=sentences.ONE_SIDE)
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
            return Estimate(value=None, reason=sentences.ONE_CLASS)
        value = macro_auc(self.true, self.table)
        ends = intervals.percentile(value, _mean_of_known(self.areas[known]), self.confidence)
        if ends is not None and 0.0 < value < 1.0:
            return Estimate(value=value, low=ends[0], high=ends[1], method=self.resampling)
        sides = [min(self.units(self.true == index), self.units(self.true != index)) for index in known]
        low, high = intervals.pairs_interval(value, min(sides), self.confidence)
        return Estimate(value=value, low=low, high=high, method=intervals.PAIRS)

    def micro_auc(self) -> Estimate:
        """AUC of all pairs of an image and a class in one list; the pairs of a patient are a cluster."""
        classes = self.table.shape[1]
        if classes == 2:
            return Estimate(value=None, reason=sentences.TWO_CLASSES)
        belongs = self.true[:, None] == np.arange(classes)
        found = delong(belongs.ravel(), self.table.ravel(), np.repeat(self.group, classes))
        low, high, method = intervals.auc_interval(found, self.confidence)
        return Estimate(value=found.area, low=low, high=high, method=method)

    def class_precision(self, index: int) -> float | None:
        """Average precision of a class against the rest."""
        ill = self.true == index
        return None if ill.all() or not ill.any() else average_precision(ill, self.table[:, index])

    def average_precision(self, precisions: Sequence[float | None]) -> Estimate:
        """Of the positive class, else the mean over the classes."""
        if self.positive is not None and precisions[self.positive] is None:
            return Estimate(value=None, reason=sentences.ONE_SIDE)
        chosen = range(len(precisions)) if self.positive is None else (self.positive,)
        known = {index: value for index in chosen if (value := precisions[index]) is not None}
        if not known:
            return Estimate(value=None, reason=sentences.ONE_CLASS)
        replicates = _mean_of_known(self.precisions[list(known)])
        return self.rate("average_precision", float(np.mean(list(known.values()))), replicates)

    def top_accuracies(self) -> dict[str, Estimate]:
        """Share of images whose class is among the two or three likeliest."""
        found, everything = {}, np.ones(self.true.size, dtype=bool)
        for k in TOP:
            name = f"top_{k}_accuracy"
            found[name] = (
                self.proportion(name, among_likeliest(self.true, self.table, k), everything, "")
                if k < self.table.shape[1]
                else Estimate(value=None, reason=sentences.FEW_CLASSES)
            )
        return found

    def recalibration(self) -> dict[str, Estimate]:
        """Calibration slope and intercept of the positive class."""
        reason = self.no_contrast()
        if reason is not None or self.positive is None:
            missing = Estimate(value=None, reason=reason)
            return dict.fromkeys(("calibration_slope", "calibration_intercept"), missing)
        group = self.group if self.clustered else None
        ill = self.true == self.positive
        return recalibration(ill, self.table[:, self.positive], confidence=self.confidence, group=group)

    def no_contrast(self) -> str | None:
        """Why the positive class cannot be set against the rest, if it cannot."""
        if self.positive is None:
            return sentences.NO_POSITIVE
        ill = self.true == self.positive
        if not ill.any():
            return sentences.NO_POSITIVES_HERE
        return sentences.NO_NEGATIVES_HERE if ill.all() else None

    def decision_curve(self, names: Sequence[str]) -> DecisionCurve:
        """Net benefit of acting on the positive class."""
        reason = self.no_contrast()
        if reason is not None or self.positive is None:
            return DecisionCurve(of=None if self.positive is None else names[self.positive], reason=reason)
        score = self.table[:, self.positive]
        return decision_curve(self.true == self.positive, score, of=names[self.positive])

    def event(self) -> tuple[Floats, Bools]:
        """The probability whose calibration is shown, and whether what it foretold came true."""
        if self.positive is not None:
            return self.table[:, self.positive], self.true == self.positive
        return self.table.max(axis=1), self.table.argmax(axis=1) == self.true

    def calibration(self, names: Sequence[str]) -> Calibration:
        """The reliability diagram of the positive class, or of the most likely one."""
        score, happened = self.event()
        group = self.group if self.clustered else None
        bins = reliability(score, happened, confidence=self.confidence, group=group)
        return Calibration(of=None if self.positive is None else names[self.positive], bins=bins)

    def notes(self) -> tuple[str, ...]:
        """What a reader must know before trusting the figures."""
        found = {
            sentences.NOTE_CONSTANT: self.true.size > 1 and bool((self.table == self.table[0]).all()),
            sentences.NOTE_ABSENT: np.unique(self.true).size < self.table.shape[1],
            sentences.NOTE_GROUPS: self.clustered,
            sentences.NOTE_FEW_GROUPS: self.clustered and self.n_groups < FEW_GROUPS,
        }
        return tuple(note for note, holds in found.items() if holds)


def rates(hits: NDArray, support: NDArray, calls: NDArray, positive: int | None) -> dict[str, Floats]:  # type: ignore[type-arg]
    """Rates from counts by class (C, B), for the data itself (B = 1) and for resamples; NaN where nothing counts."""
    n = support.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall, f1 = hits / support, 2 * hits / (support + calls)
        found = {
            "accuracy": hits.sum(axis=0) / n,
            "balanced_accuracy": _mean_of_known(recall),
            "macro_f1": _mean_of_known(f1),
            "mcc": _matthews(hits, support, calls),
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
                "lr_positive": tp / ill * (n - ill) / (called - tp),
                "lr_negative": (ill - tp) / ill * (n - ill) / tn,
            }
    return found


def _matthews(hits: NDArray, support: NDArray, calls: NDArray) -> Floats:  # type: ignore[type-arg]
    """Matthews correlation of several classes (Gorodkin, Computational Biology and Chemistry 28:367, 2004)."""
    support, calls = support.astype(np.float64), calls.astype(np.float64)
    n = support.sum(axis=0)
    spread = (n**2 - (support**2).sum(axis=0)) * (n**2 - (calls**2).sum(axis=0))
    return np.asarray((hits.sum(axis=0) * n - (support * calls).sum(axis=0)) / np.sqrt(spread), dtype=np.float64)


def _no_mcc(several: bool) -> str:
    return sentences.ONE_DECISION if several else sentences.ONE_CLASS


def among_likeliest(true: Indices, table: Floats, k: int) -> Bools:
    """Whether the true class of each image (N,) is one of its ``k`` likeliest; of equals the first classes count."""
    given = table[np.arange(true.size), true][:, None]
    ahead = (table > given) | ((table == given) & (np.arange(table.shape[1]) < true[:, None]))
    return np.asarray(ahead.sum(axis=1) < k)


def _mean_of_known(values: Floats) -> Floats:
    """Mean over the classes (C, B) of those that have a value."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0.0).sum(axis=0) / known.sum(axis=0), dtype=np.float64)
