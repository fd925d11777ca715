"""From image files to predictions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.inference.conftest import Altered, limits

import lince
from lince.core.errors import BundleError, ConfigError, ImageError
from lince.core.events import Event, EventBus, FileSkipped, ModelLoaded, PredictionMade
from lince.core.files import sha256_bytes
from lince.core.types import LabelSpace, Prediction, Sample, Skipped, decide
from lince.explain.methods import METHODS
from lince.imaging import cached_images
from lince.inference import Predictor

Picture = Callable[..., Path]


@pytest.fixture(scope="module")
def predictor(tiny_bundle: Path) -> Predictor:
    return Predictor(tiny_bundle)


def test_the_network_sees_the_pixels_it_was_trained_on(predictor: Predictor, picture: Picture) -> None:
    paths = [
        picture("wide.png", height=30, width=90),
        picture("tall.jpg", height=150, width=61, mode="RGB", seed=1),
        picture("deep.png", mode="I;16", seed=2),
        picture("tiny.bmp", height=7, width=5, seed=3),
    ]
    rows = cached_images([Sample(str(path), "benign") for path in paths], predictor.bundle.spec).pixels
    for path, row in zip(paths, rows, strict=True):
        from_file, from_bytes = predictor.prepare(path), predictor.prepare(path.read_bytes(), name=path.name)
        np.testing.assert_array_equal(from_file.pixels, row)
        np.testing.assert_array_equal(from_bytes.pixels, row)
        assert from_file.input_sha256 == sha256_bytes(row.tobytes())
        assert from_file.name == from_bytes.name == path.name


def test_what_a_prepared_image_knows(predictor: Predictor, picture: Picture) -> None:
    item = predictor.prepare(picture("deep.png", height=700, width=1400, mode="I;16"))
    assert (item.height, item.width) == (700, 1400)
    assert item.preview.shape == (320, 640)
    assert item.preview.dtype == np.uint8
    assert 100 < item.preview.mean() < 155
    assert predictor.prepare(picture("small.png")).preview.shape == (48, 80)
    assert predictor.prepare(picture("red.png", mode="RGB").read_bytes()).preview.shape == (48, 80, 3)
    assert predictor.prepare(picture().read_bytes()).name == "image"


def test_a_prediction_adds_up(predictor: Predictor, picture: Picture) -> None:
    prediction = predictor.predict(picture())
    assert list(prediction.probabilities) == ["benign", "malignant"]
    assert sum(prediction.probabilities.values()) == pytest.approx(1.0)
    assert prediction.confidence == prediction.probabilities[prediction.label]
    assert prediction.threshold == predictor.bundle.threshold
    assert prediction.positive == "malignant"
    assert prediction.model_id == predictor.bundle.model_id
    assert prediction.name == "scan.png"


def test_every_way_to_a_prediction_gives_the_same(predictor: Predictor, tiny_images: Path) -> None:
    paths = sorted(tiny_images.rglob("*.png"))[:6]
    items = [predictor.prepare(path) for path in paths]
    alone = [predictor.predict(path) for path in paths]
    together = [outcome.prediction for outcome in predictor.run(items)]
    many = list(predictor.predict_many(paths, batch=4))
    rows = predictor.probabilities(np.stack([item.pixels for item in items]), batch=4)
    for i, one in enumerate(alone):
        for other in (together[i], many[i], predictor.explain(paths[i]).prediction):
            assert isinstance(other, Prediction)
            assert other.input_sha256 == one.input_sha256
            assert other.label == one.label
            assert other.probabilities == pytest.approx(one.probabilities, abs=0.01)
        assert rows[i].tolist() == pytest.approx(list(one.probabilities.values()), abs=0.01)
    assert len({one.input_sha256 for one in alone}) == len(paths)
    assert len({round(one.confidence, 6) for one in alone}) > 1


def test_nothing_in_nothing_out(predictor: Predictor) -> None:
    assert predictor.run([]) == []
    assert predictor.logits(np.zeros((0, 64, 64, 1), np.uint8)).shape == (0, 2)
    assert list(predictor.predict_many([])) == []


class Watched(np.ndarray[tuple[int, ...], np.dtype[np.uint8]]):
    """Images that tell how many of them were read at once."""

    most = 0

    def __getitem__(self, key: object) -> object:
        found = super().__getitem__(key)  # type: ignore[call-overload]
        Watched.most = max(Watched.most, len(found))
        return found


def test_images_are_read_a_batch_at_a_time(predictor: Predictor) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 64, 64, 1), dtype=np.uint8)
    rows = np.array([30, 2, 2, 39, 5, 0, 17])
    Watched.most = 0
    found = predictor.logits(pixels.view(Watched), rows, batch=3)
    assert Watched.most == 3
    np.testing.assert_allclose(found, predictor.logits(pixels[rows]), atol=2e-2)  # bf16 on some machines


def test_embeddings_are_what_the_head_classifies(predictor: Predictor) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 64, 64, 1), dtype=np.uint8)
    rows = np.array([30, 2, 2, 39, 5, 0, 17])
    Watched.most = 0
    found = predictor.embeddings(pixels.view(Watched), rows, batch=3)
    assert Watched.most == 3
    assert found.shape == (7, 128)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[1], found[2])
    with torch.inference_mode():
        logits = predictor.network.head.classify(torch.from_numpy(found).to(predictor.device)).cpu().numpy()
    np.testing.assert_allclose(logits, predictor.logits(pixels, rows), atol=2e-2)
    assert predictor.embeddings(pixels, rows[:0]).shape[0] == 0


def test_any_class_and_method_can_be_explained(predictor: Predictor, tiny_images: Path) -> None:
    items = [predictor.prepare(path) for path in sorted(tiny_images.rglob("*.png"))[:2]]
    usual = predictor.run(items, explain=[True, True])
    maps = {}
    for name in predictor.labels.names:
        maps[name] = predictor.run(items, explain=[True, True], target=name)
        for one, other in zip(maps[name], usual, strict=True):
            assert one.prediction == other.prediction
            assert (one.prediction.label != name) or np.array_equal(one.heat_map, other.heat_map)
    benign, malignant = (maps[name][0].heat_map for name in ("benign", "malignant"))
    assert not np.array_equal(benign, malignant)
    slow = predictor.run(items, explain=[False, True], method="occlusion")
    assert slow[0].heat_map is None
    assert slow[1].heat_map is not None
    assert not np.array_equal(slow[1].heat_map, usual[1].heat_map)
    with pytest.raises(ConfigError, match=r"no such class \(received: other\); choose one of: benign, malignant"):
        predictor.run(items, target="other")


def test_temperature_divides_the_logits(altered: Altered, picture: Picture) -> None:
    path = picture()
    sharp, flat = (Predictor(altered(trust=limits(t), operating_point=None)).predict(path) for t in (0.5, 2.0))
    odds = [np.log(p.probabilities["benign"] / p.probabilities["malignant"]) for p in (sharp, flat)]
    assert odds[0] == pytest.approx(4 * odds[1], rel=1e-6)
    assert odds[0] != 0


def test_a_flag_under_seventy_per_cent(altered: Altered, picture: Picture) -> None:
    path = picture()
    unsure = Predictor(altered(trust=limits(1000.0))).predict(path)
    assert unsure.confidence == pytest.approx(0.5, abs=0.05)
    assert unsure.flags == ("low_confidence",)
    sure = Predictor(altered(trust=limits(1e-4), operating_point=None)).predict(path)
    assert sure.confidence > 0.99
    assert sure.flags == ()


@pytest.mark.parametrize("above", [True, False])
def test_the_operating_point_decides(altered: Altered, picture: Picture, above: bool) -> None:
    path = picture()
    plain = Predictor(altered(operating_point=None)).predict(path)
    assert plain.threshold is None
    assert not plain.decided_by_threshold
    assert plain.confidence == max(plain.probabilities.values())
    chance = plain.probabilities["malignant"]
    threshold = chance - 1e-6 if above else chance + 1e-6
    moved = Predictor(altered(operating_point={"threshold": threshold, "aim": "youden"})).predict(path)
    assert moved.label == ("malignant" if above else "benign")
    assert moved.confidence == pytest.approx(chance if above else 1 - chance)
    assert moved.decided_by_threshold == (moved.label != plain.label)
    row = list(moved.probabilities.values())
    assert decide(row, LabelSpace(tuple(moved.probabilities), "malignant"), threshold)[1] == moved.decided_by_threshold


def test_the_order_of_classes_is_that_of_the_bundle(altered: Altered, picture: Picture) -> None:
    path = picture()
    usual = Predictor(altered()).predict(path)
    renamed = Predictor(altered(classes=["malignant", "benign"])).predict(path)
    assert renamed.probabilities["malignant"] == pytest.approx(usual.probabilities["benign"])


def test_a_file_that_is_no_image(predictor: Predictor, tmp_path: Path) -> None:
    (tmp_path / "notes.png").write_text("no image")
    with pytest.raises(ImageError):
        predictor.predict(tmp_path / "notes.png")
    with pytest.raises(ImageError):
        predictor.predict(tmp_path / "missing.png")


def test_bad_files_keep_their_place_and_are_told(tiny_bundle: Path, tiny_images: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    bus = EventBus()
    bus.subscribe(events.append)
    predictor = Predictor(tiny_bundle, bus=bus, origin="test")
    good = sorted(tiny_images.rglob("*.png"))[:9]
    (tmp_path / "broken.png").write_bytes(good[0].read_bytes()[:200])
    (tmp_path / "empty.jpg").write_bytes(b"")
    bad = [tmp_path / "broken.png", tmp_path / "empty.jpg", tmp_path / "missing.png"]
    paths = [bad[0], *good[:4], bad[1], *good[4:], bad[2]]
    found = list(predictor.predict_many(iter(paths), batch=2))
    assert [item.path if isinstance(item, Skipped) else item.name for item in found] == [str(path) for path in paths]
    assert [isinstance(item, Skipped) for item in found] == [path in bad for path in paths]
    skipped = [event for event in events if isinstance(event, FileSkipped)]
    assert [event.path for event in skipped] == [str(path) for path in bad]
    assert all(event.reason.endswith(".") and "\n" not in event.reason for event in skipped)
    made = [event for event in events if isinstance(event, PredictionMade)]
    assert [event.prediction.name for event in made] == [str(path) for path in good]
    assert {event.origin for event in made} == {"test"}
    assert all(event.seconds > 0 for event in made)
    assert events[0] == ModelLoaded(predictor.bundle.model_id, str(tiny_bundle))


def test_only_bad_files(predictor: Predictor, tmp_path: Path) -> None:
    assert [type(item) for item in predictor.predict_many([tmp_path / f"{i}.png" for i in range(5)], batch=2)] == [
        Skipped
    ] * 5


def test_a_reader_that_leaves_early_stops_the_decoding(predictor: Predictor, tiny_images: Path) -> None:
    path = next(tiny_images.rglob("*.png"))
    asked = []

    def endless() -> object:
        while True:
            asked.append(1)
            yield path

    stream = predictor.predict_many(endless(), batch=2)
    for _ in range(5):
        next(stream)
    stream.close()
    assert len(asked) < 40
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lince-decode")]


@pytest.mark.parametrize(("height", "width", "shape"), [(40, 80, (32, 64)), (90, 30, (64, 21)), (50, 50, (64, 64))])
def test_the_heat_map_covers_the_image_without_its_padding(
    predictor: Predictor, picture: Picture, height: int, width: int, shape: tuple[int, int]
) -> None:
    outcome = predictor.explain(picture(height=height, width=width))
    assert outcome.heat_map is not None
    assert outcome.heat_map.shape == shape
    assert outcome.heat_map.dtype == np.float32
    assert outcome.heat_map.min() >= 0.0
    assert outcome.heat_map.max() <= 1.0


def test_heat_in_the_padding_is_cut_away(
    predictor: Predictor, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wide image fills rows 16 to 48 of 64: heat above it is cut, heat in its left half stays there."""

    def planted(made: object, classes: list[int]) -> np.ndarray:
        heat = np.zeros((len(classes), 8, 8), np.float32)
        heat[:, 0, 4:] = 1.0  # in the padding
        heat[:, 4, 1] = 0.8
        return heat

    monkeypatch.setitem(METHODS, "grad-cam", planted)
    heat = predictor.explain(picture(height=40, width=80)).heat_map
    assert heat is not None
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert 14 < row < 25
    assert 8 <= column < 16
    assert heat.max() == pytest.approx(0.8, abs=0.15)
    assert heat[:, 40:].max() < 0.1


def test_only_those_who_ask_get_a_heat_map(predictor: Predictor, tiny_images: Path) -> None:
    items = [predictor.prepare(path) for path in sorted(tiny_images.rglob("*.png"))[:4]]
    outcomes = predictor.run(items, explain=[False, True, False, True])
    assert [outcome.heat_map is not None for outcome in outcomes] == [False, True, False, True]
    for i in (1, 3):
        alone = predictor.run([items[i]], explain=[True])[0].heat_map
        assert alone is not None
        assert outcomes[i].heat_map == pytest.approx(alone, abs=0.05)


def test_a_bundle_from_nowhere(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="There is no bundle here"):
        lince.Predictor(tmp_path / "none")


@pytest.mark.parametrize(
    ("size", "colour", "blank"),
    [((200, 100), 128, True), ((1, 1), 7, True), ((200, 100), 0, True), ((64, 64), None, False)],
)
def test_an_image_that_shows_nothing_is_flagged(
    tiny_bundle: Path, tmp_path: Path, size: tuple[int, int], colour: int | None, blank: bool
) -> None:
    place = tmp_path / "image.png"
    noise = np.random.default_rng(0).integers(0, 255, size[::-1], dtype=np.uint8)
    (Image.fromarray(noise) if colour is None else Image.new("L", size, colour)).save(place)
    found = Predictor(tiny_bundle).predict(place)
    assert found.blank is blank is ("blank" in found.flags)
