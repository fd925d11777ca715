"""``lince data convert``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lince.cli.flags import SourceArgument, with_options
from lince.core.options import SourceOptions

if TYPE_CHECKING:
    from lince.data import Collection

OutArgument = Annotated[
    Path, typer.Argument(metavar="OUT", help="Table to write: .csv, .tsv or .parquet.", show_default=False)
]
ForceFlag = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]


@with_options(SourceOptions)
def convert(
    source: SourceArgument,
    out: OutArgument,
    force: ForceFlag = False,
    chosen: dict[str, Any] | None = None,
) -> None:
    """Write any collection as a manifest: a table of paths, labels, groups, parts and attributes."""
    from lince.cli.console import watching
    from lince.core.events import EventBus, FileSkipped, Noticed
    from lince.data import load, write_manifest
    from lince.data.manifest import check_out
    from lince.data.places import cache_notice

    out = check_out(out, force=force)
    bus = EventBus()
    with watching(bus):
        collection = load(source, bus=bus, **(chosen or {}))
        for skipped in collection.skipped:
            bus.publish(FileSkipped(skipped.path, skipped.reason))
        for notice in collection.notices:
            bus.publish(Noticed(notice))
        if told := cache_notice(collection, "the manifest"):
            bus.publish(Noticed(told, "warning"))
    tell(collection, write_manifest(collection, out, force=force))


def tell(collection: Collection, out: Path) -> None:
    """What was written, by part and class, on standard output."""
    from lince.cli.console import printable
    from lince.core.wording import counted, quoted

    what = "SYNTHETIC image" if collection.synthetic else "image"
    groups = {sample.group for sample in collection.samples} - {None}
    people = f" in {counted(len(groups), 'group')}" if groups else ""
    typer.echo(f"{counted(len(collection), what)}{people}: {printable(str(out))}")
    for part, counts in collection.counts_by_split().items():
        classes = ", ".join(f"{printable(quoted(label))} {count}" for label, count in counts.items())
        typer.echo(f"  {part or 'unsplit'} {sum(counts.values())}: {classes}")
