"""One line that says what is wrong, what was received and what to do."""

from __future__ import annotations

import inspect

import pytest

from lince.core import errors
from lince.core.errors import ImageError, LinceError, MissingExtraError
from lince.core.extras import EXTRAS, require

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, LinceError)]


def test_all_three_parts_are_in_the_sentence() -> None:
    error = LinceError("The file is empty", received="scan.png", fix="choose another")
    assert error.sentence == "The file is empty (received: scan.png); choose another."
    assert str(error) == error.sentence
    assert (error.problem, error.received, error.fix) == ("The file is empty", "scan.png", "choose another")


def test_parts_left_out_leave_no_trace() -> None:
    assert LinceError("Nothing to do").sentence == "Nothing to do."
    assert LinceError("Nothing to do", fix="add images").sentence == "Nothing to do; add images."


def test_nothing_received_is_not_the_same_as_zero_or_empty() -> None:
    assert LinceError("Bad value", received=0).sentence == "Bad value (received: 0)."
    assert LinceError("Bad value", received="").sentence == "Bad value (received: )."


def test_full_stops_are_not_doubled() -> None:
    assert LinceError("It ended.", fix="start again.").sentence == "It ended; start again."


def test_an_ellipsis_at_the_end_stays() -> None:
    assert LinceError("Unknown", fix="choose one of: 1, 2, ...").sentence == "Unknown; choose one of: 1, 2, ..."
    assert LinceError("One of 1, 2, ...", received=3).sentence == "One of 1, 2, ... (received: 3)."


def test_a_name_with_line_breaks_stays_on_one_line() -> None:
    assert LinceError("Bad\n name", received="a\r\nb\tc").sentence == "Bad name (received: a b c)."


def test_every_kind_has_its_own_name() -> None:
    names = [kind.kind for kind in KINDS]
    assert len(names) > 5
    assert len(set(names)) == len(names)
    assert all(400 <= kind.status < 600 for kind in KINDS)


def test_every_kind_is_caught_as_the_one_error() -> None:
    with pytest.raises(LinceError, match="It is not an image"):
        raise ImageError("It is not an image")
    assert ImageError.status == 422


def test_a_missing_extra_names_the_command_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXTRAS, "no_such_package_of_lince", "dicom-jpeg")
    with pytest.raises(MissingExtraError) as caught:
        require("no_such_package_of_lince")
    assert caught.value.sentence == (
        "This needs the package 'no_such_package_of_lince', which is not installed; "
        "pip install 'lince-med[dicom-jpeg]'."
    )


def test_an_installed_extra_is_handed_over() -> None:
    assert require("json").loads("[1]") == [1]


def test_every_extra_is_one_of_the_package() -> None:
    from importlib.metadata import metadata

    offered = metadata("lince-med").get_all("Provides-Extra") or []
    assert set(EXTRAS.values()) <= set(offered)
