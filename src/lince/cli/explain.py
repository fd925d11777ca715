"""``lince explain``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lince.cli.flags import LogDir


def explain(
    bundle: Annotated[Path, typer.Argument(help="Folder that `lince train` wrote.")],
    image: Annotated[Path, typer.Argument(help="Image file (DICOM too).")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="PNG to write. [default: IMAGE-heatmap.png here]", show_default=False),
    ] = None,
    opacity: Annotated[
        float, typer.Option("--opacity", min=0.0, max=1.0, help="Of the heat map over the image.")
    ] = 0.5,
    log_dir: LogDir = None,
) -> None:
    """Predict one image and save it with a heat map of where the network looked (Grad-CAM)."""
    from lince.cli.console import printable, warnings
    from lince.core.errors import ConfigError
    from lince.core.files import atomic_file
    from lince.core.logs import log_to, logger, prediction_fields
    from lince.explain.drawing import overlay
    from lince.inference.predictor import Predictor

    if out and out.suffix.lower() != ".png":
        raise ConfigError("The heat map is written as PNG", received=out, fix=f"name it {out.stem}.png")
    if log_dir:
        log_to(log_dir, "explain")
    predictor = Predictor(bundle)
    if not predictor.explains:
        raise ConfigError(
            "This model reads numbers of the whole image and has no heat map",
            received=predictor.bundle.manifest.model.name,
            fix="use lince predict, or train a network",
        )
    prepared = predictor.prepare(image)
    outcome = predictor.run([prepared], explain=[True])[0]
    place = out or Path(f"{image.stem}-heatmap.png")
    picture = overlay(prepared.preview, outcome.heat_map, opacity=opacity)
    with atomic_file(place) as stream:
        picture.save(stream, format="PNG")
    one = outcome.prediction
    logger.info("explanation", extra={**prediction_fields(one), "out": str(place)})
    typer.echo(f"{printable(str(image))}: {printable(one.label)} ({100 * one.confidence:.1f} %){warnings(one)}")
    if outcome.heat_map is None or not outcome.heat_map.any():
        typer.echo("No part of the image speaks for this class: the heat map is empty.")
    typer.echo(f"Heat map: {printable(str(place))}")
