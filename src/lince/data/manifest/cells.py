"""What the cells of a text column are: whole numbers, numbers, truth values, or text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

# As Python prints them. 007 and 1e5 are text: identifiers look so.
_WHOLE = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-][0-9]+)?")
_COMMA_NUMBER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)(?:,[0-9]+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3})+")
_TRUTH = {"true": True, "false": False}


def typed(cells: Sequence[str], *, decimal_comma: bool = False) -> tuple[list[Any], bool]:
    """Cells with the type that all of them share; empty ones as ``None``.

    Parameters
    ----------
    decimal_comma
        Read 1,234 as a number between 1 and 2. Without it such numbers are left as text, since they may mean
        thousands; 3,5 is a number either way.

    Returns
    -------
    tuple
        The values, and whether decimal commas were read.
    """
    words = {cell: cell.strip() for cell in set(cells)}
    filled = [word for word in words.values() if word]
    convert, comma = _kind(filled, decimal_comma)
    values = {cell: (convert(word) if convert else cell) if word else None for cell, word in words.items()}
    return list(map(values.__getitem__, cells)), comma


def _kind(words: Sequence[str], decimal_comma: bool) -> tuple[Callable[[str], Any] | None, bool]:
    """How to convert every word, or None where they are text; and whether that reads decimal commas."""
    if not words:
        return None, False
    if all(word.lower() in _TRUTH for word in words):
        return lambda word: _TRUTH[word.lower()], False
    if all(_NUMBER.fullmatch(word) for word in words):
        return _number, False
    if all(_COMMA_NUMBER.fullmatch(word) for word in words):
        thousands = all(_THOUSANDS.fullmatch(word) for word in words if "," in word)
        if decimal_comma or not thousands:
            return lambda word: _number(word.replace(",", ".")), True
    return None, False


def _number(word: str) -> int | float:
    return int(word) if _WHOLE.fullmatch(word) else float(word)
