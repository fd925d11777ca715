"""``lince data info``."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from lince.cli.flags import SourceArgument, with_options
from lince.core.options import SourceOptions


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


# Keys that are two words; all others are one, or names of classes and attributes, which stay as they are.
_TITLES = {"looked_at": "looked at", "most_common": "most common"}


def _show(found: dict[str, Any], indent: str = "") -> None:
    from lince.cli.console import printable

    for key, value in found.items():
        title = _TITLES.get(key) or printable(str(key))
        if isinstance(value, dict) and not value:
            continue
        if isinstance(value, dict):
            typer.echo(f"{indent}{title}:")
            _show(value, indent + "  ")
        elif isinstance(value, list):
            typer.echo(f"{indent}{title}: {'none' if not value else ''}".rstrip())
            for item in value:
                text = ", ".join(f"{k} {v}" for k, v in item.items()) if isinstance(item, dict) else str(item)
                typer.echo(f"{indent}  - {printable(text)}")
        else:
            typer.echo(f"{indent}{title}: {'–' if value is None else printable(str(value))}")
