"""`lince.audit`: a source in, an audit out, with crops found by a real network."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from bench import planting

import lince
from lince.core.errors import SourceError


def test_a_crop_is_found_through_embeddings(tiny_images: Path, tmp_path: Path) -> None:
    place = tmp_path / "images"
    shutil.copytree(tiny_images, place)
    source = sorted((place / "benign").glob("*.png"))[0]
    part = planting.cropped(planting.read(source), 0.85, np.random.default_rng(1))
    planting.write(place / "malignant" / "part.png", part)
    audit = lince.audit(place)
    assert audit.findings[0].kind == "conflicting-labels"
    assert audit.findings[0].evidence[0].values["relation"] == "cropped"
    assert audit.findings[0].count == 2


def test_a_source_that_is_not_there_is_refused_before_anything_is_read(tiny_images: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        lince.audit(tiny_images, against=tmp_path / "absent")
