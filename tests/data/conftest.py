"""Small collections on disk, made for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Put = Callable[..., Path]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Write small images at these paths inside a new folder, and give the folder."""

    def write(*paths: str | Iterable[str], root: str = "set") -> Path:
        folder = tmp_path / root
        folder.mkdir(exist_ok=True)
        names = [name for path in paths for name in ([path] if isinstance(path, str) else path)]
        for number, name in enumerate(names):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            kind = {".jpeg": "JPEG", ".jpg": "JPEG"}.get(target.suffix.lower(), "PNG")
            Image.new("L", (8 + number % 3, 8), number % 256).save(target, kind)
        return folder

    return write


@pytest.fixture
def make_npz(tmp_path: Path) -> Callable[..., Path]:
    """Write an npz in MedMNIST form; arrays given by name replace or (None) remove the usual ones."""

    def write(name: str = "breastmnist.npz", *, compressed: bool = True, **arrays: np.ndarray | None) -> Path:
        rng = np.random.default_rng(0)
        content: dict[str, np.ndarray | None] = {}
        for split, count in (("train", 12), ("val", 4), ("test", 6)):
            content[f"{split}_images"] = rng.integers(0, 256, (count, 28, 28), np.uint8)
            content[f"{split}_labels"] = (np.arange(count) % 2).astype(np.uint8).reshape(-1, 1)
        content |= arrays
        path = tmp_path / name
        save = np.savez_compressed if compressed else np.savez
        save(path, **{key: array for key, array in content.items() if array is not None})
        return path

    return write
