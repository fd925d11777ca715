"""A collection as documents, and conditions as queries, for a document store. No server is spoken to here.

``Image_Descriptions`` has one document per image, ``Clinical_reports`` one per case (the group, ``U_id``). What a
source tells of a case (history, findings, diagnosis ...) stands in the report, once; all else stands with the image.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePath
from typing import Any, cast

from lince.core.types import Sample, Skipped, Split
from lince.data.collection import Collection
from lince.data.sources.medpix import CASE_FACTS
from lince.data.where import Condition

IMAGES, REPORTS = "Image_Descriptions", "Clinical_reports"

# Attributes that speak of the case, not of the image.
CASE_ATTRIBUTES = frozenset(CASE_FACTS)

Document = dict[str, Any]

# An attribute is worth an index when its values are this short; a server allows 64 indexes, and writes pay for each.
_SHORT, _MOST_INDEXES = 64, 24
_INT64 = 1 << 63


@dataclass(slots=True)
class Documents:
    """A collection as it lies in a document store.

    Attributes
    ----------
    root
        Folder that image paths are relative to.
    images, reports
        Documents of the two collections, in a deterministic order.
    image_attributes, case_attributes
        Which attributes occur in each.
    indexed
        Attributes of images that are worth an index.
    skipped
        Images that cannot be stored, and why.
    """

    root: str
    images: list[Document] = field(default_factory=list)
    reports: list[Document] = field(default_factory=list)
    image_attributes: list[str] = field(default_factory=list)
    case_attributes: list[str] = field(default_factory=list)
    indexed: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    def digest(self) -> str:
        """SHA-256 of everything that would be written."""
        digest = hashlib.sha256(self.root.encode("utf-8", "replace"))
        for document in (*self.images, *self.reports):
            digest.update(json.dumps(document, sort_keys=True).encode())
        return digest.hexdigest()


def to_documents(collection: Collection) -> Documents:
    """The documents of a collection. Paths become relative to a folder they share, and serve as stable ids."""
    paths = [os.path.abspath(sample.path) for sample in collection.samples]  # noqa: PTH100 links stay as they are
    result = Documents(_root(collection, paths))
    cases: dict[str, list[Sample]] = defaultdict(list)
    for sample in collection.samples:
        if sample.group is not None:
            cases[sample.group].append(sample)
    told = {case: _told_once(samples) for case, samples in cases.items()}
    for path, sample in zip(paths, collection.samples, strict=True):
        relative = _relative(path, result.root)
        if not _is_text(relative):
            result.skipped.append(Skipped(sample.path, "file name is not Unicode and cannot be stored"))
            continue
        result.images.append(_image(sample, relative, {} if sample.group is None else told[sample.group]))
    stored = {document.get("U_id") for document in result.images}
    result.reports = [
        {"_id": _plain(case), "U_id": _plain(case), "images": len(cases[case]), "attributes": told[case]}
        for case in sorted(cases)
        if _plain(case) in stored
    ]
    result.image_attributes = _names(result.images)
    result.case_attributes = _names(result.reports)
    result.indexed = [name for name in result.image_attributes if _is_short(result.images, name)][:_MOST_INDEXES]
    return result


def to_sample(
    document: Mapping[str, Any], report: Mapping[str, Any] | None, root: str, target: str | None
) -> Sample | None:
    """The sample of a stored image, with its case joined; None where it has no attribute ``target`` to be its label."""
    stored = {**((report or {}).get("attributes") or {}), **(document.get("attributes") or {})}
    label = document.get("label") if target is None else stored.get(key(target))
    if label is None:
        return None
    return Sample(
        path=str(Path(root, *str(document["image"]).split("/"))),
        label=str(label),
        group=document.get("U_id"),
        split=cast("Split | None", document.get("split")),
        row=document.get("row"),
        attributes={name_of(name): value for name, value in stored.items()},
    )


def key(name: str) -> str:
    """An attribute's name as a field name, in which dots and dollars would mean something else."""
    return name.replace("%", "%25").replace(".", "%2E").replace("$", "%24").replace("\0", "%00")


def name_of(field_name: str) -> str:
    """The attribute's name that `key` wrote."""
    return field_name.replace("%00", "\0").replace("%24", "$").replace("%2E", ".").replace("%25", "%")


def query(field_name: str, condition: Condition) -> Document:
    """A query that finds at least every document for which the condition holds.

    It may find a few more, where a number was stored as text for instance; `Condition.holds` has the last word. The
    exception are letters that case folding spells otherwise: the server does not find "straße" by "strasse".
    """
    number = _number(condition.values[0])
    if condition.operator in ("<", "<=", ">", ">="):
        operator = {"<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}[condition.operator]
        return {
            "$or": [
                {field_name: {operator: number}},
                {field_name: {"$type": "string"}},
                {field_name: {"$type": "bool"}},
            ]
        }
    same = [test for wanted in condition.values for test in _equals(field_name, wanted)]
    if condition.operator == "!=":
        return {"$nor": same}
    if any(_number(wanted) is not None for wanted in condition.values):
        same.append({field_name: {"$regex": r"^\s*[-+]?[.\d]"}})
    return {"$or": same}


def _equals(field_name: str, wanted: str) -> Iterable[Document]:
    """Queries none of which finds a value that differs from ``wanted``."""
    yield {field_name: {"$regex": rf"^{re.escape(wanted)}$(?!\n)", "$options": "i"}}
    number = _number(wanted)
    if number is not None:
        yield {field_name: number}
    if wanted.casefold() == "true" or number == 1:
        yield {field_name: True}
    if wanted.casefold() == "false" or number == 0:
        yield {field_name: False}


def _root(collection: Collection, paths: Sequence[str]) -> str:
    """The collection's own folder where it holds every image, else the deepest one that does."""
    source = os.path.abspath(collection.root or collection.source)  # noqa: PTH100
    if paths and all(PurePath(path).is_relative_to(source) for path in paths):
        return source
    try:
        return os.path.commonpath([os.path.dirname(path) for path in paths])  # noqa: PTH120
    except ValueError:  # no image, or two Windows drives
        return ""


def _relative(path: str, root: str) -> str:
    return PurePath(path).relative_to(root).as_posix() if root else PurePath(path).as_posix()


def _told_once(samples: Sequence[Sample]) -> Document:
    """What speaks of the case and is the same for all of its images."""
    first = samples[0].attributes
    names = sorted(CASE_ATTRIBUTES & set(first))
    return {key(n): _plain(first[n]) for n in names if all(s.attributes.get(n) == first[n] for s in samples)}


def _image(sample: Sample, relative: str, told: Mapping[str, Any]) -> Document:
    attributes = {key(name): _plain(value) for name, value in sample.attributes.items() if value is not None}
    document: Document = {
        "_id": relative if sample.row is None else f"{relative}[{sample.row}]",
        "image": relative,
        "label": _plain(sample.label),
        "attributes": {name: value for name, value in sorted(attributes.items()) if name not in told},
    }
    optional = {"U_id": sample.group, "split": sample.split, "row": sample.row}
    return document | {name: _plain(value) for name, value in optional.items() if value is not None}


def _plain(value: Any) -> Any:
    """A number, a truth value, or text: what a store, JSON and a condition understand alike."""
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        value = value.item()
    if isinstance(value, bool) or (isinstance(value, int) and -_INT64 <= value < _INT64):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    text = value.isoformat() if isinstance(value, date) else str(value)
    return text.encode("utf-8", "replace").decode("utf-8")


def _is_text(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _names(documents: Sequence[Document]) -> list[str]:
    return sorted({name for document in documents for name in document["attributes"]})


def _is_short(documents: Sequence[Document], name: str) -> bool:
    return all(len(str(document["attributes"].get(name, ""))) <= _SHORT for document in documents)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
