"""Attributes of images as values to compare: numbers in bands, spellings brought together, blanks told apart."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lince.core.errors import ConfigError
from lince.core.wording import listed, natural

AGE_EDGES = (40.0, 60.0, 80.0)
_AGE = ("age", "patient_age", "patientage", "idade")
# Numbers with no more values than this are names of something: a field strength, a magnification.
_MOST_NUMBERS = 6
# Values shown of one attribute; the rarer ones are put together.
_MOST_VALUES = 12
OTHERS = "(other values)"
_BLANK = frozenset({"", "nan", "none", "null", "n/a", "na", "unknown", "not recorded"})


@dataclass(frozen=True, slots=True)
class Banded:
    """One attribute: the value of each image (``None`` where it is not recorded), and the values in order."""

    values: tuple[str | None, ...]
    order: tuple[str, ...]
    in_bands: bool


def attribute_columns(rows: Sequence[Mapping[str, object]], by: Sequence[str]) -> dict[str, list[object]]:
    """The attributes asked for, as columns over the images; case alone does not tell their names apart.

    Raises
    ------
    ConfigError
        No image has such an attribute; the message names those there are.
    """
    known = sorted({name for row in rows for name in row})
    found: dict[str, list[object]] = {}
    for asked in by:
        same = [name for name in known if name.casefold() == asked.casefold()]
        name = asked if asked in known else (same[0] if len(same) == 1 else None)
        if name is None:
            raise ConfigError(
                "No image has this attribute",
                received=asked,
                fix=f"choose among: {listed(known, most=len(known))}" if known else "these images have no attributes",
            )
        found[name] = [row.get(name) for row in rows]
    return found


def banded(name: str, column: Sequence[object]) -> Banded:
    """The values of an attribute as names: ages by the edges 40, 60 and 80, other numbers by their tertiles.

    Raises
    ------
    ConfigError
        Nearly every image has a value of its own: a caption or an identifier.
    """
    texts = [_text(value) for value in column]
    numbers = [_number(text) for text in texts]
    recorded, numeric = sum(t is not None for t in texts), sum(n is not None for n in numbers)
    if name.casefold() in _AGE and 2 * numeric > recorded:
        return _cut(numbers, AGE_EDGES)
    known = np.array([number for number in numbers if number is not None])
    if recorded and numeric == recorded and np.unique(known).size > _MOST_NUMBERS:
        # Edges are rounded before they cut, so that the edges stated are those used.
        edges = sorted({float(f"{edge:.3g}") for edge in np.quantile(known, [1 / 3, 2 / 3])})
        return _cut(numbers, edges)
    return _named(name, texts)


def _text(value: object) -> str | None:
    text = " ".join(str(value).split())
    return None if value is None or text.casefold() in _BLANK else text


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _cut(numbers: Sequence[float | None], edges: Sequence[float]) -> Banded:
    """Bands between the edges; an edge belongs to the band above it."""
    names = (f"< {edges[0]:g}", *(_between(a, b) for a, b in pairwise(edges)), f"≥ {edges[-1]:g}")
    places = [None if number is None else int(np.searchsorted(edges, number, "right")) for number in numbers]
    present = set(places)
    order = tuple(text for place, text in enumerate(names) if place in present)
    return Banded(tuple(None if place is None else names[place] for place in places), order, True)


def _between(low: float, high: float) -> str:
    """``40–59``; where an edge is no whole number, ``1.5–<3``."""
    whole = low.is_integer() and high.is_integer() and high - low > 1
    return f"{low:g}–{high - 1:g}" if whole else f"{low:g}–<{high:g}"


def _named(name: str, texts: Sequence[str | None]) -> Banded:
    spelled: dict[str, str] = {}
    values = [None if text is None else spelled.setdefault(text.casefold(), text) for text in texts]
    counts = Counter(value for value in values if value is not None)
    if len(counts) > _MOST_VALUES and 2 * len(counts) > counts.total():
        raise ConfigError(
            f"Nearly every image has a value of its own in {name}: it forms no subgroups",
            received=f"{len(counts)} values for {counts.total()} images",
            fix="choose an attribute with fewer values",
        )
    kept = {value for value, _ in counts.most_common(_MOST_VALUES if len(counts) <= _MOST_VALUES else _MOST_VALUES - 1)}
    order = sorted(kept, key=natural)
    if len(counts) > len(kept):
        values = [value if value is None or value in kept else OTHERS for value in values]
        order.append(OTHERS)
    return Banded(tuple(values), tuple(order), False)
