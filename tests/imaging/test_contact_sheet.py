"""Images in rows, with words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import ImageFont

from lince.imaging.contact_sheet import ContactSheet, SheetRow, wrap

FONT = ImageFont.load_default(14)


def row(side: int = 32, channels: int = 1, count: int = 2, *, name: str = "benign", value: int = 128) -> SheetRow:
    return SheetRow(name, "file.png", (np.full((side, side, channels), value, np.uint8),) * count)


def sheet(*rows: SheetRow, columns: tuple[str, ...] = (), notes: tuple[str, ...] = ()) -> Any:
    return np.asarray(ContactSheet("Title", rows, columns=columns, notes=notes).draw())


@pytest.mark.parametrize(("side", "drawn"), [(28, 140), (64, 128), (160, 160), (224, 224), (512, 224)])
def test_small_images_are_enlarged_by_a_whole_number_and_large_ones_reduced(side: int, drawn: int) -> None:
    page = sheet(row(side, value=0, count=1, name=" "))
    black = (page == 0).all(-1)
    assert black.any(0).sum() == drawn
    assert black.any(1).sum() == drawn


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_are_drawn_as_they_are(channels: int) -> None:
    random = np.random.default_rng(1)
    tile = random.integers(0, 256, (40, 40, channels), dtype=np.uint8)
    page = sheet(SheetRow("a", "b", (tile,)))
    wanted = np.broadcast_to(tile, (40, 40, 3)).repeat(4, 0).repeat(4, 1)
    found = [
        top for top in range(page.shape[0] - 160) if np.array_equal(page[top : top + 160, 192 : 192 + 160], wanted)
    ]
    assert len(found) == 1


def test_words_take_room_and_leave_ink() -> None:
    plain = sheet(row())
    noted = sheet(row(), notes=("A sentence about what is shown here, long enough to be broken into several lines.",))
    headed = sheet(row(), columns=("original", "version 1"))
    assert noted.shape[0] > plain.shape[0] + 20
    assert headed.shape[0] > plain.shape[0]
    assert (noted[plain.shape[0] - 20 :] < 100).any()


def test_lines_fit_their_room_and_lose_no_letter() -> None:
    text = "rotation ±10°, translation ±5%, " + "w" * 60 + " end"
    lines = wrap(text, FONT, 120)
    assert all(FONT.getlength(line) <= 120 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert len(lines) > 4


def test_too_many_lines_end_in_an_ellipsis() -> None:
    lines = wrap("one two three four five six seven eight", FONT, 60, most=2)
    assert len(lines) == 2
    assert lines[-1].endswith("…")
    assert FONT.getlength(lines[-1]) <= 60
    assert wrap("one", FONT, 60, most=2) == ["one"]
    assert wrap("", FONT, 60, most=1) == []


def test_a_letter_wider_than_its_room_does_not_hang() -> None:
    assert wrap("www", FONT, 1) == ["w", "w", "w"]


def test_portuguese_names_are_drawn_letter_by_letter() -> None:
    """A font without a letter draws the same box for each."""

    def drawn(name: str) -> bytes:
        return bytes(sheet(row(name=name)).tobytes())

    assert len({drawn(letter) for letter in "ãçéõ×±"}) == 6
