"""From a finding to what is said of it: the values of its kind made ready for the templates of `sayings`."""

from __future__ import annotations

import re
import shlex
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from lince.core.addresses import without_credentials
from lince.core.pages import legible
from lince.data.audit import kinds
from lince.data.audit.findings import SEVERITIES, Audit, Finding, Severity
from lince.data.audit.sayings import ANSWERS, CLASS_ABSENT, SAYINGS, SHORTCUT_IN, Saying
from lince.data.audit.texts import PLACES, RELATIONS, Wording

# How many entries of a table a sentence names.
_NAMED = 4
_FACTS = 3
# Times that a class is larger than another from which it is worth a sentence.
_UNEVEN = 3.0
# The two forms in which a probe tells its telling values, and the facts that are there or not.
_SHARES = re.compile(r"(?P<value>.+?) in (?P<here>\d+) % of (?P<label>.+), (?P<there>\d+) % of the others", re.DOTALL)
_MEDIANS = re.compile(r"median (?P<here>\S+) in (?P<label>.+), (?P<there>\S+) in the others", re.DOTALL)
_YES_OR_NO = frozenset({"exif", "lettering"})


@dataclass(frozen=True, slots=True)
class Told:
    """A finding in words; see `Saying` for the fields."""

    severity: Severity
    title: str
    line: str
    what: tuple[str, ...]
    do: tuple[str, ...]


def tell(finding: Finding, wording: Wording, *, source: str) -> Told:
    """Say a finding in the language of ``wording``; ``source`` is what commands are shown with."""
    saying = _saying(finding)
    values = _values(finding, wording) | {"source": shown_source(source)}
    return Told(
        finding.severity,
        wording.say(saying.title, **values),
        wording.say(saying.line, **values),
        _told(saying.what, wording, values),
        _told(saying.do, wording, values),
    )


def in_order(findings: Sequence[Finding]) -> list[tuple[Finding, tuple[Finding, ...]]]:
    """Findings to tell, the worst first, each with those that it speaks for.

    Shortcuts of one severity and place are one story: a size that gives the label away does so as width, as height
    and as their ratio. The first, which is the most telling, names the others in its value ``also``.
    """
    stories: dict[object, list[Finding]] = {}
    for number, finding in enumerate(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))):
        shared = finding.kind == kinds.SHORTCUT
        stories.setdefault((finding.severity, finding.values["about"]) if shared else number, []).append(finding)
    told = []
    for first, *rest in stories.values():
        also = {"also": [finding.values["fact"] for finding in rest]} if rest else {}
        told.append((replace(first, values={**first.values, **also}), tuple(rest)))
    return told


def answer(audit: Audit, wording: Wording) -> str:
    """The one sentence that an audit comes down to."""
    worst = audit.worst()
    return wording.say(ANSWERS[worst], n=sum(first.severity == worst for first, _ in in_order(audit.findings)))


def shown_source(source: str) -> str:
    """A source as it is typed on the command line; of an absolute path only the end, which tells nobody's folders."""
    if "://" in source:
        return shlex.quote(without_credentials(source))
    path = PurePath(source)
    return shlex.quote(path.name if path.is_absolute() else source)


def inside(path: str, source: str) -> str:
    """A path as it is inside the source; its last part when it lies elsewhere and is absolute."""
    pure = PurePath(path)
    if pure.is_relative_to(source):
        return legible(pure.relative_to(source).as_posix())
    return legible(pure.name if pure.is_absolute() else path)


def _saying(finding: Finding) -> Saying:
    if finding.kind == kinds.SHORTCUT:
        return SAYINGS[SHORTCUT_IN[finding.values["about"]]]
    if finding.kind == kinds.CLASS_BALANCE and finding.values.get("absent") and finding.values["ratio"] < _UNEVEN:
        return SAYINGS[CLASS_ABSENT]
    return SAYINGS[finding.kind]


def _told(templates: Sequence[str], wording: Wording, values: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(
        wording.say(template, **values)
        for template in templates
        if all(values.get(name) not in (None, "") for name in fields(template))
    )


def fields(template: str) -> set[str]:
    """The names of the values that a template needs."""
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def _values(finding: Finding, wording: Wording) -> dict[str, Any]:
    """The values of a finding, plain numbers as they are, tables as text."""
    values: dict[str, Any] = {"chance": 0.5, **finding.values, "count": finding.count}
    values.setdefault("cases", finding.cases)
    values["exact"] = values.get("exact") or None
    prepare = _PREPARE.get(finding.kind)
    if prepare is not None:
        values |= prepare(finding.values, wording)
    return values


def _table(
    counts: Mapping[str, Any] | None, wording: Wording, name: Callable[[str], str] = str, *, joined: str = " / "
) -> str | None:
    """``benign / malignant (5), ...``, the most frequent first; None without a table."""
    if not counts:
        return None
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    told = [f"{joined.join(name(k) for k in key.split(' / '))} ({wording.count(n)})" for key, n in ranked[:_NAMED]]
    return ", ".join(told) + (", …" if len(ranked) > _NAMED else "")


def _conflicts(values: Mapping[str, Any], wording: Wording) -> dict[str, Any]:
    return {"labels": _table(values.get("labels"), wording)}


def _across_splits(values: Mapping[str, Any], wording: Wording) -> dict[str, Any]:
    told: dict[str, Any] = {"splits": _table(values.get("splits"), wording, wording.part)}
    twins, images = values.get("twins") or {}, values.get("of")
    part = next((part for part in ("test", "val", "train") if twins.get(part)), None)
    if part is not None and isinstance(images, Mapping) and images.get(part):
        told |= {
            "twins": twins[part],
            "twins_of": images[part],
            "twins_part": wording.part(part),
            "twins_share": twins[part] / images[part],
        }
    else:
        told["twins"] = None
    return told


def _shortcut(values: Mapping[str, Any], wording: Wording) -> dict[str, Any]:
    names = [wording.fact(name) for name in (values["fact"], *values.get("also", ()))]
    facts = ", ".join(names[:_FACTS]) + (", …" if len(names) > _FACTS else "")
    return {"fact": names[0], "facts": facts, "detail": detail(values["fact"], values.get("detail") or "", wording)}


def detail(fact: str, text: str, wording: Wording) -> str | None:
    """The telling values of a probe in the language; as they are where they have another form."""
    if match := _SHARES.fullmatch(text):
        value = {"1": wording.say("present"), "0": wording.say("absent")}.get(match["value"], match["value"])
        told = match.groupdict() | {"value": value if fact in _YES_OR_NO else match["value"]}
        return wording.say("{value} in {here}% of {label}, in {there}% of the others", **told)
    if match := _MEDIANS.fullmatch(text):
        numbers = {name: wording.quantity(float(match[name])) for name in ("here", "there")}
        return wording.say("Median {here} in {label}, {there} in the others", label=match["label"], **numbers)
    return text.rstrip(".") or None


def _extreme(values: Mapping[str, Any], wording: Wording) -> dict[str, Any]:
    told: dict[str, Any] = {name: wording.quantity(values[name]) for name in ("low", "high", "median")}
    return told | {"fact": wording.fact(values["fact"])}


def _corrupt(values: Mapping[str, Any], wording: Wording) -> dict[str, Any]:
    return {"reasons": _table(values.get("reasons"), wording)}


def _text(values: Mapping[str, Any], wording: Wording) -> dict[str, Any]:
    return {
        "where": _table(values.get("where"), wording, lambda place: wording.say(PLACES.get(place, place))),
        "by_header": values.get("by_header") or None,
    }


def _classes(values: Mapping[str, Any], wording: Wording) -> dict[str, Any]:
    counts = values.get("counts") or {}
    ratio = values.get("ratio")
    absent = [
        f"{wording.part(part)}: {'; '.join(map(str, labels))}"
        for part, labels in (values.get("absent") or {}).items()
        if labels
    ]
    return {
        "large": counts.get(values["largest"]),
        "small": counts.get(values["smallest"]),
        "ratio": None if ratio is None or ratio < _UNEVEN else wording.quantity(float(f"{ratio:.2g}")),
        "absent": ". ".join(absent) or None,
    }


def _attribute(values: Mapping[str, Any], wording: Wording) -> dict[str, Any]:
    return {"attribute": wording.fact(values["attribute"])}


def _drift(values: Mapping[str, Any], wording: Wording) -> dict[str, Any]:
    told = [wording.fact(row["fact"]) for row in (values.get("statistics") or ())[:_NAMED]]
    told += [wording.fact(row["attribute"]) for row in (values.get("attributes") or ())[:2]]
    return {"facts": ", ".join(told) or None}


def _copies(values: Mapping[str, Any], wording: Wording) -> dict[str, Any]:
    return {"relations": _table(values.get("relations"), wording, lambda name: wording.say(RELATIONS.get(name, name)))}


_PREPARE: Mapping[str, Callable[[Mapping[str, Any], Wording], dict[str, Any]]] = {
    kinds.CONFLICTING_LABELS: _conflicts,
    kinds.DUPLICATES_ACROSS_SPLITS: _across_splits,
    kinds.GROUP_ACROSS_SPLITS: _across_splits,
    kinds.SHORTCUT: _shortcut,
    kinds.EXTREME: _extreme,
    kinds.CORRUPT: _corrupt,
    kinds.BURNED_IN_TEXT: _text,
    kinds.CLASS_BALANCE: _classes,
    kinds.ATTRIBUTE_BALANCE: _attribute,
    kinds.DRIFT: _drift,
    kinds.DUPLICATES: _copies,
}
