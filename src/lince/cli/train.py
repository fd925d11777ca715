"""``lince train``."""

from __future__ import annotations

import shlex
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lince.cli.flags import LogDir, SourceArgument, with_options
from lince.training.options import TrainOptions

if TYPE_CHECKING:
    from lince.core.events import EventBus
    from lince.inference import Bundle
    from lince.training.live import LivePage


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
    port: Annotated[
        int | None,
        typer.Option("--port", help="Show the training at http://127.0.0.1:PORT while it runs.", show_default=False),
    ] = None,
    tensorboard: Annotated[
        Path | None,
        typer.Option("--tensorboard", help="Folder for TensorBoard.", file_okay=False, show_default=False),
    ] = None,
    mlflow: Annotated[
        str | None,
        typer.Option("--mlflow", help="MLflow server (URI), or folder for a database.", show_default=False),
    ] = None,
    log_dir: LogDir = None,
    chosen: dict[str, Any] | None = None,
) -> None:
    """Train a classifier and write its bundle and report.

    The images are split by patient, the operating point is chosen on validation, and the test split is opened once.
    """
    from lince.cli.console import complain, watching
    from lince.core.addresses import without_credentials
    from lince.core.events import EventBus
    from lince.core.logs import log_to
    from lince.training.options import parse_options, read_options

    options = parse_options({**(read_options(config) if config else {}), **(chosen or {})})
    if log_dir:
        log_to(log_dir, "train")
    bus = EventBus()
    from lince.training.run import train as run
    from lince.training.trackers import tracking

    try:
        with _terminable(), ExitStack() as open_page:
            page = open_page.enter_context(_page(bus, port)) if port is not None else None
            with tracking(bus, tensorboard=tensorboard, mlflow=mlflow), watching(bus):
                bundle = run(source, out=out, options=options, resume=resume, bus=bus)
            _tell(bundle)
            if page:
                _keep_open(page)
    except KeyboardInterrupt:
        place = f" --out {shlex.quote(str(out))}" if out else ""
        complain(f"Interrupted. Go on with: lince train {shlex.quote(without_credentials(source))}{place} --resume")
        raise typer.Exit(130) from None


def _tell(bundle: Bundle) -> None:
    from lince.cli.console import figures_table

    if bundle.synthetic:
        typer.echo("SYNTHETIC images: these figures say nothing of real patients.")
    figures_table("Test", bundle.summary(), positive=bundle.labels.positive)
    typer.echo(f"Bundle: {bundle.path}")
    typer.echo(f"Report: {bundle.path / 'report' / 'report.html'}")
    typer.echo(f"Serve it: lince serve {shlex.quote(str(bundle.path))}")


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM, as a scheduler sends it, ends the work as Ctrl-C does: with a word, and nothing half-made left."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _page(bus: EventBus, port: int) -> Iterator[LivePage]:
    from lince.training.live import live_page

    with live_page(bus, port) as page:
        typer.echo(f"Watch it at {page.address}", err=True)
        yield page


def _keep_open(page: LivePage) -> None:
    """Someone at a terminal may look at the end for as long as they like; a script goes on."""
    if sys.stdin.isatty() and sys.stderr.isatty():
        typer.echo(f"The page stays at {page.address} (Ctrl-C closes it).", err=True)
        page.stay()
    else:
        page.say_goodbye()
