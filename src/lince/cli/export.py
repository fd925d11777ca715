"""``lince export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from lince.cli.flags import LogDir


def export(
    bundle: Annotated[Path, typer.Argument(help="Folder that `lince train` wrote.")],
    to: Annotated[Literal["onnx"], typer.Option("--to", help="Format to write.")] = "onnx",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File to write. [default: BUNDLE.onnx]", show_default=False),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            "--images",
            help="Folder of images to compare on. [default: those trained on, else synthetic phantoms]",
            show_default=False,
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    log_dir: LogDir = None,
) -> None:
    """Write a bundle for other software, once it predicts the same there.

    The file is compared with the bundle on images before it is written; where a probability differs by more than
    0.001, nothing is.
    """
    from lince.cli.console import complain, watching
    from lince.core.events import EventBus
    from lince.core.logs import log_to
    from lince.inference.bundle import Bundle
    from lince.inference.export import INPUT, OUTPUT, export_onnx

    if log_dir:
        log_to(log_dir, "export")
    bus = EventBus()
    with watching(bus):
        opened = Bundle(bundle)
        done = export_onnx(opened, out, images=images, force=force, bus=bus)
    spec = opened.spec
    if done.skipped:
        complain(f"{len(done.skipped)} images could not be read and were not compared.")
    advice = "; compare on your own with --images FOLDER" if done.synthetic else ""
    typer.echo(f"{to.upper()}: {done.path} ({done.path.stat().st_size / 1e6:.1f} MB)")
    typer.echo(f"Input {INPUT}: uint8 (N, {spec.size}, {spec.size}, {spec.channels})")
    typer.echo(f"Output {OUTPUT}: float32 (N, {len(opened.labels)}): {', '.join(opened.labels.names)}")
    typer.echo(
        f"Probabilities differ by at most {done.largest_difference:.1e} on {done.images} {done.compared_on}{advice}"
    )
