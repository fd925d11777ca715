"""New limits on local images."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lince import evaluate, recalibrate, train
from lince.core.errors import BundleError, ConfigError, SourceError
from lince.core.events import Event, EventBus, Noticed
from lince.data import write_phantoms
from lince.inference import Bundle, Predictor
from lince.inference.opening import OPENED, openings

Altered = Callable[..., Path]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("local") / "phantoms"
    write_phantoms(folder, count=60, seed=11)
    return folder


def listening() -> tuple[EventBus, list[str]]:
    bus, heard = EventBus(), []

    def hear(event: Event) -> None:
        if isinstance(event, Noticed):
            heard.append(event.message)

    bus.subscribe(hear)
    return bus, heard


def test_the_weights_stay_and_the_limits_change(tiny_bundle: Path, local: Path, tmp_path: Path) -> None:
    made = recalibrate(
        tiny_bundle, local, out=tmp_path / "new", aim="sensitivity>=0.9", coverage=0.8, low_confidence=0.6
    )
    old = Bundle(tiny_bundle)
    assert made.model_id.startswith(f"{old.model_id}-"), "the same weights, but other answers"
    assert made.manifest.created == old.manifest.created, "when it was trained"
    assert (made.path / "model.safetensors").read_bytes() == (tiny_bundle / "model.safetensors").read_bytes()
    trust, point = made.trust, made.manifest.operating_point
    assert point is not None
    assert point.aim == "sensitivity>=0.9"
    assert point.chosen_on == "local images (breast-ultrasound phantoms)"
    assert point.weights == made.manifest.hashes["model.safetensors"]
    assert point.sensitivity is not None
    assert point.sensitivity >= 0.9
    assert trust.low_confidence == 0.6
    assert trust.sets is not None
    assert trust.sets.coverage == 0.8
    assert sum(trust.sets.counts) == 60
    assert made.manifest.figures == {}, "those of the old limits do not hold"
    assert made.manifest.provenance["recalibrated"]["images"] == 60
    card = (made.path / "card.md").read_text(encoding="utf-8")
    assert "on 60 images of breast-ultrasound phantoms: calibration, operating point" in card
    assert f"Trained {old.manifest.created} with" in card
    assert "| 24 | The updated model, where one was made | **filled** |" in card
    assert len(made.seen()) == len(old.seen()) + 60
    assert Predictor(made, refer=0.2).predict(next(local.rglob("*.png"))).threshold == point.threshold
    assert old.trust == Bundle(tiny_bundle).trust


def test_an_aim_is_refused_where_no_class_is_positive(altered: Altered, local: Path, tmp_path: Path) -> None:
    folder = altered(positive=None, operating_point=None)
    with pytest.raises(ConfigError, match="this bundle has none"):
        recalibrate(folder, local, out=tmp_path / "new", aim="youden")
    assert not (tmp_path / "new").exists()


def test_measuring_what_it_was_fitted_on_is_noticed(tiny_bundle: Path, local: Path, tmp_path: Path) -> None:
    made = recalibrate(tiny_bundle, local, out=tmp_path / "new")
    with pytest.raises(SourceError, match="no image to measure"):
        evaluate(made, local)


@pytest.mark.parametrize(
    ("choices", "error"),
    [({"coverage": 1.0}, ConfigError), ({"low_confidence": float("nan")}, ConfigError), ({"aim": "best"}, ConfigError)],
)
def test_limits_that_are_none(
    tiny_bundle: Path, local: Path, tmp_path: Path, choices: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        recalibrate(tiny_bundle, local, out=tmp_path / "new", **choices)
    assert not (tmp_path / "new").exists()


def test_a_class_without_local_images(tiny_bundle: Path, tiny_images: Path, local: Path, tmp_path: Path) -> None:
    one = tmp_path / "one" / "benign"
    one.mkdir(parents=True)
    for path in list((local / "benign").glob("*.png"))[:5]:
        (one / path.name).write_bytes(path.read_bytes())
    with pytest.raises(SourceError, match=r"10 images of every class.*malignant 0"):
        recalibrate(tiny_bundle, tmp_path / "one", out=tmp_path / "new")


def test_the_same_images_twice_are_noted(tiny_bundle: Path, local: Path, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))
    before = openings(bundle)
    assert before[0]["part"] == "test", "the training opened its test part"
    bus, heard = listening()
    evaluate(bundle, local, bus=bus)
    assert not any("measured with this bundle before" in one for one in heard)
    evaluate(bundle, local, bus=bus)
    assert sum("60 of these 60 images were measured with this bundle before" in one for one in heard) == 1
    noted = openings(bundle)[len(before) :]
    assert [one["images"] for one in noted] == [60, 60]
    assert [one["again"] for one in noted] == [0, 60]


def test_a_bundle_beside_itself_opens_the_images_once(tiny_bundle: Path, local: Path, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))
    bus, heard = listening()
    evaluate(bundle, local, compare=bundle.parent / "." / "bundle", bus=bus)
    assert not any("measured with this bundle before" in one for one in heard)
    assert [one["again"] for one in openings(bundle)][-1] == 0


def test_a_log_that_is_damaged_or_cannot_be_written(tiny_bundle: Path, local: Path, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))
    (bundle / OPENED).write_bytes(b'{"digest": 3}\n\nnot json\n[1]\n{"cut')
    assert openings(bundle) == [{"digest": 3}]
    evaluate(bundle, local)
    assert openings(bundle)[1]["images"] == 60, "a damaged end does not swallow what follows"
    (bundle / OPENED).unlink()
    (bundle / OPENED).mkdir()
    bus, heard = listening()
    assert evaluate(bundle, local, bus=bus).n == 60
    assert any("cannot be noted" in one for one in heard)


def test_the_limits_are_fixed_before_the_test_part_is_opened(tiny_bundle: Path) -> None:
    point = json.loads((tiny_bundle / "bundle.json").read_text(encoding="utf-8"))["operating_point"]
    assert point["weights"] == Bundle(tiny_bundle).manifest.hashes["model.safetensors"]
    assert point["fixed"] <= openings(tiny_bundle)[0]["time"]


def test_local_images_may_be_admitted(local: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    write_phantoms(home, count=160, seed=1)
    bundle = train(home, preset="fast", image_size=64, epochs=2, out=tmp_path / "bundle")
    dim = tmp_path / "dim"
    for path in local.rglob("*.png"):
        (dim / path.parent.name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(Image.open(path)) // 4).save(dim / path.parent.name / path.name)
    paths = sorted(dim.rglob("*.png"))
    refused = [one.refused for one in Predictor(bundle).predict_many(paths)]
    assert np.mean(refused) > 0.5
    kept = recalibrate(bundle, dim, out=tmp_path / "kept")
    admitted = recalibrate(bundle, dim, out=tmp_path / "admitted", admit=True)
    assert [one.refused for one in Predictor(kept).predict_many(paths)] == refused
    assert np.mean([one.refused for one in Predictor(admitted).predict_many(paths)]) < 0.1


def test_another_aim_is_not_chosen_without_held_out_predictions(tiny_bundle: Path, local: Path, tmp_path: Path) -> None:
    new = recalibrate(tiny_bundle, local, out=tmp_path / "new")
    before = openings(new.path)
    with pytest.raises(ConfigError, match=r"keeps no held-out predictions.*lince recalibrate"):
        evaluate(new, local, aim="youden")
    assert openings(new.path) == before, "nothing was opened"


def test_some_of_the_images_were_measured_before(tiny_bundle: Path, local: Path, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))
    evaluate(bundle, local)
    some = shutil.copytree(local, tmp_path / "some")
    for path in sorted(some.rglob("*.png"))[::2]:
        path.unlink()
    bus, heard = listening()
    evaluate(bundle, some, bus=bus)
    assert sum("30 of these 30 images were measured with this bundle before" in one for one in heard) == 1
    bus, heard = listening()
    made = recalibrate(bundle, local, out=tmp_path / "new", bus=bus)
    assert any("measured with this bundle before" in one for one in heard)
    assert openings(made.path) == openings(bundle), "the history goes with the weights"


def test_a_damaged_file_is_not_carried_over(tiny_bundle: Path, local: Path, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))
    (bundle / "neighbours.json").write_text("{")
    with pytest.raises(BundleError, match=r"neighbours.json.*not the file"):
        recalibrate(bundle, local, out=tmp_path / "new")
    assert not (tmp_path / "new").exists()
