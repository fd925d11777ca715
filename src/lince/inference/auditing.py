"""The audit of a source, with a pretrained network to see what images show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lince.core.events import EventBus, Noticed
from lince.data import Collection, load
from lince.data.audit import Audit, audit_collection
from lince.data.sources import options_for


def audit(
    source: str | Path | Collection,
    *,
    against: str | Path | Collection | None = None,
    bus: EventBus | None = None,
    **choices: Any,
) -> Audit:
    """Look for what would ruin the results of a training on a source.

    Parameters
    ----------
    source
        What `lince.load` takes, or a collection.
    against
        Another source (the hospital where the model is to work, a test set): how far it differs, and which images
        both have.
    bus
        Hears of progress and notices.
    choices
        ``positive``, ``size``, ``target``, ``where`` and ``table``, as `lince.load` takes them; for ``against`` too
        where they mean something to it.

    Returns
    -------
    Audit
        Findings, probes and tables; see `lince.data.audit.kinds`.

    Raises
    ------
    SourceError
        A source cannot be read.
    ConfigError
        An option is not valid.
    OutputError
        The cache folder cannot be written.
    """
    from lince.models.embedding import Embedder

    bus = bus or EventBus()
    collection = load(source, bus=bus, **choices)
    other = against
    if isinstance(other, str | Path):
        other = load(other, bus=bus, **options_for(str(other), choices))
    for notice in collection.notices:
        bus.publish(Noticed(notice))
    return audit_collection(collection, against=other, embed=Embedder(bus=bus), bus=bus)
