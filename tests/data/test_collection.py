"""The collection and its helpers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lince.core.errors import ConfigError
from lince.core.types import LabelSpace, Sample
from lince.data import Collection


@pytest.fixture
def three() -> Collection:
    samples = (
        Sample("/x/a/1.png", "a", split="train"),
        Sample("/x/b/1.png", "b", split="test", group="p1"),
        Sample("/x/b/2.png", "b"),
    )
    return Collection("three", samples, LabelSpace(("a", "b", "c")), "/x")


def test_counts_keep_the_order_of_the_label_space_and_zeros(three: Collection) -> None:
    assert list(three.counts().items()) == [("a", 1), ("b", 2), ("c", 0)]
    assert three.counts_by_split() == {
        "train": {"a": 1, "b": 0, "c": 0},
        "test": {"a": 0, "b": 1, "c": 0},
        None: {"a": 0, "b": 1, "c": 0},
    }


def test_subset_keeps_the_order_asked_and_the_label_space(three: Collection) -> None:
    subset = three.subset([2, 0])
    assert [sample.path for sample in subset.samples] == ["/x/b/2.png", "/x/a/1.png"]
    assert subset.labels == three.labels


def test_groups_splits_positive_make_new_collections(three: Collection) -> None:
    changed = three.with_groups(["g", None, "g"]).with_splits(["val", "val", "train"]).with_positive("c")
    assert [sample.group for sample in changed.samples] == ["g", None, "g"]
    assert changed.indices("val") == [0, 1]
    assert changed.has_splits
    assert not three.has_splits
    assert changed.labels.positive == "c"
    assert three.samples[0].group is None
    assert not changed.with_groups([None] * 3).has_groups


def test_refusals(three: Collection) -> None:
    with pytest.raises(ConfigError, match="2 groups for 3 samples"):
        three.with_groups(["a", "b"])
    with pytest.raises(ConfigError, match="not one of the classes"):
        three.with_positive("d")
    with pytest.raises(ConfigError, match="outside its label space"):
        replace(three, samples=(Sample("z.png", "z"),))


def test_digest_names_content_not_place(three: Collection) -> None:
    moved = replace(
        three,
        source="/elsewhere",
        samples=tuple(replace(s, path=s.path.replace("/x/", "/elsewhere/")) for s in three.samples),
    )
    assert moved.digest() == three.digest()
    others = [
        three.with_groups(["q", "p1", None]),
        three.with_splits(["val", "test", None]),
        three.subset([0, 1]),
        three.with_positive("b"),
        replace(three, samples=(replace(three.samples[0], label="c"), *three.samples[1:])),
    ]
    assert len({three.digest(), *(other.digest() for other in others)}) == 6


def test_identity_tells_same_names_and_rows_apart(tmp_path: Path) -> None:
    samples = (
        Sample(str(tmp_path / "a/1.png"), "a"),
        Sample(str(tmp_path / "b/1.png"), "b"),
        Sample("/q/v.npy", "a", row=3),
    )
    collection = Collection("c", samples, LabelSpace(("a", "b")), str(tmp_path))
    assert [collection.identity(sample) for sample in samples] == ["a/1.png", "b/1.png", "a/v.npy[3]"]


def test_notices_are_kept_once(three: Collection) -> None:
    assert three.with_notices("one", "two").with_notices("one").notices == ("one", "two")
