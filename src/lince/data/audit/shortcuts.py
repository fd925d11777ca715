"""Shortcuts: trivial facts that tell the label, and so let a model be right for the wrong reason.

For each fact a small tree is trained on part of the collection and asked about the rest. What its answers are worth is
told by the area under the ROC curve, with the interval of Hanley & McNeil (Radiology 143:29, 1982), over patients
rather than images where patients are known.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lince.data.audit import kinds
from lince.data.audit.balance import attribute_values
from lince.data.audit.findings import Evidence, Finding, Probe, Severity
from lince.data.audit.measures import ABOUT, About
from lince.data.collection import Collection

_FOLDS = 5
_LEAST_PER_CLASS = 10
_MOST_ROWS = 20_000
_LEAVES = 8
_MOST_WORDS = 24
_SHOWN = 12
# Lower bounds of the AUC from which a fact is worth a warning, and results would be wrong.
_TELLING: Mapping[About, tuple[float, float]] = {
    "container": (0.65, 0.90),
    "frame": (0.65, 0.95),
    "content": (0.95, math.inf),
}
# Attributes that say where and with what an image was taken, by parts of their names.
_DEVICE = (
    "manufacturer",
    "model",
    "device",
    "scanner",
    "site",
    "hospital",
    "institution",
    "station",
    "vendor",
    "centre",
)
_SEED = 0


@dataclass(frozen=True, slots=True)
class Fact:
    """One trivial fact of every image: numbers, or words; ``None`` where it is not known."""

    name: str
    about: About
    values: Sequence[Any]

    @property
    def is_number(self) -> bool:
        """Whether it is a quantity."""
        return all(isinstance(value, float) for value in self.values)


def facts_of(
    collection: Collection,
    numbers: Mapping[str, NDArray[np.float64]],
    words: Mapping[str, Sequence[str]],
    headers: Mapping[int, Mapping[str, str]],
) -> list[Fact]:
    """Every fact that varies; ``collection`` holds the images that the facts are of, in their order."""
    facts = [Fact(name, ABOUT[name], values.tolist()) for name, values in numbers.items()]
    facts += [Fact(name, ABOUT[name], list(values)) for name, values in words.items()]
    attributes = attribute_values(collection.samples)
    if headers:
        for name in sorted({name for header in headers.values() for name in header}):
            if name.casefold() not in {known.casefold() for known in attributes}:
                attributes[name] = [headers.get(row, {}).get(name) for row in range(len(collection))]
    for name, values in attributes.items():
        if any(part in name.casefold().replace("_", "") for part in _DEVICE):
            facts.append(Fact(f"attribute:{name}", "container", ["" if v is None else v for v in values]))
    return [fact for fact in facts if len(set(fact.values)) > 1]


def probe_facts(collection: Collection, facts: Sequence[Fact]) -> list[Probe]:
    """Try every fact; the most telling first."""
    labels = np.array([sample.label for sample in collection.samples])
    names = [name for name, count in collection.counts().items() if count >= _LEAST_PER_CLASS]
    if len(names) < 2:
        return []
    rows = np.flatnonzero(np.isin(labels, names))
    if len(rows) > _MOST_ROWS:
        rows = np.sort(np.random.default_rng(_SEED).choice(rows, _MOST_ROWS, replace=False))
    samples = [collection.samples[row] for row in rows.tolist()]
    # A sample without a group stands alone.
    keys = [f"g{s.group}" if s.group is not None else f"s{i}" for i, s in enumerate(samples)]
    groups = np.unique(np.array(keys), return_inverse=True)[1].astype(np.int64)
    folds = _folds(labels[rows], groups)
    probes = [
        probe
        for fact in facts
        if (probe := _probe(fact, [fact.values[row] for row in rows.tolist()], labels[rows], names, groups, folds))
    ]
    return sorted(probes, key=lambda probe: (-probe.low, -probe.auc, probe.fact))


def shortcut_findings(
    collection: Collection, kept: NDArray[np.int64], facts: Sequence[Fact], probes: Sequence[Probe]
) -> list[Finding]:
    """Findings for the probes whose lower bound is telling, also when the number of facts tried is allowed for."""
    by_name = {fact.name: fact for fact in facts}
    tried = max(1, len(probes)) * (len(collection.labels) if len(collection.labels) > 2 else 1)
    found = []
    for probe in probes:
        warning, severe = _TELLING[probe.about]
        strict = _widened(probe, tried)
        if strict < 0.5 + 0.05 or probe.low < warning:
            continue
        severity: Severity = "severe" if probe.low >= severe else "warning"
        values = {
            "fact": probe.fact, "about": probe.about, "auc": probe.auc, "low": probe.low, "high": probe.high,
            "label": probe.label, "detail": probe.detail, "tried": len(probes),
        }  # fmt: skip
        evidence = _typical(collection, kept, by_name[probe.fact], probe.label)
        found.append(Finding(kinds.SHORTCUT, severity, len(kept), values, evidence, len(evidence)))
    return found


def _widened(probe: Probe, tried: int) -> float:
    """The lower bound when the error of 5 % is shared among all facts tried (Bonferroni)."""
    usual, strict = NormalDist().inv_cdf(0.975), NormalDist().inv_cdf(1 - 0.025 / tried)
    return probe.auc - (probe.auc - probe.low) * strict / usual


def _folds(labels: NDArray[np.str_], groups: NDArray[np.int64]) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    nothing = np.zeros((len(labels), 1))
    if len(np.unique(groups)) == len(groups):
        return list(StratifiedKFold(_FOLDS, shuffle=True, random_state=_SEED).split(nothing, labels))
    splitter = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=_SEED)
    return list(splitter.split(nothing, labels, groups))


def _probe(
    fact: Fact,
    values: Sequence[Any],
    labels: NDArray[np.str_],
    names: Sequence[str],
    groups: NDArray[np.int64],
    folds: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
) -> Probe | None:
    """One fact, and the class that it gives away the most."""
    from sklearn.metrics import roc_auc_score
    from sklearn.tree import DecisionTreeClassifier

    if len(set(values)) < 2:
        return None
    columns = _columns(fact, values)
    scores = np.zeros((len(labels), len(names)))
    place = {name: number for number, name in enumerate(names)}
    for train, test in folds:
        tree = DecisionTreeClassifier(
            max_leaf_nodes=_LEAVES, min_samples_leaf=max(5, len(train) // 100), class_weight="balanced"
        )
        tree.fit(columns[train], labels[train])
        scores[np.ix_(test, np.array([place[name] for name in tree.classes_]))] = tree.predict_proba(columns[test])
    best: Probe | None = None
    for number, name in enumerate(names):
        mine = labels == name
        auc = float(roc_auc_score(mine, scores[:, number]))
        low, high = auc_interval(auc, len(np.unique(groups[mine])), len(np.unique(groups[~mine])))
        if best is None or low > best.low:
            best = Probe(fact.name, fact.about, auc, low, high, name)
    if best is None:
        return None
    detail = _detail(fact, values, labels == best.label, best.label)
    return Probe(best.fact, best.about, best.auc, best.low, best.high, best.label, detail)


def auc_interval(auc: float, positives: int, negatives: int, level: float = 0.95) -> tuple[float, float]:
    """Interval of an AUC after Hanley & McNeil (1982), by the counts of cases on the two sides.

    At an AUC of 1 their error is nil, so there it is taken at half a case less.
    """
    least = min(auc, 1 - 0.5 / (positives * negatives + 1))
    q1, q2 = least / (2 - least), 2 * least**2 / (1 + least)
    variance = least * (1 - least) + (positives - 1) * (q1 - least**2) + (negatives - 1) * (q2 - least**2)
    error = math.sqrt(max(variance, 0.0) / (positives * negatives))
    z = NormalDist().inv_cdf((1 + level) / 2)
    return max(0.0, auc - z * error), min(1.0, auc + z * error)


def _columns(fact: Fact, values: Sequence[Any]) -> NDArray[np.float64]:
    """(N, 1) numbers, or (N, W) which of the most frequent words it is."""
    if fact.is_number:
        return np.array(values, float)[:, None]
    common = [word for word, _ in Counter(values).most_common(_MOST_WORDS)]
    return np.array([[value == word for word in common] for value in values], float)


def _detail(fact: Fact, values: Sequence[Any], mine: NDArray[np.bool_], label: str) -> str:
    """The telling values, in words."""
    ours = [value for value, own in zip(values, mine, strict=True) if own]
    others = [value for value, own in zip(values, mine, strict=True) if not own]
    counts = Counter(values)
    if not fact.is_number or len(counts) <= 12:
        of_ours, of_others = Counter(ours), Counter(others)
        word = max(counts, key=lambda v: abs(of_ours[v] / len(ours) - of_others[v] / len(others)))
        ours_share, others_share = of_ours[word] / len(ours), of_others[word] / len(others)
        shares = f"{100 * ours_share:.0f} % of {label}, {100 * others_share:.0f} % of the others"
        return f"{_written(word)} in {shares}"
    here, there = float(np.median(ours)), float(np.median(others))
    return f"median {here:.4g} in {label}, {there:.4g} in the others"


def _written(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _typical(collection: Collection, kept: NDArray[np.int64], fact: Fact, label: str) -> tuple[Evidence, ...]:
    """A few images of the class and as many of the others, with the values that are usual there."""
    mine = [row for row, sample in enumerate(collection.samples) if sample.label == label]
    others = [row for row, sample in enumerate(collection.samples) if sample.label != label]
    chosen = [row for rows in (mine, others) for row in _usual(fact, rows)[: _SHOWN // 2]]
    return tuple(Evidence((int(kept[row]),), {"value": fact.values[row]}) for row in chosen)


def _usual(fact: Fact, rows: Sequence[int]) -> list[int]:
    """Rows whose value is the commonest, or a number closest to the median, first."""
    known = [row for row in rows if fact.values[row] is not None]
    if not known:
        return []
    if fact.is_number:
        middle = float(np.median([fact.values[row] for row in known]))
        return sorted(known, key=lambda row: abs(fact.values[row] - middle))
    counts = Counter(fact.values[row] for row in known)
    return sorted(known, key=lambda row: -counts[fact.values[row]])
