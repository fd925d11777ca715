"""``lince evaluate --by --compare``: what the terminal says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from lince.cli import main

Capture = pytest.CaptureFixture[str]


def test_the_terminal_says_it_in_sentences(
    tiny_bundle: Path, tiny_images: Path, tmp_path: Path, capsys: Capture
) -> None:
    other = shutil.copytree(tiny_bundle, tmp_path / "candidate")
    shutil.copytree(tiny_images, tmp_path / "set")
    assert main(["evaluate", str(tiny_bundle), str(tmp_path / "set"), "--split", "all", "--compare", str(other)]) == 0
    shown = capsys.readouterr().out
    assert "Beside another bundle\n  On these 24 images, candidate and bundle find equally many of the 10" in shown
    assert "Subgroups" not in shown
    arguments = ["evaluate", str(tiny_bundle), str(tmp_path / "set"), "--split", "all", "--json"]
    assert main([*arguments, "--compare", str(other)]) == 0
    assert json.loads(capsys.readouterr().out)["comparison"]["second"] == "candidate"


def test_an_attribute_that_is_not_there(tiny_bundle: Path, tiny_images: Path, capsys: Capture) -> None:
    assert main(["evaluate", str(tiny_bundle), str(tiny_images), "--by", "sex, age"]) == 2
    assert "No image has this attribute (received: sex); these images have no attributes." in capsys.readouterr().err
