"""Folds: whole groups, every class on both sides, the test part closed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from lince.core.errors import SourceError
from lince.core.events import EventBus, Noticed
from lince.core.types import LabelSpace, Sample
from lince.data import Collection
from lince.training.folds import make_folds, train_folds
from lince.training.prepared import Prepared


def prepared(labels: Sequence[str], groups: Sequence[str | None], splits: Sequence[Any] | None = None) -> Prepared:
    names = tuple(sorted(set(labels)))
    parts = splits or ["train"] * len(labels)
    samples = tuple(
        Sample(path=f"{i}.png", label=label, group=group, split=part)
        for i, (label, group, part) in enumerate(zip(labels, groups, parts, strict=True))
    )
    collection = Collection(name="c", source="somewhere", labels=LabelSpace(names, None), samples=samples)
    positions = np.array([names.index(label) for label in labels], dtype=np.int64)
    return Prepared(collection, None, positions, ())  # type: ignore[arg-type]


def many(seed: int = 0) -> Prepared:
    random = np.random.default_rng(seed)
    labels = random.choice(["a", "b"], 300, p=[0.8, 0.2]).tolist()
    # The groups of one class, as patients are
    groups = [f"{label}{random.integers(40)}" for label in labels]
    splits = random.choice(["train", "val", "test"], 300, p=[0.6, 0.2, 0.2]).tolist()
    return prepared(labels, groups, splits)


def test_groups_are_whole_and_the_test_part_is_in_no_fold() -> None:
    whole = many()
    folds = make_folds(whole, 5, seed=3)
    splits = [sample.split for sample in whole.collection.samples]
    assert sorted(folds.rows.tolist()) == [i for i, part in enumerate(splits) if part != "test"]
    for group in np.unique(folds.groups):
        assert len(np.unique(folds.fold[folds.groups == group])) == 1
    shares = [float((folds.labels[folds.fold == number] == 1).mean()) for number in range(5)]
    assert max(shares) - min(shares) < 0.12, "stratified"
    assert np.bincount(folds.fold).min() > 30


def test_images_that_say_when_to_stop_are_neither_learned_from_nor_held_out() -> None:
    folds = make_folds(many(), 4, seed=0)
    group_of = dict(zip(folds.rows.tolist(), folds.groups.tolist(), strict=True))
    for number in range(4):
        learn, stop = folds.stopping(number)
        held = folds.held_out(number)
        parts = [{group_of[row] for row in rows.tolist()} for rows in (learn, stop, held)]
        assert not (parts[0] & parts[1])
        assert not (parts[0] & parts[2])
        assert not (parts[1] & parts[2])
        assert sorted([*learn, *stop, *held]) == folds.rows.tolist()
        assert len(stop) < 0.2 * len(learn)


def test_the_same_seed_deals_the_same_folds() -> None:
    first, again, other = (make_folds(many(), 5, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.fold, again.fold)
    assert (first.fold != other.fold).any()


def test_a_class_that_some_folds_lack_works() -> None:
    """Two patients of a class and five folds: three folds hold none of it, and every fold can learn it."""
    folds = make_folds(prepared(["a"] * 30 + ["b"] * 2, [None] * 32), 5, seed=0)
    for number in range(5):
        learn, stop = folds.stopping(number) if (folds.labels[folds.fold == number] == 1).sum() == 0 else (None, None)
        if learn is not None and stop is not None:
            assert (np.isin(folds.rows[folds.labels == 1], learn)).any()


@pytest.mark.parametrize(
    ("labels", "groups", "count", "told"),
    [
        (["a"] * 20 + ["b"], [None] * 21, 3, "two patients or images of each class.*b has one"),
        (["a"] * 20 + ["b"] * 5, [None] * 20 + ["p"] * 5, 3, "b has one"),
        (["a"] * 4 + ["b"] * 4, ["p", "p", "q", "q", "r", "r", "s", "s"], 5, "4 patients.*5 folds.*--folds 2"),
    ],
)
def test_folds_that_cannot_be_are_explained(labels: list[str], groups: list[str | None], count: int, told: str) -> None:
    with pytest.raises(SourceError, match=told):
        make_folds(prepared(labels, groups), count, seed=0)


def test_a_rare_class_of_several_is_learned_from_in_every_fold_and_measured_in_none() -> None:
    notices: list[str] = []
    bus = EventBus()
    bus.subscribe(lambda event: notices.append(event.message) if isinstance(event, Noticed) else None)
    folds = make_folds(prepared(["a"] * 20 + ["b"] * 20 + ["rare"], [None] * 41), 3, 0, bus)
    assert all(40 in folds.training(number) for number in range(3))
    assert folds.fold.tolist().count(-1) == 1
    assert folds.rows[folds.measured].tolist() == list(range(40))
    assert any("rare" in notice and "not measured" in notice for notice in notices)


def test_twenty_one_classes_with_one_image_each_are_explained() -> None:
    with pytest.raises(SourceError, match="needs two patients or images of each class"):
        make_folds(prepared([f"c{i}" for i in range(21)], [None] * 21), 5, seed=0)


@pytest.mark.parametrize("seed", range(10))
def test_a_fold_that_held_one_class_alone_is_not_left_empty(seed: int) -> None:
    labels = ["a", "b"] * 4 + ["c", "c"]
    groups = [f"p{number // 2}" for number in range(10)]
    fold = train_folds(prepared(labels, groups), np.arange(10), seed, EventBus())
    assert (fold[8:] == -1).all()
    held = fold[:8]
    assert set(held.tolist()) == set(range(held.max() + 1)), "numbered without a gap"
