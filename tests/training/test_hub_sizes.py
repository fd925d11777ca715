"""Training with models of transformers at another image size than their own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.models.test_hub import save
from tests.training.text_maker import write_cases

from lince.core.errors import ConfigError
from lince.core.events import Event, EventBus, WorkStarted
from lince.data import load
from lince.inference import Predictor
from lince.training import reporting, train
from lince.training.candidates import candidates
from lince.training.options import TrainOptions


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("LINCE_PRECISION", "float32")
    monkeypatch.setattr(reporting, "write_report", lambda *_, **__: None)  # it has tests of its own


@pytest.mark.parametrize("folds", [None, 2])
def test_a_bundle_of_another_size_predicts_the_same_elsewhere(
    folds: int | None, tiny_images: Path, tmp_path: Path
) -> None:
    name = save("vit", tmp_path / "model")
    made = train(
        tiny_images, out=tmp_path / "made", model=name, image_size=48, preset="fast", folds=folds, augment="none"
    )
    assert made.spec.size == 48
    images = sorted(tiny_images.rglob("*.png"))[::6]
    before = [Predictor(made).predict(image).probabilities for image in images]
    shutil.rmtree(tmp_path / "model")
    moved = shutil.copytree(made.path, tmp_path / "moved")
    shutil.rmtree(made.path)
    predictor = Predictor(moved)
    assert [predictor.predict(image).probabilities for image in images] == [pytest.approx(one) for one in before]
    assert before[0] != pytest.approx(before[-1], abs=1e-6)
    assert predictor.explain(images[0]).heat_map is not None


@pytest.mark.parametrize(("kind", "sizes"), [("vit", [160, 224]), ("levit", [160])])
def test_best_tries_the_sizes_that_the_model_sees(
    kind: str, sizes: list[int], tiny_images: Path, tmp_path: Path
) -> None:
    options = TrainOptions(preset="best", model=save(kind, tmp_path / "model", side=160))
    tried = candidates(options, load(tiny_images))
    assert list(dict.fromkeys(one.size for one in tried)) == sizes
    assert {one.way for one in tried if one.size == sizes[-1]} == {"head", "kernel", "tuned"}


@pytest.mark.parametrize("choices", [{"preset": "fast"}, {"preset": "best"}, {"folds": 2}, {"text": "caption"}])
def test_a_size_that_is_not_seen_is_refused_before_any_image_is_read(choices: dict[str, str], tmp_path: Path) -> None:
    name = save("levit", tmp_path / "model", side=160)
    (tmp_path / "cases").mkdir()
    cases = write_cases(tmp_path / "cases")
    heard: list[Event] = []
    bus = EventBus()
    bus.subscribe(heard.append)
    with pytest.raises(ConfigError, match=r"does not see images of this size \(received: 224\)"):
        train(cases, out=tmp_path / "out", model=name, image_size=224, bus=bus, **choices)
    with pytest.raises(ConfigError, match="multiple of 16"):
        train(cases, out=tmp_path / "out", model=name, image_size=100, bus=bus, **choices)
    assert [event for event in heard if isinstance(event, WorkStarted)] == []
    assert not (tmp_path / "out").exists()
