"""``lince recalibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from lince.cli.flags import LogDir, SourceArgument, with_options
from lince.core.options import SourceOptions


@with_options(SourceOptions)
def recalibrate(
    bundle: Annotated[Path, typer.Argument(help="Folder that `lince train` wrote.")],
    source: SourceArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the new bundle.", show_default=False)],
    aim: Annotated[
        str | None,
        typer.Option("--aim", help="Aim of the operating point; that of the bundle by default.", show_default=False),
    ] = None,
    coverage: Annotated[float, typer.Option("--coverage", help="Of the prediction sets, for each class.")] = 0.9,
    low_confidence: Annotated[
        float, typer.Option("--low-confidence", help="Confidence under which a person should look.")
    ] = 0.7,
    admit: Annotated[
        bool, typer.Option("--admit", help="Let images like these pass that the bundle refuses as another kind.")
    ] = False,
    language: Annotated[Literal["en", "pt"], typer.Option("--language", "--lang", help="Language of the card.")] = "en",
    log_dir: LogDir = None,
    chosen: dict[str, Any] | None = None,
) -> None:
    """Fit calibration, operating point and limits on your own labelled images, as a new bundle of the same weights."""
    from lince.cli.console import printable, watching
    from lince.core.events import EventBus
    from lince.core.logs import log_to
    from lince.inference.recalibrating import recalibrate as fit

    if log_dir:
        log_to(log_dir, "recalibrate")
    bus = EventBus()
    with watching(bus):
        made = fit(
            bundle, source, out=out, aim=aim, coverage=coverage, low_confidence=low_confidence, admit=admit,
            language=language, bus=bus,            **(chosen or {}),
        )  # fmt: skip
    point = made.manifest.operating_point
    if point is not None:
        typer.echo(f"Operating point: {printable(str(made.labels.positive))} from {100 * point.threshold:.1f} %.")
    typer.echo(f"Bundle: {printable(str(out))}. Its figures are not known yet: lince evaluate, on other images.")
