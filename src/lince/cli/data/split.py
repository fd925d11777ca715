"""``lince data split``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lince.cli.data.convert import ForceFlag, OutArgument, tell
from lince.cli.flags import SourceArgument, with_options
from lince.core.errors import ConfigError
from lince.core.options import SourceOptions


@with_options(SourceOptions)
def split(
    source: SourceArgument,
    out: OutArgument,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Same seed, same parts.")] = 0,
    fractions: Annotated[
        str, typer.Option("--fractions", help="Shares of train, validation and test; they sum to 1.")
    ] = "0.7,0.15,0.15",
    redraw: Annotated[bool, typer.Option("--redraw", help="Forget the parts that the source gives.")] = False,
    force: ForceFlag = False,
    chosen: dict[str, Any] | None = None,
) -> None:
    """Split a collection, keeping patients and near-duplicates on one side, and write it as a manifest."""
    from lince.cli.console import watching
    from lince.core.events import EventBus, FileSkipped, Noticed
    from lince.data import clean_split, load, write_manifest
    from lince.data.manifest import check_out
    from lince.data.places import cache_notice

    shares = _fractions(fractions)
    out = check_out(out, force=force)
    bus = EventBus()
    with watching(bus):
        collection = load(source, bus=bus, **(chosen or {}))
        for skipped in collection.skipped:
            bus.publish(FileSkipped(skipped.path, skipped.reason))
        result = clean_split(collection, seed=seed, fractions=shares, redraw=redraw, bus=bus)
        for notice in result.notices:
            bus.publish(Noticed(notice, "info" if notice in collection.notices else "warning"))
        if told := cache_notice(collection, "the manifest"):
            bus.publish(Noticed(told, "warning"))
    tell(result, write_manifest(result, out, force=force))


def _fractions(text: str) -> tuple[float, float, float]:
    try:
        train, val, test = (float(share) for share in text.split(","))
    except ValueError as error:
        raise ConfigError(
            "--fractions takes three numbers: of train, validation and test", received=text, fix="write 0.7,0.15,0.15"
        ) from error
    return train, val, test
