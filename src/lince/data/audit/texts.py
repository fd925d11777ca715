"""How an audit speaks: numbers as text, sentences with their numbers in them, and the words of the page.

A sentence is a template. ``{n:# pair|# pairs}`` chooses between one and many and puts the number for ``#``;
``{share:%}`` writes a share in percent, ``{auc:.2}`` a figure with two decimals. Portuguese has its comma.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any, Literal, final

from lince.core.pages import legible
from lince.data.audit.portuguese import PORTUGUESE

Language = Literal["en", "pt"]


@final
class Wording(string.Formatter):
    """Speaks one language.

    Parameters
    ----------
    language
        ``en`` or ``pt``.
    """

    def __init__(self, language: Language = "en") -> None:
        self.language = language

    def say(self, sentence: str, /, **values: Any) -> str:
        """A sentence in the language, with its numbers; what it does not know it repeats."""
        return self.fill(PORTUGUESE.get(sentence, sentence) if self.language == "pt" else sentence, values)

    def fill(self, template: str, values: Mapping[str, Any]) -> str:
        """A template that is in the language already, with its numbers."""
        return self.vformat(template, (), values)

    def format_field(self, value: Any, format_spec: str) -> str:
        """One number or name of a template; called by `string.Formatter`."""
        if "|" in format_spec:
            one, many = format_spec.split("|")
            return (one if value == 1 else many).replace("#", self.count(value))
        if format_spec == "%":
            return self.percent(value)
        if format_spec.startswith("."):
            return self.number(value, int(format_spec[1:]))
        if isinstance(value, int) and not isinstance(value, bool):
            return self.count(value)
        return legible(str(value))

    def count(self, value: int) -> str:
        """A whole number with a space that does not break between thousands."""
        return f"{value:,}".replace(",", "\N{NO-BREAK SPACE}")

    def number(self, value: float | None, digits: int = 2) -> str:
        """A figure; a dash when there is none."""
        return "–" if value is None else self._point(f"{value:.{digits}f}")

    def quantity(self, value: float) -> str:
        """A measurement of any size in three digits, or all of a whole number."""
        if abs(value) >= 100 or float(value).is_integer():
            return self.count(round(value))
        return self._point(f"{value:.3g}" if abs(value) >= 0.001 else "< 0.001")

    def percent(self, share: float) -> str:
        """A share: whole percents from 10 on, one decimal below; never 0 % for a few, nor 100 % for almost all."""
        points = 100 * share
        if 0 < points < 0.1:
            return self._point("< 0.1%")
        if 99.5 <= points < 100:
            return self._point(f"{min(points, 99.9):.1f}%")
        return self._point(f"{points:.0f}%" if points >= 9.95 or points == 0 else f"{points:.1f}%")

    def fact(self, name: str) -> str:
        """What a measured fact is called."""
        plain = name.removeprefix("attribute:")
        return self.say(FACTS.get(plain, plain.replace("_", " ")))

    def part(self, name: str | None) -> str:
        """What a part of the collection is called; nothing for the name of a class or patient."""
        return self.say(PARTS.get(name or "none", name or ""))

    def _point(self, text: str) -> str:
        return text.replace(".", ",").replace("%", " %") if self.language == "pt" else text


PARTS = {"train": "train", "val": "validation", "test": "test", "none": "no part"}

FACTS = {
    "width": "image width",
    "height": "image height",
    "aspect": "width to height",
    "area": "number of pixels",
    "bytes": "file size",
    "bytes-per-pixel": "file size per pixel",
    "exif": "Exif notes in the file",
    "format": "file format",
    "mode": "grey or colour, bit depth",
    "jpeg-quantisation": "JPEG compression",
    "border": "border around the image",
    "border-level": "brightness of the border",
    "lettering": "letters in the image",
    "mean": "mean brightness",
    "std": "contrast",
    "white": "share of white pixels",
    "black": "share of black pixels",
    "sharpness": "sharpness",
}

RELATIONS = {
    "file": "same file",
    "pixels": "same pixels",
    "near": "nearly the same",
    "mirrored": "mirrored",
    "rotated": "rotated",
    "cropped": "a part of the other",
}

SEVERITY_WORDS = {"severe": "severe", "warning": "warning", "note": "note"}

PLACES = {
    "top-left": "top left", "top": "top", "top-right": "top right", "middle-left": "left", "middle": "middle",
    "middle-right": "right", "bottom-left": "bottom left", "bottom": "bottom", "bottom-right": "bottom right",
}  # fmt: skip

PROBED = {
    "container": "the file, not the picture",
    "frame": "what the machine put around the picture",
    "content": "the picture as a whole",
}
