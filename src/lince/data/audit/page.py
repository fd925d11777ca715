"""The page of an audit for people: one HTML file with everything inside, which asks nothing of a network."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, final

from markupsafe import Markup, escape

from lince.core.pages import environment, legible
from lince.data.audit import charts, kinds
from lince.data.audit.findings import Audit, Evidence, Finding
from lince.data.audit.pictures import Thumbnail, thumbnails
from lince.data.audit.telling import Told, answer, in_order, inside, tell
from lince.data.audit.texts import PROBED, RELATIONS, Language, Wording
from lince.data.collection import Collection

# Cases shown of one finding: many where copies matter, few where a glimpse will do. The JSON file has the rest.
_CASES = {
    kinds.BURNED_IN_TEXT: 6,
    kinds.CONFLICTING_LABELS: 24,
    kinds.DUPLICATES_ACROSS_SPLITS: 12,
    kinds.DUPLICATES: 6,
    kinds.GROUP_ACROSS_SPLITS: 6,
    kinds.SHORTCUT: 6,
}
_CASES_ELSE = 8
_MEMBERS = 4
# Findings of one kind that get pictures; the tenth shortcut of a collection looks like the first.
_PICTURED = 3
_PATHS = 50
# Kinds of which a case is several images that belong together.
_TOGETHER = frozenset(
    {
        kinds.CONFLICTING_LABELS,
        kinds.DUPLICATES_ACROSS_SPLITS,
        kinds.GROUP_ACROSS_SPLITS,
        kinds.DUPLICATES_ACROSS_COLLECTIONS,
        kinds.DUPLICATES_ACROSS_GROUPS,
        kinds.GROUPS_MISSING,
        kinds.DUPLICATES,
    }
)
# Kinds of which the evidence is a glimpse, not a list of cases.
_SAMPLED = frozenset({kinds.SHORTCUT, kinds.DRIFT})
# Sides within which a picture is shown, in rem.
_HEIGHT, _WIDTH = 9.0, 13.0
_LARGER = 1.6  # so that letters can be read


@dataclass(frozen=True, slots=True)
class Shot:
    """One image of a case; ``width`` is of the picture on the page, in rem."""

    name: str
    label: str
    group: str | None
    split: str | None
    picture: Thumbnail | None
    width: float
    boxes: tuple[tuple[float, float, float, float], ...] = ()
    elsewhere: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """Images to look at together, what is said of them, and how many more there are."""

    shots: tuple[Shot, ...]
    note: str
    more: int


@dataclass(frozen=True, slots=True)
class Section:
    """One finding on the page."""

    anchor: str
    told: Told
    cases: tuple[Case, ...]
    together: bool
    total: int
    paths: tuple[tuple[str, str], ...] = ()
    facts: tuple[Mapping[str, Any], ...] = ()
    attribute: charts.AttributeTable | None = None
    drift: Mapping[str, Any] | None = None


def html(
    audit: Audit,
    collection: Collection,
    *,
    against: Collection | None = None,
    language: Language = "en",
    created: str = "",
    version: str = "",
) -> bytes:
    """The page, with its style and pictures inside.

    Parameters
    ----------
    collection
        The one that was audited.
    against
        The other one, for pictures of what both have.
    language
        ``en`` or ``pt``.
    created, version
        When, and by which version of the program.
    """
    wording = Wording(language)
    sections = _Sections(audit, collection, against, wording).build()
    parts, classes = charts.class_rows(collection)
    probes, untold = charts.telling_probes(audit.probes)
    tables = audit.facts.get("attributes") or {}
    # Those that differ between the classes stand with their finding.
    told = {f.values["attribute"] for f in audit.findings if f.kind == kinds.ATTRIBUTE_BALANCE}
    groups = {sample.group for sample in collection.samples if sample.group is not None}
    content: dict[str, Any] = {
        "audit": audit,
        "worst": audit.worst() or "note",
        "answer": answer(audit, wording),
        "sections": sections,
        "parts": parts,
        "classes": classes,
        "groups": len(groups) or None,
        "probes": probes,
        "untold": untold,
        "attributes": charts.attribute_tables(
            {name: table for name, table in tables.items() if name not in told}, collection.labels.names, wording
        ),
        "ridges": charts.ridges(audit.facts.get("histograms") or {}, wording),
        "created": created,
        "version": version,
        "w": wording,
        "say": wording.say,
        "typed": typed,
        "breakable": breakable,
        "places": PROBED,
        "half": lambda auc: 200 * (min(1.0, max(0.5, auc)) - 0.5),  # from guessing to always right
    }
    template = environment("lince.data.audit").get_template("audit.html")
    return template.render(content).encode("utf-8", "backslashreplace")


def typed(sentence: str) -> Markup:
    """A sentence as HTML, with what stands between backticks as something to type."""
    pieces = [Markup("<code>{}</code>").format(p) if n % 2 else escape(p) for n, p in enumerate(sentence.split("`"))]
    return Markup("").join(pieces)


def breakable(name: str) -> Markup:
    """A file name as HTML that may be broken where its parts end, before it is broken elsewhere."""
    return Markup(re.sub(r"([/_.\-\[])", r"\1<wbr>", str(escape(name))))  # noqa: S704  escaped above


@final
class _Sections:
    """Makes the sections of all findings; every image is decoded once, however many findings show it."""

    def __init__(self, audit: Audit, collection: Collection, against: Collection | None, wording: Wording) -> None:
        self._audit = audit
        self._collection = collection
        self._against = against
        self._wording = wording
        self._ours: Mapping[int, Thumbnail] = {}
        self._theirs: Mapping[int, Thumbnail] = {}

    def build(self) -> list[Section]:
        """One section for each finding, the worst first."""
        stories = in_order(self._audit.findings)
        order = [finding for finding, _ in stories]
        pictured = self._pictured(order)
        shown = [evidence for finding, cases in zip(order, pictured, strict=True) if cases for evidence in cases]
        self._ours = thumbnails(self._collection.samples, (m for e in shown for m in self._chosen(e)))
        if self._against is not None:
            theirs = (m for evidence in shown for m in evidence.values.get("theirs", ())[:_MEMBERS])
            self._theirs = thumbnails(self._against.samples, theirs)
        return [
            self._section(number, finding, others, cases)
            for number, ((finding, others), cases) in enumerate(zip(stories, pictured, strict=True), start=1)
        ]

    def _pictured(self, findings: Sequence[Finding]) -> list[tuple[Evidence, ...]]:
        seen: dict[str, int] = {}
        pictured = []
        for finding in findings:
            seen[finding.kind] = seen.get(finding.kind, 0) + 1
            most = _CASES.get(finding.kind, _CASES_ELSE) if seen[finding.kind] <= _PICTURED else 0
            # A file that cannot be read has no picture.
            pictured.append(() if finding.kind == kinds.CORRUPT else self._varied(finding)[:most])
        return pictured

    def _varied(self, finding: Finding) -> tuple[Evidence, ...]:
        """The evidence in its order; a glimpse takes the classes in turn, since it is they that differ."""
        if finding.kind != kinds.SHORTCUT:
            return finding.evidence
        by_label: dict[str, list[Evidence]] = {}
        for evidence in finding.evidence:
            by_label.setdefault(self._collection.samples[evidence.members[0]].label, []).append(evidence)
        turns = zip_longest(*by_label.values())
        return tuple(evidence for turn in turns for evidence in turn if evidence is not None)

    def _section(self, number: int, finding: Finding, others: Sequence[Finding], cases: Sequence[Evidence]) -> Section:
        together = finding.kind in _TOGETHER
        return Section(
            anchor=f"finding-{number}",
            told=tell(finding, self._wording, source=self._audit.source),
            cases=tuple(self._case(finding, evidence) for evidence in cases),
            together=together,
            total=finding.cases if cases and finding.kind not in _SAMPLED else len(cases),
            paths=tuple(self._paths(finding)),
            facts=tuple(f.values for f in (finding, *others)) if others else (),
            attribute=self._attribute(finding),
            drift=finding.values if finding.kind == kinds.DRIFT else None,
        )

    def _case(self, finding: Finding, evidence: Evidence) -> Case:
        members = self._chosen(evidence)
        boxes = tuple(tuple(box) for box in evidence.values.get("boxes", ()))
        shots = [self._shot(self._collection, member, self._ours, boxes) for member in members]
        theirs = evidence.values.get("theirs", ())
        if self._against is not None:
            shots += [
                self._shot(self._against, member, self._theirs, elsewhere=self._against.name)
                for member in theirs[:_MEMBERS]
            ]
        return Case(tuple(shots), self._note(finding, evidence), len(evidence.members) - len(members))

    def _chosen(self, evidence: Evidence) -> list[int]:
        """The members to show: first those that differ in label, part or patient."""
        seen: set[tuple[Any, ...]] = set()
        fresh: list[int] = []
        alike: list[int] = []
        for member in evidence.members:
            sample = self._collection.samples[member]
            facts = (sample.label, sample.split, sample.group)
            (alike if facts in seen else fresh).append(member)
            seen.add(facts)
        return (fresh + alike)[:_MEMBERS]

    def _shot(
        self,
        collection: Collection,
        position: int,
        pictures: Mapping[int, Thumbnail],
        boxes: tuple[Any, ...] = (),
        elsewhere: str | None = None,
    ) -> Shot:
        sample, picture = collection.samples[position], pictures.get(position)
        scale = _LARGER if boxes else 1.0
        width = _WIDTH if picture is None else scale * min(_WIDTH, _HEIGHT * picture.width / picture.height)
        name = legible(collection.identity(sample)).removeprefix(f"{sample.label}/")  # the label stands below it
        return Shot(name, sample.label, sample.group, sample.split, picture, width, boxes, elsewhere)

    def _note(self, finding: Finding, evidence: Evidence) -> str:
        """What is particular to a case, in a few words."""
        w, values = self._wording, evidence.values
        told: list[str] = []
        if "relation" in values:
            relation = values["relation"]
            if relation == "file" and any(self._collection.samples[m].row is not None for m in evidence.members):
                relation = "pixels"  # rows of one array have no file of their own
            told.append(w.say(RELATIONS.get(relation, relation)))
            if relation not in ("file", "pixels") and values.get("similarity") is not None:
                told.append(w.say("similarity {value:.2}", value=values["similarity"]))
        if "group" in values:
            told.append(str(values["group"]))
            told += [f"{w.part(part)} {w.count(n)}" for part, n in values.get("splits", {}).items()]
        if "white" in values:
            told.append(w.say("white {share:%}", share=values["white"]))
        if values.get("reason") == "header":
            told.append(w.say("by the DICOM header"))
        if isinstance(values.get("value"), (int, float)):
            told.append(w.quantity(values["value"]))
        elif values.get("value"):
            told.append(str(values["value"]))
        if finding.kind == kinds.BLANK and "mean" in values:
            told.append(w.say("grey level {level}", level=w.quantity(round(values["mean"]))))
        return " · ".join(told)

    def _paths(self, finding: Finding) -> Iterator[tuple[str, str]]:
        if finding.kind != kinds.CORRUPT:
            return
        for entry in finding.values.get("paths", ())[:_PATHS]:
            yield inside(entry["path"], self._collection.source), legible(entry["reason"])

    def _attribute(self, finding: Finding) -> charts.AttributeTable | None:
        if finding.kind != kinds.ATTRIBUTE_BALANCE or not finding.values.get("table"):
            return None
        classes = self._collection.labels.names
        return charts.attribute_table(finding.values["attribute"], finding.values["table"], classes, self._wording)
