"""``lince data``: look at collections, check them, change their form; one file per verb."""

from __future__ import annotations

import typer

from lince.cli.data import audit, convert, info, phantoms, preview, search, split, store

app = typer.Typer(help="Look at collections of images.", no_args_is_help=True)
app.command("info")(info.info)
app.command("audit")(audit.audit)
app.command("preview")(preview.preview)
app.command("search")(search.search)
app.command("convert")(convert.convert)
app.command("split")(split.split)
app.command("store")(store.store)
app.command("phantoms")(phantoms.phantoms)
