"""Sources: what a user can point at. One file per kind, and one visible table of them.

To add a kind, write a module with ``recognises`` and ``read`` and add its line to `SOURCES`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lince.core.errors import SourceError
from lince.core.events import EventBus
from lince.data.collection import Collection
from lince.data.sources import folder, medmnist, phantoms
from lince.data.sources.request import Request


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
    """

    kind: str
    recognises: Callable[[str], bool]
    read: Callable[[Request], Collection]


# Asked in this order; the last one takes whatever is left and says what it expected.
SOURCES: tuple[Source, ...] = (
    Source("medmnist", medmnist.recognises, medmnist.read),
    Source("phantoms", phantoms.recognises, phantoms.read),
    Source("folder", folder.recognises, folder.read),
)


def load(
    source: str | Path | Collection,
    *,
    positive: str | None = None,
    size: int | None = None,
    bus: EventBus | None = None,
) -> Collection:
    """Read a collection from a source.

    Parameters
    ----------
    source
        A folder of class folders (already split into ``train``, ``val``, ``test`` or not), a MedMNIST ``.npz`` by
        path, or a MedMNIST name such as ``breastmnist``. ``kind:location`` names the kind: ``folder:``,
        ``medmnist:``, ``phantoms:``. A `Collection` is returned as it is.
    positive
        The class that sensitivity speaks of; chosen by name when not given.
    size
        Pixels of a MedMNIST set given by name: 28, 64, 128 or 224. Other sources take no notice of it.
    bus
        Told of the progress of a download.

    Raises
    ------
    SourceError
        The source cannot be read as a collection; the sentence says what was expected.
    ConfigError
        ``positive`` is not one of the classes.
    """
    if isinstance(source, Collection):
        return source if positive is None else source.with_positive(positive)
    kind, location = (None, str(source)) if isinstance(source, Path) else _parse(source)
    request = Request(location, positive=positive, size=size, bus=bus)
    chosen = next(s for s in SOURCES if (s.kind == kind if kind else s.recognises(location)))
    return chosen.read(request)


def _parse(text: str) -> tuple[str | None, str]:
    """Kind and location of ``kind:location``; the kind is None where the text has none.

    One letter before a colon is a Windows drive.
    """
    if not text.strip():
        raise SourceError("No source was given", fix="give a folder of class folders, a MedMNIST name or an .npz file")
    if "://" in text:
        raise SourceError(
            "Images are not read from web addresses", received=text, fix="download the collection and give its folder"
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
