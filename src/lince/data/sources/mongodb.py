"""Source ``mongodb``: a collection that ``lince data store`` has put into a database."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lince.core.errors import ConfigError, SourceError
from lince.core.paths import expanded
from lince.core.types import LabelSpace, Sample, Skipped
from lince.core.wording import natural
from lince.data.collection import Collection
from lince.data.documents import IMAGES, REPORTS, Document, key, name_of, query, to_sample
from lince.data.mongo import SCHEMES, Address, Database, MovedError, connect, parse_address
from lince.data.sources.request import Request
from lince.data.store import as_stored
from lince.data.where import Condition, check_known, filtered, no_match

_FIELDS = {"label": "label", "group": "U_id", "split": "split"}
# Cases named in one query; beyond it, the filter is run here instead.
_MOST_CASES = 50_000
_ATTEMPTS = 3
# Values up to which an attribute may be what images are classified by, however few they are.
_MANY_CLASSES = 50


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is read, of which database."""

    base: Database
    marker: Mapping[str, Any]
    target: str | None
    where: tuple[Condition, ...]


def recognises(location: str) -> bool:
    """An address that begins with ``mongodb://`` or ``mongodb+srv://``."""
    return location.startswith(SCHEMES)


def read(request: Request) -> Collection:
    """Read a stored collection; the server runs the conditions of ``where``, no image is opened.

    ``target`` (or ``?target=`` in the address) takes another attribute for the label; images without it are skipped.
    ``?root=FOLDER`` says where the images lie on this machine, if not where they lay when they were stored. The label
    space is that of the whole collection.

    Raises
    ------
    SourceError
        The server cannot be reached or refuses, nothing whole is stored there, or the folder of images is not here.
    ConfigError
        The address is not understood, or an attribute is unknown.
    MissingExtraError
        pymongo is not installed.
    """
    address = parse_address(request.location)
    if address.target and request.target and address.target != request.target:
        raise ConfigError("The address names another target than --target", received=address.target, fix="give one")
    with connect(address) as base:
        for _ in range(_ATTEMPTS):
            marker = as_stored(base.marker(), address.shown)
            asked = _Asked(base, marker, request.target or address.target, request.where)
            try:
                collection = _read(request, address, asked)
            except MovedError:
                continue
            # Stored anew between two questions: part of the answers may be of the new collection.
            if (base.marker() or {}).get("by") == marker["by"]:
                return collection
    raise SourceError(
        "The database was stored anew while it was being read", received=address.shown, fix="read again in a minute"
    )


def _read(request: Request, address: Address, asked: _Asked) -> Collection:
    marker = asked.marker
    known = {name_of(name) for name in (*marker["image_attributes"], *marker["case_attributes"])}
    if asked.target is not None and asked.target not in known:
        raise ConfigError(
            "The stored images have no such attribute to classify by",
            received=asked.target,
            fix=f"choose one of: {', '.join(sorted(known))}",
        )
    asked = replace(asked, where=check_known(asked.where, known))
    root = _root(address, marker)
    names = _class_names(request, asked)
    found = asked.base.find(IMAGES, _query(asked))
    if not found and asked.where:
        empty = next((c for c in asked.where if not _meets_any(asked, c)), asked.where[0]).attribute
        raise no_match(asked.where, empty, set(_values(asked, empty)))
    reports = _reports(asked, found)
    samples: list[Sample] = []
    skipped: list[Skipped] = []
    for document in sorted(found, key=lambda d: (natural(str(d["image"])), d.get("row") or 0)):
        sample = to_sample(document, reports.get(document.get("U_id")), root, asked.target)
        if sample is None:
            skipped.append(Skipped(str(document["image"]), f"the image has no {asked.target}"))
        else:
            samples.append(sample)
    collection = Collection(
        name=str(marker["name"]),
        samples=tuple(samples),
        labels=_labels(request, asked, names),
        source=address.shown,
        synthetic=bool(marker["synthetic"]),
        skipped=tuple(skipped),
        root=root,
    )
    # A query may find more than the conditions allow.
    return filtered(collection, asked.where, classes=request.classes, whole=int(marker["images"]))


def _root(address: Address, marker: Mapping[str, Any]) -> str:
    root = str(expanded(address.root)) if address.root else str(marker["root"])
    if root and not os.path.isdir(root):  # noqa: PTH112 a text from elsewhere, which Path may refuse
        raise SourceError(
            "The folder of the stored images is not on this machine",
            received=root,
            fix="mount it, or say where the images are with ?root=FOLDER at the end of the address",
        )
    return root


def _class_names(request: Request, asked: _Asked) -> list[str]:
    """Classes of the whole collection, whatever the conditions."""
    if asked.target is None:
        return [str(name) for name in asked.marker["classes"]]
    names = sorted({str(value) for value in _values(asked, asked.target) if value is not None}, key=natural)
    images = int(asked.marker["images"])
    too_many = len(names) >= images or len(names) > max(_MANY_CLASSES, images // 2)
    if too_many or (len(names) < 2 and not request.fits_model(names)):
        raise ConfigError(
            f"The attribute {asked.target} has {len(names)} values, which makes no classes",
            received=asked.target,
            fix="choose an attribute that many images share",
        )
    return names


def _labels(request: Request, asked: _Asked, names: Sequence[str]) -> LabelSpace:
    if asked.target is None and not request.fits_model(names):
        return LabelSpace(tuple(names), request.positive or asked.marker["positive"])
    # Of more than two classes none is the finding, unless the user says so.
    return request.label_space(names, guess_positive=len(names) == 2)


def _places(asked: _Asked, attribute: str) -> list[tuple[str, str]]:
    """Collections and fields in which an attribute stands."""
    if attribute in _FIELDS:
        own = attribute == "label" and asked.target is not None
        return _places(asked, str(asked.target)) if own else [(IMAGES, _FIELDS[attribute])]
    field = key(attribute)
    stands = ((IMAGES, asked.marker["image_attributes"]), (REPORTS, asked.marker["case_attributes"]))
    return [(collection, f"attributes.{field}") for collection, names in stands if field in names]


def _values(asked: _Asked, attribute: str) -> list[Any]:
    return [value for place in _places(asked, attribute) for value in asked.base.distinct(*place)]


def _query(asked: _Asked) -> Document:
    """The conditions as one query on images; it may find more than the conditions allow, never less."""
    parts = [part for condition in asked.where if (part := _part(asked, condition))]
    return {"$and": parts} if parts else {}


def _meets_any(asked: _Asked, condition: Condition) -> bool:
    part = _part(asked, condition)
    return part is None or bool(asked.base.find(IMAGES, part, ["_id"]))


def _part(asked: _Asked, condition: Condition) -> Document | None:
    places = _places(asked, condition.attribute)
    if len(places) != 1:
        return None  # with some images in one place, with others in the other: left to the conditions themselves
    (collection, field) = places[0]
    if collection == IMAGES:
        return query(field, condition)
    # A fact of the case: first the cases, then their images. Images without a case meet "is not" as well, so for it the
    # cases that are to go are named.
    differs = condition.operator == "!="
    test = query(field, condition)
    found = asked.base.find(REPORTS, {"$nor": [test]} if differs else test, ["U_id"])
    cases = [report["U_id"] for report in found]
    if len(cases) > _MOST_CASES:
        return None
    return {"U_id": {"$nin" if differs else "$in": cases}}


def _reports(asked: _Asked, images: Sequence[Document]) -> dict[Any, Document]:
    cases = list({document["U_id"] for document in images if "U_id" in document})
    few = len(cases) < min(_MOST_CASES, int(asked.marker["cases"]))
    found = asked.base.find(REPORTS, {"U_id": {"$in": cases}} if few else {})
    return {report["U_id"]: report for report in found}
