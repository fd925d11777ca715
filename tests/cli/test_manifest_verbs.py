"""``lince data convert`` and ``lince data split``, and what takes their output."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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


def test_paths_into_the_cache_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    rng = np.random.default_rng(0)
    images = {f"{part}_images": rng.integers(0, 256, (60, 28, 28), np.uint8) for part in ("train", "val", "test")}
    labels = {f"{part}_labels": np.arange(60, dtype=np.uint8).reshape(-1, 1) % 2 for part in ("train", "val", "test")}
    np.savez(tmp_path / "breastmnist.npz", **images, **labels)
    monkeypatch.setenv("LINCE_CACHE", "cache")  # relative, as the paths of its images then are
    monkeypatch.chdir(tmp_path)
    for verb in ("convert", "split"):
        assert main(["data", verb, "breastmnist.npz", f"{verb}.csv"]) == 0
        told = capsys.readouterr()
        assert "cache: the manifest is of use on this machine, until the cache is deleted." in told.err
        assert '  val 60: malignant 30, "normal, benign" 30' in told.out
    monkeypatch.setenv("LINCE_CACHE", "other")
    assert main(["data", "convert", "convert.csv", "again.csv"]) == 0
    assert "cache" not in capsys.readouterr().err


def test_names_cannot_forge_lines_on_the_terminal(tmp_path: Path, capsys: Capture) -> None:
    for name in ("a\nproblems: none", "b\x1b[2J"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(5):
            Image.new("L", (8, 8), 50 * number).save(tmp_path / "set" / name / f"{number}.png")
    out = tmp_path / "m\n.csv"
    for words in (["info", str(tmp_path / "set")], ["convert", str(tmp_path / "set"), str(out)]):
        assert main(["data", *words]) == 0
        shown = capsys.readouterr().out
        assert "\x1b" not in shown
        assert "a\\nproblems: none" in shown
        assert "b\\x1b[2J" in shown
        assert "problems: none" not in shown.splitlines()


def test_info_shows_class_names_as_they_are(tmp_path: Path, capsys: Capture) -> None:
    for name in ("ductal_carcinoma", "fibro_adenoma"):
        (tmp_path / name).mkdir()
        Image.new("L", (8, 8)).save(tmp_path / name / "1.png")
    assert main(["data", "info", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "  ductal_carcinoma: 1" in shown
    assert "looked at: 2" in shown


def test_the_home_folder_stands_for_itself_in_out(
    tiny_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert main(["data", "convert", str(tiny_images), "~/m.csv"]) == 0
    assert (tmp_path / "m.csv").is_file()
    assert main(["data", "split", str(tiny_images), "~/m.csv"]) == 2
    assert "exists already" in capsys.readouterr().err


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
