"""``lince data search``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from lince.cli import main


@pytest.fixture
def manifest(tiny_images: Path, tmp_path: Path) -> Path:
    rows = ["path,label,caption"]
    for number, image in enumerate(sorted(tiny_images.rglob("*.png"))):
        caption = "Simple cyst" if number % 2 else "Sólido nódulo"
        rows.append(f"{image},{image.parent.name},{caption}")
    table = tmp_path / "told.csv"
    table.write_text("\n".join(rows), encoding="utf-8")
    return table


def test_a_table_of_what_matches(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "search", str(manifest), "nodulo zebra", "--top", "2"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "No text has: zebra."
    assert said[1] == "12 of 24 images match, 0 with every word; the best 2:"
    assert said[2].split() == ["rank", "score", "label", "name", "group"]
    assert said[4].strip() == "caption: Sólido [nódulo]"
    assert len(said) == 7


def test_json_and_a_picture(manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, image = tmp_path / "sheet.png", next(iter(Path(manifest).read_text().splitlines()[1:])).split(",")[0]
    for _ in range(2):  # the earlier sheet is replaced
        assert main(["data", "search", str(manifest), "--like", image, "--top", "6", "--json", "--out", str(out)]) == 0
    told = json.loads(capsys.readouterr().out.split("\n}\n", 1)[1])
    assert told["sheet"] == str(out)
    assert [hit["rank"] for hit in told["hits"]] == [1, 2, 3, 4, 5, 6]
    assert told["hits"][0]["same_file"] is True
    with Image.open(out) as picture:
        assert picture.width > 800


def test_nothing_found_is_a_sentence(
    tiny_images: Path, manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "none.png"
    assert main(["data", "search", str(manifest), "zebra", "--out", str(out)]) == 0
    assert "has none of these words" in capsys.readouterr().out
    assert not out.exists()
    assert main(["data", "search", str(tiny_images), "zebra"]) == 0
    assert "--like IMAGE" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nothing to search for"),
        ([""], "no word to search for"),
        (["--like", "absent.png"], "no such file"),
        (["--like", "."], "a folder, not an image"),
        (["cyst", "--label", "odd"], "no class of this name"),
        (["cyst", "--split", "dev"], "no part of this name"),
        (["cyst", "--out", "sheet.jpg"], ".png"),
        (["cyst", "--top", "0"], "--top"),
    ],
)
def test_wrong_requests_are_refused_in_one_line(
    tiny_images: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "search", str(tiny_images), *words]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert len(told.strip().splitlines()) == 1


def test_a_file_that_is_no_sheet_is_not_replaced(
    tiny_images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine.png"
    Image.new("L", (8, 8)).save(out)
    assert main(["data", "search", str(tiny_images), "benign", "--out", str(out)]) == 2
    assert "another file of this name" in capsys.readouterr().err
