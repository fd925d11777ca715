"""Shared fixtures."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# How long an example takes is no property of it.
settings.register_profile("lince", deadline=None)
settings.load_profile("lince")

_CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with real images, or a skip with the reason."""
    folder = Path(os.environ.get("LINCE_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real images at {folder} (set LINCE_DATA)")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the user's cache out of the tests, and the tests out of the user's cache."""
    os.environ["LINCE_CACHE"] = str(tmp_path_factory.mktemp("lince-cache"))


@pytest.fixture(scope="session")
def tiny_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders ``benign`` (14) and ``malignant`` (10) of small phantoms, not split; do not change them."""
    from lince.data import write_phantoms

    return write_phantoms(tmp_path_factory.mktemp("tiny") / "images", count=24, seed=1, size=64)


@pytest.fixture(scope="session")
def tiny_bundle(tiny_images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that two epochs of the small CNN on `tiny_images` gave; copy it before changing anything in it."""
    from lince.training import train

    out = tmp_path_factory.mktemp("tiny") / "bundle"
    train(tiny_images, out=out, model="small-cnn", preset="fast", epochs=2, batch_size=8, seed=1)
    return out


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium; without it a skip, except in continuous integration, where it must be there."""
    program = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    if program is None:
        reason = "no Chromium on this machine (Debian: apt install chromium)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=_CHROMIUM)
        yield launched
        launched.close()
