"""``lince evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from lince.cli.flags import LogDir, SourceArgument, with_options
from lince.core.options import SourceOptions


@with_options(SourceOptions)
def evaluate(
    bundle: Annotated[Path, typer.Argument(help="Folder that `lince train` wrote.")],
    source: SourceArgument,
    split: Annotated[
        Literal["auto", "all", "unseen", "train", "val", "test"],
        typer.Option("--split", help="Part to measure; auto: the test part, else images not used in training."),
    ] = "auto",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for a full report.", show_default=False)
    ] = None,
    language: Annotated[
        Literal["en", "pt"], typer.Option("--language", "--lang", help="Language of the report.")
    ] = "en",
    aim: Annotated[
        str | None,
        typer.Option(
            "--aim",
            help="Decide at the operating point for another aim, such as sensitivity=0.95, chosen on the held-out "
            "predictions of the training.",
            show_default=False,
        ),
    ] = None,
    prevalence: Annotated[
        float | None,
        typer.Option(
            "--prevalence",
            help="Share of the positive class where the model will be used, such as 0.01: PPV and NPV there.",
            show_default=False,
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", help="Attributes to tell the figures apart by, such as sex,age.", show_default=False),
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option("--compare", help="Another bundle to compare on the same images.", show_default=False),
    ] = None,
    gallery: Annotated[
        bool, typer.Option("--gallery/--no-gallery", help="Show errors and other images with heat maps in the report.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print every figure as JSON.")] = False,
    log_dir: LogDir = None,
    chosen: dict[str, Any] | None = None,
) -> None:
    """Measure a bundle on labelled images, with 95 % intervals."""
    from lince.cli.console import contrasts, figures_table, printable, watching
    from lince.core.events import EventBus
    from lince.core.logs import log_to
    from lince.inference.measuring import evaluate as measure
    from lince.inference.predictor import Predictor

    if log_dir:
        log_to(log_dir, "evaluate")
    bus = EventBus()
    with watching(bus):
        predictor = Predictor(bundle, bus=bus)
        found = measure(
            predictor, source, split=split, out=out, language=language, prevalence=prevalence, aim=aim,
            by=_names(by), compare=compare, gallery=gallery, bus=bus, **(chosen or {}),
        )  # fmt: skip
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
        return
    positive = None if found.positive is None else printable(found.positive)
    figures_table(printable(source), found.model_dump(), positive=positive)
    contrasts(found)
    if out:
        typer.echo(f"Report: {printable(str(out / 'report.html'))}")


def _names(text: str | None) -> list[str]:
    """The attributes of ``sex,age``, each once."""
    return list(dict.fromkeys(name.strip() for name in (text or "").split(",") if name.strip()))
