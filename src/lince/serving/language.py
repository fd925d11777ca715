"""The page's language: chosen by the reader, else by the browser; messages from .po files read at start."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import final

from babel import Locale, negotiate_locale
from babel.messages import Message
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

from lince.core.languages import preferred
from lince.serving.words import known

LOCALES = ("en", "pt_PT", "pt_BR")
COOKIE = "lang"
_BY_LOWER = {name.lower(): name for name in LOCALES}


def named(tag: str | None) -> str | None:
    """The one of `LOCALES` that a tag (``pt-BR``, ``pt_br``) names exactly."""
    return _BY_LOWER.get(tag.replace("-", "_").lower()) if tag else None


def choose(accept_language: str, *wanted: str | None) -> str:
    """One of `LOCALES`: the first of ``wanted`` that is one, else the browser's best, else English.

    Portuguese of another country (pt-AO, pt-MZ) gets that of Portugal, whose spelling it follows.
    """
    for tag in wanted:
        if name := named(tag):
            return name
    tags: list[str] = []
    for tag in preferred(accept_language):
        tags += [tag, tag.partition("_")[0]]
    found = negotiate_locale(tags, LOCALES)
    return _BY_LOWER[found.lower()] if found else LOCALES[0]


@final
class Language:
    """One language of the page: its messages and its way of writing numbers."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.locale = Locale.parse(name)
        self.tag = name.replace("_", "-")
        catalog = [] if name == LOCALES[0] else _read(name)
        self._messages = {(entry.context, str(entry.id)): str(entry.string) for entry in catalog}
        scripts = [entry for entry in catalog if _for_scripts(entry)]
        self.script_messages = {str(entry.id): str(entry.string) for entry in scripts}

    def gettext(self, message: str) -> str:
        """The message in this language."""
        return self._messages.get((None, message), message)

    def class_names(self, names: tuple[str, ...]) -> dict[str, str]:
        """What to show for those class names that this language has a word for."""
        keys = {name: ("class", key) for name, key in known(names).items()}
        return {name: self._messages[key] for name, key in keys.items() if key in self._messages}

    def percent(self, value: float, digits: int = 1) -> str:
        """A proportion as a percentage, as written here."""
        return str(format_percent(value, format=f"0.{'0' * digits}%", locale=self.locale))

    def integer(self, value: float) -> str:
        """A whole number, grouped as here."""
        return str(format_decimal(int(value), locale=self.locale))

    def decimal(self, value: float, digits: int = 3) -> str:
        """A number with ``digits`` decimals, as written here."""
        return str(format_decimal(value, format=f"0.{'0' * digits}", locale=self.locale))


def _for_scripts(entry: Message) -> bool:
    """Whether the page's scripts show it: they hold it, or the predictions that they draw do."""
    places = [place for place, _ in entry.locations]
    return not entry.context and any(place.endswith((".js", "words.py")) for place in places)


def _read(name: str) -> list[Message]:
    """The translated messages of a catalog."""
    with (files("lince.serving") / "locale" / name / "messages.po").open("rb") as stream:
        return [entry for entry in read_po(stream, locale=name, abort_invalid=True) if entry.id and entry.string]


@cache
def language(name: str) -> Language:
    """The language of that name, read once."""
    return Language(name)
