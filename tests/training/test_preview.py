"""The picture of what a training sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lince.core.errors import OutputError, SourceError
from lince.core.events import Event, EventBus, FileSkipped
from lince.data import Collection, load
from lince.imaging import ImageSpec, load_sample
from lince.training.augmenting import choose
from lince.training.preview import check_place, draw_preview, write_preview

SPEC = ImageSpec(size=32, channels=1)
# Where tiles begin: margin and label; tiles of 32 px are enlarged five times, with a gap between them.
LEFT, STEP, SIDE = 24 + 168, 168, 160


def tiles(picture: Image.Image, row_top: int) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    """The tiles of a row, reduced to the pixels that the network sees."""
    values = np.asarray(picture)
    starts = range(LEFT, picture.width - SIDE, STEP)
    return [values[row_top + 2 : row_top + SIDE : 5, left + 2 : left + SIDE : 5, :1] for left in starts]


def find_row(picture: Image.Image, wanted: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> int:
    """Where the row begins whose first tile is this image."""
    for top in range(picture.height - SIDE):
        if np.array_equal(tiles(picture, top)[0], wanted):
            return top
    raise AssertionError("this image is not in the picture")


@pytest.fixture(scope="module")
def collection(tiny_images: Path) -> Collection:
    return load(tiny_images)


def shown(picture: Image.Image, collection: Collection) -> list[str]:
    """Names of samples whose tile stands first in a row."""
    values = np.asarray(picture)
    column = values[:, LEFT + 2 : LEFT + SIDE : 5, :1]
    rows = {column[top + 2 : top + SIDE : 5].tobytes() for top in range(picture.height - SIDE)}
    return [sample.path for sample in collection.samples if load_sample(sample, SPEC).tobytes() in rows]


def test_each_original_stands_beside_its_versions(collection: Collection) -> None:
    picture = draw_preview(collection, SPEC, choose("strong", collection), count=4, versions=3, seed=1)
    names = shown(picture, collection)
    assert len(names) == 4
    sample = next(sample for sample in collection.samples if sample.path == names[0])
    original = load_sample(sample, SPEC)
    row = tiles(picture, find_row(picture, original))
    assert len(row) == 4
    assert np.array_equal(row[0], original)
    assert len({tile.tobytes() for tile in row}) == 4


def test_classes_take_turns(collection: Collection) -> None:
    picture = draw_preview(collection, SPEC, choose("none", collection), count=4, versions=1)
    labels = {sample.path: sample.label for sample in collection.samples}
    assert sorted(labels[name] for name in shown(picture, collection)) == ["benign"] * 2 + ["malignant"] * 2


def test_none_shows_the_same_image_again(collection: Collection) -> None:
    picture = draw_preview(collection, SPEC, choose("none", collection), count=1, versions=2)
    name = shown(picture, collection)[0]
    sample = next(sample for sample in collection.samples if sample.path == name)
    row = tiles(picture, find_row(picture, load_sample(sample, SPEC)))
    assert all(np.array_equal(tile, row[0]) for tile in row)


def test_without_augmentation_images_stand_side_by_side(collection: Collection) -> None:
    alone = draw_preview(collection, SPEC, None, count=6)
    assert len(shown(alone, collection)) == 2  # the first of each class; the others beside them
    assert alone.width == LEFT + 3 * STEP + 24 - 8


def test_the_seed_decides_images_and_changes(collection: Collection) -> None:
    choice = choose("strong", collection)
    first, same, other = (draw_preview(collection, SPEC, choice, count=2, seed=seed) for seed in (1, 1, 2))
    assert first.tobytes() == same.tobytes()
    assert shown(first, collection) != shown(other, collection)


def test_a_bad_file_is_told_and_another_shown(tiny_images: Path, tmp_path: Path) -> None:
    for kind in ("benign", "malignant"):
        (tmp_path / kind).mkdir()
        for number, found in enumerate(sorted((tiny_images / kind).glob("*.png"))[:3]):
            (tmp_path / kind / found.name).write_bytes(found.read_bytes() if number else b"no image")
    collection, heard, bus = load(tmp_path), list[Event](), EventBus()
    bus.subscribe(heard.append)
    picture = draw_preview(collection, SPEC, choose("light", collection), count=4, bus=bus)
    assert len(shown_readable(picture, collection)) == 4
    skipped = draw_preview(collection, SPEC, None, count=100, bus=bus)
    assert skipped.height > 0
    assert {type(event) for event in heard} == {FileSkipped}


def shown_readable(picture: Image.Image, collection: Collection) -> list[str]:
    good = [sample for sample in collection.samples if Path(sample.path).stat().st_size > 100]
    kept = collection.subset([collection.samples.index(sample) for sample in good])
    return shown(picture, kept)


def test_a_collection_of_damaged_files_is_refused(tmp_path: Path) -> None:
    for kind in ("a", "b"):
        (tmp_path / kind).mkdir()
        for number in range(30):
            (tmp_path / kind / f"{number}.png").write_bytes(b"no image")
    heard, bus = list[Event](), EventBus()
    bus.subscribe(heard.append)
    with pytest.raises(SourceError, match="No image"):
        draw_preview(load(tmp_path), SPEC, None, bus=bus)
    assert len(heard) == 20


def test_an_earlier_preview_is_replaced_and_nothing_else(collection: Collection, tmp_path: Path) -> None:
    out = tmp_path / "preview.png"
    check_place(out)
    write_preview(draw_preview(collection, SPEC, None, count=1), out)
    check_place(out)
    scan, text = tmp_path / "scan.png", tmp_path / "text.png"
    Image.new("L", (8, 8)).save(scan)
    text.write_text("notes")
    for other in (scan, text):
        with pytest.raises(OutputError, match="another file"):
            check_place(other)
    with pytest.raises(OutputError, match=r"\.png"):
        check_place(tmp_path / "preview.jpg")
