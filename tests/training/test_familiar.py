"""What a bundle remembers of its images: neighbours of the training part, and limits of what is novel."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lince import Predictor, train
from lince.data import write_phantoms
from lince.inference import Bundle
from lince.inference.neighbours import EMBEDDINGS, NAMES, read_neighbours
from lince.training import familiar

FAST = {"preset": "fast", "image_size": 64, "epochs": 2}


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("familiar") / "phantoms"
    write_phantoms(folder, count=160, seed=1)
    return folder


def test_another_kind_of_image_is_refused(phantoms: Path, tmp_path: Path) -> None:
    bundle = train(phantoms, out=tmp_path / "a", **FAST)
    assert (bundle.path / "novelty.safetensors").is_file()
    page = np.full((200, 200), 250, np.uint8)
    page[::12, 10:190] = 0
    Image.fromarray(page).save(tmp_path / "page.png")
    predictor = Predictor(bundle)
    found = predictor.predict(tmp_path / "page.png")
    assert found.refused
    assert "out_of_distribution" in found.flags
    assert found.novelty is not None
    assert found.novelty > 1.0
    assert found.reasons
    own = [predictor.predict(path) for path in sorted(phantoms.rglob("*.png"))[:40]]
    assert sum(one.refused for one in own) <= 4
    assert all(not one.reasons for one in own if not one.refused)


@pytest.mark.parametrize("more", [{}, {"folds": 2}])
def test_only_images_used_in_training_are_neighbours(
    phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, int]
) -> None:
    monkeypatch.setattr(familiar, "_MOST_KNOWN", 30)
    bundle = train(phantoms, out=tmp_path / "a", **FAST, **more)
    known = read_neighbours(bundle)
    test = {row.split(",")[0] for row in (bundle.path / "report" / "predictions.csv").read_text().splitlines()[1:]}
    assert test
    assert not test & set(known.names)
    assert all(
        name.startswith(label) or f"_{label}_" in name for name, label in zip(known.names, known.labels, strict=True)
    )
    if not more:
        assert Counter(known.labels) == {"benign": 18, "malignant": 12}
    assert {EMBEDDINGS, NAMES} <= bundle.manifest.hashes.keys()
    assert json.loads((bundle.path / NAMES).read_text(encoding="utf-8"))["names"][0][0] != "/"


def test_too_few_images_refuse_nothing_and_the_card_says_so(tiny_bundle: Path) -> None:
    bundle = Bundle(tiny_bundle)
    assert bundle.novelty() is None
    assert "also for images of something else" in (tiny_bundle / "card.md").read_text(encoding="utf-8")
