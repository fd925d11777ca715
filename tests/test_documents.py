"""The documents name every verb, option, route, report key and setting, and their links lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer.main

from lince.core.options import SourceOptions
from lince.models.catalog import CATALOG

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def verbs() -> Iterator[tuple[str, click.Command]]:
    from lince.cli.app import app

    def walk(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
        inner = getattr(command, "commands", None)
        if inner is None:
            yield path, command
        for name, one in (inner or {}).items():
            yield from walk(one, f"{path} {name}")

    return walk(typer.main.get_command(app), "lince")


@pytest.mark.parametrize("page", ["docs/cli.md", "docs/pt/cli.md"])
def test_every_verb_and_option_is_documented(page: str) -> None:
    sections = dict(re.findall(r"^## (.+)\n((?:(?!^## ).*\n)*)", read(page), re.MULTILINE))
    # Said once for all verbs.
    common = {"--help", "--log-dir", *(f"--{name}" for name in SourceOptions.model_fields)}
    once = "".join(text for name, text in sections.items() if not name.startswith("lince "))
    assert all(f"`--{name}" in once for name in SourceOptions.model_fields)
    found = dict(verbs())
    assert {"lince train", "lince data info", "lince serve"} <= found.keys()
    missing = []
    for name, command in found.items():
        assert name in sections, f"{page} has no section {name}"
        # tune takes the options of train, and says so
        text = sections[name] + (sections["lince train"] if name == "lince tune" else "")
        options = [o for p in command.params if isinstance(p, click.Option) for o in (*p.opts, *p.secondary_opts)]
        missing += [
            f"{name} {option}"
            for option in options
            if option.startswith("--") and option not in common and f"`{option}" not in text
        ]
    assert missing == []


@pytest.mark.parametrize(("name", "command"), list(verbs()))
def test_every_verb_and_parameter_has_help(name: str, command: click.Command) -> None:
    assert command.help
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{name}: {parameter.name}"


def test_the_help_shows_arguments_without_stray_backslashes() -> None:
    command = dict(verbs())["lince evaluate"]
    text = command.get_help(click.Context(command, info_name="evaluate"))
    assert "Folder that `lince train` wrote.  [required]" in text
    assert "\\[" not in text


def test_every_route_is_documented() -> None:
    source = "".join((ROOT / "src/lince/serving" / name).read_text(encoding="utf-8") for name in ("api.py", "pages.py"))
    routes = re.findall(r"@router\.\w+\(\s*\"([^\"]+)\"", source)
    assert len(routes) >= 6
    for page in ("docs/rest.md", "docs/pt/rest.md"):
        text = read(page)
        for route in routes:
            if route.startswith("/samples") and page != "docs/rest.md":
                continue
            assert route.split("{")[0] in text, f"{route} is not in {page}"


@pytest.mark.parametrize("page", ["docs/rest.md", "docs/pt/rest.md"])
def test_every_status_of_a_route_is_documented(page: str, tiny_bundle: Path) -> None:
    from lince.inference import Predictor
    from lince.serving.app import create_app

    paths = create_app(Predictor(tiny_bundle)).openapi()["paths"]
    statuses = {status for path in paths.values() for way in path.values() for status in way["responses"]} - {"200"}
    assert len(statuses) > 5
    assert sorted(status for status in statuses if status not in read(page)) == []


@pytest.mark.parametrize("folder", ["docs", "docs/pt"])
def test_every_model_is_documented(folder: str) -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in (ROOT / folder).glob("*.md"))
    assert sorted(name for name in CATALOG if name not in text) == []


def test_every_key_of_the_answer_is_documented() -> None:
    from lince.serving.schemas import ModelAnswer, PredictionAnswer

    for model, pages in ((PredictionAnswer, ["docs/rest.md", "docs/pt/rest.md"]), (ModelAnswer, ["docs/rest.md"])):
        for page in pages:
            assert [key for key in model.model_fields if f"`{key}`" not in read(page)] == []


def test_every_key_of_bundle_and_summary_is_documented() -> None:
    from lince.evaluation import Assessment, ReportContext
    from lince.inference.bundle import BundleManifest

    keys = [*BundleManifest.model_fields, *Assessment.model_fields, *ReportContext.model_fields]
    assert [key for key in keys if f"`{key}`" not in read("docs/bundle.md")] == []


@pytest.mark.parametrize("page", ["docs/cli.md", "docs/pt/cli.md"])
def test_every_environment_variable_is_documented(page: str) -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    names = set(re.findall(r"LINCE_[A-Z_]+[A-Z]", source))
    assert "LINCE_CACHE" in names
    assert {name for name in names if name not in read(page)} == set()


def test_every_model_and_medmnist_set_is_documented() -> None:
    from lince.data.catalog import catalog
    from lince.models.catalog import CATALOG

    assert [name for name in CATALOG if f"`{name}`" not in read("docs/models.md")] == []
    assert [name for name in catalog() if f"`{name}`" not in read("docs/data.md")] == []


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if link.startswith("http"):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), link


@pytest.mark.parametrize("page", ["README.md", "README.pt.md"])
def test_readmes_have_room_for_figures(page: str) -> None:
    assert re.search(r"<!-- figures:start -->\n\|.+\|\n(\n[^|]+\n)?<!-- figures:end -->", read(page), re.DOTALL)
