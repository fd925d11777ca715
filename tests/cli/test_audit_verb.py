"""``lince data audit``: the folder it writes, what it prints, how it exits."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from lince.cli import main
from lince.data import write_manifest
from lince.data.sources import load, options_for

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def leaking(tiny_images: Path, tmp_path: Path) -> Path:
    """A copy of small phantoms in which one benign image is filed as malignant too."""
    images = shutil.copytree(tiny_images, tmp_path / "images")
    shutil.copy(next(images.glob("benign/*.png")), images / "malignant" / "again.png")
    return images


def test_strict_exits_with_1_after_writing_everything(leaking: Path, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "out"
    assert main(["data", "audit", str(leaking), "--out", str(out), "--strict"]) == 1
    shown = capsys.readouterr().out.splitlines()
    assert "SYNTHETIC" in shown[0]
    assert shown[2] == "Do not train on this yet: 1 severe finding"
    assert "SEVERE   1 picture has copies under different labels" in shown
    assert len(shown) <= 24
    told = json.loads((out / "audit.json").read_text(encoding="utf-8"))
    assert told["worst"] == "severe"
    case = next(f for f in told["findings"] if f["kind"] == "conflicting-labels")["evidence"][0]
    assert {"image": "malignant/again.png", "label": "malignant", "group": None, "split": None} in case["images"]
    assert "again.png" in (out / "audit.html").read_text(encoding="utf-8").replace("<wbr>", "")
    assert main(["data", "audit", str(leaking), "--out", str(out)]) == 0, "an earlier audit is replaced"


def test_json_and_the_default_folder(
    tiny_images: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["data", "audit", str(tiny_images), "--json", "--strict", "--language", "pt"]
    assert main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["synthetic"] is True
    (page,) = tmp_path.glob("audit/*/audit.html")
    assert 'lang="pt"' in page.read_text(encoding="utf-8")
    assert json.loads(page.with_name("audit.json").read_text(encoding="utf-8")) == told


def test_against_another_collection(leaking: Path, tiny_images: Path, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "out"
    assert main(["data", "audit", str(leaking), "--against", str(tiny_images), "--out", str(out)]) == 0
    capsys.readouterr()
    told = json.loads((out / "audit.json").read_text(encoding="utf-8"))
    shared = next(f for f in told["findings"] if f["kind"] == "duplicates-across-collections")
    assert shared["severity"] == "severe"
    assert all(case["theirs"] for case in shared["evidence"])
    assert str(tmp_path) not in json.dumps(told)


def test_only_options_that_mean_something_go_to_the_other_collection(tiny_images: Path, tmp_path: Path) -> None:
    chosen = {"size": 64, "target": "type", "where": ("split=test",)}
    assert options_for(str(tiny_images), chosen) == {"where": ("split=test",)}
    assert options_for("breastmnist", chosen) == {"size": 64, "where": ("split=test",)}
    write_manifest(load(tiny_images), tmp_path / "m.csv")
    assert options_for(str(tmp_path / "m.csv"), chosen) == {"target": "type", "where": ("split=test",)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere"),
        (["IMAGES", "--against", "nowhere"], "nowhere"),
        (["IMAGES", "--out", "IMAGES"], "something other than an audit"),
        (["IMAGES", "--where", "magnification=100X"], "no such attribute"),
        (["IMAGES", "--size", "64"], "takes no --size"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    tiny_images: Path, capsys: Capture, arguments: list[str], message: str
) -> None:
    given = [str(tiny_images) if word == "IMAGES" else word for word in arguments]
    assert main(["data", "audit", *given]) == 2
    shown = capsys.readouterr()
    assert message in shown.err
    assert shown.err.count("\n") == 1
    assert not shown.out
