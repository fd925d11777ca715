"""Pieces of sentences."""

from __future__ import annotations

from lince.core.wording import counted, listed, natural


def test_one_is_singular_and_none_is_plural() -> None:
    assert [counted(n, "file") for n in (0, 1, 2)] == ["0 files", "1 file", "2 files"]
    assert [counted(n, "row is", "rows are") for n in (1, 2)] == ["1 row is", "2 rows are"]


def test_values_that_a_comma_would_split_stand_in_quotes() -> None:
    assert listed(["Chest, Pulmonary", "Breast", 3]) == '"Chest, Pulmonary", Breast, 3'
    assert listed(["", " a", "b"]) == '"", " a", b'


def test_a_long_list_says_that_it_goes_on() -> None:
    assert listed(range(4), most=3) == "0, 1, 2, ..."
    assert listed(range(3), most=3) == "0, 1, 2"
    assert listed([]) == ""


def test_numbers_inside_names_are_in_order() -> None:
    assert sorted(["400X", "40X", "100x", "b", "A"], key=natural) == ["40X", "100x", "400X", "A", "b"]
