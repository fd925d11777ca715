"""The page's messages as the sources have them; run this file to bring the catalogs up to date."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

SERVING = Path(str(files("lince.serving")))
TRANSLATED = ("pt_PT", "pt_BR")


def extracted() -> Catalog:
    """Every message of templates, scripts and Python, with the file that it is in."""
    catalog = Catalog(project="lince", charset="utf-8", fuzzy=False)
    found = extract_from_dir(
        SERVING,
        [("**.html", babel_extract), ("**.js", "javascript"), ("**.py", "python")],
        options_map={"**.html": {"extensions": "jinja2.ext.i18n"}},
        keywords={"_": None, "gettext": None, "pgettext": ((1, "c"), 2)},
    )
    for file, _line, message, _comments, context in sorted(found, key=lambda one: (one[0], one[1])):
        catalog.add(message, locations=[(file, 1)], context=context)
    return catalog


def stored(locale: str) -> Catalog:
    with (SERVING / "locale" / locale / "messages.po").open("rb") as stream:
        return read_po(stream, locale=locale, abort_invalid=True)


def update() -> None:
    """Add new messages untranslated, drop stale ones, keep the rest."""
    for locale in TRANSLATED:
        catalog = stored(locale)
        catalog.update(extracted(), no_fuzzy_matching=True, update_creation_date=False)
        catalog.obsolete.clear()
        with (SERVING / "locale" / locale / "messages.po").open("wb") as stream:
            write_po(stream, catalog, width=120, include_lineno=False, omit_header=False, ignore_obsolete=True)


if __name__ == "__main__":
    update()
