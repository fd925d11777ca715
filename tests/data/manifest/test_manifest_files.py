"""Which named files are there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from lince.data.manifest import files
from lince.data.manifest.files import MISSING, absent_files, spellings


def test_many_in_one_folder_are_found_by_one_listing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{number}.png" for number in range(100)]
    for name in names:
        (tmp_path / name).touch()
    asked: list[str] = []
    real = os.stat

    def counted(path: Any, *rest: Any, **more: Any) -> os.stat_result:
        asked.append(str(path))
        return real(path, *rest, **more)

    monkeypatch.setattr(files.os, "stat", counted)
    gone = str(tmp_path / "gone.png")
    assert absent_files([*(str(tmp_path / name) for name in names), gone]) == {gone: MISSING}
    assert asked == [gone]


def test_a_few_among_many_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_ENTRIES_PER_NAME", 1)
    for number in range(200):
        (tmp_path / f"{number}.png").touch()
    wanted = [str(tmp_path / f"{number}.png") for number in range(0, 60, 3)]
    assert absent_files(wanted) == {}  # the listing stops early; the rest are asked for by name


@pytest.mark.parametrize("others", [0, 40])
def test_links_folders_and_names_that_cannot_be(tmp_path: Path, others: int) -> None:
    here = [tmp_path / f"{number}.png" for number in range(others)]
    for path in here:
        path.touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "real.png").touch()
    (tmp_path / "link.png").symlink_to("real.png")
    (tmp_path / "broken.png").symlink_to("nowhere.png")
    names = ["folder", "link.png", "broken.png", "real.png/inside.png", "nul\0.png", "none/1.png", "x" * 300]
    found = absent_files([*map(str, here), *(f"{tmp_path}/{name}" for name in names)])
    assert {path[len(str(tmp_path)) + 1 :]: reason for path, reason in found.items() if "x" * 300 not in path} == {
        "folder": "not a file",
        "broken.png": MISSING,
        "real.png/inside.png": MISSING,
        "nul\0.png": "not a usable path: embedded null byte",
        "none/1.png": MISSING,
    }
    assert len(found) == 6


def test_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(20):
        Path(f"{number}.png").touch()
    assert absent_files([f"{number}.png" for number in range(21)]) == {"20.png": MISSING}


def test_a_folder_that_may_be_entered_but_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        (tmp_path / f"{number}.png").touch()

    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(files.os, "scandir", refuse)
    assert absent_files([str(tmp_path / f"{number}.png") for number in range(21)]) == {
        str(tmp_path / "20.png"): MISSING
    }


def test_spellings() -> None:
    assert spellings("plain.png") == []
    assert spellings(" a\\b.png") == ["a\\b.png", "a/b.png"]
    assert "les\u00e3o.png" in spellings("lesa\u0303o.png")
    assert "lesa\u0303o.png" in spellings("les\u00e3o.png")
    assert spellings(b"les\xe3o.png".decode("utf-8", "surrogateescape"))[0] == "lesão.png"
