"""A bundle is whole, or one sentence says what is wrong with it; loading one runs nobody's code."""

from __future__ import annotations

import ast
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import lince
from lince.core.errors import BundleError, LinceError, OutputError
from lince.core.files import sha256_file
from lince.inference import Bundle, Predictor
from lince.inference.bundle import BundleManifest, write_manifest, write_weights
from lince.models import CATALOG, build

Altered = Callable[..., Path]


def sentence(path: Path, *, network: bool = False) -> str:
    """What a user is told of this bundle, checked to be one line and one sentence."""
    with pytest.raises(LinceError) as caught:
        Bundle(path).network() if network else Bundle(path)
    text = caught.value.sentence
    assert "\n" not in text
    assert text.endswith(".")
    assert text.count(str(path)) == 1
    return text


def test_what_a_bundle_knows(tiny_bundle: Path) -> None:
    bundle = Bundle(tiny_bundle)
    raw = json.loads((tiny_bundle / "bundle.json").read_text(encoding="utf-8"))
    assert bundle.labels.names == ("benign", "malignant")
    assert bundle.labels.positive == "malignant"
    assert bundle.synthetic
    assert (bundle.spec.size, bundle.spec.channels) == (64, 1)
    assert bundle.model_id == sha256_file(tiny_bundle / "model.safetensors")[:12]
    assert bundle.trust.model_dump(mode="json") == raw["trust"]
    assert bundle.threshold == raw["operating_point"]["threshold"]
    assert bundle.summary() == raw["figures"]["test"]
    assert bundle.created == raw["created"]
    assert len(bundle.seen()) == 21
    assert "small-cnn" in repr(bundle)
    assert Path(bundle) == tiny_bundle
    assert not bundle.network().training


def test_only_known_files_and_no_pickle(tiny_bundle: Path) -> None:
    files = [path for path in tiny_bundle.rglob("*") if path.is_file()]
    assert {path.name for path in tiny_bundle.iterdir()} == {
        "bundle.json", "card.md", "model.safetensors", "report", "seen.txt",
        "neighbours.json", "neighbours.safetensors", "opened.jsonl", "measured.txt",
    }  # fmt: skip
    kinds = {".json", ".jsonl", ".md", ".safetensors", ".txt", ".html", ".png", ".svg", ".csv"}
    assert {path.suffix for path in files} <= kinds
    assert not [path for path in files if path.read_bytes()[:2] in (b"\x80\x02", b"\x80\x04", b"\x80\x05", b"PK")]


def test_loading_and_predicting_never_unpickles(
    tiny_bundle: Path, tiny_images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was unpickled")

    for module, name in ((pickle, "load"), (pickle, "loads"), (pickle, "Unpickler"), (torch, "load")):
        monkeypatch.setattr(module, name, refuse)
    found = Predictor(tiny_bundle).predict(next(tiny_images.rglob("*.png")))
    assert found.label in ("benign", "malignant")


def test_the_source_has_no_way_to_unpickle() -> None:
    found = []
    for path in Path(lince.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if isinstance(node, ast.ImportFrom) and node.module == "joblib":
                # Work is shared out to processes of its own; what it reads from files is a pickle.
                harmless = {"Parallel", "delayed", "parallel_config"}
                names = [] if {alias.name for alias in node.names} <= harmless else names
            found += [f"{path.name}: {n}" for n in names if n.split(".")[0] in ("pickle", "dill", "joblib", "shelve")]
            if isinstance(node, ast.Call):
                given = {word.arg: ast.unparse(word.value) for word in node.keywords}
                if ast.unparse(node.func) == "torch.load" and given.get("weights_only") != "True":
                    found.append(f"{path.name}: torch.load")
                bad = [word for word in ("allow_pickle", "trust_remote_code") if given.get(word, "False") != "False"]
                found += [f"{path.name}: {word}" for word in bad]
    assert found == []


def test_no_folder_at_all(tmp_path: Path) -> None:
    assert "There is no bundle here" in sentence(tmp_path / "nothing")


def test_a_folder_that_is_something_else(tmp_path: Path) -> None:
    assert "not a bundle: it has no bundle.json" in sentence(tmp_path)


def test_weights_that_were_changed(altered: Altered) -> None:
    folder = altered()
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(data)
    assert "its hash differs" in sentence(folder)


def test_missing_weights(altered: Altered) -> None:
    folder = altered()
    (folder / "model.safetensors").unlink()
    assert "has no model.safetensors" in sentence(folder)


def test_a_manifest_without_hashes_is_not_trusted(altered: Altered) -> None:
    assert "its hash differs" in sentence(altered(hashes={}))


def test_a_newer_format_asks_for_an_upgrade(altered: Altered) -> None:
    text = sentence(altered(format=3, surprise=1))
    assert "format 3; this version of lince reads 2" in text
    assert "pip install -U lince-med" in text


def test_the_page_quotes_what_is_said_of_other_formats(altered: Altered) -> None:
    page = (Path(__file__).parents[2] / "docs" / "bad-input.md").read_text(encoding="utf-8")
    for number in (1, 3):
        said = sentence(altered(format=number)).partition(" (received")[0]
        assert f"`{said}`" in page


def test_an_older_format_asks_to_train_again(altered: Altered) -> None:
    assert "format 1, of an earlier version of lince" in sentence(altered(format=1))


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b'{"format": 2,'])
def test_damaged_json(altered: Altered, content: bytes) -> None:
    folder = altered()
    (folder / "bundle.json").write_bytes(content)
    assert "bundle.json cannot be read" in sentence(folder)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"surprise": 1}, "damaged at surprise"),
        ({"trust": {"calibration": {"scale": [1], "shift": [0]}}}, "damaged at trust.calibration.scale"),
        ({"trust": {"calibration": {"scale": [1, 1], "shift": [0, 0]}, "low_confidence": 7}}, "trust.low_confidence"),
        ({"trust": ...}, "damaged at trust"),
        ({"format": "one"}, "damaged at format"),
        ({"operating_point": {"threshold": 1.5, "aim": "youden"}}, "damaged at operating_point.threshold"),
        ({"model": {"name": "small-cnn", "code": "import os"}}, "damaged at model.code"),
    ],
)
def test_the_damaged_key_is_named(altered: Altered, changes: dict[str, object], words: str) -> None:
    assert words in sentence(altered(**changes))


@pytest.mark.parametrize("content", ["[]", "3", '"x"', "null"])
def test_json_that_is_not_a_table(altered: Altered, content: str) -> None:
    folder = altered()
    (folder / "bundle.json").write_text(content)
    assert "damaged at (whole file)" in sentence(folder)


def test_images_prepared_in_another_way(altered: Altered) -> None:
    assert "prepares images in a way that this version of lince does not" in sentence(altered(image_hash="0" * 64))


def test_a_changed_image_recipe_is_noticed(altered: Altered, tiny_bundle: Path) -> None:
    image = json.loads((tiny_bundle / "bundle.json").read_text())["image"]
    assert "prepares images in a way" in sentence(altered(image=image | {"fit": "stretch"}))


def test_weights_of_another_model(altered: Altered) -> None:
    text = sentence(altered(model={"name": "efficientnet-lite0"}), network=True)
    assert "model.safetensors does not fit the model efficientnet-lite0" in text


def test_weights_for_more_classes(altered: Altered) -> None:
    assert "does not fit" in sentence(altered(classes=["benign", "malignant", "normal"]), network=True)


@pytest.mark.parametrize("how", ["garbage", "pickle", "one tensor less"])
def test_weights_with_the_right_hash_and_the_wrong_content(altered: Altered, how: str) -> None:
    folder = altered()
    place = folder / "model.safetensors"
    tensors = {name: value.clone() for name, value in load_file(place).items()}  # not of the file to be replaced
    if how == "garbage":
        place.write_bytes(b"\0" * 100)
    elif how == "pickle":
        torch.save(tensors, place)
    else:
        save_file({name: value for name, value in tensors.items() if name != "head.linear.weight"}, place)
    raw = json.loads((folder / "bundle.json").read_text())
    raw["hashes"]["model.safetensors"] = sha256_file(place)
    write_manifest(folder, BundleManifest.model_validate(raw))
    assert "does not fit" in sentence(folder, network=True)


def test_a_changed_class_order_is_noticed(tiny_bundle: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_bundle, tmp_path / "swapped"))
    raw = json.loads((folder / "bundle.json").read_text())
    raw["classes"].reverse()
    (folder / "bundle.json").write_text(json.dumps(raw))
    assert "its digest differs" in sentence(folder)


@pytest.mark.parametrize("facts", [None, {"size": 64}, {"size": "x", "mean": [1], "std": [1]}])
def test_a_hub_model_without_its_facts(altered: Altered, facts: dict[str, object] | None) -> None:
    folder = altered(model={"name": "hf:someone/model", "facts": facts})
    assert "does not describe the model hf:someone/model" in sentence(folder, network=True)


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_the_list_of_seen_images_is_checked(altered: Altered, damage: str) -> None:
    folder = altered()
    bundle = Bundle(folder)
    if damage == "changed":
        lines = (folder / "seen.txt").read_text().splitlines()
        (folder / "seen.txt").write_text("\n".join(lines[1:]) + "\n")
    else:
        (folder / "seen.txt").unlink()
    with pytest.raises(BundleError, match=r"seen\.txt is missing or is not the file"):
        bundle.seen()


def test_a_bundle_that_never_recorded_what_it_saw(altered: Altered, tiny_bundle: Path) -> None:
    hashes = json.loads((tiny_bundle / "bundle.json").read_text())["hashes"]
    assert Bundle(altered(hashes={"model.safetensors": hashes["model.safetensors"]})).seen() == frozenset()


def test_weights_go_out_and_come_back(tmp_path: Path) -> None:
    entry = CATALOG["small-cnn"]
    network = build(entry, 2, entry.image_spec())
    digest = write_weights(tmp_path, network)
    assert digest == sha256_file(tmp_path / "model.safetensors")
    for name, value in load_file(tmp_path / "model.safetensors").items():
        np.testing.assert_array_equal(value.numpy(), network.state_dict()[name].numpy())


def test_weights_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    entry = CATALOG["small-cnn"]
    with pytest.raises(OutputError, match="The disk is full"):
        write_weights(tmp_path, build(entry, 2, entry.image_spec()))


def test_the_card_says_what_matters(tiny_bundle: Path) -> None:
    card = (tiny_bundle / "card.md").read_text(encoding="utf-8")
    bundle = Bundle(tiny_bundle)
    assert "Not a medical device" in card
    assert "SYNTHETIC" in card
    assert "positive: malignant" in card
    assert f"from a probability of {bundle.threshold:.3f} on" in card
    assert "Calibration: " in card
