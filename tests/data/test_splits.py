"""Splits: stratified, whole groups, repeatable."""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lince.core.errors import ConfigError, SourceError
from lince.core.types import LabelSpace, Sample, Split
from lince.data import Collection, split_collection


def make(
    labels: Sequence[str], groups: Sequence[str | None] | None = None, splits: Sequence[Split | None] | None = None
) -> Collection:
    groups = groups or [None] * len(labels)
    splits = splits or [None] * len(labels)
    samples = tuple(
        Sample(f"/s/{label}/{number}.png", label, group=group, split=split)
        for number, (label, group, split) in enumerate(zip(labels, groups, splits, strict=True))
    )
    names = tuple(sorted({*labels, "a", "b"}))
    return Collection("made", samples, LabelSpace(names), "/s")


def parts(collection: Collection) -> dict[str, Split | None]:
    return {sample.path: sample.split for sample in collection.samples}


grouped = st.lists(st.tuples(st.sampled_from("aab"), st.integers(0, 25)), min_size=40, max_size=120).map(
    lambda rows: ([label for label, _ in rows], [f"{label}{number}" for label, number in rows])
)


@settings(max_examples=60)
@given(grouped, st.integers(0, 3), st.randoms(use_true_random=False))
def test_properties_of_a_grouped_split(rows: tuple[list[str], list[str]], seed: int, shuffler: random.Random) -> None:
    labels, groups = rows
    per_class = {label: {g for g, lab in zip(groups, labels, strict=True) if lab == label} for label in "ab"}
    collection = make(labels, groups)
    if min(len(found) for found in per_class.values()) < 3:
        return
    result = split_collection(collection, seed=seed)
    assert all(sample.split in ("train", "val", "test") for sample in result.samples)
    sides = defaultdict(set)
    for sample in result.samples:
        sides[sample.group].add(sample.split)
    assert all(len(found) == 1 for found in sides.values())
    assert all(min(counts.values()) > 0 for counts in result.counts_by_split().values())
    assert len(result.counts_by_split()) == 3
    order = list(range(len(labels)))
    shuffler.shuffle(order)
    assert parts(split_collection(collection.subset(order), seed=seed)) == parts(result)
    # Off by less than the largest group and the foothold.
    largest = max(Counter(groups).values())
    for part, share in (("train", 0.70), ("val", 0.15), ("test", 0.15)):
        assert abs(len(result.indices(part)) - share * len(labels)) <= 2 * largest + 2


@settings(max_examples=40)
@given(st.integers(3, 200), st.integers(3, 200), st.integers(0, 5))
def test_without_groups_every_class_is_divided_as_asked(first: int, second: int, seed: int) -> None:
    result = split_collection(make(["a"] * first + ["b"] * second), seed=seed)
    for part, share in (("train", 0.70), ("val", 0.15), ("test", 0.15)):
        counts = result.counts_by_split()[part]
        for label, total in (("a", first), ("b", second)):
            assert counts[label] >= 1
            assert abs(counts[label] - share * total) <= 1.2


def test_the_seed_and_nothing_else_changes_the_draw() -> None:
    collection = make(["a", "b"] * 50)
    assert parts(split_collection(collection, seed=1)) == parts(split_collection(collection, seed=1))
    assert parts(split_collection(collection, seed=1)) != parts(split_collection(collection, seed=2))
    moved = Collection(
        "made",
        tuple(Sample(s.path.replace("/s/", "/elsewhere/"), s.label) for s in collection.samples),
        collection.labels,
        "/elsewhere",
    )
    here = [sample.split for sample in split_collection(collection, seed=1).samples]
    assert [sample.split for sample in split_collection(moved, seed=1).samples] == here


def test_groups_with_several_classes_stay_whole_and_balanced() -> None:
    rng = random.Random(0)
    groups = [f"p{rng.randrange(150)}" for _ in range(900)]
    labels = [rng.choice("aaab") for _ in range(900)]
    result = split_collection(make(labels, groups))
    sides = defaultdict(set)
    for sample in result.samples:
        sides[sample.group].add(sample.split)
    assert all(len(found) == 1 for found in sides.values())
    totals = result.counts()
    for part, share in (("train", 0.70), ("val", 0.15), ("test", 0.15)):
        for label, count in result.counts_by_split()[part].items():
            assert count == pytest.approx(share * totals[label], abs=0.03 * totals[label])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"train": 100}, {"train": 70, "val": 15, "test": 15}),
        ({"train": 85, "test": 40}, {"train": 70, "val": 15, "test": 40}),
        ({"train": 85, "val": 40}, {"train": 70, "val": 40, "test": 15}),
        ({"train": 40, "val": 10, "test": 10}, {"train": 40, "val": 10, "test": 10}),
        ({None: 85, "test": 15}, {"train": 70, "val": 15, "test": 15}),
    ],
)
def test_given_parts_are_kept_and_missing_ones_drawn_from_train(
    given: dict[Split | None, int], expected: dict[Split, int]
) -> None:
    splits = [split for split, count in given.items() for _ in range(2 * count)]
    collection = make(["a", "b"] * (len(splits) // 2), splits=splits)
    result = split_collection(collection)
    found = {part: sum(counts.values()) for part, counts in result.counts_by_split().items()}
    assert found == {part: pytest.approx(2 * count, abs=2) for part, count in expected.items()}
    for before, after in zip(collection.samples, result.samples, strict=True):
        assert before.split in (None, "train", after.split)


def test_nothing_to_train_on() -> None:
    with pytest.raises(SourceError, match="no training images, only test and val"):
        split_collection(make("abab", splits=["test", "test", "val", "val"]))


def test_groups_can_be_given() -> None:
    collection = make(["a"] * 30 + ["b"] * 30)
    groups = [f"g{number // 3}" for number in range(60)]
    result = split_collection(collection, groups=groups)
    assert [sample.group for sample in result.samples] == groups
    for number in range(0, 60, 3):
        assert len({sample.split for sample in result.samples[number : number + 3]}) == 1


def test_a_group_on_two_sides_of_a_given_split_is_told() -> None:
    collection = make("ab" * 6, ["p1", "p2"] * 6, ["train"] * 4 + ["val"] * 4 + ["test"] * 4)
    result = split_collection(collection)
    assert [sample.split for sample in result.samples] == [sample.split for sample in collection.samples]
    assert any(notice.startswith("2 groups") and "two sides" in notice for notice in result.notices)
    assert not split_collection(make("ab" * 30, [f"p{i}" for i in range(60)])).notices


@pytest.mark.parametrize("images", [1, 2])
def test_too_few_images(images: int) -> None:
    labels = ["a"] * 30 + ["b"] * images
    if images == 2:
        result = split_collection(make(labels))
        assert result.counts_by_split()["train"]["b"] == result.counts_by_split()["val"]["b"] == 1
        assert "The test part has no image of: b." in result.notices
        return
    with pytest.raises(SourceError, match=r"class b has 1 image .*; at least 3 images per class are needed"):
        split_collection(make(labels))


def test_one_image_per_class_and_one_patient_per_class() -> None:
    with pytest.raises(SourceError, match="class a has 1 image, class b has 1 image"):
        split_collection(make("ab"))
    with pytest.raises(SourceError, match="different patients"):
        split_collection(make("ab" * 20, ["p1", "p2"] * 20))


def test_three_groups_reach_all_parts() -> None:
    result = split_collection(make("aaabbb"))
    assert all(counts == {"a": 1, "b": 1} for counts in result.counts_by_split().values())
    assert not result.notices


def test_a_scarce_third_class_is_told_not_refused() -> None:
    result = split_collection(make(["a"] * 20 + ["b"] * 20 + ["c"]))
    assert result.counts_by_split()["train"]["c"] == 1
    assert "The val part has no image of: c." in result.notices


def test_a_given_val_with_one_class_is_refused() -> None:
    splits: list[Split | None] = ["train"] * 40 + ["val"] * 2
    with pytest.raises(SourceError, match="leave val out so that it is drawn from train"):
        split_collection(make(["a", "b"] * 20 + ["a", "a"], splits=splits))


@pytest.mark.parametrize("fractions", [(0.5, 0.5, 0.5), (0.0, 0.5, 0.5), (1.2, -0.1, -0.1), (0.7, 0.3)])
def test_unfair_fractions(fractions: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match="sum to 1"):
        split_collection(make("ab" * 10), fractions=fractions)  # type: ignore[arg-type]


def test_a_part_of_nothing_is_not_drawn() -> None:
    result = split_collection(make("ab" * 50), fractions=(0.8, 0.2, 0.0))
    assert {part: sum(c.values()) for part, c in result.counts_by_split().items()} == {"train": 80, "val": 20}


def test_a_hundred_thousand_samples_are_quick() -> None:
    rng = random.Random(1)
    labels = [rng.choice("abcdefgh") for _ in range(100_000)]
    groups = [f"p{rng.randrange(30_000)}" for _ in labels]
    collection = make(labels, groups)
    start = time.perf_counter()
    result = split_collection(collection)
    assert time.perf_counter() - start < 10
    assert len(result.indices("train")) == pytest.approx(70_000, abs=200)
