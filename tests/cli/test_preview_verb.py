"""``lince data preview``."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from lince.cli import main


@pytest.mark.parametrize("policy", [None, "auto", "none", "strong"])
def test_a_picture_is_written(
    tiny_images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], policy: str | None
) -> None:
    out = tmp_path / "shown.png"
    words = ["data", "preview", str(tiny_images), "--image-size", "32", "--count", "2", "--versions", "2"]
    assert main([*words, "--out", str(out), *([] if policy is None else ["--augment", policy])]) == 0
    said = capsys.readouterr()
    assert str(out) in said.out
    assert ("Augmentation: " in said.err) == (policy is not None)
    with Image.open(out) as picture:
        assert picture.mode == "RGB"
        assert min(picture.size) > 200


def test_a_harmful_choice_is_warned_of(tiny_images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "ultrasound"
    folder.symlink_to(tiny_images, target_is_directory=True)
    out = str(tmp_path / "a.png")
    assert main(["data", "preview", str(folder), "--image-size", "32", "--out", out, "--augment", "histology"]) == 0
    assert "Warning: The augmentation histology turns images upside down" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--augment", "wild"], "wild"),
        (["--out", "preview.jpg"], ".png"),
        (["--image-size", "50"], "multiple of 32"),
        (["--model", "nothing"], "no model"),
        (["--count", "0"], "--count"),
    ],
)
def test_wrong_choices_are_refused_in_one_line(
    tiny_images: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["data", "preview", str(tiny_images), *words]) == 2
    heard = capsys.readouterr().err
    assert heard.count("\n") == 1
    assert said in heard
    assert list(tmp_path.iterdir()) == []
