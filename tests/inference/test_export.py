"""The ONNX file predicts what the bundle predicts, says what it is, and is not there when it would not."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.inference.conftest import Altered, limits
from tests.models.test_hub import save

from lince.core.errors import ExportError, MissingExtraError, OutputError, SourceError
from lince.core.events import EventBus, FileSkipped, Noticed
from lince.core.types import Sample
from lince.data import write_phantoms
from lince.data.places import note_places, noted_places
from lince.inference import Predictor, export_onnx
from lince.inference import export as module
from lince.inference.bundle import WEIGHTS, Bundle, ModelRecord, write_manifest, write_weights
from lince.models import build, entry_for
from lince.models.ensemble import Ensemble, group_of
from lince.training import reporting, train
from lince.trust import Calibration

onnxruntime = pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def exported(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_onnx(tiny_bundle, tmp_path_factory.mktemp("onnx") / "tiny.onnx").path


def opened(path: Path) -> Any:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def bundle_of(tiny_bundle: Path, name: str, folder: Path, size: int | None = None) -> Bundle:
    """A bundle of an untrained network of another model."""
    old = Bundle(tiny_bundle).manifest
    entry = entry_for(name)
    spec = entry.image_spec(size)
    torch.manual_seed(2)
    network = build(entry, len(old.classes), spec)
    torch.nn.init.normal_(network.head.linear.weight, std=0.3)  # probabilities that depend on the image
    folder.mkdir()
    record = ModelRecord(name=entry.name, facts=dict(entry.facts) if entry.facts else None)
    hashes = {WEIGHTS: write_weights(folder, network)}
    write_manifest(
        folder,
        old.model_copy(
            update={"model": record, "image": spec, "image_hash": spec.hash, "hashes": hashes, "trust": old.trust}
        ),
    )
    return Bundle(folder)


def assert_equal_predictions(bundle: Bundle, path: Path) -> None:
    """In any number of images, on pixels that the export has not seen."""
    session, spec = opened(path), bundle.spec
    network = bundle.network()
    for count in (1, 3):
        pixels = np.random.default_rng(count).integers(0, 256, (count, spec.size, spec.size, spec.channels), np.uint8)
        pixels = pixels // np.array([1, 3, 9], np.uint8)[:count, None, None, None]  # bright to dark
        (found,) = session.run(None, {"pixels": pixels})
        with torch.inference_mode():
            expected = bundle.trust.calibration.apply(network(torch.from_numpy(pixels)).numpy())
        assert found.shape == (count, len(bundle.labels))
        np.testing.assert_allclose(found, expected, atol=1e-4)
    assert np.ptp(found, axis=0).max() > 1e-3, "the probabilities do not depend on the image: nothing was compared"


def test_any_number_of_images_gives_what_the_bundle_gives(tiny_bundle: Path, exported: Path, altered: Altered) -> None:
    assert_equal_predictions(Bundle(tiny_bundle), exported)
    hot = Bundle(altered(trust=limits(7.5)))
    again = export_onnx(hot)
    assert again.path == hot.path.with_name(f"{hot.path.name}.onnx")
    assert again.largest_difference < 1e-4
    assert_equal_predictions(hot, again.path)


@pytest.mark.parametrize(("kind", "size"), [("efficientnet-lite0", 64), ("resnet", None), ("vit", None), ("vit", 48)])
def test_every_kind_of_model(
    kind: str, size: int | None, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    name = kind if kind in ("efficientnet-lite0",) else save(kind, tmp_path / "saved")
    bundle = bundle_of(tiny_bundle, name, tmp_path / "bundle", size)
    done = export_onnx(bundle, tmp_path / "a.onnx")
    assert_equal_predictions(bundle, done.path)
    assert str(tmp_path) not in done.path.read_bytes().decode("latin-1"), "a folder of this machine is in the file"


def test_an_ensemble_of_members_that_see_other_sizes_and_mirror_images(tiny_bundle: Path) -> None:
    bundle = Bundle(tiny_bundle)
    entry = entry_for("small-cnn")
    groups, heads = [], []
    for side, mirrored in ((64, False), (32, True)):
        torch.manual_seed(side)
        networks = [build(entry, 2, entry.image_spec(side)).eval() for _ in range(2)]
        group, own = group_of(networks, side=side, mirrored=mirrored)
        groups.append(group)
        heads.append(own)
    model = (
        module._Served(Ensemble(groups, heads, [0.3, 0.7], channels=1), Calibration.of_temperature(1.3, 2))
        .eval()
        .requires_grad_(False)
    )
    session = onnxruntime.InferenceSession(module._serialised(model, bundle), providers=["CPUExecutionProvider"])
    pixels = np.random.default_rng(4).integers(0, 256, (3, 64, 64, 1), np.uint8)
    (found,) = session.run(None, {"pixels": pixels})
    np.testing.assert_allclose(found, model(torch.from_numpy(pixels)).numpy(), atol=1e-4)


def test_the_file_says_what_it_is(tiny_bundle: Path, exported: Path) -> None:
    bundle = Bundle(tiny_bundle)
    facts = opened(exported).get_modelmeta().custom_metadata_map
    assert json.loads(facts["classes"]) == list(bundle.labels.names)
    assert facts["positive"] == bundle.labels.positive
    assert float(facts["threshold"]) == bundle.threshold
    assert facts["model_id"] == bundle.model_id
    assert json.loads(facts["synthetic"]) is True
    assert type(bundle.spec).model_validate_json(facts["image_spec"]).hash == bundle.spec.hash == facts["image_hash"]
    assert "Not a medical device" in facts["notice"]
    (pixels,) = opened(exported).get_inputs()
    assert (pixels.type, pixels.shape) == ("tensor(uint8)", ["N", 64, 64, 1])


def test_nothing_of_this_machine_is_in_the_file(exported: Path) -> None:
    text = exported.read_bytes().decode("latin-1")
    assert "site-packages" not in text
    assert str(Path(module.__file__).parent) not in text
    assert "Traceback" not in text
    assert ".py" not in text


def test_a_file_that_predicts_something_else_is_not_written(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = module._serialised

    def forged(model: Any, *more: Any) -> bytes:
        model.scale *= 3
        try:
            return honest(model, *more)
        finally:
            model.scale /= 3

    monkeypatch.setattr(module, "_serialised", forged)
    with pytest.raises(ExportError, match="does not predict what the bundle predicts"):
        export_onnx(tiny_bundle, tmp_path / "a.onnx")
    monkeypatch.setattr(module, "_serialised", lambda *_: b"no network")
    with pytest.raises(ExportError, match="onnxruntime cannot run"):
        export_onnx(tiny_bundle, tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_network_that_onnx_cannot_express_is_one_sentence(tiny_bundle: Path) -> None:
    class Unusual(torch.nn.Module):
        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            return torch.linalg.eigh(pixels.float().mean(-1) @ pixels.float().mean(-1).transpose(1, 2))[0]

    with pytest.raises(ExportError) as caught:
        module._serialised(module._Served(Unusual(), Calibration.none(2)), Bundle(tiny_bundle))
    assert "cannot be put into ONNX" in caught.value.sentence
    assert "\n" not in caught.value.sentence


def test_images_of_the_user_are_compared_and_bad_ones_named(tiny_bundle: Path, tmp_path: Path) -> None:
    folder = write_phantoms(tmp_path / "images", count=5, seed=3, size=64)
    (folder / "benign" / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    skipped: list[str] = []
    bus = EventBus()
    bus.subscribe(lambda event: skipped.append(event.path) if isinstance(event, FileSkipped) else None)
    done = export_onnx(tiny_bundle, tmp_path / "a.onnx", images=folder, bus=bus)
    assert (done.images, done.synthetic) == (5, False)
    assert opened(done.path).get_modelmeta().custom_metadata_map["compared_on"] == "5 images that were given"
    assert [Path(item.path).name for item in done.skipped] == ["cut.png"] == [Path(path).name for path in skipped]
    shutil.rmtree(folder / "malignant")
    for image in folder.rglob("phantom_*.png"):
        image.unlink()
    with pytest.raises(SourceError, match="No image of this folder can be read"):
        export_onnx(tiny_bundle, tmp_path / "b.onnx", images=folder)
    with pytest.raises(SourceError, match="no such folder"):
        export_onnx(tiny_bundle, tmp_path / "b.onnx", images=tmp_path / "nowhere")
    assert not (tmp_path / "b.onnx").exists()


def made_from(folder: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """A bundle of images that are no phantoms to it, with nothing drawn."""
    monkeypatch.setattr(reporting, "write_report", lambda *_, **__: None)
    return train(folder, out=out, model="small-cnn", image_size=16, preset="fast", epochs=1)


@pytest.fixture
def photos(tiny_images: Path, tmp_path: Path) -> Path:
    """Class folders of pictures, which lince takes for real ones."""
    folder = tmp_path / "photos"
    for image in tiny_images.rglob("phantom_*.png"):
        (folder / image.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(image, folder / image.parent.name / f"{image.stem[8:]}.png")
    return folder


def listening() -> tuple[EventBus, list[str]]:
    said: list[str] = []
    bus = EventBus()
    bus.subscribe(lambda event: said.append(event.message) if isinstance(event, Noticed) else None)
    return bus, said


def test_by_default_it_is_compared_on_the_images_trained_on(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = made_from(photos, tmp_path / "bundle", monkeypatch)
    assert str(tmp_path) not in (bundle.path / "bundle.json").read_text(encoding="utf-8"), "a bundle travels"
    bus, said = listening()
    cut = sorted(photos.rglob("*.png"))[0]
    cut.write_bytes(b"\x89PNG\r\n\x1a\n")
    done = export_onnx(bundle, bus=bus)
    assert (done.images, done.compared_on, done.synthetic) == (23, "real images of photos", False)
    assert [Path(one.path) for one in done.skipped] == [cut]
    assert said == []
    assert opened(done.path).get_modelmeta().custom_metadata_map["compared_on"] == "23 real images of photos"
    assert str(tmp_path) not in done.path.read_bytes().decode("latin-1")


def test_images_that_are_gone_are_phantoms_with_a_notice(
    photos: Path, altered: Altered, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = made_from(photos, tmp_path / "bundle", monkeypatch)
    photos.rename(tmp_path / "elsewhere")
    bus, said = listening()
    done = export_onnx(bundle, bus=bus)
    assert (done.images, done.compared_on, done.synthetic, done.skipped) == (12, "synthetic phantoms", True, ())
    assert opened(done.path).get_modelmeta().custom_metadata_map["compared_on"] == "12 synthetic phantoms"
    assert len(said) == 1
    assert "no longer where they were" in said[0]
    # Never trained here, a damaged note, a bundle that says nothing of its collection or something else than a digest.
    digest = Bundle(tiny_bundle).manifest.provenance["collection"]["digest"]
    place = tmp_path / "cache" / "places" / f"{digest}.json"
    monkeypatch.setenv("LINCE_CACHE", str(tmp_path / "cache"))
    assert export_onnx(tiny_bundle, tmp_path / "a.onnx", bus=bus).compared_on == "synthetic phantoms"
    place.parent.mkdir(parents=True)
    place.write_text("{}]", encoding="utf-8")
    assert noted_places(digest) == ()
    assert noted_places("../../etc/passwd") == ()
    for provenance in ({}, {"collection": {"digest": 3}}):
        odd = export_onnx(altered(provenance=provenance), bus=bus)
        assert odd.compared_on == "synthetic phantoms"
    assert all("not on this machine" in one for one in said[1:])
    assert len(said) == 4


def test_names_that_are_no_text_are_noted_and_a_cache_that_is_read_only_costs_the_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINCE_CACHE", str(tmp_path / "cache"))
    odd, row = Sample("/a/\udcff.png", "x"), Sample("/a/b.npy", "x", row=3)
    note_places("0" * 64, [odd, row])
    assert noted_places("0" * 64) == (odd, row)
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("LINCE_CACHE", str(tmp_path / "file"))
    note_places("0" * 64, [odd])
    assert noted_places("0" * 64) == ()


def test_a_file_that_is_there_is_kept(tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "a.onnx"
    place.write_text("precious", encoding="utf-8")
    with pytest.raises(OutputError, match="something here already"):
        export_onnx(tiny_bundle, place)
    with pytest.raises(OutputError):
        export_onnx(tiny_bundle, tmp_path, force=True)
    monkeypatch.setattr(module, "_serialised", lambda *_: b"no network")
    with pytest.raises(ExportError):
        export_onnx(tiny_bundle, place, force=True)
    assert place.read_text(encoding="utf-8") == "precious"


def test_a_missing_package_is_one_sentence(tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"lince-med\[onnx\]"):
        export_onnx(tiny_bundle, tmp_path / "a.onnx")


@pytest.mark.parametrize("page", ["docs/train.md", "docs/pt/train.md"])
def test_the_documented_lines_use_the_file_without_lince(
    page: str, tiny_bundle: Path, exported: Path, tiny_images: Path, tmp_path: Path
) -> None:
    """In another process, where lince cannot be imported."""
    text = (Path(__file__).parents[2] / page).read_text(encoding="utf-8")
    code = re.search(r"```python\n(import json, numpy, onnxruntime.*?)```", text, re.DOTALL)
    assert code is not None
    image = sorted(tiny_images.glob("malignant/*.png"))[0]
    lines = re.sub(r"(scan|exame)\.png", str(image), code[1]).replace("bundles/photos.onnx", str(exported))
    script = (
        "import sys; sys.modules['lince'] = None\n" + lines + "print({k: float(v) for k, v in probabilities.items()})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert "lince" not in code[1]
    assert ast.literal_eval(done.stdout) == pytest.approx(Predictor(tiny_bundle).predict(image).probabilities, abs=0.02)


@pytest.mark.real_data
def test_on_real_images(tiny_bundle: Path, real_data: Path, tmp_path: Path) -> None:
    done = export_onnx(tiny_bundle, tmp_path / "a.onnx", images=real_data / "busi")
    assert (done.images, done.synthetic) == (64, False)
    assert done.largest_difference < 1e-3
    images = sorted((real_data / "busi" / "malignant").glob("*.png"))[:8]
    predictor = Predictor(tiny_bundle)
    pixels = np.stack([predictor.prepare(path).pixels for path in images])
    (found,) = opened(done.path).run(None, {"pixels": pixels})
    np.testing.assert_allclose(found, predictor.probabilities(pixels), atol=2e-2)  # bf16 on some machines
