"""Sources: what a user can point at. One file per kind, and one visible table of them.

To add a kind, write a module with ``recognises`` and ``read`` and add its line to `SOURCES`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lince.core.addresses import without_credentials
from lince.core.errors import ConfigError, SourceError
from lince.core.events import EventBus
from lince.core.paths import expanded
from lince.core.types import LabelSpace
from lince.data.collection import Collection
from lince.data.sources import breakhis, dicom_tree, folder, manifest, medmnist, medpix, mongodb, phantoms
from lince.data.sources.request import Request
from lince.data.where import filtered, parse_where


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of source.

    Attributes
    ----------
    kind
        The word before the colon in ``kind:location``.
    recognises
        Whether a location given without a kind is of this kind; a quick look, no reading.
    read
        Reads the collection.
    takes
        Which of ``size``, ``target`` and ``table`` mean something to it; the others are refused.
    filters
        Whether ``read`` applies the conditions itself.
    """

    kind: str
    recognises: Callable[[str], bool]
    read: Callable[[Request], Collection]
    takes: frozenset[str] = frozenset()
    filters: bool = False


# Asked in this order; the last one takes whatever is left and says what it expected.
SOURCES: tuple[Source, ...] = (
    Source("mongodb", mongodb.recognises, mongodb.read, frozenset({"target"}), filters=True),
    Source("medmnist", medmnist.recognises, medmnist.read, frozenset({"size"})),
    Source("phantoms", phantoms.recognises, phantoms.read),
    Source("breakhis", breakhis.recognises, breakhis.read, frozenset({"target"})),
    Source("medpix", medpix.recognises, medpix.read, frozenset({"target"})),
    Source("manifest", manifest.recognises, manifest.read, frozenset({"target"})),
    Source("dicom", dicom_tree.recognises, dicom_tree.read, frozenset({"table", "target"})),
    Source("folder", folder.recognises, folder.read),
)


def load(
    source: str | Path | Collection,
    *,
    positive: str | None = None,
    size: int | None = None,
    target: str | None = None,
    where: Sequence[str] = (),
    table: str | Path | None = None,
    classes: LabelSpace | None = None,
    bus: EventBus | None = None,
) -> Collection:
    """Read a collection from a source.

    Parameters
    ----------
    source
        A folder of class folders (already split into ``train``, ``val``, ``test`` or not), a MedMNIST ``.npz`` by
        path, a MedMNIST name such as ``breastmnist``, a manifest, a tree of BreakHis, MedPix or DICOM, or a database.
        ``kind:location`` names the kind: ``folder:``, ``manifest:``, ``medmnist:``, ``breakhis:``, ``medpix:``,
        ``dicom:``, ``phantoms:``; an address that begins with ``mongodb://`` needs none. A `Collection` is returned
        as it is, or filtered.
    positive
        The class that sensitivity speaks of; chosen by name when not given.
    size
        Pixels of a MedMNIST set given by name: 28, 64, 128 or 224.
    target
        What to classify by, where a source offers several.
    where
        Conditions on attributes, all of which an image must meet: ``magnification=100X``, ``age>=18``, ``sex!=M``.
    table
        A CSV or Parquet file of labels to join, for images that carry none.
    classes
        Of a model that is to be measured: then images of one of its classes will do.
    bus
        Told of the progress of a download.

    Raises
    ------
    SourceError
        The source cannot be read as a collection; the sentence says what was expected.
    ConfigError
        ``positive`` is not one of the classes, a condition names no attribute, or an option means nothing to the
        source.
    """
    conditions = parse_where(where)
    if isinstance(source, Collection):
        chosen = source if positive is None else source.with_positive(positive)
        return filtered(chosen, conditions, classes=classes)
    kind, location = (None, str(source)) if isinstance(source, Path) else _parse(source)
    reader = next(s for s in SOURCES if (s.kind == kind if kind else s.recognises(location)))
    _check_options(reader, location, {"size": size, "target": target, "table": table})
    joined = None if table is None else expanded(table)
    request = Request(location, positive, size, target, conditions, joined, classes, bus)
    found = reader.read(request)
    return found if reader.filters else filtered(found, conditions, classes=classes)


def options_for(source: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the options of another source, as keywords of `load`, that mean something to this one too."""
    kind, location = _parse(source)
    reader = next(s for s in SOURCES if (s.kind == kind if kind else s.recognises(location)))
    takes = reader.takes - ({"size"} if medmnist.is_file(location) else set())
    return {name: value for name, value in options.items() if name not in _ELSEWHERE or name in takes}


_ELSEWHERE = {"size": "; --image-size sets the side that the network sees", "target": "", "table": ""}


def _check_options(source: Source, location: str, options: Mapping[str, object]) -> None:
    """Refuse what the source would silently pass over."""
    for name, value in options.items():
        if value is not None and name not in source.takes:
            takers = ", ".join(other.kind for other in SOURCES if name in other.takes) or "none yet"
            raise ConfigError(
                f"A source of the kind {source.kind} takes no --{name}",
                received=value,
                fix=f"leave it out for {without_credentials(location)} (kinds that take it: {takers})"
                + _ELSEWHERE[name],
            )


def _parse(text: str) -> tuple[str | None, str]:
    """Kind and location of ``kind:location``; the kind is None where the text has none.

    One letter before a colon is a Windows drive.
    """
    if not text.strip():
        raise SourceError("No source was given", fix="give a folder of class folders, a MedMNIST name or an .npz file")
    if mongodb.recognises(text):
        return "mongodb", text
    if "://" in text:
        raise SourceError(
            "Images are not read from web addresses",
            received=without_credentials(text),
            fix="download the collection and give its folder",
        )
    match = re.match(r"([A-Za-z][A-Za-z0-9-]+):(.*)", text, re.DOTALL)
    if match is None:
        return None, text
    kind, location = match.group(1).lower(), match.group(2)
    known = [source.kind for source in SOURCES]
    if kind not in known:
        if Path(text).exists():
            return None, text
        raise SourceError("This kind of source is not known", received=kind, fix=f"choose one of: {', '.join(known)}")
    if not location.strip():
        raise SourceError("The source has a kind but no location", received=text, fix=f"write {kind}:LOCATION")
    return kind, location
