"""``lince data phantoms``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


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
