"""What a model card is written with: Markdown that names cannot break, and numbers as text, in one language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, final

from lince.core.pages import legible
from lince.evaluation.texts import translator
from lince.evaluation.wording import Wording
from lince.inference.card.texts import PORTUGUESE

# What Markdown or HTML would take for more than a character; an underscore only at the edge of a word.
_SPECIAL = re.compile(r"[\\`*\[\]<>|#~&]|(?<![^\W_])_|_(?![^\W_])")


class Markdown(str):
    """Text that is Markdown already."""

    __slots__ = ()


def escaped(text: str) -> Markdown:
    """Any text as one line of Markdown that shows it as it is, also inside a table."""
    return Markdown(_SPECIAL.sub(r"\\\g<0>", " ".join(legible(text).split())))


def joined(separator: str, parts: Iterable[str]) -> Markdown:
    """Parts with a separator between them; those that are not Markdown are escaped."""
    return Markdown(separator.join(_safe(part) for part in parts))


def _safe(value: Any) -> Any:
    return escaped(value) if isinstance(value, str) and not isinstance(value, Markdown) else value


@final
class Words:
    """Speaks one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.figures = Wording(language)
        self._other = translator(language)

    def say(self, sentence: str, /, **values: Any) -> Markdown:
        """A sentence with its values; texts among them are escaped. What it does not know it repeats."""
        known = PORTUGUESE.get(sentence) if self.language == "pt" else None
        text = known or self._other(sentence)
        return Markdown(text.format(**{name: _safe(value) for name, value in values.items()}))

    def pairs(self, values: Mapping[str, object]) -> Markdown:
        """``benign: 22, malignant: 15``."""
        return joined(", ", (Markdown(f"{_safe(name)}: {value}") for name, value in values.items()))

    def inside(self, name: str) -> Markdown:
        """The name of a figure inside a sentence: with a small letter, unless it is an abbreviation."""
        said = self.say(name)
        return said if said[:2].isupper() or said[1:2].isdigit() else Markdown(said[:1].lower() + said[1:])

    def number(self, value: float | None, digits: int = 3) -> Markdown:
        """A figure with the decimal sign of the language, or a dash."""
        return Markdown(self.figures.number(value, digits))

    def short(self, value: float) -> Markdown:
        """A setting with as many digits as it needs."""
        text = f"{value:g}"
        return Markdown(text.replace(".", ",") if self.language == "pt" else text)

    def percent(self, value: float | None) -> Markdown:
        """A proportion in percent, without decimals where there are none."""
        return Markdown(self.figures.percent(value).replace(".0%", "%").replace(",0%", "%"))

    def estimate(self, estimate: dict[str, Any]) -> Markdown:
        """``0.914 [0.870, 0.951]``; where there is no value a dash and, if it is known, why."""
        if estimate.get("value") is None:
            why = estimate.get("reason")
            return Markdown(f"– ({self.say(why)})" if why else "–")
        text = self.number(estimate["value"])
        if estimate.get("low") is None or estimate.get("high") is None:
            return text
        between = "; " if self.language == "pt" else ", "
        return Markdown(f"{text} [{self.number(estimate['low'])}{between}{self.number(estimate['high'])}]")
