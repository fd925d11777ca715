"""Test figures, read leniently: a bundle may bring all of them, some, or none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final


@final
@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its interval, and the counts behind it when it is a proportion."""

    value: float
    low: float | None = None
    high: float | None = None
    numerator: int | None = None
    denominator: int | None = None


def figure(summary: Mapping[str, Any], key: str) -> Figure | None:
    """A figure by its key, or ``None`` where it is missing or null.

    Reads a number, ``[value, low, high]``, or an object with ``value``, ``low``, ``high`` and the counts.
    """
    raw = summary.get(key)
    if isinstance(raw, Mapping):
        value, low, high = raw.get("value"), raw.get("low"), raw.get("high")
        counts = _whole(raw.get("numerator")), _whole(raw.get("denominator"))
    elif isinstance(raw, Sequence) and not isinstance(raw, str) and len(raw) == 3:
        (value, low, high), counts = raw, (None, None)
    else:
        value, low, high, counts = raw, None, None, (None, None)
    number = _number(value)
    return None if number is None else Figure(number, _number(low), _number(high), *counts)


def _number(value: object) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if usable else None  # type: ignore[arg-type]


def _whole(value: object) -> int | None:
    number = _number(value)
    return None if number is None else int(number)
