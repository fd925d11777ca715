"""``lince demo``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from lince.cli.flags import LogDir


def demo(
    folder: Annotated[Path, typer.Option("--folder", help="Where the demonstration keeps its files.")] = Path(
        "lince-demo"
    ),
    port: Annotated[
        int, typer.Option("--port", "-p", min=0, max=65535, help="Port of the page; 0 takes a free one.")
    ] = 8080,
    count: Annotated[int, typer.Option("--count", min=60, help="Phantoms to make.")] = 600,
    preset: Annotated[Literal["fast", "balanced"], typer.Option("--preset", help="As in `lince train`.")] = "fast",
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the page at the end.")] = True,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    log_dir: LogDir = None,
) -> None:
    """The whole path on synthetic breast-ultrasound phantoms: make them, train, measure, serve the page."""
    from lince.cli.console import figures_table, watching
    from lince.core.events import EventBus
    from lince.core.logs import log_to
    from lince.data import write_phantoms
    from lince.inference.bundle import Bundle

    if log_dir:
        log_to(log_dir, "demo")
    images, place = folder / "phantoms", folder / f"bundle-{preset}"
    if not images.exists():
        typer.echo(f"Making {count} SYNTHETIC breast-ultrasound phantoms in {images}")
        write_phantoms(images, count=count)
    if not place.exists():
        from lince.training.run import train

        shutil.rmtree(place.with_name(f"{place.name}.partial"), ignore_errors=True)
        bus = EventBus()
        with watching(bus):
            train(images, out=place, preset=preset, bus=bus)
    bundle = Bundle(place)
    typer.echo("SYNTHETIC images: these figures say nothing of real patients.")
    figures_table("Test", bundle.summary(), positive=bundle.labels.positive)
    typer.echo(f"Report: {place / 'report' / 'report.html'}")
    if serve:
        _serve(place, _samples(folder / "samples"), port=port, open_browser=open_browser, log_dir=log_dir)


def _serve(bundle: Path, samples: Path, *, port: int, open_browser: bool, log_dir: Path | None) -> None:
    """Serve in a process of its own: one that has trained keeps threads and memory that would slow the answers."""
    command = [sys.executable, "-m", "lince", "serve", str(bundle), "--port", str(port), "--samples", str(samples)]
    command += ["--open"] if open_browser else []
    command += ["--log-dir", str(log_dir)] if log_dir else []
    sys.stdout.flush()
    if os.name == "posix":
        os.execv(sys.executable, command)  # noqa: S606
    raise typer.Exit(subprocess.run(command, check=False).returncode)


def _samples(place: Path, each: int = 3) -> Path:
    """A few images of each class that were not trained on, made with another seed."""
    from lince.data import write_phantoms

    if not place.exists():
        made = place.with_name(".samples")
        shutil.rmtree(made, ignore_errors=True)
        write_phantoms(made, count=4 * each, seed=4_321)
        flat = place.with_name(".samples-flat")
        shutil.rmtree(flat, ignore_errors=True)
        flat.mkdir()
        for label in ("benign", "malignant"):
            for path in sorted((made / label).glob("*.png"))[:each]:
                path.rename(flat / path.name)
        flat.rename(place)
        shutil.rmtree(made)
    return place
