"""Class names as matplotlib can draw them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from matplotlib.font_manager import findfont, fontManager
from matplotlib.ft2font import FT2Font

from lince.evaluation.checks import legible

# DejaVu Sans comes with matplotlib; the others are drawn with where the machine has them.
_WISHED = (
    "DejaVu Sans",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans CJK KR",
    "Noto Sans Arabic",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Noto Sans Bengali",
    "Noto Sans Tamil",
)
_MISSING = "□"


@lru_cache(maxsize=1)
def families() -> tuple[str, ...]:
    """Font families on this machine to draw with, the first covering most."""
    installed = {entry.name for entry in fontManager.ttflist}
    return tuple(name for name in _WISHED if name in installed)


@lru_cache(maxsize=1)
def _drawable() -> frozenset[int]:
    return frozenset(code for name in families() for code in FT2Font(findfont(name)).get_charmap())


def drawable(text: str) -> str:
    """Text on one line that draws without a warning: no mathematics between dollars, a box for a missing glyph."""
    flat = " ".join(legible(text).split())
    return "".join(c if ord(c) in _drawable() else _MISSING for c in flat).replace("$", r"\$")


def short_names(names: Sequence[str], longest: int = 22) -> list[str]:
    """Class names for axes and legends: drawable, shortened in the middle, and still told apart.

    Names that lose letters, or look alike once shortened, are led by their place in the order of the classes.
    """
    shown = []
    for name in names:
        text = " ".join(legible(name).split())
        half = (longest - 1) // 2
        shown.append(drawable(text if len(text) <= longest else f"{text[:half]}…{text[-half:]}"))
    return [
        f"{place}. {text}" if _MISSING in text or shown.count(text) > 1 else text
        for place, text in enumerate(shown, start=1)
    ]
