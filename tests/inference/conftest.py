"""Copies of the tiny bundle that a test may change."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from lince.inference.bundle import BundleManifest, write_manifest
from lince.trust import Calibration, Trust

Altered = Callable[..., Path]


@pytest.fixture
def altered(tiny_bundle: Path, tmp_path: Path) -> Altered:
    """A copy of the tiny bundle with other values in its manifest (``...`` removes a key)."""

    def alter(**changes: Any) -> Path:
        folder = tmp_path / f"bundle-{len(list(tmp_path.iterdir()))}"
        shutil.copytree(tiny_bundle, folder)
        raw = json.loads((folder / "bundle.json").read_text(encoding="utf-8")) | changes
        raw = {key: value for key, value in raw.items() if value is not ...}
        (folder / "bundle.json").write_text(json.dumps(raw), encoding="utf-8")
        resign(folder)
        return folder

    return alter


def limits(temperature: float) -> dict[str, Any]:
    """The trust of a bundle of two classes that knows nothing but a temperature, as its manifest keeps it."""
    return Trust(calibration=Calibration.of_temperature(temperature, 2)).model_dump(mode="json")


def resign(folder: Path) -> None:
    """Give an altered manifest the digest of its new content, where it is still a manifest."""
    try:
        manifest = BundleManifest.model_validate_json((folder / "bundle.json").read_text(encoding="utf-8"))
    except ValidationError:
        return
    write_manifest(folder, manifest)


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., Path]:
    """Write a picture of noise."""

    def write(name: str = "scan.png", *, height: int = 48, width: int = 80, mode: str = "L", seed: int = 0) -> Path:
        rng = np.random.default_rng(seed)
        if mode == "I;16":
            image = Image.fromarray(rng.integers(0, 65536, (height, width), np.uint16))
        else:
            shape = (height, width, 3) if mode == "RGB" else (height, width)
            image = Image.fromarray(rng.integers(0, 256, shape, np.uint8))
        image.save(tmp_path / name)
        return tmp_path / name

    return write
