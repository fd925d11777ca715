"""The data of one evaluation, its decisions and its resamples, and every figure they give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lince.core.types import LabelSpace
from lince.evaluation import intervals, sentences
from lince.evaluation.calibration import brier_terms, calibration_error, log_loss_terms, reliability
from lince.evaluation.figures import Calibration, Estimate
from lince.evaluation.operating import decisions
from lince.evaluation.ranking import delong, macro_auc
from lince.evaluation.resampling import Ranking, bootstrap

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Bools = NDArray[np.bool_]
# Whole numbers: of the data itself, or weighted by a resample.
Counts = Indices | Floats

FEW_GROUPS = 30


@dataclass(frozen=True, slots=True)
class Estimator:
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
    ) -> Estimator:
        """Decide every image and draw the resamples."""
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
        replicates = rates(hits, support, calls, labels.positive_index)
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
        """Balanced accuracy, macro F1, and F1 of the positive class."""
        count = self.table.shape[1]
        hits = np.bincount(self.true[self.true == self.chosen], minlength=count)
        support, calls = np.bincount(self.true, minlength=count), np.bincount(self.chosen, minlength=count)
        point = rates(hits[:, None], support[:, None], calls[:, None], self.positive)
        several = int((support > 0).sum()) > 1
        missing = {
            "balanced_accuracy": None if several else sentences.ONE_CLASS,
            "macro_f1": None if several else sentences.ONE_CLASS,
            "f1": sentences.NO_POSITIVE
            if self.positive is None
            else (None if support[self.positive] else sentences.NO_POSITIVES_HERE),
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
