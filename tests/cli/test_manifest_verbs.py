"""``lince data convert`` and ``lince data split``, and what takes their output."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from lince.cli import main
from lince.data import load

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_convert_tells_what_it_wrote(tiny_images: Path, tmp_path: Path, capsys: Capture, suffix: str) -> None:
    out = tmp_path / "new" / f"m.{suffix}"
    assert main(["data", "convert", str(tiny_images), str(out)]) == 0
    assert capsys.readouterr().out == (f"24 SYNTHETIC images: {out}\n  unsplit 24: benign 14, malignant 10\n")
    assert load(out).samples == load(tiny_images).samples
    assert main(["data", "convert", str(tiny_images), str(out)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["data", "convert", str(out), str(out), "--force"]) == 0
    assert load(out).samples == load(tiny_images).samples


def test_convert_names_what_it_left_out(tiny_images: Path, tmp_path: Path, capsys: Capture) -> None:
    table = tmp_path / "m.csv"
    main(["data", "convert", str(tiny_images), str(table)])
    table.write_text(table.read_text() + "gone.png,benign,,,\n")
    capsys.readouterr()
    assert main(["data", "convert", str(table), str(tmp_path / "n.csv"), "--where", "label!=normal"]) == 0
    told = capsys.readouterr().err
    assert "Skipped gone.png: file missing, line 26" in told
    assert "1 of the 25 images named in m.csv is not there" in told


def test_split_writes_every_part(tiny_images: Path, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "m.csv"
    words = ["data", "split", str(tiny_images), str(out), "--fractions", "0.5,0.3,0.2", "--seed", "4"]
    assert main(words) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0].strip() for line in shown[1:]] == ["train 12", "val 7", "test 5"]
    found = load(out)
    assert Counter(sample.split for sample in found.samples) == {"train": 12, "val": 7, "test": 5}
    first = out.read_bytes()
    assert main([*words, "--force"]) == 0
    assert out.read_bytes() == first
    assert main([*words[:-1], "5", "--force"]) == 0
    assert out.read_bytes() != first
    assert main(["data", "split", str(out), str(out), "--force"]) == 0  # given parts stay
    assert Counter(sample.split for sample in load(out).samples) == {"train": 12, "val": 7, "test": 5}
    assert main(["data", "split", str(out), str(out), "--force", "--redraw", "--fractions", "0.5,0.5,0"]) == 0
    assert Counter(sample.split for sample in load(out).samples) == {"train": 12, "val": 12}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--fractions", "0.7,0.3"], "three numbers"),
        (["--fractions", "a,b,c"], "three numbers"),
        (["--fractions", "nan,0.5,0.5"], "sum to 1"),
        (["--fractions", "0.7,0.7,0.7"], "sum to 1"),
    ],
)
def test_split_refuses_fractions(
    tiny_images: Path, tmp_path: Path, capsys: Capture, words: list[str], told: str
) -> None:
    assert main(["data", "split", str(tiny_images), str(tmp_path / "m.csv"), *words]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "m.csv").exists()


def test_an_output_that_cannot_be_is_known_before_the_work(tmp_path: Path, capsys: Capture) -> None:
    for verb in ("convert", "split"):
        assert main(["data", verb, str(tmp_path / "nothing"), str(tmp_path / "m.txt")]) == 2
        assert "ends in .csv" in capsys.readouterr().err


def test_train_and_evaluate_on_a_manifest(tiny_images: Path, tmp_path: Path, capsys: Capture) -> None:
    out, bundle = tmp_path / "m.csv", tmp_path / "bundle"
    assert main(["data", "split", str(tiny_images), str(out), "--fractions", "0.5,0.3,0.2"]) == 0
    flags = ["--preset", "fast", "--model", "small-cnn", "--epochs", "1", "--batch-size", "8"]
    assert main(["train", str(out), "--out", str(bundle), *flags]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(bundle), str(out), "--split", "test"]) == 0
    assert "5 images" in capsys.readouterr().out
    assert main(["data", "info", str(out)]) == 0
    assert "synthetic: True" in capsys.readouterr().out
