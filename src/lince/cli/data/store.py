"""``lince data store``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lince.cli.flags import SourceArgument, with_options
from lince.core.options import SourceOptions

AddressArgument = Annotated[
    str, typer.Argument(metavar="ADDRESS", help="Database: mongodb://HOST/DATABASE.", show_default=False)
]
ReplaceFlag = Annotated[bool, typer.Option("--replace", help="Put it in the place of another collection.")]


@with_options(SourceOptions)
def store(
    source: SourceArgument,
    address: AddressArgument,
    replace: ReplaceFlag = False,
    chosen: dict[str, Any] | None = None,
) -> None:
    """Write any collection to MongoDB: a document per image, a report per case; pixels stay on disk."""
    from lince.cli.console import printable, watching
    from lince.core.events import EventBus, FileSkipped, Noticed
    from lince.core.wording import counted
    from lince.data import load
    from lince.data.documents import IMAGES, REPORTS
    from lince.data.store import store as write

    bus = EventBus()
    with watching(bus):
        collection = load(source, bus=bus, **(chosen or {}))
        for notice in collection.notices:
            bus.publish(Noticed(notice))
        stored = write(collection, address, replace=replace, bus=bus)
        for skipped in (*collection.skipped, *stored.skipped):
            bus.publish(FileSkipped(skipped.path, skipped.reason))
    done = "stored" if stored.changed else "there already, nothing changed"
    images, cases = counted(stored.images, "image"), counted(stored.cases, "case")
    typer.echo(f"{images} ({IMAGES}), {cases} ({REPORTS}), {done}: {printable(stored.place)}")
