"""Each verb in process, on a tiny bundle."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lince.cli import main
from lince.inference import Bundle

Capture = pytest.CaptureFixture[str]


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_predict_text_json_and_csv_agree(tiny_bundle: Path, tiny_images: Path, capsys: Capture) -> None:
    image = str(next(tiny_images.glob("benign/*.png")))
    assert main(["predict", str(tiny_bundle), image, "--json"]) == 0
    one = json.loads(capsys.readouterr().out)
    assert one["label"] in ("benign", "malignant")
    assert sum(one["probabilities"].values()) == pytest.approx(1)
    assert main(["predict", str(tiny_bundle), image, "--csv"]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert row["label"] == one["label"]
    assert float(row["p_malignant"]) == pytest.approx(one["probabilities"]["malignant"], abs=1e-5)
    assert main(["predict", str(tiny_bundle), image]) == 0
    assert f": {one['label']} (" in capsys.readouterr().out


def test_predict_a_folder_with_bad_files(tiny_bundle: Path, tiny_images: Path, tmp_path: Path, capsys: Capture) -> None:
    good = sorted(tiny_images.glob("benign/*.png"))[:2]
    for image in good:
        shutil.copy(image, tmp_path)
    (tmp_path / "notes.png").write_text("not an image", encoding="utf-8")
    (tmp_path / "cut.png").write_bytes(good[0].read_bytes()[:200])
    logs = tmp_path / "logs"
    assert main(["predict", str(tiny_bundle), str(tmp_path), "--json", "--log-dir", str(logs)]) == 1
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 2
    assert "notes.png" in shown.err
    assert "cut.png" in shown.err
    assert "2 of 4 files could not be read." in shown.err
    logged = lines(logs / "predict.jsonl")
    assert {line["component"] for line in logged} == {"predict"}
    assert [line["message"] for line in logged].count("prediction") == 2
    assert [line["message"] for line in logged].count("file skipped") == 2
    assert main(["predict", str(tiny_bundle), str(tmp_path / "notes.png")]) == 2


def test_evaluate_prints_figures_and_writes_a_report(
    tiny_bundle: Path, tiny_images: Path, tmp_path: Path, capsys: Capture
) -> None:
    out, logs = tmp_path / "out", tmp_path / "logs"
    arguments = ["evaluate", str(tiny_bundle), str(tiny_images), "--split", "all"]
    assert main([*arguments, "--json", "--log-dir", str(logs)]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["n"] == 24
    assert "used in training" in shown.err
    assert any("used in training" in str(line["message"]) for line in lines(logs / "evaluate.jsonl"))
    assert main([*arguments, "--out", str(out), "--prevalence", "0.01"]) == 0
    shown = capsys.readouterr()
    assert "24 images" in shown.out
    assert "PPV at 0.01" in shown.out
    assert (out / "report.html").is_file()


def test_evaluate_says_why_a_figure_is_missing(
    tiny_bundle: Path, tiny_images: Path, tmp_path: Path, capsys: Capture
) -> None:
    shutil.copytree(tiny_images / "benign", tmp_path / "one" / "benign")
    assert main(["evaluate", str(tiny_bundle), str(tmp_path / "one"), "--split", "all"]) == 0
    shown = capsys.readouterr().out
    assert "sensitivity for malignant  – (no images of the positive class)" in shown


def test_predict_gives_an_image_of_another_kind_no_answer(tiny_bundle: Path, tmp_path: Path, capsys: Capture) -> None:
    Image.fromarray(np.full((40, 40), 200, np.uint8)).save(tmp_path / "flat.png")
    assert main(["predict", str(tiny_bundle), str(tmp_path / "flat.png")]) == 0
    shown = capsys.readouterr()
    assert shown.out.strip().endswith("flat.png: no answer  BLANK IMAGE: it shows nothing")
    assert ("answers for any image" in shown.err) is not Bundle(tiny_bundle).knows_its_kind


def test_explain_writes_the_heat_map(tiny_bundle: Path, tiny_images: Path, tmp_path: Path, capsys: Capture) -> None:
    image, out = next(tiny_images.glob("malignant/*.png")), tmp_path / "map.png"
    assert main(["explain", str(tiny_bundle), str(image), "--out", str(out), "--log-dir", str(tmp_path)]) == 0
    with Image.open(out) as picture:
        assert picture.width > 16
    assert str(out) in capsys.readouterr().out
    assert lines(tmp_path / "explain.jsonl")[0]["image"] == image.name


@pytest.mark.parametrize("method", ["grad-cam++", "integrated-gradients", "occlusion"])
def test_explain_by_another_method(
    tiny_bundle: Path, tiny_images: Path, tmp_path: Path, method: str, capsys: Capture
) -> None:
    image = str(next(tiny_images.glob("malignant/*.png")))
    usual, other = tmp_path / "usual.png", tmp_path / "other.png"
    assert main(["explain", str(tiny_bundle), image, "--out", str(usual), "--class", "malignant"]) == 0
    chosen = ["--out", str(other), "--class", "malignant", "--method", method]
    assert main(["explain", str(tiny_bundle), image, *chosen]) == 0
    assert usual.read_bytes() != other.read_bytes()


def test_explain_names_similar_training_images_and_draws_layers(
    tiny_bundle: Path, tiny_images: Path, tmp_path: Path, capsys: Capture
) -> None:
    name = json.loads((tiny_bundle / "neighbours.json").read_text(encoding="utf-8"))["names"][0]
    arguments = ["explain", str(tiny_bundle), str(tiny_images / name), "--out", str(tmp_path / "map.png")]
    assert main([*arguments, "--similar", "3", "--layers", str(tmp_path / "sheets")]) == 0
    shown = capsys.readouterr().out.splitlines()
    sheet = tmp_path / "sheets" / f"{Path(name).stem}-layers.png"
    assert f"Layers: {sheet}" in shown
    with Image.open(sheet) as picture:
        assert picture.width > 1000
    start = shown.index("Most like it among the training images:")
    assert shown[start + 1].split() == ["rank", "similarity", "label", "name"]
    assert len(shown) == start + 5
    rank, similarity, label, found = shown[start + 2].split()
    assert (rank, label, found) == ("1", name.split("/")[0], name)
    assert float(similarity) > 0.98


def test_explain_as_json(tiny_bundle: Path, tiny_images: Path, tmp_path: Path, capsys: Capture) -> None:
    image, out, sheet = next(tiny_images.glob("benign/*.png")), tmp_path / "map.png", tmp_path / "layers.png"
    arguments = ["explain", str(tiny_bundle), str(image), "--out", str(out), "--json"]
    assert main(arguments) == 0
    plain = json.loads(capsys.readouterr().out)
    assert (plain["similar"], plain["layers"], plain["method"]) == (None, None, "grad-cam")
    assert plain["explained"] == plain["label"]
    assert main([*arguments, "--similar", "2", "--layers", str(sheet), "--class", "malignant"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["probabilities"] == plain["probabilities"]
    assert (found["explained"], found["heat_map"], found["layers"]) == ("malignant", str(out), str(sheet))
    assert [case["rank"] for case in found["similar"]] == [1, 2]
    assert {"similarity", "label", "name"} <= found["similar"][0].keys()
    assert out.is_file()
    assert sheet.is_file()


def test_what_explain_cannot_do_is_one_sentence(
    tiny_bundle: Path, tiny_images: Path, tmp_path: Path, capsys: Capture
) -> None:
    image, out = str(next(tiny_images.glob("benign/*.png"))), tmp_path / "map.png"
    arguments = ["explain", str(tiny_bundle), image, "--out", str(out)]
    assert main([*arguments, "--class", "other"]) == 2
    assert "choose one of: benign, malignant" in capsys.readouterr().err
    assert main([*arguments, "--method", "lime"]) == 2
    assert "integrated-gradients" in capsys.readouterr().err
    forgetful = shutil.copytree(tiny_bundle, tmp_path / "forgetful")
    (forgetful / "neighbours.json").unlink()
    assert main(["explain", str(forgetful), image, "--out", str(out), "--similar", "5"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "neighbours.json is missing" in line
    assert not out.exists()
    assert main(["explain", str(forgetful), image, "--out", str(out)]) == 0


def test_data_info(tiny_images: Path, capsys: Capture) -> None:
    assert main(["data", "info", str(tiny_images), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "malignant" in json.dumps(found)
    assert main(["data", "info", str(tiny_images)]) == 0
    assert "malignant" in capsys.readouterr().out


def test_data_phantoms(tmp_path: Path, capsys: Capture) -> None:
    assert main(["data", "phantoms", str(tmp_path / "p"), "--count", "6", "--side", "32"]) == 0
    assert "SYNTHETIC" in capsys.readouterr().out
    assert len(list((tmp_path / "p").glob("*/*.png"))) == 6


def test_train_reports_each_epoch_and_skipped_files(tiny_images: Path, tmp_path: Path, capsys: Capture) -> None:
    images = shutil.copytree(tiny_images, tmp_path / "images")
    whole = next(images.glob("benign/*.png")).read_bytes()
    (images / "benign" / "cut.png").write_bytes(whole[:300])
    (images / "malignant" / "text.png").write_text("no image", encoding="utf-8")
    quick = ["--model", "small-cnn", "--image-size", "16", "--epochs", "2", "--batch-size", "8"]
    out, logs = tmp_path / "out", tmp_path / "logs"
    assert main(["train", str(images), "--out", str(out), "--log-dir", str(logs), *quick]) == 0
    shown = capsys.readouterr()
    epochs = [line for line in shown.err.splitlines() if " epoch " in line]
    assert len(epochs) == 2
    assert all(word in epochs[0] for word in ("loss", "val AUC", "left"))
    assert "cut.png" in shown.err
    assert "text.png" in shown.err
    assert "\x1b" not in shown.err
    assert len(json.loads((out / "report" / "summary.json").read_text(encoding="utf-8"))["skipped"]) == 2
    assert [line["message"] for line in lines(logs / "train.jsonl")].count("epoch") == 2
    assert main(["train", str(images), "--out", str(out), *quick]) == 2
    assert "choose another --out" in capsys.readouterr().err


def test_export_says_what_goes_in_and_comes_out(
    tiny_bundle: Path, tiny_images: Path, tmp_path: Path, capsys: Capture
) -> None:
    out = tmp_path / "tiny.onnx"
    arguments = ["export", str(tiny_bundle), "--to", "onnx", "--out", str(out), "--images", str(tiny_images)]
    assert main([*arguments, "--log-dir", str(tmp_path)]) == 0
    shown = capsys.readouterr()
    assert "uint8 (N, 64, 64, 1)" in shown.out
    assert "benign, malignant" in shown.out
    assert "on 24 images that were given" in shown.out
    assert out.stat().st_size > 10_000
    assert main(arguments) == 2
    assert "or --force" in capsys.readouterr().err


def test_tune_ends_with_a_command_that_trains(tiny_images: Path, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "out"
    quick = ["--model", "small-cnn", "--image-size", "16", "--epochs", "2", "--seed", "1"]
    arguments = ["tune", str(tiny_images), *quick, "--out", str(out), "--log-dir", str(tmp_path)]
    assert main([*arguments, "--trials", "2"]) == 0
    shown = capsys.readouterr()
    assert "Best validation AUC" in shown.out
    assert "the test part, which was not looked at" in shown.out
    assert "Trial 2 of 2" in shown.err
    assert f"lince train {tiny_images} --config {out / 'best.yaml'}" in shown.out
    assert len(shown.out.splitlines()) < 24, "one screen"
    assert main([*arguments, "--trials", "2", "--storage", "nonsense"]) == 2
    assert "cannot be opened" in capsys.readouterr().err


def test_tune_without_its_package_is_one_sentence(
    tiny_images: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert main(["tune", str(tiny_images)]) == 2
    shown = capsys.readouterr().err
    assert "lince-med[tune]" in shown
    assert len(shown.splitlines()) == 1
