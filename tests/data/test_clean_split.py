"""Clean splits: near-duplicates on one side, given parts kept, contradictions named."""

from __future__ import annotations

import shutil
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from lince.core.errors import ConfigError, SourceError
from lince.data import Collection, clean_split, load, write_phantoms


@pytest.fixture
def phantoms(tmp_path: Path) -> Path:
    """30 phantoms with two copies: one in its own class, one in the other."""
    folder = write_phantoms(tmp_path / "set", count=30, seed=3, size=64)
    benign = sorted((folder / "benign").iterdir())
    shutil.copy(benign[0], folder / "benign" / "copy.png")
    shutil.copy(benign[1], folder / "malignant" / "wrong.png")
    return folder


def by_name(collection: Collection) -> dict[str, tuple[str | None, str | None]]:
    return {sample.name: (sample.group, sample.split) for sample in collection.samples}


def test_copies_share_a_group_and_a_part(phantoms: Path) -> None:
    first = sorted(path.name for path in (phantoms / "benign").iterdir() if path.name != "copy.png")[:2]
    result = clean_split(load(phantoms))
    found = by_name(result)
    assert found["copy.png"] == found[first[0]]
    assert found["wrong.png"] == found[first[1]]
    assert sum(group is not None for group, _ in found.values()) == 4
    assert len(result.indices("train")) + len(result.indices("val")) + len(result.indices("test")) == 32
    assert "2 images are near-duplicates of another and stay on one side with it." in result.notices
    told = next(notice for notice in result.notices if notice.startswith("Identical images"))
    assert f"{first[1]} (benign) = wrong.png (malignant)" in told
    assert "copy.png" not in told


def test_known_groups_are_merged_by_near_duplicates(phantoms: Path) -> None:
    collection = load(phantoms)
    collection = collection.with_groups([f"p{number // 2}" for number in range(len(collection))])
    before = {sample.name: sample.group for sample in collection.samples}
    result = clean_split(collection)
    sides = defaultdict(set)
    for sample in result.samples:
        sides[before[sample.name]].add(sample.split)
        assert sample.group is not None
        assert str(before[sample.name]) in sample.group.split("+")
    assert all(len(parts) == 1 for parts in sides.values())
    assert any("images or groups are near-duplicates" in notice for notice in result.notices)


def test_given_parts_are_kept_unless_redrawn(phantoms: Path) -> None:
    collection = load(phantoms)
    given = [("train", "val", "test")[number % 3] for number in range(len(collection))]
    collection = replace(collection, samples=collection.with_splits(given).samples)  # type: ignore[arg-type]
    kept = clean_split(collection)
    assert [sample.split for sample in kept.samples] == given
    assert any("--redraw" in notice for notice in kept.notices)
    drawn = clean_split(collection, redraw=True, fractions=(0.5, 0.5, 0.0))
    assert {sample.split for sample in drawn.samples} == {"train", "val"}
    assert not any("two sides" in notice or "--redraw" in notice for notice in drawn.notices)


def test_an_image_without_a_part_joins_its_twin(phantoms: Path) -> None:
    collection = load(phantoms)
    twin = sorted(path.name for path in (phantoms / "benign").iterdir() if path.name != "copy.png")[0]
    splits = ["test" if sample.name in (twin, "wrong.png") else None for sample in collection.samples]
    result = clean_split(collection.with_splits(splits))  # type: ignore[arg-type]
    assert by_name(result)["copy.png"][1] == "test"
    assert not any("two sides" in notice for notice in result.notices)


def test_unreadable_images_are_left_out(phantoms: Path) -> None:
    broken = phantoms / "benign" / "broken.png"
    broken.write_bytes(b"not an image")
    result = clean_split(load(phantoms))
    assert len(result) == 32
    assert [skip.path for skip in result.skipped] == [str(broken)]
    for path in (*(phantoms / "benign").iterdir(), *(phantoms / "malignant").iterdir()):
        path.write_bytes(b"not an image")
    with pytest.raises(SourceError, match="No image of this collection can be read"):
        clean_split(load(phantoms))


def test_unfair_fractions_are_refused_before_the_images_are_read(tmp_path: Path) -> None:
    for label in "ab":
        (tmp_path / label).mkdir()
        (tmp_path / label / "1.png").write_bytes(b"not an image")
    with pytest.raises(ConfigError, match="sum to 1"):
        clean_split(load(tmp_path), fractions=(0.5, 0.5, 0.5))


@pytest.mark.real_data
def test_breastmnist_names_the_pair_with_conflicting_labels(real_data: Path) -> None:
    result = clean_split(load(real_data / "medmnist" / "breastmnist.npz"), redraw=True)
    told = [notice for notice in result.notices if notice.startswith("Identical images")]
    assert len(told) == 1
    assert "train_images.npy[115] (malignant) = test_images.npy[76] (normal, benign)" in told[0]
    sides = defaultdict(set)
    for sample in result.samples:
        if sample.group is not None:
            sides[sample.group].add(sample.split)
    assert len(sides) > 100
    assert all(len(parts) == 1 for parts in sides.values())
