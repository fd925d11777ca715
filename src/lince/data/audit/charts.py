"""Tables and small drawings of an audit's page: classes, attributes, probes, statistics by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lince.data.audit.findings import Probe
from lince.data.audit.texts import Wording
from lince.data.collection import Collection

# A page that shows everything shows nothing.
_MOST_PROBES = 12
_MOST_ATTRIBUTES = 8
_MOST_VALUES = 6
_STATISTICS = ("mean", "std", "sharpness", "width", "height", "aspect", "bytes-per-pixel", "border", "white", "black")
_MOST_STATISTICS = 8


@dataclass(frozen=True, slots=True)
class ClassRow:
    """Images of one class: in all, as a share of the largest class, and by part."""

    name: str
    positive: bool
    images: int
    share: float
    bar: float
    parts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AttributeTable:
    """One attribute by class.

    ``values`` heads the columns. A row has a cell for each: its text, and a share from 0 to 1 to shade it by (None
    for numbers, which are told as quartiles).
    """

    name: str
    values: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[str, float | None], ...]], ...]


@dataclass(frozen=True, slots=True)
class Ridge:
    """How one statistic is distributed: by class a path to fill, all on one scale from ``low`` to ``high``."""

    name: str
    low: str
    high: str
    rows: tuple[tuple[str, str], ...]


def class_rows(collection: Collection) -> tuple[tuple[str | None, ...], list[ClassRow]]:
    """The parts that there are, and a row for each class; no parts where nothing is split."""
    counts, by_part = collection.counts(), collection.counts_by_split()
    parts = tuple(by_part) if set(by_part) != {None} else ()
    largest, total = max(counts.values(), default=0) or 1, max(1, len(collection))
    rows = [
        ClassRow(
            name,
            name == collection.labels.positive,
            count,
            count / total,
            count / largest,
            tuple(by_part[part][name] for part in parts),
        )
        for name, count in counts.items()
    ]
    return parts, rows


def telling_probes(probes: Sequence[Probe]) -> tuple[Sequence[Probe], int]:
    """The first probes, and how many more were tried."""
    shown = probes[:_MOST_PROBES]
    return shown, len(probes) - len(shown)


def attribute_tables(
    tables: Mapping[str, Mapping[str, Any]], classes: Sequence[str], wording: Wording
) -> list[AttributeTable]:
    """A table for each attribute, the first few."""
    return [attribute_table(name, tables[name], classes, wording) for name in list(tables)[:_MOST_ATTRIBUTES]]


def attribute_table(name: str, table: Mapping[str, Any], classes: Sequence[str], wording: Wording) -> AttributeTable:
    """One attribute by class, from ``shares`` of values or ``quartiles`` of a number."""
    table = {label: table[label] for label in classes if label in table}
    if any("quartiles" in row for row in table.values()):
        heads = tuple(wording.say(head) for head in ("a quarter up to", "half up to", "three quarters up to"))
        numbers = {
            label: [(wording.quantity(q), None) for q in row.get("quartiles", ())] for label, row in table.items()
        }
        return AttributeTable(wording.fact(name), heads, tuple((label, tuple(row)) for label, row in numbers.items()))
    totals: dict[str, float] = {}
    for row in table.values():
        for value, share in row["shares"].items():
            totals[value] = totals.get(value, 0.0) + share
    values = sorted(totals, key=lambda value: (-totals[value], value))[:_MOST_VALUES]
    rows = []
    for label, row in table.items():
        shares = [row["shares"].get(value, 0.0) for value in values]
        rest = max(0.0, 1.0 - sum(shares))
        if len(totals) > len(values):
            shares.append(rest if rest > 1e-6 else 0.0)
        rows.append((label, tuple((wording.percent(share), share) for share in shares)))
    heads = (*values, *((wording.say("others"),) if len(totals) > len(values) else ()))
    return AttributeTable(wording.fact(name), heads, tuple(rows))


def ridges(histograms: Mapping[str, Any], wording: Wording) -> list[Ridge]:
    """Distributions of the statistics that a person may want to see, by class where they are told so."""
    names = [name for name in _STATISTICS if name in histograms][:_MOST_STATISTICS]
    return [_ridge(name, histograms[name], wording) for name in names]


def _ridge(name: str, histogram: Mapping[str, Any], wording: Wording) -> Ridge:
    by_class = histogram.get("by_class") or {"": histogram["counts"]}
    edges = histogram["edges"]
    return Ridge(
        wording.fact(name),
        wording.quantity(edges[0]),
        wording.quantity(edges[-1]),
        tuple((label, _path(counts)) for label, counts in by_class.items()),
    )


def _path(counts: Sequence[float]) -> str:
    """Steps in a box of 100 by 10, the highest bin as high as the box, so that classes of any size compare."""
    highest = max(counts, default=0) or 1
    width = 100 / max(1, len(counts))
    steps = "".join(f"V{10 - 9.5 * n / highest:.2f}H{(k + 1) * width:.2f}" for k, n in enumerate(counts))
    return f"M0 10{steps}V10Z"
