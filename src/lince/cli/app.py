"""The application: every verb, by name."""

from __future__ import annotations

from typing import Annotated

import typer
import typer.core

from lince.cli import data, demo, evaluate, explain, export, predict, recalibrate, serve, train, tune

# Without this, typer escapes its brackets for rich, "\\[required]", even where rich formats nothing.
typer.core.HAS_RICH = False

app = typer.Typer(
    name="lince",
    help="From a collection of medical images to a classifier that a clinic can trust. "
    "Research use, not a medical device.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        import lince

        typer.echo(lince.__version__)
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


app.command("demo")(demo.demo)
app.add_typer(data.app, name="data")
app.command("train")(train.train)
app.command("tune")(tune.tune)
app.command("evaluate")(evaluate.evaluate)
app.command("predict")(predict.predict)
app.command("explain")(explain.explain)
app.command("recalibrate")(recalibrate.recalibrate)
app.command("export")(export.export)
app.command("serve")(serve.serve)
