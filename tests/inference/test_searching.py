"""Images found by words, by an example, or by both."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lince.core.errors import ConfigError, ImageError
from lince.core.events import Event, EventBus, FileSkipped, WorkStarted
from lince.data import Collection, load
from lince.inference.searching import draw_hits, search, summary


@pytest.fixture(scope="module")
def told(tiny_images: Path) -> Collection:
    """Phantoms with a caption each: the even ones show a cyst."""
    collection = load(tiny_images)
    samples = tuple(
        replace(
            sample,
            attributes={"caption": "A cyst." if number % 2 == 0 else "A nodule."},
            split="val" if number % 3 == 0 else "train",
        )
        for number, sample in enumerate(collection.samples)
    )
    return replace(collection, samples=samples)


def test_an_example_finds_itself_first(told: Collection) -> None:
    some = told.samples[5]
    found = search(told, like=Path(some.path), top=4)
    assert found.hits[0].sample == some
    assert found.hits[0].same_file
    assert found.hits[0].score == pytest.approx(1, abs=0.01)
    assert not any(hit.same_file for hit in found.hits[1:])
    assert found.total == len(told)
    scores = [hit.score for hit in found.hits]
    assert scores == sorted(scores, reverse=True)


def test_a_brighter_copy_finds_its_original(told: Collection, tmp_path: Path) -> None:
    some = told.samples[7]
    copy = tmp_path / "copy.png"
    Image.fromarray(np.clip(np.asarray(Image.open(some.path)) * 1.1 + 4, 0, 255).astype(np.uint8)).save(copy)
    found = search(told, like=copy, top=1)
    assert found.hits[0].sample == some
    assert not found.hits[0].same_file


def test_features_are_computed_once(told: Collection) -> None:
    search(told, like=Path(told.samples[0].path))
    heard: list[Event] = []
    bus = EventBus()
    bus.subscribe(heard.append)
    search(told, like=Path(told.samples[1].path), bus=bus)
    assert not [event for event in heard if isinstance(event, WorkStarted)]


def test_class_and_part_leave_others_out(told: Collection) -> None:
    for like in (None, Path(told.samples[0].path)):
        found = search(told, "cyst", like=like, label="malignant", split="val", top=50)
        assert found.hits
        assert {(hit.sample.label, hit.sample.split) for hit in found.hits} == {("malignant", "val")}


def test_words_and_an_example_order_what_matches_by_likeness(told: Collection) -> None:
    some = told.samples[3]  # a nodule
    found = search(told, "cysts", like=Path(some.path), top=50)
    assert some not in [hit.sample for hit in found.hits]
    assert found.total == sum(sample.attributes["caption"] == "A cyst." for sample in told.samples)
    alone = search(told, like=Path(some.path), top=50)
    likeness = {hit.name: hit.score for hit in alone.hits}
    assert [hit.score for hit in found.hits] == [likeness[hit.name] for hit in found.hits]
    assert found.hits[0].text is not None
    assert "[cyst]" in found.hits[0].text.excerpt


def test_what_cannot_be_asked_is_refused(told: Collection, tiny_images: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing to search for"):
        search(told)
    with pytest.raises(ConfigError, match="no class of this name"):
        search(told, "cyst", label="odd")
    assert search(told, "cyst", label="MALIGNANT").total == search(told, "cyst", label="malignant").total
    with pytest.raises(ConfigError, match="no part of this name"):
        search(told, "cyst", split="dev")
    with pytest.raises(ConfigError, match="not divided into parts"):
        search(load(tiny_images), "cyst", split="val")
    with pytest.raises(ImageError):
        search(told, like=tmp_path / "absent.png")


def test_summaries(told: Collection, tiny_images: Path) -> None:
    assert summary(search(told, "cyst", top=3), told, by_words=True).startswith("12 of 24 images match, 12 with every")
    assert "has none of these words" in summary(search(told, "zebra"), told, by_words=True)
    bare = load(tiny_images)
    assert "--like IMAGE" in summary(search(bare, "cyst"), bare, by_words=True)
    none = replace(
        told, samples=tuple(s for s in told.samples if s.label == "malignant" or "cyst" in str(s.attributes))
    )
    found = search(none, "nodule", label="benign")
    assert summary(found, none, by_words=True) == "No image of this class and part matches."
    assert summary(search(told, like=Path(told.samples[0].path)), told, by_words=False).startswith("24 images compared")


def test_hits_are_drawn_and_one_that_is_gone_is_told_of(told: Collection) -> None:
    hits = search(told, "cyst", top=7).hits
    page = np.asarray(draw_hits("Cysts", hits))
    gone = replace(hits[0], sample=replace(hits[0].sample, path="/absent.png"))
    heard: list[Event] = []
    bus = EventBus()
    bus.subscribe(heard.append)
    fewer = np.asarray(draw_hits("Cysts", (gone, *hits[1:6]), bus=bus))
    assert [type(event) for event in heard] == [FileSkipped]
    assert fewer.shape[0] < page.shape[0]
