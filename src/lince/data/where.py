"""Filters on attributes: ``magnification=100X``, ``age>=18``, ``sex!=M``, ``modality=CT,MR``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from operator import ge, gt, le, lt
from typing import Any, Literal

from lince.core.errors import ConfigError, SourceError
from lince.core.types import LabelSpace, Sample
from lince.data.collection import Collection

Operator = Literal["=", "!=", "<", "<=", ">", ">="]

_FORM = re.compile(r"\s*(?P<attribute>[^=!<>]+?)\s*(?P<operator>!=|<=|>=|=|<|>)\s*(?P<values>.*?)\s*", re.DOTALL)
_ORDER: Mapping[str, Callable[[float, float], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
# Facts of a sample that are not attributes but may be asked for.
FIELDS = ("label", "group", "split")


@dataclass(frozen=True, slots=True)
class Condition:
    """One filter.

    Attributes
    ----------
    attribute
        Name of an attribute, or ``label``, ``group`` or ``split``.
    operator
        ``=`` and ``!=`` compare text without regard to case and take several values; the others compare numbers.
    values
        At least one; exactly one for an order. Where there are several, the first is the whole list as written.
    """

    attribute: str
    operator: Operator
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.attribute}{self.operator}{self.values[0]}"

    def holds(self, sample: Sample) -> bool:
        """Whether a sample is kept. A sample without the attribute is kept by ``!=`` alone."""
        value = _value(sample, self.attribute)
        if self.operator in _ORDER:
            number = _number(value)
            return number is not None and _ORDER[self.operator](number, float(self.values[0]))
        among = value is not None and any(_same(value, wanted) for wanted in self.values)
        return among == (self.operator == "=")


def parse_where(texts: Iterable[str]) -> tuple[Condition, ...]:
    """Conditions from texts such as ``age>=18``.

    Raises
    ------
    ConfigError
        A text is not of the form ATTRIBUTE=VALUE, or an order has a value that is no number.
    """
    return tuple(_parse(text) for text in texts)


def _parse(text: str) -> Condition:
    match = _FORM.fullmatch(text)
    values = tuple(value.strip() for value in match["values"].split(",") if value.strip()) if match else ()
    if match is None or not values:
        raise ConfigError(
            "A condition must have the form ATTRIBUTE=VALUE", received=text, fix="write magnification=100X or age>=18"
        )
    operator: Any = match["operator"]
    if operator in _ORDER and (len(values) != 1 or _number(values[0]) is None):
        raise ConfigError(f"After {operator} there must be one number", received=text)
    if len(values) > 1:
        # "Chest, Pulmonary" may be two values or one that has a comma: the whole is tried as well.
        values = (match["values"], *values)
    return Condition(match["attribute"], operator, values)


def filtered(collection: Collection, where: Sequence[Condition], *, classes: LabelSpace | None = None) -> Collection:
    """The samples for which every condition holds; classes that are left without an image go.

    Parameters
    ----------
    classes
        Of a model that is to be measured: then images of one class will do, and the label space stays whole.

    Raises
    ------
    ConfigError
        No sample has such an attribute; the message names those that there are.
    SourceError
        Nothing is left, or only one class.
    """
    if not where:
        return collection
    check_known(where, {name for sample in collection.samples for name in sample.attributes})
    kept = [sample for sample in collection.samples if all(condition.holds(sample) for condition in where)]
    if not kept:
        empty = next((c for c in where if not any(map(c.holds, collection.samples))), where[0])
        raise no_match(where, empty.attribute, {_value(sample, empty.attribute) for sample in collection.samples})
    if classes is not None:
        return replace(collection, samples=tuple(kept))
    present = {sample.label for sample in kept}
    names = tuple(name for name in collection.labels.names if name in present)
    if len(names) < 2:
        raise SourceError(
            f"Under these conditions one class is left, {names[0]}",
            received=" and ".join(map(str, where)),
            fix="a classifier needs at least two",
        )
    positive = collection.labels.positive if collection.labels.positive in names else None
    labels = replace(collection.labels, names=names, positive=positive)
    return replace(collection, samples=tuple(kept), labels=labels)


def check_known(where: Sequence[Condition], attributes: Iterable[str]) -> None:
    """Refuse a condition on an attribute that no sample has.

    Raises
    ------
    ConfigError
        The message names the attributes that there are.
    """
    known = {*attributes, *FIELDS}
    for condition in where:
        if condition.attribute not in known:
            near = get_close_matches(condition.attribute, known, n=1)
            raise ConfigError(
                "The images of this source have no such attribute",
                received=condition.attribute,
                fix=f"did you mean {near[0]}" if near else f"choose one of: {', '.join(sorted(known))}",
            )


def no_match(where: Sequence[Condition], attribute: str, values: Iterable[Any]) -> SourceError:
    """The error for conditions that leave nothing; ``values`` are those that ``attribute`` has."""
    found = [str(value) for value in sorted(values, key=_order) if value is not None]
    return SourceError(
        "No image meets every condition",
        received=" and ".join(map(str, where)),
        fix=f"{attribute} is one of: {', '.join(found[:8])}" + (", ..." if len(found) > 8 else ""),
    )


def _order(value: Any) -> tuple[float, str]:
    """Numbers by size, then texts."""
    number = _number(value)
    return (number if number is not None else float("inf"), str(value))


def _value(sample: Sample, attribute: str) -> Any:
    return getattr(sample, attribute) if attribute in FIELDS else sample.attributes.get(attribute)


def _same(value: Any, wanted: str) -> bool:
    if str(value).casefold() == wanted.casefold():
        return True
    left, right = _number(value), _number(wanted)
    return left is not None and left == right


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
