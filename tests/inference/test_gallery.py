"""The pictures of a report."""

from __future__ import annotations

import base64
import io
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lince
import lince.explain
from lince.core.events import Event, EventBus, PredictionMade
from lince.core.types import Sample
from lince.data import Collection
from lince.inference import Predictor, evaluate
from lince.inference.gallery import take_pictures


def opened(picture: bytes | None) -> Image.Image:
    assert picture is not None
    return Image.open(io.BytesIO(picture))


@pytest.fixture
def predictor(tiny_bundle: Path) -> Predictor:
    return Predictor(tiny_bundle)


def sure_of(collection: Collection, label: str) -> np.ndarray:
    column = collection.labels.index(label)
    table = np.full((len(collection), 2), 0.1)
    table[:, column] = 0.9
    return table


def test_pictures_show_the_image_beside_its_heat_map(predictor: Predictor, tiny_images: Path) -> None:
    collection = lince.load(tiny_images)
    truth = [sample.label for sample in collection.samples]
    shots = take_pictures(predictor, collection, truth, sure_of(collection, "malignant"))
    assert [shot.kind for shot in shots] == ["wrong"] * 6 + ["right"] * 6 + ["unsure"] * 6
    assert len({shot.name for shot in shots}) == 18
    assert sum(len(shot.picture or b"") for shot in shots) * 4 / 3 < 1e6
    first = shots[0]
    assert (first.truth, first.decision, first.confidence) == ("benign", "malignant", 0.9)
    for shot in (one for one in shots if one.heated):
        picture = opened(shot.picture)
        width = (picture.width - 4) // 2
        left, right = (np.asarray(picture.crop((x, 0, x + width, picture.height)), dtype=int) for x in (0, width + 4))
        grey, coloured = (np.abs(half[..., 0] - half[..., 2]) for half in (left, right))
        assert grey.mean() < 3, "the image is grey"
        assert coloured.max() > 20, "the heat map has colours"
    assert any(shot.heated for shot in shots)


def test_an_image_that_is_gone_has_no_picture(predictor: Predictor, tiny_images: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_images, tmp_path / "set")
    collection = lince.load(tmp_path / "set")
    truth = [sample.label for sample in collection.samples]
    (tmp_path / "set" / "benign").rename(tmp_path / "away")
    shots = take_pictures(predictor, collection, truth, sure_of(collection, "malignant"))
    assert {(shot.truth, shot.picture is None) for shot in shots} == {("benign", True), ("malignant", False)}


def test_a_model_without_a_heat_map_shows_the_image_alone(
    predictor: Predictor, tiny_images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lince.explain, "heat_map", lambda *_, **__: np.zeros((8, 8), np.float32), raising=False)
    collection = lince.load(tiny_images)
    truth = [sample.label for sample in collection.samples]
    shots = take_pictures(predictor, collection, truth, sure_of(collection, "benign"))
    assert not any(shot.heated for shot in shots)
    assert max(opened(shots[0].picture).size) <= 240


def test_pictures_stay_small_whatever_they_show(predictor: Predictor, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (900, 1200, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    sample = Sample(str(tmp_path / "noise.png"), "benign")
    collection = Collection("noise", (sample,), predictor.labels, str(tmp_path))
    (shot,) = take_pictures(predictor, collection, ["benign"], np.array([[0.8, 0.2]]))
    assert shot.name == "noise.png"
    assert len(shot.picture or b"") <= 40_000


def test_a_row_of_an_array_has_a_picture(predictor: Predictor, tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8))
    samples = tuple(Sample(str(tmp_path / "images.npy"), "benign", row=row) for row in range(3))
    collection = Collection("rows", samples, predictor.labels, str(tmp_path))
    shots = take_pictures(predictor, collection, ["benign"] * 3, np.array([[0.8, 0.2], [0.1, 0.9], [0.7, 0.3]]))
    assert [shot.name for shot in shots] == ["images.npy[1]", "images.npy[0]", "images.npy[2]"]
    assert opened(shots[0].picture).height == 28 * 8, "small images are enlarged by a whole number"


@pytest.mark.parametrize("language", ["en", "pt"])
def test_the_report_has_the_pictures_inside(
    tiny_bundle: Path, tiny_images: Path, tmp_path: Path, language: str
) -> None:
    heard: list[Event] = []
    bus = EventBus()
    bus.subscribe(heard.append)
    evaluate(tiny_bundle, tiny_images, split="all", out=tmp_path / "out", language=language, bus=bus)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert {"en": "In pictures", "pt": "Em imagens"}[language] in page
    found = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    assert 6 <= len(found) <= 18
    assert all(opened(base64.b64decode(one)).format == "JPEG" for one in found)
    assert not [event for event in heard if isinstance(event, PredictionMade)], "nobody asked for a prediction"


def test_a_report_without_pictures(tiny_bundle: Path, tiny_images: Path, tmp_path: Path) -> None:
    evaluate(tiny_bundle, tiny_images, split="all", out=tmp_path / "out", gallery=False)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "data:image/jpeg" not in page
    assert "In pictures" not in page
