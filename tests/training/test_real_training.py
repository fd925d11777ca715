"""Something real is learned."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lince.core.events import EpochFinished, EventBus
from lince.data import write_phantoms
from lince.training.run import train


def test_phantoms_are_learned(tmp_path: Path) -> None:
    images = write_phantoms(tmp_path / "images", count=120, size=96)
    reached: list[float] = []
    bus = EventBus()
    bus.subscribe(lambda event: reached.append(event.val_auc) if isinstance(event, EpochFinished) else None)
    bundle = train(images, out=tmp_path / "bundle", preset="fast", image_size=96, epochs=15, bus=bus)
    assert max(reached) > 0.7
    assert bundle.synthetic
    assert bundle.summary()["auc"]["value"] > 0.6


@pytest.mark.real_data
def test_chest_radiographs_are_learned(real_data: Path, tmp_path: Path) -> None:
    for folder in sorted((real_data / "chest_xray" / "train").iterdir()):
        (tmp_path / "set" / folder.name).mkdir(parents=True)
        for image in sorted(folder.glob("*.jp*g"))[:20]:
            shutil.copy(image, tmp_path / "set" / folder.name)
    bundle = train(tmp_path / "set", out=tmp_path / "bundle", preset="fast", image_size=64, epochs=10)
    assert {"PNEUMONIA", "NORMAL"} == set(bundle.labels.names)
    assert bundle.manifest.figures["val"]["auc"]["value"] > 0.6


@pytest.mark.real_data
def test_zero_is_malignant_in_breastmnist(real_data: Path, tmp_path: Path) -> None:
    source = next((real_data / "medmnist").glob("breastmnist.npz"), None)
    if source is None:
        pytest.skip("no breastmnist.npz")
    bundle = train(source, out=tmp_path / "bundle", model="small-cnn", image_size=16, epochs=1)
    assert bundle.labels.names[0] == "malignant"
    assert bundle.labels.positive == "malignant"
