"""``lince tune``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lince.cli.flags import LogDir, SourceArgument, with_options
from lince.training.options import TrainOptions

if TYPE_CHECKING:
    from lince.tuning import Tuned


@with_options(TrainOptions)
def tune(
    source: SourceArgument,
    trials: Annotated[
        int, typer.Option("--trials", min=1, help="Trials that the study shall have in the end, earlier ones included.")
    ] = 30,
    time_limit: Annotated[
        float | None, typer.Option("--time-limit", help="Minutes to search, at most.", show_default=False)
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(
            "--storage",
            help="Database of the study, such as postgresql://HOST/DB, for several machines. [default: OUT/study.db]",
            show_default=False,
        ),
    ] = None,
    study: Annotated[
        str | None,
        typer.Option("--study", help="Name of the study. [default: that of the collection]", show_default=False),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder to write. [default: tuning/NAME]", show_default=False)
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="Options to keep, from a YAML file; flags win over it.", show_default=False),
    ] = None,
    log_dir: LogDir = None,
    chosen: dict[str, Any] | None = None,
) -> None:
    """Search for the training options with the best validation AUC, and write them for `lince train --config`.

    Options that are given are kept, the others are searched. The test part is not looked at. The same command goes
    on with a study.
    """
    from lince.cli.console import complain, watching
    from lince.core.events import EventBus
    from lince.core.extras import require
    from lince.core.logs import log_to
    from lince.training.options import parse_options, read_options

    require("optuna")
    from lince.tuning import tune as search

    options = parse_options({**(read_options(config) if config else {}), **(chosen or {})})
    if log_dir:
        log_to(log_dir, "tune")
    bus = EventBus()
    try:
        with watching(bus):
            found = search(
                source,
                trials=trials,
                time_limit=time_limit,
                storage=storage,
                study=study,
                out=out,
                options=options,
                bus=bus,
            )
    except KeyboardInterrupt:
        complain("Interrupted. The same command goes on with the study.")
        raise typer.Exit(130) from None
    _show(found)


def _show(found: Tuned) -> None:
    """One screen: the best options, how much each matters, where the files are."""
    from lince.cli.console import duration
    from lince.core.addresses import without_credentials
    from lince.tuning.summary import short

    ends = [f"{found.stopped} stopped early"] if found.stopped else []
    ends += [f"{found.failed} failed"] if found.failed else []
    aside = f" ({', '.join(ends)})" if ends else ""
    typer.echo(f"{found.trials} trials{aside}, {duration(found.seconds)}")
    before = "" if found.baseline_auc is None else f"; with the options as they were {found.baseline_auc:.4f}"
    typer.echo(f"Best validation AUC {found.auc:.4f} (trial {found.trial + 1}){before}")
    if not found.values:
        typer.echo("  Nothing searched did better than the options as they were.")
    for name, value in found.values.items():
        share = found.importances.get(name)
        weight = "" if share is None else f"  importance {share:.0%}"
        typer.echo(f"  {name.replace('_', '-'):<12} {short(value):<10}{weight}".rstrip())
    typer.echo(
        f"The best of {found.trials} trials on the same {found.validation_images} images is a little lucky; "
        "the test part, which was not looked at, says how much."
    )
    typer.echo(f"Picture: {found.picture}")
    command = f"lince train {shlex.quote(without_credentials(found.source))} --config {shlex.quote(str(found.config))}"
    typer.echo(f"Train with them: {command}")
