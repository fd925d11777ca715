"""What is not documented does not exist: verbs, flags, models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer.main

from lince.cli import app
from lince.inference import Predictor
from lince.models.catalog import CATALOG
from lince.serving.app import create_app

DOCS = Path(__file__).parents[1] / "docs"


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for verb, inner in command.commands.items():
            yield from commands(inner, f"{name} {verb}")
    else:
        yield name, command


@pytest.mark.parametrize("folder", ["", "pt"])
def test_every_verb_flag_and_model_is_documented(folder: str) -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted((DOCS / folder).glob("*.md")))
    wanted = set(CATALOG)
    for name, command in commands(typer.main.get_command(app), "lince"):
        wanted.add(name)
        for option in command.params:
            wanted |= {flag for flag in (*option.opts, *option.secondary_opts) if flag.startswith("--")}
    assert len(wanted) > 30
    assert sorted(word for word in wanted - {"--help"} if word not in text) == []


@pytest.mark.parametrize("folder", ["", "pt"])
def test_every_route_and_error_is_documented(folder: str, tiny_bundle: Path) -> None:
    text = (DOCS / folder / "rest.md").read_text(encoding="utf-8")
    document = create_app(Predictor(tiny_bundle)).openapi()
    statuses = {status for path in document["paths"].values() for way in path.values() for status in way["responses"]}
    assert len(statuses) > 5
    wanted = {*document["paths"], *(status for status in statuses if status != "200")}
    assert sorted(word for word in wanted if word not in text) == []
