"""Source ``medpix``: MedPix 2.0, CT and MR images with caption and clinical case (Siragusa et al., 2025).

Images are described one a line in ``splitted_dataset/descriptions_PART.jsonl``, cases in ``data_PART.jsonl``; the same
stands undivided in ``Descriptions.json`` and ``Case_topic.json``. A case has several images and is the group.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lince.core.errors import ConfigError, SourceError
from lince.core.types import Sample, Skipped, Split
from lince.core.wording import counted, natural
from lince.data.collection import Collection
from lince.data.sources.medpix_files import Layout, Record, locate, records
from lince.data.sources.request import Request

TARGETS = ("type", "location")

# What an empty field is filled with.
_EMPTY = frozenset({"", "n/a", "left blank"})

# Attribute -> where it stands in a line that describes an image.
_IMAGE_FACTS: Mapping[str, tuple[str, ...]] = {
    "type": ("Type",),
    "location": ("Location",),
    "location_category": ("Location Category",),
    "caption": ("Description", "Caption"),
    "age": ("Description", "Age"),
    "sex": ("Description", "Sex"),
    "plane": ("Description", "Plane"),
    "modality": ("Description", "Modality"),
    "acr_codes": ("Description", "ACR Codes"),
    "figure_part": ("Description", "Figure Part"),
}

# Attribute -> where it stands in a line that tells a case.
CASE_FACTS: Mapping[str, tuple[str, ...]] = {
    "title": ("Case", "Title"),
    "history": ("Case", "History"),
    "exam": ("Case", "Exam"),
    "findings": ("Case", "Findings"),
    "differential_diagnosis": ("Case", "Differential Diagnosis"),
    "diagnosis": ("Case", "Case Diagnosis"),
    "diagnosis_by": ("Case", "Diagnosis By"),
    "discussion": ("Case", "Discussion"),
    "treatment": ("Case", "Treatment & Follow Up"),
    "topic": ("Topic", "Title"),
    "category": ("Topic", "Category"),
    "topic_acr_code": ("Topic", "ACR Code"),
    "disease_discussion": ("Topic", "Disease Discussion"),
    "keywords": ("Topic", "Keywords"),
    "reference": ("Topic", "Reference"),
    "external_links": ("Topic", "External Links"),
}


@dataclass(slots=True)
class _Reading:
    """What has been read so far."""

    layout: Layout
    target: str
    cases: dict[str, dict[str, Any]] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    without_case: int = 0

    def skip(self, record: Record, reason: str) -> None:
        self.skipped.append(Skipped(record.place, reason))


def recognises(location: str) -> bool:
    """A folder with MedPix's files of descriptions, or one of these files."""
    return bool(location.strip()) and locate(Request(location).path) is not None


def read(request: Request) -> Collection:
    """Read MedPix 2.0 with its clinical cases; no image is opened.

    Labels are CT and MR, or the part of the body with ``target="location"``; the group is the case (``U_id``); the
    official parts are kept (``dev`` is val). The label space holds the classes of all parts. Every fact of the image
    and of its case is an attribute, ``age`` a number, all others text; a fact that was left blank is no attribute.
    A damaged line, a missing image and a missing field are skipped and reported with file and line.

    Raises
    ------
    SourceError
        No MedPix there, a file that cannot be read, or fewer than two classes.
    ConfigError
        ``target`` is neither ``type`` nor ``location``.
    """
    target = (request.target or TARGETS[0]).lower()
    if target not in TARGETS:
        raise ConfigError(
            "MedPix has no such target",
            received=request.target,
            fix="choose type (CT, MR) or location (part of the body)",
        )
    layout = locate(request.path)
    if layout is None:
        raise SourceError(
            "There is no MedPix 2.0 here",
            received=request.location,
            fix="give the folder with splitted_dataset/ (or Descriptions.json) and images/",
        )
    reading = _Reading(layout, target)
    for file in layout.cases:
        for record in records(file, reading.skipped):
            _add_case(reading, record)
    for file, split in layout.descriptions:
        for record in records(file, reading.skipped):
            _add_image(reading, record, split)
    return _collection(request, reading)


def _add_case(reading: _Reading, record: Record) -> None:
    number = _text(record.content.get("U_id"))
    if number is None:
        reading.skip(record, "the case has no U_id")
    elif number in reading.cases:
        reading.skip(record, "the case was told already, by an earlier line")
    else:
        reading.cases[number] = dict(_facts(record.content, CASE_FACTS))


def _add_image(reading: _Reading, record: Record, split: Split | None) -> None:
    case, name = _text(record.content.get("U_id")), _text(record.content.get("image"))
    facts = dict(_facts(record.content, _IMAGE_FACTS))
    label = facts.get(reading.target)
    missing = [field for field, value in (("U_id", case), ("image", name), (reading.target, label)) if value is None]
    if case is None or name is None or label is None:
        reading.skip(record, f"the image has no {' and no '.join(missing)}")
        return
    path = reading.layout.image(name)
    if path is None:
        reading.skip(record, f"image is missing, {name}")
    elif path in reading.seen:
        reading.skip(record, "the image was described already, by an earlier line")
    else:
        reading.seen.add(path)
        reading.without_case += case not in reading.cases
        _as_number(facts, "age")
        if facts.get("age") == 0 and "sex" not in facts:
            # Of 57 images without a sex, 42 have the age 0, among them adults: the form was left as it was.
            del facts["age"]
        attributes = {**reading.cases.get(case, {}), **facts}
        reading.samples.append(Sample(path, label, case, split, attributes=attributes))


def _facts(content: Mapping[str, Any], places: Mapping[str, tuple[str, ...]]) -> Iterable[tuple[str, Any]]:
    for name, keys in places.items():
        value: Any = content
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        text = _text(value)
        if text is not None:
            yield name, text


def _text(value: Any) -> str | None:
    """A filled field as text; lists of codes joined."""
    if isinstance(value, list):
        value = ", ".join(str(item) for item in value)
    if value is None or isinstance(value, Mapping):
        return None
    text = str(value).strip()
    return None if text.casefold() in _EMPTY else text


def _as_number(facts: dict[str, Any], name: str) -> None:
    """Turn a fact into a number; one that is none stays as it is written."""
    try:
        number = float(facts[name])
    except (KeyError, ValueError):
        return
    facts[name] = int(number) if number.is_integer() else number


def _collection(request: Request, reading: _Reading) -> Collection:
    names = sorted({sample.label for sample in reading.samples}, key=natural)
    if len(names) < 2 and not request.fits_model(names):
        first = reading.skipped[0] if reading.skipped else None
        raise SourceError(
            f"There are images of {'only one class, ' + names[0] if names else 'no class'} to read here",
            received=request.location,
            fix=f"the first of {len(reading.skipped)} lines left out is {first.path}: {first.reason}"
            if first
            else None,
        )
    return Collection(
        name="MedPix 2.0",
        samples=tuple(reading.samples),
        labels=request.label_space(names),
        source=str(request.path),
        skipped=tuple(reading.skipped),
        notices=tuple(_notices(request, reading)),
        # The same for every file or folder inside that the user may point at.
        root=str(reading.layout.images.parent),
    )


def _notices(request: Request, reading: _Reading) -> Iterable[str]:
    if request.target is None:
        yield "MedPix is classified by type (CT or MR); --target location classifies by part of the body."
    if reading.layout.note:
        yield reading.layout.note
    if reading.without_case:
        yield f"{counted(reading.without_case, 'image has', 'images have')} no clinical case in the files."
