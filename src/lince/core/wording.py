"""Small pieces of sentences: numbers with their noun, lists of values, the order in which people expect names."""

from __future__ import annotations

import re
from collections.abc import Sequence


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 image``, ``2 images``; ``many`` where the plural is more than an s."""
    return f"{number} {one}" if number == 1 else f"{number} {many or one + 's'}"


def listed(values: Sequence[object], *, most: int = 8) -> str:
    """The first values with commas between them, `quoted`."""
    shown = [quoted(str(value)) for value in values[:most]]
    return ", ".join([*shown, "..."] if len(values) > most else shown)


def quoted(text: str) -> str:
    """A text that a comma or a blank at an end would blur in a list, in quotes; any other as it is."""
    return f'"{text}"' if "," in text or text != text.strip() or not text else text


def natural(text: str) -> tuple[list[tuple[int, str]], str]:
    """Sort key in which 2 comes before 10, the same on every system."""
    pieces = re.split(r"([0-9]+)", text.casefold())
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in pieces], text
