"""Filters on attributes: ``magnification=100X``, ``age>=18``, ``sex!=M``, ``modality=CT,MR``."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from operator import ge, gt, le, lt
from typing import Any, Literal, get_args

from lince.core.errors import ConfigError, SourceError
from lince.core.types import LabelSpace, Sample
from lince.core.wording import counted, listed, natural
from lince.data.collection import Collection

Operator = Literal["=", "!=", "<", "<=", ">", ">="]

_FORM = re.compile(r"\s*(?P<attribute>[^=!<>]+?)\s*(?P<operator>[=!<>]+)\s*(?P<values>.*?)\s*", re.DOTALL)
_OPERATORS = (*get_args(Operator), "==")
_MEANT = {"=>": ">=", "=<": "<=", "<>": "!=", "=!": "!="}
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
    if match is not None and match["operator"] not in _OPERATORS:
        raise _no_operator(text, match)
    values = tuple(value.strip() for value in match["values"].split(",") if value.strip()) if match else ()
    if match is None or not values:
        raise ConfigError(
            "A condition must have the form ATTRIBUTE=VALUE", received=text, fix="write magnification=100X or age>=18"
        )
    operator: Any = "=" if match["operator"] == "==" else match["operator"]
    if operator in _ORDER and (len(values) != 1 or not _is_finite(values[0])):
        raise ConfigError(f"After {operator} there must be one number", received=text)
    if len(values) > 1:
        # "Chest, Pulmonary" may be two values or one that has a comma: the whole is tried as well.
        values = (match["values"], *values)
    return Condition(match["attribute"], operator, values)


def _no_operator(text: str, match: re.Match[str]) -> ConfigError:
    operator = match["operator"]
    meant = _MEANT.get(operator)
    blank = f"leave a blank after {operator[0]} if the value begins with {operator[1:]}"
    return ConfigError(
        f"A condition has no sign {operator}",
        received=text,
        fix=f"write {match['attribute']}{meant}{match['values']}, or {blank}" if meant else blank,
    )


def filtered(
    collection: Collection,
    where: Sequence[Condition],
    *,
    classes: LabelSpace | None = None,
    whole: int | None = None,
) -> Collection:
    """The samples for which every condition holds; classes that are left without an image go, and a notice says so.

    Parameters
    ----------
    classes
        Of a model that is to be measured: then images of one class will do, and the label space stays whole.
    whole
        Of how many images ``collection`` is what is left, where a server has filtered them already. Such a server has
        also checked the conditions.

    Raises
    ------
    ConfigError
        No sample has such an attribute; the message names those that there are.
    SourceError
        Nothing is left, or only one class.
    """
    if not where:
        return collection
    if whole is None:
        where = check_known(where, {name for sample in collection.samples for name in sample.attributes})
    kept = [sample for sample in collection.samples if all(condition.holds(sample) for condition in where)]
    if not kept:
        empty = next((c for c in where if not any(map(c.holds, collection.samples))), where[0])
        raise no_match(where, empty.attribute, {_value(sample, empty.attribute) for sample in collection.samples})
    present = {sample.label for sample in kept}
    before = collection.labels.names if whole is not None else {sample.label for sample in collection.samples}
    gone = [name for name in collection.labels.names if name in before and name not in present]
    told = _told(where, len(kept), len(collection) if whole is None else whole, gone)
    if classes is not None:
        return replace(collection, samples=tuple(kept)).with_notices(told)
    names = tuple(name for name in collection.labels.names if name in present)
    if len(names) < 2:
        raise SourceError(
            f"Under these conditions one class is left, {names[0]}",
            received=" and ".join(map(str, where)),
            fix="a classifier needs at least two",
        )
    positive = collection.labels.positive if collection.labels.positive in names else None
    labels = replace(collection.labels, names=names, positive=positive)
    return replace(collection, samples=tuple(kept), labels=labels).with_notices(told)


def _told(where: Sequence[Condition], kept: int, whole: int, gone: Sequence[str]) -> str:
    """What the conditions did; that they kept all may betray a value misspelt after ``!=``."""
    count = f"all {counted(whole, 'image')}" if kept == whole else f"{kept} of {counted(whole, 'image')}"
    classes = f"; no image is left of: {listed(gone)}" if gone else ""
    return f"--where {' and '.join(map(str, where))} kept {count}{classes}."


def check_known(where: Sequence[Condition], attributes: Iterable[str]) -> tuple[Condition, ...]:
    """The conditions with each attribute spelled as the samples have it; case alone does not tell attributes apart.

    Raises
    ------
    ConfigError
        No sample has such an attribute, or several may be meant; the message names them.
    """
    known = sorted({*attributes, *FIELDS})
    return tuple(replace(condition, attribute=_known(condition.attribute, known)) for condition in where)


def _known(asked: str, known: Sequence[str]) -> str:
    if asked in known:
        return asked
    same = [name for name in known if name.casefold() == asked.casefold()]
    if len(same) == 1:
        return same[0]
    if same:
        raise ConfigError("This attribute may be one of several", received=asked, fix=f"write one of: {listed(same)}")
    near = get_close_matches(asked, known, n=1)
    raise ConfigError(
        "The images of this source have no such attribute",
        received=asked,
        fix=f"did you mean {near[0]}" if near else f"choose one of: {listed(known, most=len(known))}",
    )


def no_match(where: Sequence[Condition], attribute: str, values: Iterable[Any]) -> SourceError:
    """The error for conditions that leave nothing; ``values`` are those that ``attribute`` has."""
    found = sorted({value for value in values if value is not None}, key=_order)
    return SourceError(
        "No image meets every condition",
        received=" and ".join(map(str, where)),
        fix=f"{attribute} is one of: {listed(found)}" if found else f"no image has a {attribute}",
    )


def _order(value: Any) -> tuple[float, Any]:
    """Numbers by size, then texts, 40X before 100X."""
    number = _number(value)
    return (number if number is not None else math.inf, natural(str(value)))


def _value(sample: Sample, attribute: str) -> Any:
    return getattr(sample, attribute) if attribute in FIELDS else sample.attributes.get(attribute)


def _same(value: Any, wanted: str) -> bool:
    if str(value).casefold() == wanted.casefold():
        return True
    left, right = _number(value), _number(wanted)
    return left is not None and left == right


def _is_finite(text: str) -> bool:
    number = _number(text)
    return number is not None and math.isfinite(number)


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
