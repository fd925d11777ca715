"""What a training says of its collection before it starts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lince.core.events import EventBus, Noticed
from lince.data import Collection, load
from lince.imaging import ImageSpec, cached_images
from lince.training.auditing import quick_audit


def told_of(collection: Collection, groups: list[str] | None = None, parts: list[str] | None = None) -> list[Noticed]:
    bus = EventBus()
    heard: list[Noticed] = []
    bus.subscribe(lambda event: heard.append(event) if isinstance(event, Noticed) else None)
    images = cached_images(collection.samples, ImageSpec(size=16))
    split = collection.with_splits(parts or ["train"] * len(collection))  # type: ignore[arg-type]
    noted = quick_audit(collection, split, images, groups, bus)
    assert len(heard) <= 2
    assert len(noted.notices) == len(collection.notices) + len(heard)
    return heard


def test_a_clean_collection_is_not_talked_about(tiny_images: Path) -> None:
    assert told_of(load(tiny_images)) == []


def test_severe_findings_are_one_warning_that_names_the_audit(tiny_images: Path, tmp_path: Path) -> None:
    images = shutil.copytree(tiny_images, tmp_path / "my images")
    shutil.copy(next(images.glob("benign/*.png")), images / "malignant" / "again.png")
    (notice,) = told_of(load(images))
    assert notice == Noticed(
        f"1 picture has copies under different labels. To see it: lince data audit '{images}'", "warning"
    )


def test_copies_that_lie_in_two_parts_are_told_whoever_drew_them(tiny_images: Path, tmp_path: Path) -> None:
    images = shutil.copytree(tiny_images, tmp_path / "images")
    first = min(images.glob("benign/*.png"))
    shutil.copy(first, images / "benign" / "zz.png")
    collection = load(images)
    parts = ["test" if sample.name == "zz.png" else "train" for sample in collection.samples]
    (notice,) = told_of(collection, parts=parts)
    assert notice.level == "warning"
    assert "copies in different parts of the split" in notice.message
    assert told_of(collection) == [], "in one part they do no harm"


def test_warnings_are_a_second_line(tiny_images: Path, tmp_path: Path) -> None:
    images = shutil.copytree(tiny_images, tmp_path / "images")
    first, second = sorted(images.glob("benign/*.png"))[:2]
    shutil.copy(first, images / "malignant" / "again.png")
    shutil.copy(second, images / "benign" / "again.png")
    collection = load(images)
    patients = collection.with_groups([f"p{number}" for number in range(len(collection))])
    notices = told_of(patients)
    assert [notice.level for notice in notices] == ["warning", "info"]
    assert "under different patients. To see it: lince data audit" in notices[1].message
    assert "lince data audit" not in notices[0].message


@pytest.mark.real_data
def test_the_official_split_of_breastmnist_is_told(real_data: Path) -> None:
    from lince.data import near_duplicate_groups

    collection = load(real_data / "medmnist" / "breastmnist.npz")
    images = cached_images(collection.samples, ImageSpec(size=28))
    parts = [str(sample.split) for sample in collection.samples]
    severe = told_of(collection, near_duplicate_groups(images.pixels), parts)[0]
    assert severe.level == "warning"
    assert "copies under different labels" in severe.message
    assert "copies in different parts of the split" in severe.message
