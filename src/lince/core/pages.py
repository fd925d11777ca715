"""Pages for people: one look for every report, and text that can be written into them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def legible(text: str) -> str:
    r"""Text that can be written as UTF-8: bytes of a file name that are no text become ``\udcXX``."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def environment(package: str) -> Environment:
    """The templates of a package, beside the style that all pages share (``{% include "page.css" %}``).

    Class and file names come from folders: everything is escaped, whatever the template's name, and a name that a
    template does not know is an error.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("lince.core")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
