"""``lince train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lince.cli.flags import LogDir, SourceArgument, with_options
from lince.training.options import TrainOptions


@with_options(TrainOptions)
def train(
    source: SourceArgument,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder of the bundle to write. [default: bundles/NAME]", show_default=False),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="Options from a YAML file; flags win over it.", show_default=False)
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    log_dir: LogDir = None,
    chosen: dict[str, Any] | None = None,
) -> None:
    """Train a classifier and write its bundle and report.

    The images are split by patient, the operating point is chosen on validation, and the test split is opened once.
    """
    from lince.cli.console import complain, figures_table, watching
    from lince.core.addresses import without_credentials
    from lince.core.events import EventBus
    from lince.core.logs import log_to
    from lince.training.options import parse_options, read_options

    options = parse_options({**(read_options(config) if config else {}), **(chosen or {})})
    if log_dir:
        log_to(log_dir, "train")
    bus = EventBus()
    from lince.training.run import train as run

    try:
        with watching(bus):
            bundle = run(source, out=out, options=options, resume=resume, bus=bus)
    except KeyboardInterrupt:
        place = f" --out {out}" if out else ""
        complain(f"Interrupted. Go on with: lince train {without_credentials(source)}{place} --resume")
        raise typer.Exit(130) from None
    if bundle.synthetic:
        typer.echo("SYNTHETIC images: these figures say nothing of real patients.")
    figures_table("Test", bundle.summary(), positive=bundle.labels.positive)
    typer.echo(f"Bundle: {bundle.path}")
    typer.echo(f"Report: {bundle.path / 'report' / 'report.html'}")
    typer.echo(f"Serve it: lince serve {bundle.path}")
