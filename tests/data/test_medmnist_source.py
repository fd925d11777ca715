"""Source ``medmnist`` by path: names from numbers, official parts, damaged files."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lince.core.errors import SourceError
from lince.core.settings import cache_dir
from lince.data import load
from lince.data.catalog import by_stem, catalog

Make = Callable[..., Path]


def test_numbers_become_names_and_parts_are_kept(make_npz: Make) -> None:
    path = make_npz("breastmnist_64.npz")
    collection = load(path)
    assert collection.labels.names == ("malignant", "normal, benign")
    assert collection.labels.positive == "malignant"
    assert collection.counts_by_split()["train"] == {"malignant": 6, "normal, benign": 6}
    assert [sample.label for sample in collection.samples[:2]] == ["malignant", "normal, benign"]
    assert [sample.split for sample in collection.samples] == ["train"] * 12 + ["val"] * 4 + ["test"] * 6
    with np.load(path) as archive:
        for sample in (collection.samples[3], collection.samples[13], collection.samples[-1]):
            assert sample.row is not None
            stored = np.load(sample.path, mmap_mode="r")[sample.row]
            np.testing.assert_array_equal(stored, archive[f"{sample.split}_images"][sample.row])


def test_another_count_than_the_catalogue_is_told(make_npz: Make) -> None:
    assert any("12 train images where breastmnist has 546" in n for n in load(make_npz()).notices)


def test_unknown_sets_keep_numbers_and_say_so(make_npz: Make) -> None:
    labels = np.array([0, 2] * 6)
    collection = load(make_npz("mine.npz", train_labels=labels, val_images=None, val_labels=None))
    assert collection.labels.names == ("0", "1", "2")
    assert {sample.split for sample in collection.samples} == {"train", "test"}
    assert any("have no names, only numbers: 0 to 2" in notice for notice in collection.notices)


def test_images_are_unpacked_once(make_npz: Make) -> None:
    path = make_npz(compressed=False)
    first = Path(load(path).samples[0].path)
    assert first.is_relative_to(cache_dir() / "medmnist")
    stamp = first.stat().st_mtime_ns
    assert Path(load(path).samples[0].path).stat().st_mtime_ns == stamp
    first.write_bytes(first.read_bytes()[:-5])  # as a broken disk would leave it
    load(path)
    assert np.load(first).shape == (12, 28, 28)


def test_colour_images_and_another_content_do_not_share_a_place(make_npz: Make) -> None:
    grey = load(make_npz("a.npz")).samples[0].path
    colour = load(make_npz("b.npz", train_images=np.zeros((12, 28, 28, 3), np.uint8))).samples[0].path
    assert grey != colour
    assert np.load(colour).shape == (12, 28, 28, 3)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"train_images": None}, "has no array train_images"),
        ({"val_labels": None}, "has no array val_labels"),
        ({"train_labels": np.zeros(11, np.uint8)}, "12 images but 11 labels"),
        ({"train_labels": np.full(12, 2)}, "breastmnist has classes 0 to 1"),
        ({"train_labels": np.full(12, -1)}, "negative labels"),
        ({"train_labels": np.full(12, 10**9)}, "out of range"),
        ({"train_labels": np.zeros((12, 14), np.uint8)}, "several labels per image"),
        ({"train_labels": np.zeros(12)}, "must be whole numbers"),
        ({"train_labels": np.array([{"a": 1}] * 12, dtype=object)}, "Python objects are never loaded"),
        ({"train_images": np.zeros((12, 28, 28), np.float32)}, "images must be uint8"),
        ({"train_images": np.zeros((12, 28), np.uint8)}, "must have the shape"),
        ({"train_images": np.zeros((12, 28, 28, 2), np.uint8)}, "must have the shape"),
        ({"train_images": np.zeros((12, 0, 28), np.uint8)}, "at least one pixel"),
        ({"train_images": np.array([None] * 12, dtype=object)}, "Python objects are never loaded"),
        ({f"{s}_labels": np.zeros(n, int) for s, n in (("train", 12), ("val", 4), ("test", 6))}, "only one class"),
        (dict.fromkeys(f"{s}_{w}" for s in ("train", "val", "test") for w in ("images", "labels")), "MedMNIST form"),
    ],
)
def test_unfit_arrays_are_refused(make_npz: Make, changes: dict[str, np.ndarray | None], sentence: str) -> None:
    with pytest.raises(SourceError) as caught:
        load(make_npz(**changes))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_damaged_files_are_refused_and_leave_nothing(make_npz: Make, tmp_path: Path) -> None:
    whole = make_npz("breastmnist.npz", train_images=np.random.default_rng(9).integers(0, 256, (12, 28, 28), np.uint8))
    data = whole.read_bytes()
    before = {path for path in (cache_dir() / "medmnist").rglob("*") if path.is_file()}
    cut = tmp_path / "cut" / "breastmnist.npz"
    cut.parent.mkdir()
    flipped = bytearray(data)
    middle = data.index(b"train_images.npy") + 3000
    flipped[middle : middle + 50] = bytes(50)
    for bad in (data[: len(data) // 2], b"", b"hello, this is text", bytes(flipped)):
        cut.write_bytes(bad)
        with pytest.raises(SourceError, match="get the file again"):
            load(cut)
    assert {path for path in (cache_dir() / "medmnist").rglob("*") if path.is_file()} == before
    with pytest.raises(SourceError, match="no such file"):
        load(tmp_path / "nowhere.npz")


def test_a_member_shorter_than_it_says_is_refused(make_npz: Make, tmp_path: Path) -> None:
    lying = tmp_path / "lying" / "breastmnist.npz"
    lying.parent.mkdir()
    with zipfile.ZipFile(make_npz()) as source, zipfile.ZipFile(lying, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, data[:-100] if name == "train_images.npy" else data)
    with pytest.raises(SourceError, match="not as long as it says"):
        load(lying)


def test_multi_label_sets_are_refused(make_npz: Make) -> None:
    with pytest.raises(SourceError, match="several findings per image"):
        load("chestmnist")
    with pytest.raises(SourceError, match="several findings per image"):
        load(make_npz("chestmnist.npz"))


def test_the_catalogue_is_whole() -> None:
    assert len(catalog()) == 12
    for facts in catalog().values():
        assert set(facts.files) == {28, 64, 128, 224}
        assert set(facts.samples) == {"train", "val", "test"}
        assert len(facts.classes) >= 2
        for size, file in facts.files.items():
            assert file.name == (f"{facts.name}.npz" if size == 28 else f"{facts.name}_{size}.npz")
            assert len(file.md5) == 32
    with pytest.raises(SourceError, match="choose one of: 28, 64, 128, 224"):
        catalog()["breastmnist"].file(32)


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("breastmnist", "breastmnist"),
        ("BreastMNIST_224", "breastmnist"),
        ("breastmnist (1)", "breastmnist"),
        ("breastmnistish", None),
        ("mnist", None),
        ("data", None),
    ],
)
def test_sets_by_file_name(stem: str, name: str | None) -> None:
    facts = by_stem(stem)
    assert (facts.name if facts else None) == name


@pytest.mark.real_data
def test_zero_is_malignant_in_the_real_breastmnist(real_data: Path) -> None:
    path = real_data / "medmnist" / "breastmnist.npz"
    collection = load(path)
    assert collection.counts() == {"malignant": 210, "normal, benign": 570}
    assert collection.labels.positive == "malignant"
    assert {split: sum(counts.values()) for split, counts in collection.counts_by_split().items()} == {
        "train": 546,
        "val": 78,
        "test": 156,
    }
    with np.load(path) as archive:
        numbers = np.concatenate([archive[f"{split}_labels"].ravel() for split in ("train", "val", "test")])
    assert [sample.label == "malignant" for sample in collection.samples] == (numbers == 0).tolist()
    assert not collection.notices


@pytest.mark.real_data
def test_the_shipped_facts_are_the_shared_ones(real_data: Path) -> None:
    import json

    shared = json.loads((real_data / "medmnist" / "catalog.json").read_text())
    assert {name: facts["classes"] for name, facts in shared.items()} == {
        name: list(facts.classes) for name, facts in catalog().items()
    }
