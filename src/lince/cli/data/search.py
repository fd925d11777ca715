"""``lince data search``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lince.cli.flags import SourceArgument, with_options
from lince.core.options import SourceOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lince.inference.searching import Hit

_MOST_NAME = 44


@with_options(SourceOptions)
def search(
    source: SourceArgument,
    text: Annotated[
        str | None, typer.Argument(help="Words, in English or Portuguese; case and accents do not count.")
    ] = None,
    like: Annotated[
        Path | None,
        typer.Option("--like", help="An image (DICOM too): find those that look like it.", show_default=False),
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, max=1000, help="How many to show, at most.")] = 10,
    label: Annotated[str | None, typer.Option("--label", help="Only images of this class.", show_default=False)] = None,
    split: Annotated[
        str | None, typer.Option("--split", help="Only this part: train, val or test.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="PNG to draw the images found in.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    chosen: dict[str, Any] | None = None,
) -> None:
    """Find images by what is written about them, by an example image, or by both."""
    from lince.cli.console import printable, watching
    from lince.core.events import EventBus
    from lince.data import load
    from lince.imaging.contact_sheet import check_place, write_sheet
    from lince.inference.searching import MAKER, draw_hits, summary
    from lince.inference.searching import search as look

    if out is not None:
        check_place(out, MAKER)
    bus = EventBus()
    with watching(bus):
        collection = load(source, bus=bus, **(chosen or {}))
        found = look(collection, text, like=like, label=label, split=split, top=top, bus=bus)
        if out is not None and found.hits:
            about = [f"“{text}”"] if text is not None else []
            about += [f"like {like.name}"] if like is not None else []
            title = printable(f"{collection.name}: {', '.join(about)}")
            write_sheet(draw_hits(title, found.hits, bus=bus, synthetic=collection.synthetic), out, MAKER)
    if as_json:
        told = {"total": found.total, "with_every_word": found.complete, "words_not_found": list(found.unknown)}
        hits = [hit.as_dict() for hit in found.hits]
        sheet = str(out) if out is not None and hits else None
        typer.echo(json.dumps({**told, "sheet": sheet, "hits": hits}, indent=2, ensure_ascii=False))
        return
    if found.unknown and found.hits:
        typer.echo(printable(f"No text has: {', '.join(found.unknown)}."))
    typer.echo(printable(summary(found, collection, by_words=text is not None)))
    _table(found.hits)
    if out is not None and found.hits:
        typer.echo(f"Picture: {printable(str(out))}")


def _table(hits: Sequence[Hit]) -> None:
    from lince.cli.console import printable

    if not hits:
        return
    cells = [
        (printable(hit.sample.label), _end(printable(hit.name)), printable(hit.sample.group or "–")) for hit in hits
    ]
    heads = ("label", "name", "group")
    widths = [max(len(row[column]) for row in (heads, *cells)) for column in range(3)]
    line = "  ".join(f"{head:<{width}}" for head, width in zip(heads, widths, strict=True))
    typer.echo(f"  rank  score  {line}".rstrip())
    for hit, row in zip(hits, cells, strict=True):
        line = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        note = "  (the same file)" if hit.same_file else ""
        typer.echo(f"  {hit.rank:>4}  {hit.score:>5.2f}  {line}{note}".rstrip())
        if hit.text is not None:
            typer.echo(f"        {printable(hit.text.field.replace('_', ' '))}: {printable(hit.text.excerpt)}")


def _end(name: str) -> str:
    """The end of a long name, where names differ."""
    return name if len(name) <= _MOST_NAME else f"…{name[1 - _MOST_NAME :]}"
