"""``lince data audit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from lince.cli.flags import SourceArgument, with_options
from lince.core.options import SourceOptions


@with_options(SourceOptions)
def audit(
    source: SourceArgument,
    against: Annotated[
        str | None,
        typer.Option(
            "--against", help="Another collection: how far it differs, and what both have.", show_default=False
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 when a finding is severe.")] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder of the page. [default: audit/NAME]", show_default=False),
    ] = None,
    language: Annotated[Literal["en", "pt"], typer.Option("--language", "--lang", help="Language of the page.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Print every finding as JSON.")] = False,
    chosen: dict[str, Any] | None = None,
) -> None:
    """Look for what ruins results: copies, leaks, shortcuts, damaged and odd images, imbalance."""
    import json

    import lince
    from lince.cli.console import printable, watching
    from lince.core.events import EventBus
    from lince.data.audit.report import DATA, PAGE, check_place, default_out, write_audit
    from lince.data.audit.screen import summary_lines
    from lince.data.audit.texts import Wording
    from lince.data.sources import load, options_for

    if out is not None:
        check_place(out)
    bus = EventBus()
    with watching(bus):
        collection = load(source, bus=bus, **(chosen or {}))
        out = out or default_out(collection.name)
        check_place(out)
        other = None if against is None else load(against, bus=bus, **options_for(against, chosen or {}))
        from lince.inference.auditing import audit as look  # brings torch; what is wrong so far is said before

        found = look(collection, against=other, bus=bus)
        told = write_audit(out, found, collection, against=other, language=language, version=lince.__version__)
    if as_json:
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        wording = Wording(language)
        for line in summary_lines(found, collection.labels, wording):
            typer.echo(printable(line))
        typer.echo(wording.say("Page, with pictures and what to do: {path}", path=out / PAGE))
        typer.echo(wording.say("Every figure: {path}", path=out / DATA))
    if strict and found.worst() == "severe":
        raise typer.Exit(1)
