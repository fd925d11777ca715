"""``lince data``: look at collections."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from lince.cli.flags import SourceArgument, with_options
from lince.core.options import SourceOptions

app = typer.Typer(help="Look at collections of images.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


@app.command("info")
@with_options(SourceOptions)
def info(
    source: SourceArgument,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    chosen: dict[str, Any] | None = None,
) -> None:
    """What a collection holds: classes, splits, patients, formats, sizes, and what could not be used."""
    from lince.data import describe, load

    found = describe(load(source, **(chosen or {})))
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    _show(found)


@app.command("phantoms")
def phantoms(
    folder: Annotated[Path, typer.Argument(help="Folder to make.")],
    count: Annotated[int, typer.Option("--count", min=6, help="Images, two in five of them malignant.")] = 600,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Same seed, same images.")] = 0,
    side: Annotated[int, typer.Option("--side", min=32, max=1024, help="Side of the images, about, in pixels.")] = 128,
) -> None:
    """Make synthetic breast-ultrasound phantoms to try lince with."""
    from lince.data import write_phantoms

    write_phantoms(folder, count=count, seed=seed, size=side)
    typer.echo(f"{count} SYNTHETIC images in {folder}")


def _show(found: dict[str, Any], indent: str = "") -> None:
    for key, value in found.items():
        title = str(key).replace("_", " ")
        if isinstance(value, dict):
            typer.echo(f"{indent}{title}:")
            _show(value, indent + "  ")
        elif isinstance(value, list):
            typer.echo(f"{indent}{title}: {'none' if not value else ''}".rstrip())
            for item in value:
                text = ", ".join(f"{k} {v}" for k, v in item.items()) if isinstance(item, dict) else item
                typer.echo(f"{indent}  - {text}")
        else:
            typer.echo(f"{indent}{title}: {'–' if value is None else value}")
