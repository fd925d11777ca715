"""Phantoms: repeatable, honest about themselves, and not separable by anything trivial."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from lince.core.errors import ConfigError, OutputError, SourceError
from lince.data import draw_phantom, load, near_duplicate_groups, write_phantoms


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_phantoms(tmp_path_factory.mktemp("phantoms") / "set", count=120, seed=3, size=64)


def test_a_labelled_synthetic_collection(phantoms: Path) -> None:
    collection = load(phantoms)
    assert collection.synthetic
    assert collection.name == "breast-ultrasound phantoms"
    assert collection.counts() == {"benign": 72, "malignant": 48}
    assert collection.labels.positive == "malignant"
    assert not collection.has_groups
    assert load(f"phantoms:{phantoms}").digest() == collection.digest()
    assert json.loads((phantoms / "lince.json").read_text())["seed"] == 3
    with Image.open(collection.samples[0].path) as image:
        assert (image.format, image.mode) == ("PNG", "L")
        assert "synthetic" in image.info["Description"]
    assert collection.samples[0].name == "phantom_benign_0001.png"


def test_the_same_seed_makes_the_same_images_and_a_prefix_stays(phantoms: Path, tmp_path: Path) -> None:
    again = write_phantoms(tmp_path / "again", count=10, seed=3, size=64)
    other = write_phantoms(tmp_path / "other", count=10, seed=4, size=64)
    for path in sorted(again.glob("*/*.png")):
        inside = path.relative_to(again)
        assert path.read_bytes() == (phantoms / inside).read_bytes()
        assert path.read_bytes() != (other / inside).read_bytes()


def test_where_the_lesion_is(phantoms: Path) -> None:
    shares = []
    for label in ("benign", "malignant"):
        for index in range(1, 13):
            pixels, lesion = draw_phantom(index, malignant=label == "malignant", seed=3, size=64)
            with Image.open(phantoms / label / f"phantom_{label}_{index:04d}.png") as written:
                np.testing.assert_array_equal(pixels, np.asarray(written))
            assert lesion.shape == pixels.shape
            assert pixels[lesion].mean() < pixels[~lesion].mean() - 10  # hypoechoic
            shares.append(lesion.mean())
    assert 0.01 < min(shares) < max(shares) < 0.25


def test_images_differ_in_size_and_none_is_a_near_duplicate(phantoms: Path) -> None:
    images = [Image.open(sample.path) for sample in load(phantoms).samples]
    assert len({image.size for image in images}) > 40
    assert any(image.width != image.height for image in images)
    array = np.stack([np.asarray(image.resize((64, 64)))[..., None] for image in images])
    assert len(set(near_duplicate_groups(array))) == 120


def test_nothing_trivial_separates_the_classes(phantoms: Path) -> None:
    samples = load(phantoms).samples
    truth = [sample.label == "malignant" for sample in samples]
    images = [np.asarray(Image.open(sample.path), float) for sample in samples]
    trivial: dict[str, Callable[[int], float]] = {
        "mean": lambda i: images[i].mean(),
        "deviation": lambda i: images[i].std(),
        "darkness": lambda i: (images[i] < 40).mean(),
        "pixels": lambda i: images[i].size,
        "width to height": lambda i: images[i].shape[1] / images[i].shape[0],
        "file size": lambda i: Path(samples[i].path).stat().st_size,
    }
    for name, measure in trivial.items():
        area = roc_auc_score(truth, [measure(i) for i in range(len(samples))])
        assert 0.25 < area < 0.75, name


def test_shadow_behind_malignant_and_enhancement_behind_benign(phantoms: Path) -> None:
    """The middle of the picture against its sides, below the lesion: darker behind malignant ones on average."""
    contrast: dict[str, list[float]] = {"benign": [], "malignant": []}
    for sample in load(phantoms).samples:
        image = np.asarray(Image.open(sample.path).resize((64, 64)), float)
        columns = image[18:38].mean(axis=0)
        lesion = int(np.argmin(np.convolve(columns, np.ones(9) / 9, "valid"))) + 4
        below = image[44:56]
        contrast[sample.label].append(below[:, max(0, lesion - 4) : lesion + 5].mean() - below.mean())
    assert np.mean(contrast["benign"]) - np.mean(contrast["malignant"]) > 10


def test_written_once(phantoms: Path) -> None:
    stamp = (phantoms / "lince.json").stat().st_mtime_ns
    assert write_phantoms(phantoms, count=120, seed=3, size=64) == phantoms
    assert (phantoms / "lince.json").stat().st_mtime_ns == stamp
    with pytest.raises(OutputError, match="exists already"):
        write_phantoms(phantoms, count=120, seed=5, size=64)


def test_an_empty_folder_is_filled_and_another_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_phantoms(tmp_path / "empty", count=2, size=32)
    assert load(tmp_path / "empty").counts() == {"benign": 1, "malignant": 1}
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        write_phantoms(tmp_path / "full", count=2, size=32)
    assert (tmp_path / "full" / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize(("count", "size"), [(1, 64), (10, 16)])
def test_refusals(tmp_path: Path, count: int, size: int) -> None:
    with pytest.raises(ConfigError, match="Phantoms need"):
        write_phantoms(tmp_path / "x", count=count, size=size)
    assert not (tmp_path / "x").exists()


def test_the_kind_phantoms_refuses_real_folders(put: Callable[..., Path]) -> None:
    with pytest.raises(SourceError, match="does not hold phantoms"):
        load(f"phantoms:{put('a/1.png', 'b/1.png')}")
    with pytest.raises(SourceError, match="no such folder"):
        load("phantoms:nowhere-at-all")
