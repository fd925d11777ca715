"""``lince data preview``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from lince.cli.flags import SourceArgument, with_options
from lince.core.options import AugmentName, SourceOptions


@with_options(SourceOptions)
def preview(
    source: SourceArgument,
    augment: Annotated[
        AugmentName | None,
        typer.Option("--augment", help="Show also what this augmentation makes of them.", show_default=False),
    ] = None,
    count: Annotated[int, typer.Option("--count", min=1, max=100, help="Images; classes take turns.")] = 6,
    versions: Annotated[int, typer.Option("--versions", min=1, max=12, help="Augmented versions of each.")] = 5,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Same seed, same images and changes.")] = 0,
    model: Annotated[str, typer.Option("--model", help="The model whose image size and channels are shown.")] = "auto",
    image_size: Annotated[
        int | None, typer.Option("--image-size", min=16, max=1024, help="As in training.", show_default=False)
    ] = None,
    fit: Annotated[Literal["pad", "crop", "stretch"], typer.Option("--fit", help="As in training.")] = "pad",
    intensity: Annotated[
        Literal["nominal", "percentile"], typer.Option("--intensity", help="As in training.")
    ] = "nominal",
    out: Annotated[Path, typer.Option("--out", "-o", help="The picture; an earlier preview is replaced.")] = Path(
        "preview.png"
    ),
    chosen: dict[str, Any] | None = None,
) -> None:
    """Draw images as the network sees them, and what augmentation makes of them, as one picture."""
    from lince.cli.console import watching
    from lince.core.events import EventBus, Noticed
    from lince.data import load
    from lince.models import entry_for
    from lince.training.augmenting import choose
    from lince.training.candidates import DEFAULT_MODEL
    from lince.training.preview import check_place, draw_preview, write_preview

    check_place(out)
    entry = entry_for(DEFAULT_MODEL if model == "auto" else model)
    spec = entry.image_spec(image_size).model_copy(update={"fit": fit, "intensity": intensity})
    bus = EventBus()
    with watching(bus):
        collection = load(source, bus=bus, **(chosen or {}))
        choice = None if augment is None else choose(augment, collection)
        if choice is not None:
            bus.publish(Noticed(choice.sentence))
            if choice.warning:
                bus.publish(Noticed(choice.warning, "warning"))
        picture = draw_preview(collection, spec, choice, count=count, versions=versions, seed=seed, bus=bus)
    write_preview(picture, out)
    typer.echo(f"Picture: {out}")
