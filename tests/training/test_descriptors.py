"""Runs with descriptors: from source to a bundle that predicts, and what it says it cannot do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import httpx
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from lince.cli.app import app
from lince.core.errors import BundleError, ConfigError, ExportError, TrainingError
from lince.core.events import Event, EventBus, Noticed, WorkStarted
from lince.core.files import sha256_file
from lince.data import load
from lince.imaging import ImageSpec, cached_images
from lince.inference import Bundle, Predictor, evaluate
from lince.inference.bundle import BundleManifest, write_manifest
from lince.inference.export import export_onnx
from lince.models import build, entry_for
from lince.models.descriptors import extract
from lince.training import finish, reporting
from lince.training.descriptors import described
from lince.training.live import live_page
from lince.training.options import TrainOptions
from lince.training.run import train
from lince.tuning import tune


@pytest.fixture(scope="module")
def bundle(tiny_images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Descriptors and logistic regression on the tiny images; copy it before changing anything in it."""
    out = tmp_path_factory.mktemp("descriptors") / "bundle"
    train(tiny_images, out=out, model="descriptors", classifier="logistic", image_size=48)
    return out


@pytest.fixture
def no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting, "write_report", lambda *_, **__: None)


def heard() -> tuple[EventBus, list[Event]]:
    bus, events = EventBus(), []
    bus.subscribe(events.append)
    return bus, events


def test_the_bundle_keeps_what_was_compared_and_has_all_that_a_bundle_has(bundle: Path) -> None:
    manifest = Bundle(bundle).manifest
    told = manifest.provenance["classifiers"]
    assert {one["classifier"] for one in told["compared"]} == {"logistic"}
    losses = [one["log_loss"] for one in told["compared"]]
    assert losses == sorted(losses)
    assert manifest.model.facts is not None
    assert manifest.model.facts["settings"] == told["compared"][0]["settings"]
    assert manifest.operating_point is not None
    assert (bundle / "report" / "report.html").is_file()
    assert "Classifier: logistic" in (bundle / "card.md").read_text(encoding="utf-8")
    assert sorted(path.name for path in bundle.iterdir() if path.suffix not in (".json", ".safetensors")) == [
        "card.md",
        "measured.txt",
        "opened.jsonl",
        "report",
        "seen.txt",
    ]


def test_predictions_do_not_depend_on_the_batch(bundle: Path, tiny_images: Path) -> None:
    predictor = Predictor(bundle)
    files = sorted(tiny_images.rglob("*.png"))[:7]
    alone = [predictor.predict(path).probabilities["malignant"] for path in files]
    together = [one.probabilities["malignant"] for one in predictor.predict_many(files)]  # type: ignore[union-attr]
    np.testing.assert_allclose(alone, together, atol=1e-6)
    assert len({round(value, 6) for value in alone}) > 1


def test_it_is_measured_on_images_that_it_has_not_seen(bundle: Path, tiny_images: Path) -> None:
    found = evaluate(bundle, tiny_images, split="unseen")
    assert found.n == Bundle(bundle).manifest.figures["test"]["n"]


@pytest.mark.usefixtures("no_report")
@pytest.mark.parametrize("classifier", ["knn", "forest", "boosting"])
def test_each_classifier_comes_back_from_its_bundle_the_same(
    classifier: str, tiny_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[torch.nn.Module] = []
    write = finish.write_weights
    monkeypatch.setattr(finish, "write_weights", lambda folder, model: (made.append(model), write(folder, model))[1])
    found = train(tiny_images, out=tmp_path / "a", model="descriptors", classifier=classifier, image_size=32)
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8))
    with torch.inference_mode():
        assert torch.equal(found.network()(pixels), made[0](pixels))
    again = train(tiny_images, out=tmp_path / "b", model="descriptors", classifier=classifier, image_size=32)
    assert again.model_id == found.model_id


@pytest.mark.usefixtures("no_report")
def test_auto_says_how_each_kind_did_and_takes_the_best(tiny_images: Path, tmp_path: Path) -> None:
    bus, events = heard()
    found = train(tiny_images, out=tmp_path / "a", bus=bus, model="descriptors", preset="fast", image_size=32)
    said = [event.message for event in events if isinstance(event, Noticed)]
    for kind in ("knn", "logistic"):
        assert any(line.startswith(kind) and "log loss" in line for line in said)
    chosen = found.manifest.provenance["classifiers"]["compared"][0]["classifier"]
    assert any(line.startswith(f"The classifier is {chosen}") for line in said)


def test_descriptors_are_measured_once_for_a_collection(tiny_images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = load(tiny_images).samples
    images = cached_images(samples, ImageSpec(size=20))
    bus, events = heard()
    first = described(images, bus)
    assert images.home is not None
    place = images.home / f"descriptors-{extract.RECIPE_VERSION}.npy"
    assert place.is_file()
    assert (described(cached_images(samples, ImageSpec(size=20)), bus) == first).all()
    assert sum(isinstance(event, WorkStarted) and event.task == extract.TASK for event in events) == 1
    place.write_bytes(b"damaged")
    assert (described(images, bus) == first).all()


def test_what_it_cannot_do_is_one_sentence(bundle: Path, tiny_images: Path, tmp_path: Path) -> None:
    predictor = Predictor(bundle)
    assert not predictor.explains
    assert predictor.explain(next(iter(tiny_images.rglob("*.png")))).heat_map is None
    image = str(next(iter(tiny_images.rglob("*.png"))))
    refused = CliRunner().invoke(app, ["explain", str(bundle), image, "--out", str(tmp_path / "a.png")])
    assert isinstance(refused.exception, ConfigError)
    assert "has no heat map" in refused.exception.sentence
    with pytest.raises(ExportError, match="ONNX cannot hold this model"):
        export_onnx(bundle, tmp_path / "a.onnx")
    with pytest.raises(ConfigError, match="no network to train or to search"):
        build(entry_for("descriptors"), 2, entry_for("descriptors").image_spec())
    assert list(tmp_path.iterdir()) == []


def test_similar_training_images_need_no_heat_map(bundle: Path, tiny_images: Path, tmp_path: Path) -> None:
    name = json.loads((bundle / "neighbours.json").read_text(encoding="utf-8"))["names"][0]
    words = ["explain", str(bundle), str(tiny_images / name), "--similar", "3"]
    with CliRunner().isolated_filesystem(tmp_path):
        told = CliRunner().invoke(app, words)
        assert told.exit_code == 0
        lines = told.stdout.splitlines()
        assert lines[1] == "Most like it among the training images:"
        rank, similarity, label, found = lines[3].split()
        assert (rank, label, found) == ("1", name.split("/")[0], name)
        assert float(similarity) > 0.99
        assert "Heat map" not in told.stdout
        found = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
        assert (found["heat_map"], found["layers"], found["method"]) == (None, None, None)
        assert len(found["similar"]) == 3
        assert list(Path().iterdir()) == []
    for asked in (["--out", "a.png"], ["--layers", "a.png"], ["--class", "benign"], ["--method", "occlusion"]):
        refused = CliRunner().invoke(app, [*words, *asked])
        assert isinstance(refused.exception, ConfigError)
        assert "leave out --out" in refused.exception.sentence


def test_the_live_page_ends_without_heat_maps(tiny_images: Path, tmp_path: Path) -> None:
    bus = EventBus()
    with live_page(bus, 0) as page:
        train(tiny_images, out=tmp_path / "a", bus=bus, model="descriptors", preset="fast", image_size=16)
        assert httpx.get(f"{page.address.rstrip('/')}/state", trust_env=False).json()["samples"]


def test_options_of_descriptors_are_not_searched(tiny_images: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="chooses its classifier by itself"):
        tune(tiny_images, out=tmp_path / "a", model="descriptors", trials=1)


@pytest.mark.parametrize(
    "options",
    [{"thaw": "2"}, {"tune_lr": 1e-3}, {"folds": 3}, {"preset": "best"}, {"augment": "strong"}, {"epochs": 3}],
)
def test_options_of_networks_are_refused(options: dict[str, object], tiny_images: Path, tmp_path: Path) -> None:
    flag = next(iter(options)).replace("_", "-")
    with pytest.raises(ConfigError, match=f"no network to train, so --{flag} would change nothing"):
        train(tiny_images, out=tmp_path / "a", model="descriptors", **options)


def test_a_classifier_belongs_to_descriptors(tiny_images: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"means something with descriptors alone.*add --model descriptors"):
        train(tiny_images, out=tmp_path / "a", classifier="knn")


def changed(bundle: Path, tmp_path: Path, **facts: object) -> Path:
    """A copy of the bundle with other facts of its model, and its hashes in order."""
    folder = tmp_path / "changed"
    shutil.copytree(bundle, folder)
    raw = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
    raw["model"]["facts"] |= facts
    raw["hashes"]["model.safetensors"] = sha256_file(folder / "model.safetensors")
    write_manifest(folder, BundleManifest.model_validate(raw))
    return folder


def test_a_bundle_of_other_descriptors_is_refused(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"describes images in a way .* does not.*train again"):
        Bundle(changed(bundle, tmp_path, recipe=99)).network()


@pytest.mark.parametrize("facts", [{"classifier": "forest"}, {"classifier": "pickle"}, {"settings": None}])
def test_facts_that_do_not_fit_the_arrays_are_refused(bundle: Path, tmp_path: Path, facts: dict[str, object]) -> None:
    folder = changed(bundle, tmp_path, **facts)
    if facts == {"settings": None}:
        Bundle(folder).network()  # logistic regression has no settings to predict with
        return
    with pytest.raises(BundleError, match="do not describe a model of descriptors"):
        Bundle(folder).network()


def test_arrays_of_another_width_are_refused(bundle: Path, tmp_path: Path) -> None:
    folder = changed(bundle, tmp_path)
    arrays = load_file(folder / "model.safetensors")
    save_file(arrays | {"decider.weight": arrays["decider.weight"][:, :5].contiguous()}, folder / "model.safetensors")
    with pytest.raises(BundleError, match="do not describe a model of descriptors"):
        Bundle(changed(folder, tmp_path / "again")).network()


def collection(folder: Path, counts: dict[str, dict[str, int]]) -> Path:
    """Split class folders with images of noise, each class with a brightness of its own."""
    random = np.random.default_rng(0)
    for part, classes in counts.items():
        for number, (name, count) in enumerate(classes.items()):
            place = folder / part / name
            place.mkdir(parents=True)
            for image in range(count):
                values = random.integers(0, 60, (24, 24)) + 20 * number
                Image.fromarray(values.astype(np.uint8)).save(place / f"{image}.png")
    return folder


@pytest.mark.usefixtures("no_report")
def test_a_class_of_one_image_is_learned_and_never_held_out(tmp_path: Path) -> None:
    classes = {f"class {number}": 1 if number == 3 else 4 for number in range(9)}
    source = collection(tmp_path / "images", {"train": classes, "val": dict.fromkeys(classes, 1), "test": classes})
    bus, events = heard()
    found = train(source, out=tmp_path / "a", bus=bus, model="descriptors", preset="fast", image_size=16)
    said = [event.message for event in events if isinstance(event, Noticed)]
    assert "Too few patients or images of class 3 to hold some back when classifiers are compared" in said
    predictor = Predictor(found)
    probabilities = predictor.predict(source / "train" / "class 3" / "0.png").probabilities
    assert len(probabilities) == 9
    assert all(np.isfinite(value) for value in probabilities.values())


def test_a_class_without_a_training_image_is_named(tmp_path: Path) -> None:
    counts = {"train": {"a": 3, "b": 3}, "val": {"a": 2, "b": 2, "c": 2}, "test": {"a": 2, "b": 2}}
    source = collection(tmp_path / "images", counts)
    with pytest.raises(TrainingError, match="no image of the class c"):
        train(source, out=tmp_path / "a", model="descriptors", image_size=16)


def test_nothing_to_compare_on_is_said(tmp_path: Path) -> None:
    counts = {part: {"a": 1, "b": 1} for part in ("train", "val", "test")}
    source = collection(tmp_path / "images", counts)
    with pytest.raises(TrainingError, match="too few patients or images to compare classifiers"):
        train(source, out=tmp_path / "a", model="descriptors", image_size=16)


def test_the_options_name_the_same_classifiers_as_the_candidates() -> None:
    from typing import get_args

    from lince.training.classifiers import Kind

    assert get_args(TrainOptions.model_fields["classifier"].annotation) == ("auto", *get_args(Kind))


def test_it_is_evaluated_with_a_report_and_pictures(bundle: Path, tiny_images: Path, tmp_path: Path) -> None:
    found = evaluate(bundle, tiny_images, split="all", out=tmp_path / "report")
    assert found.n == 24
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "data:image/jpeg" in page, "the images are shown, without heat maps"
