"""``lince demo``."""

from __future__ import annotations

import shutil
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
        from lince.cli.serve import serve as run

        run(place, port=port, samples=_samples(folder / "samples"), open_browser=open_browser, log_dir=log_dir)


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
