"""``lince explain``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lince.cli.flags import Caption, LogDir
from lince.core.errors import ConfigError
from lince.core.options import HeatMapMethod

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from lince.inference.neighbours import SimilarCase
    from lince.inference.predictor import Predictor
    from lince.inference.prepared import Outcome, Prepared

_EMPTY = "No part of the image speaks for this class more than the rest: the heat map is empty."


def explain(
    bundle: Annotated[Path, typer.Argument(help="Folder that `lince train` wrote.")],
    image: Annotated[Path | None, typer.Argument(help="Image file (DICOM too).", show_default=False)] = None,
    caption: Caption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="PNG to write. [default: IMAGE-heatmap.png here]", show_default=False),
    ] = None,
    method: Annotated[HeatMapMethod, typer.Option("--method", help="How the heat map is made.")] = "grad-cam",
    target: Annotated[
        str | None,
        typer.Option("--class", help="Class to explain. [default: the decided one]", show_default=False),
    ] = None,
    opacity: Annotated[
        float, typer.Option("--opacity", min=0.0, max=1.0, help="Of the heat map over the image.")
    ] = 0.5,
    similar: Annotated[
        int, typer.Option("--similar", min=0, max=100, help="Training images to name that are most like it.")
    ] = 0,
    layers: Annotated[
        Path | None,
        typer.Option("--layers", help="PNG, or folder for one, of what each stage sees.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    log_dir: LogDir = None,
) -> None:
    """Predict one image and show why: a heat map of where the network looked, its layers, similar training images.

    With a caption, for a bundle that reads text: the words that counted too. A caption alone has nothing but them.
    """
    from lince.core.logs import log_to, logger, prediction_fields
    from lince.explain.drawing import overlay
    from lince.inference.neighbours import similar_cases
    from lince.inference.predictor import Predictor

    asked = bool(out or layers or target or method != "grad-cam")
    _check(image, caption, maps=asked or similar > 0)
    if out and out.suffix.lower() != ".png":
        raise ConfigError("The heat map is written as PNG", received=out, fix=f"name it {out.stem}.png")
    if log_dir:
        log_to(log_dir, "explain")
    predictor = Predictor(bundle)
    if image is not None and not predictor.explains:
        _refuse_maps(predictor, similar, asked=asked)
    prepared = predictor.prepare(image, caption=caption)
    outcome = predictor.run([prepared], explain=[True], method=method, target=target)[0]
    # Found before anything is written: a bundle without them leaves no half of an answer.
    cases = similar_cases(predictor, prepared, similar) if similar else None
    place, sheet = None, None
    if image is not None and predictor.explains:
        place = out or Path(f"{image.stem}-heatmap.png")
        _save(overlay(prepared.preview, outcome.heat_map, opacity=opacity), place)
        sheet = _draw_layers(predictor, prepared, layers) if layers else None
    made = {"out": str(place), "method": method} if place else {}
    logger.info("explanation", extra={**prediction_fields(outcome.prediction), **made})
    explained = target or outcome.prediction.label
    if as_json:
        typer.echo(_as_json(outcome, explained, method, place, sheet, cases))
    else:
        _tell(str(image or "caption"), outcome, explained, place, sheet, cases)


def _check(image: Path | None, caption: str | None, *, maps: bool) -> None:
    if image is None and not (caption or "").strip():
        raise ConfigError("There is no image to explain", fix="name an image file, or give --caption TEXT")
    if image is None and maps:
        raise ConfigError(
            "A caption alone has no heat map and no similar images",
            fix="name an image file, or leave out --out, --layers, --class, --method and --similar",
        )


def _refuse_maps(predictor: Predictor, similar: int, *, asked: bool) -> None:
    """A model without a network can name similar images; what needs a network is refused."""
    if similar and not asked:
        return
    fix = "leave out --out, --layers, --class and --method" if similar else "ask for --similar 5, or train a network"
    raise ConfigError(
        "This model reads numbers of the whole image and has no heat map",
        received=predictor.bundle.manifest.model.name,
        fix=fix,
    )


def _save(picture: Picture, place: Path) -> None:
    from lince.core.files import atomic_file

    with atomic_file(place) as stream:
        picture.save(stream, format="PNG")


def _draw_layers(predictor: Predictor, prepared: Prepared, layers: Path) -> Path:
    """Write the sheet to a PNG, or into a folder; returns where it lies."""
    from lince.cli.console import printable
    from lince.explain.layers import draw_layers

    stem = Path(prepared.name).stem
    place = layers if layers.suffix.lower() == ".png" else layers / f"{stem}-layers.png"
    title = f"{printable(prepared.name)}: what each stage of {predictor.bundle.manifest.model.name} makes of it"
    _save(draw_layers(predictor.network, prepared.pixels, title=title), place)
    return place


def _as_json(
    outcome: Outcome,
    explained: str,
    method: str,
    place: Path | None,
    sheet: Path | None,
    cases: list[SimilarCase] | None,
) -> str:
    heat = outcome.heat_map
    found: dict[str, Any] = {
        **outcome.prediction.as_dict(),
        "method": method if place else None,
        "explained": explained,
        "heat_map": str(place) if place else None,
        "heat_map_empty": heat is None or not heat.any(),
        "layers": str(sheet) if sheet else None,
        "similar": None if cases is None else [case.as_dict() for case in cases],
    }
    return json.dumps(found, ensure_ascii=False)


def _tell(
    name: str,
    outcome: Outcome,
    explained: str,
    place: Path | None,
    sheet: Path | None,
    cases: list[SimilarCase] | None,
) -> None:
    from lince.cli.console import printable, warnings

    one = outcome.prediction
    typer.echo(f"{printable(name)}: {printable(one.label)} ({100 * one.confidence:.1f} %){warnings(one)}")
    if explained != one.label:
        typer.echo(f"Explained: {printable(explained)} ({100 * one.probabilities[explained]:.1f} %)")
    if place:
        if outcome.heat_map is None or not outcome.heat_map.any():
            typer.echo(_EMPTY)
        typer.echo(f"Heat map: {printable(str(place))}")
    if one.words:
        typer.echo(f"Words that counted: {', '.join(f'{printable(word)} {weight:+.1f}' for word, weight in one.words)}")
    if sheet:
        typer.echo(f"Layers: {printable(str(sheet))}")
    if cases is not None:
        _table(cases)


def _table(cases: list[SimilarCase]) -> None:
    from lince.cli.console import printable

    labels = [printable(case.label) for case in cases]
    width = max(len(text) for text in ("label", *labels))
    typer.echo("Most like it among the training images:")
    typer.echo(f"  rank  similarity  {'label':<{width}}  name")
    for case, label in zip(cases, labels, strict=True):
        typer.echo(f"  {case.rank:>4}  {case.similarity:>10.3f}  {label:<{width}}  {printable(case.name)}")
