"""Images in rows, with words beside and below them, as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from lince.core.errors import OutputError
from lince.core.files import atomic_file

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

_WHITE, _INK, _QUIET, _LINE = (255, 255, 255), (33, 37, 41), (108, 117, 125), (222, 226, 230)
_MARGIN, _GAP, _LABEL_WIDTH = 24, 8, 168
# Side of a tile: small images are enlarged by a whole number, so that their pixels stay what they are.
_TILE = 160
_TITLE, _TEXT, _SMALL = 18, 13, 11


@final
@dataclass(frozen=True, slots=True)
class SheetRow:
    """Tiles (S, S, C) uint8 from left to right; a name for the row, a quieter line under it, lines below each tile."""

    name: str
    detail: str
    tiles: tuple[NDArray[np.uint8], ...]
    captions: tuple[tuple[str, ...], ...] = ()


@final
class ContactSheet:
    """A page of tiles of one size.

    Parameters
    ----------
    title
        Above everything.
    rows
        At least one; all tiles have one shape.
    columns
        Names above the columns; empty for none.
    notes
        Paragraphs below, broken into lines here.
    """

    def __init__(self, title: str, rows: Sequence[SheetRow], *, columns: Sequence[str], notes: Sequence[str]) -> None:
        self._title, self._rows, self._columns, self._notes = title, rows, columns, notes
        self._side = _tile_side(rows[0].tiles[0].shape[0])
        across = max(len(row.tiles) for row in rows)
        # Each line of a caption is one line of the page, cut where it is too long.
        self._below = max((len(lines) for row in rows for lines in row.captions), default=0) * _line(_SMALL)
        self._width = 2 * _MARGIN + _LABEL_WIDTH + across * (self._side + _GAP) - _GAP

    def draw(self) -> Picture:
        """The page, RGB."""
        room = self._width - 2 * _MARGIN
        notes = [line for note in self._notes for line in wrap(note, _font(_TEXT), room)]
        top = _MARGIN + sum(_line(_TITLE) for _ in wrap(self._title, _font(_TITLE), room)) + _GAP
        first = top + (_line(_SMALL) if self._columns else 0)
        high = self._side + self._below + _GAP
        last = first + len(self._rows) * high
        page = Image.new("RGB", (self._width, last + _GAP + len(notes) * _line(_TEXT) + _MARGIN), _WHITE)
        pen = ImageDraw.Draw(page)
        _write(pen, (_MARGIN, _MARGIN), wrap(self._title, _font(_TITLE), room), _TITLE, _INK)
        for number, name in enumerate(self._columns):
            _write(pen, (self._left(number), top), wrap(name, _font(_SMALL), self._side, most=1), _SMALL, _QUIET)
        for number, row in enumerate(self._rows):
            self._draw_row(page, pen, row, first + number * high)
        if notes:
            pen.line([(_MARGIN, last + 1), (self._width - _MARGIN, last + 1)], fill=_LINE)
        _write(pen, (_MARGIN, last + _GAP), notes, _TEXT, _INK)
        return page

    def _draw_row(self, page: Picture, pen: Any, row: SheetRow, top: int) -> None:
        room = _LABEL_WIDTH - 2 * _GAP
        name = wrap(row.name, _font(_TEXT), room, most=3)
        detail = wrap(row.detail, _font(_SMALL), room, most=3)
        high = len(name) * _line(_TEXT) + len(detail) * _line(_SMALL)
        start = top + max(0, (self._side - high) // 2)
        _write(pen, (_MARGIN, start), name, _TEXT, _INK)
        _write(pen, (_MARGIN, start + len(name) * _line(_TEXT)), detail, _SMALL, _QUIET)
        for number, tile in enumerate(row.tiles):
            page.paste(_picture(tile, self._side), (self._left(number), top))
        for number, lines in enumerate(row.captions):
            cut = [line for text in lines for line in wrap(text, _font(_SMALL), self._side, most=1) or [""]]
            _write(pen, (self._left(number), top + self._side), cut, _SMALL, _INK)

    def _left(self, number: int) -> int:
        return _MARGIN + _LABEL_WIDTH + number * (self._side + _GAP)


def check_place(out: Path, maker: str) -> None:
    """Refuse to write where something else lies; an earlier sheet of the same maker is replaced.

    Raises
    ------
    OutputError
        The name does not end in ``.png``, or there is a file that is no such sheet.
    """
    if out.suffix.lower() != ".png":
        raise OutputError("This picture is a PNG file", received=out, fix="end its name in .png")
    if not out.exists():
        return
    try:
        with Image.open(out) as found:
            ours = found.info.get("Software") == maker
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError):
        ours = False
    if not ours:
        raise OutputError("There is another file of this name", received=out, fix="choose another --out")


def write_sheet(picture: Picture, out: Path, maker: str) -> None:
    """Write a sheet as a PNG that `check_place` knows again.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    facts = PngInfo()
    facts.add_text("Software", maker)
    with atomic_file(out) as stream:
        picture.save(stream, "PNG", pnginfo=facts)


def wrap(text: str, font: Any, room: float, *, most: int | None = None) -> list[str]:
    """Lines of at most ``room`` pixels; words that are wider are cut. Past ``most`` lines, an ellipsis."""
    lines: list[str] = []
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(joined) <= room:
            lines[-1] = joined
            continue
        while word and font.getlength(word) > room:
            fits = next(end for end in range(len(word), 0, -1) if end == 1 or font.getlength(word[:end]) <= room)
            lines.append(word[:fits])
            word = word[fits:]
        if word:
            lines.append(word)
    if most is not None and len(lines) > most:
        lines = lines[:most]
        while lines[-1] and font.getlength(f"{lines[-1]}…") > room:
            lines[-1] = lines[-1][:-1]
        lines[-1] += "…"
    return lines


def _tile_side(side: int) -> int:
    """A whole multiple of a small side; a large one as it is, or reduced."""
    return side * max(1, _TILE // side) if side < _TILE else min(side, 224)


def _picture(tile: NDArray[np.uint8], side: int) -> Picture:
    image = Image.fromarray(tile[..., 0] if tile.shape[-1] == 1 else tile).convert("RGB")
    small = tile.shape[0] <= side
    return image.resize((side, side), Image.Resampling.NEAREST if small else Image.Resampling.LANCZOS)


@lru_cache
def _font(size: int) -> Any:
    """DejaVu Sans, which comes with matplotlib: Pillow's own font has no accents."""
    import matplotlib

    return ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")), size)


def _line(size: int) -> int:
    return round(size * 1.4)


def _write(pen: Any, place: tuple[int, int], lines: Sequence[str], size: int, colour: tuple[int, int, int]) -> None:
    for number, line in enumerate(lines):
        pen.text((place[0], place[1] + number * _line(size)), line, font=_font(size), fill=colour)
