"""How classes, parts and attributes are distributed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lince.core.types import Sample
from lince.data.audit import kinds
from lince.data.audit.findings import Finding, Severity
from lince.data.collection import Collection

Measure = Literal["cramers-v", "ks"]

# Times that the largest class is larger than the smallest.
_UNEVEN, _VERY_UNEVEN = 3.0, 10.0
# Effects from which an attribute is worth a note and a warning, and the p value that they must be under.
_EFFECT: Mapping[Measure, tuple[float, float]] = {"cramers-v": (0.15, 0.40), "ks": (0.20, 0.45)}
_P = 0.01
_MOST_VALUES = 30
_FEWEST = 20
_SHOWN_VALUES = 12


@dataclass(frozen=True, slots=True)
class Difference:
    """How differently a quantity is distributed in several sets: an effect size from 0 to 1, and its p value."""

    measure: Measure
    effect: float
    p: float


def class_findings(collection: Collection) -> list[Finding]:
    """Uneven classes, and classes that a part lacks."""
    counts = collection.counts()
    present = {name: count for name, count in counts.items() if count}
    absent = {
        str(part): missing
        for part, own in collection.counts_by_split().items()
        if part is not None and (missing := [name for name, count in own.items() if not count])
    }
    if len(present) < 2 and not absent:
        return []
    smallest, largest = min(present, key=present.__getitem__), max(present, key=present.__getitem__)
    ratio = present[largest] / present[smallest]
    if ratio < _UNEVEN and not absent:
        return []
    values = {"counts": counts, "smallest": smallest, "largest": largest, "ratio": ratio, "absent": absent}
    severity: Severity = "warning" if ratio >= _VERY_UNEVEN or absent else "note"
    return [Finding(kinds.CLASS_BALANCE, severity, present[smallest], values)]


def attribute_values(samples: Sequence[Sample]) -> dict[str, list[Any]]:
    """By attribute, the value for each sample (``None`` where it has none); texts that identify an image are left out.

    Numbers, also those written as text, become floats where nearly all values are numbers.
    """
    names = sorted({name for sample in samples for name in sample.attributes})
    found: dict[str, list[Any]] = {}
    for name in names:
        values = [sample.attributes.get(name) for sample in samples]
        known = [value for value in values if value not in (None, "")]
        if len(known) < _FEWEST:
            continue
        numbers = [_number(value) for value in known]
        if sum(number is not None for number in numbers) >= 0.9 * len(numbers) and len(set(numbers)) > 8:
            found[name] = [None if value in (None, "") else _number(value) for value in values]
        elif len({str(value) for value in known}) <= min(_MOST_VALUES, len(known) / 4):
            found[name] = [None if value in (None, "") else str(value) for value in values]
    return found


def attribute_findings(collection: Collection) -> list[Finding]:
    """Attributes that are distributed differently in the classes; one image per patient counts."""
    samples = _one_per_group(collection.samples)
    columns = attribute_values([collection.samples[position] for position in samples])
    found = []
    labels = [collection.samples[position].label for position in samples]
    for name, values in columns.items():
        known = [(value, label) for value, label in zip(values, labels, strict=True) if value is not None]
        difference = difference_between([v for v, _ in known], [label for _, label in known])
        if difference is None:
            continue
        p = min(1.0, difference.p * len(columns))
        note, warning = _EFFECT[difference.measure]
        if p >= _P or difference.effect < note:
            continue
        told = {
            "attribute": name,
            "measure": difference.measure,
            "effect": difference.effect,
            "p": p,
            "table": _table(known),
        }
        severity: Severity = "warning" if difference.effect >= warning else "note"
        found.append(Finding(kinds.ATTRIBUTE_BALANCE, severity, len(known), told))
    return sorted(found, key=lambda finding: -finding.values["effect"])


def attribute_tables(collection: Collection) -> dict[str, Any]:
    """By attribute and class: shares of values, or quartiles; for the page."""
    labels = [sample.label for sample in collection.samples]
    return {
        name: _table([(value, label) for value, label in zip(values, labels, strict=True) if value is not None])
        for name, values in attribute_values(collection.samples).items()
    }


def difference_between(values: Sequence[Any], sets: Sequence[str]) -> Difference | None:
    """Whether a quantity differs between sets: bias-corrected Cramér's V, or the largest KS distance of one set.

    Cramér's V is corrected after Bergsma (J. Korean Stat. Soc. 42:323, 2013); p is of the chi-squared test, or of
    the KS tests corrected for their number. ``None`` where there is too little to compare.
    """
    names = sorted(set(sets))
    if len(values) < _FEWEST or len(names) < 2 or len(set(values)) < 2:
        return None
    if all(isinstance(value, float) for value in values):
        return _ks(np.array(values), np.array(sets), names)
    return _cramers_v(values, sets, names)


def _ks(values: NDArray[np.float64], sets: NDArray[np.str_], names: Sequence[str]) -> Difference | None:
    from scipy.stats import ks_2samp

    results = [
        ks_2samp(values[sets == name], values[sets != name], method="asymp")
        for name in names[: 1 if len(names) == 2 else None]
        if min((sets == name).sum(), (sets != name).sum()) >= 5
    ]
    if not results:
        return None
    best = max(results, key=lambda result: result.statistic)
    return Difference("ks", float(best.statistic), min(1.0, float(best.pvalue) * len(results)))


def _cramers_v(values: Sequence[Any], sets: Sequence[str], names: Sequence[str]) -> Difference | None:
    from scipy.stats import chi2_contingency

    kinds_ = sorted(set(values))
    counts = Counter(zip(values, sets, strict=True))
    table = np.array([[counts[kind, name] for name in names] for kind in kinds_], float)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if min(table.shape) < 2:
        return None
    total = table.sum()
    result = chi2_contingency(table, correction=False)
    chi2, p = float(result.statistic), float(result.pvalue)
    rows, columns = table.shape
    phi = max(0.0, chi2 / total - (rows - 1) * (columns - 1) / (total - 1))
    least = min(rows - (rows - 1) ** 2 / (total - 1), columns - (columns - 1) ** 2 / (total - 1)) - 1
    return Difference("cramers-v", math.sqrt(phi / least) if least > 0 else 0.0, p)


def _one_per_group(samples: Sequence[Sample]) -> list[int]:
    seen: set[tuple[str, str]] = set()
    kept = []
    for position, sample in enumerate(samples):
        if sample.group is not None:
            if (sample.group, sample.label) in seen:
                continue
            seen.add((sample.group, sample.label))
        kept.append(position)
    return kept


def _table(known: Sequence[tuple[Any, str]]) -> dict[str, Any]:
    by_class: dict[str, list[Any]] = {}
    for value, label in known:
        by_class.setdefault(label, []).append(value)
    table: dict[str, Any] = {}
    for label, values in by_class.items():
        if isinstance(values[0], float):
            quartiles = np.percentile(values, (25, 50, 75))
            table[label] = {"quartiles": [round(float(q), 4) for q in quartiles]}
        else:
            common = Counter(values).most_common(_SHOWN_VALUES)
            table[label] = {"shares": {value: count / len(values) for value, count in common}}
    return table


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


__all__ = [
    "Difference",
    "attribute_findings",
    "attribute_tables",
    "attribute_values",
    "class_findings",
    "difference_between",
]
