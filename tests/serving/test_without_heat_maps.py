"""A model that is no network, over REST."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from lince.inference import Predictor
from lince.serving.app import create_app
from lince.training import train

from .conftest import running


def test_descriptors_are_served_with_a_preview_and_no_heat_map(tiny_images: Path, tmp_path: Path) -> None:
    choices = {"model": "descriptors", "classifier": "knn", "image_size": 32}
    predictor = Predictor(train(tiny_images, out=tmp_path / "bundle", **choices))
    image = next(iter(tiny_images.rglob("*.png")))
    with running(create_app(predictor)) as address, httpx.Client(base_url=address, trust_env=False) as client:
        files = {"file": (image.name, image.read_bytes())}
        found = client.post("/api/v1/predictions?explain=true", files=files)
    assert found.status_code == 200, found.text
    told = found.json()
    assert told["heat_map"] is None
    assert told["preview"].startswith("data:image/")
    assert told["probabilities"] == pytest.approx(predictor.predict(image).probabilities, abs=1e-6)
