"""Storing a collection in MongoDB, whole or not at all.

Documents are written to staging collections, which then take the place of ``Image_Descriptions`` and
``Clinical_reports``, each in one step of the server. Between the two steps a marker document says ``switching``, and
readers refuse the database; a run that is cut off before them leaves what was there untouched. Pixels stay on disk: the
database holds paths, and the folder they are relative to.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lince.core.addresses import without_credentials
from lince.core.errors import OutputError, SourceError
from lince.core.events import EventBus, Noticed, WorkAdvanced, WorkFinished, WorkStarted
from lince.core.types import Skipped
from lince.data.collection import Collection
from lince.data.documents import IMAGES, REPORTS, Document, Documents, to_documents
from lince.data.mongo import Database, connect, parse_address
from lince.data.places import cache_notice

FORMAT = 1
TASK = "Storing documents"
_STAGING = ".staging."


@dataclass(frozen=True, slots=True)
class Stored:
    """What `store` did.

    Attributes
    ----------
    place
        The database, without user and password.
    images, cases
        Documents in ``Image_Descriptions`` and ``Clinical_reports``.
    changed
        False when all of it was there already and nothing was written.
    skipped
        Images that could not be stored.
    """

    place: str
    images: int
    cases: int
    changed: bool
    skipped: tuple[Skipped, ...] = ()


def store(collection: Collection, address: str, *, replace: bool = False, bus: EventBus | None = None) -> Stored:
    """Write a collection to a MongoDB database as ``Image_Descriptions`` and ``Clinical_reports``.

    One case has many images, joined by ``U_id`` (the group); ids are stable, so that storing the same collection again
    writes nothing, and storing it after a change leaves exactly the changed collection.

    Parameters
    ----------
    address
        ``mongodb://HOST/DATABASE``; one database holds one collection.
    replace
        Put the collection in the place of another one, or of collections of these names that lince did not write.

    Raises
    ------
    OutputError
        The server cannot be reached or refuses, or the database holds something else.
    ConfigError
        The address is not understood.
    MissingExtraError
        pymongo is not installed.
    """
    bus = bus or EventBus()
    place = parse_address(address)
    documents = to_documents(collection)
    if not documents.images:
        raise SourceError("There is no image to store", received=without_credentials(collection.source))
    content = _content(collection, documents)
    if told := cache_notice(collection, "the database"):
        bus.publish(Noticed(told, "warning"))
    done = (place.shown, len(documents.images), len(documents.reports))
    with connect(place, OutputError) as base:
        former = base.marker()
        if not replace:
            _check_same(base, former, content)
        if former is not None and _holds(base, former, content):
            return Stored(*done, changed=False, skipped=tuple(documents.skipped))
        _write(base, documents, content, former, bus)
    return Stored(*done, changed=True, skipped=tuple(documents.skipped))


def _content(collection: Collection, documents: Documents) -> Document:
    """The marker of the whole collection."""
    content: Document = {
        "state": "whole",
        "format": FORMAT,
        "name": collection.name,
        "source": without_credentials(collection.source),
        "root": documents.root.encode("utf-8", "replace").decode(),
        "synthetic": collection.synthetic,
        "classes": list(collection.labels.names),
        "positive": collection.labels.positive,
        "images": len(documents.images),
        "cases": len(documents.reports),
        "image_attributes": documents.image_attributes,
        "case_attributes": documents.case_attributes,
    }
    return content | {"digest": documents.digest()}


def _check_same(base: Database, former: Document | None, content: Document) -> None:
    """Refuse to overwrite what is not this collection."""
    shown = base.address.shown
    if former is None or "name" not in former:
        strange = [] if former is not None else sorted({IMAGES, REPORTS} & set(base.names()))
        if strange:
            raise OutputError(
                f"The database has a collection {' and '.join(strange)} that lince did not write",
                received=shown,
                fix="choose another database, or --replace it",
            )
        return
    if (former["name"], former.get("root")) != (content["name"], content["root"]):
        raise OutputError(
            f"The database holds another collection, {former['name']} of {former.get('root')}",
            received=shown,
            fix="choose another database, or --replace it",
        )


def _holds(base: Database, former: Document, content: Document) -> bool:
    """Whether the database holds this very content, as far as its marker and its counts tell."""
    return (
        all(former.get(name) == value for name, value in content.items())
        and base.count(IMAGES) == content["images"]
        and base.count(REPORTS) == content["cases"]
    )


def _write(base: Database, documents: Documents, content: Document, former: Document | None, bus: EventBus) -> None:
    token = uuid.uuid4().hex[:12]
    total = len(documents.images) + len(documents.reports)
    bus.publish(WorkStarted(TASK, total))
    done = 0
    try:
        for name, items, indexes in _plan(documents):
            base.create(f"{name}{_STAGING}{token}", indexes)
            for written in base.upsert(f"{name}{_STAGING}{token}", items):
                bus.publish(WorkAdvanced(TASK, done + written))
            done += len(items)
        _switch(base, token, content, former)
    finally:
        _tidy(base, token)
    bus.publish(WorkFinished(TASK))


def _plan(documents: Documents) -> Sequence[tuple[str, list[Document], list[tuple[tuple[str, ...], bool]]]]:
    """Name, documents and indexes (fields, unique) of each collection."""
    plain = [("U_id",), ("label",), ("split",), *((f"attributes.{name}",) for name in documents.indexed)]
    return (
        (IMAGES, documents.images, [(("image", "row"), True), *((fields, False) for fields in plain)]),
        (REPORTS, documents.reports, [(("U_id",), True)]),
    )


def _switch(base: Database, token: str, content: Document, former: Document | None) -> None:
    """Put both staging collections in place; between the two steps the marker keeps readers away."""
    if not base.take(token):
        raise OutputError(
            "Another lince is storing into this database at this moment",
            received=base.address.shown,
            fix="try again in a minute",
        )
    expected = {IMAGES: content["images"], REPORTS: content["cases"]}
    if any(base.count(f"{name}{_STAGING}{token}") != count for name, count in expected.items()):
        base.settle(token, former)
        raise OutputError(
            "What was written to the database was changed meanwhile by another program",
            received=base.address.shown,
            fix="store again; what was there before is still there",
        )
    for name in expected:
        base.rename(f"{name}{_STAGING}{token}", name)
    base.settle(token, content)
    # What runs that were cut off have left.
    for name in base.names():
        if name.startswith((f"{IMAGES}{_STAGING}", f"{REPORTS}{_STAGING}")):
            base.drop(name)


def _tidy(base: Database, token: str) -> None:
    """Remove one's own staging collections after a failure; nothing is left of them after success."""
    try:
        for name in (IMAGES, REPORTS):
            base.drop(f"{name}{_STAGING}{token}")
    except OutputError:
        return  # the server is away; the next run removes them


def as_stored(marker: dict[str, Any] | None, shown: str) -> dict[str, Any]:
    """The marker of a database that may be read.

    Raises
    ------
    SourceError
        Nothing is stored there, it is not whole, or a newer lince has written it.
    """
    if marker is None:
        raise SourceError(
            "This database holds no collection stored by lince",
            received=shown,
            fix="check its name, or store one with: lince data store SOURCE ADDRESS",
        )
    if marker.get("state") != "whole":
        raise SourceError(
            "Storing into this database is under way, or was cut off before its end",
            received=shown,
            fix="try again in a minute, else run lince data store again",
        )
    if marker.get("format") != FORMAT:
        raise SourceError("This database was written by another version of lince", received=shown, fix="store it again")
    return marker
