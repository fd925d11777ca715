"""Folds of a cross-validation: whole groups, stratified by class, repeatable."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray

from lince.core.errors import SourceError, TrainingError
from lince.core.events import EventBus, Noticed
from lince.core.seeds import derived_seed
from lince.core.wording import listed
from lince.training.prepared import Prepared

Rows = NDArray[np.int64]

# Folds in which classifiers on fixed numbers are compared, at most.
PARTS = 5
# The share of a fold's training images that says when to stop is one of these; the first that has two classes.
_STOPPING = (8, 5, 3, 2)


@final
@dataclass(frozen=True)
class Folds:
    """Which fold each image of the training and validation parts is held out in.

    Attributes
    ----------
    rows
        (N,) rows of the collection, ascending; the test part is not among them.
    fold
        (N,) 0 to ``count - 1``; -1 for images of a class that one fold would hold entirely, which every model sees.
    labels
        (N,) class positions.
    groups
        (N,) number of the patient or near-duplicate group.
    """

    count: int
    rows: Rows
    fold: Rows
    labels: Rows
    groups: Rows
    seed: int

    @cached_property
    def measured(self) -> Rows:
        """Positions (M,) among ``rows`` of the images that some model does not see."""
        return np.flatnonzero(self.fold >= 0)

    def held_out(self, fold: int) -> Rows:
        """Rows that the models of this fold never see."""
        return np.asarray(self.rows[self.fold == fold])

    def training(self, fold: int) -> Rows:
        """All other rows."""
        return np.asarray(self.rows[self.fold != fold])

    def stopping(self, fold: int) -> tuple[Rows, Rows]:
        """The training rows of a fold in two: to learn from, and to say when to stop.

        The held-out rows must not say it: figures on them would be too good. A class whose images would all go to
        the second part stays in the first.

        Raises
        ------
        SourceError
            No such part has two classes.
        """
        inside = np.flatnonzero(self.fold != fold)
        labels, groups = self.labels[inside], self.groups[inside]
        for parts in _STOPPING:
            if len(np.unique(groups)) < parts:
                continue
            chosen = deal(labels, groups, parts, derived_seed(self.seed, "stopping", fold)) == 0
            for label in np.unique(labels):
                if chosen[labels == label].all():
                    chosen &= ~np.isin(groups, groups[labels == label])
            if len(np.unique(labels[chosen])) > 1:
                return np.asarray(self.rows[inside[~chosen]]), np.asarray(self.rows[inside[chosen]])
        raise SourceError(
            "There are too few images to hold some back for early stopping in every fold",
            received=f"{self.count} folds",
            fix="add images, or train without --folds",
        )


def make_folds(prepared: Prepared, count: int, seed: int, bus: EventBus | None = None) -> Folds:
    """Deal the training and validation images to folds; the test part stays closed.

    With three classes and more, the images of a class that one fold would hold entirely are learned from in every fold
    and measured in none.

    Raises
    ------
    SourceError
        There are fewer groups than folds, a class has no image, or one fold would hold all of the positive class, of
        one of two classes, or of all classes but one.
    """
    rows = np.sort(np.concatenate([prepared.rows("train"), prepared.rows("val")]))
    labels = prepared.labels[rows]
    names = prepared.collection.labels.names
    groups = numbers([prepared.collection.samples[row].group for row in rows])
    units = [len(np.unique(groups[labels == position])) for position in range(len(names))]
    _check_units(units, prepared)
    whole = len(np.unique(groups))
    if whole < count:
        raise SourceError(
            f"There are {whole} patients or groups of near-duplicates for {count} folds",
            received=prepared.collection.source,
            fix=f"use --folds {max(2, whole // 2)}",
        )
    fold = deal(labels, groups, count, derived_seed(seed, "folds"))
    alone = _alone(fold, labels, len(names))
    needed = range(len(names)) if len(names) - len(alone) < 2 else [prepared.collection.labels.positive_index]
    for position in alone:
        if position in needed:
            raise SourceError(
                f"One of {count} folds would hold all images of the class {names[position]}",
                received=prepared.collection.source,
                fix="add images of it, or use fewer folds",
            )
    if alone and bus:
        few = _few(names, alone)
        bus.publish(Noticed(f"{few} to hold some back: learned from in every fold, not measured"))
    fold[np.isin(labels, alone)] = -1
    return Folds(count, rows, fold, labels, groups, seed)


def _check_units(units: Sequence[int], prepared: Prepared) -> None:
    """Refuse classes of which no fold could hold some back; ``units`` (C,) counts their groups."""
    labels = prepared.collection.labels
    held_back = sum(count > 1 for count in units)
    for position, (name, count) in enumerate(zip(labels.names, units, strict=True)):
        if count == 0 or (count == 1 and (held_back < 2 or position == labels.positive_index)):
            raise SourceError(
                "Cross-validation needs two patients or images of each class outside the test part, and "
                f"{name} has {'one' if count else 'none'}",
                received=prepared.collection.source,
                fix="add images of it, or train without --folds",
            )


def _alone(fold: Rows, labels: Rows, classes: int) -> list[int]:
    """Classes of which one fold holds all images."""
    return [position for position in range(classes) if len(np.unique(fold[labels == position])) < 2]


def _few(names: Sequence[str], alone: Sequence[int]) -> str:
    told = listed([names[position] for position in alone], most=len(alone))
    return f"Too few patients or images of {told}"


def deal(labels: Rows, groups: Rows, count: int, seed: int) -> Rows:
    """(N,) parts, stratified by class, groups whole."""
    from sklearn.model_selection import StratifiedGroupKFold

    part = np.zeros(len(labels), dtype=np.int64)
    dealer = StratifiedGroupKFold(count, shuffle=True, random_state=seed % 2**32)
    with warnings.catch_warnings():
        # That a class has fewer images than there are folds is allowed here; what cannot work was refused before.
        warnings.simplefilter("ignore", UserWarning)
        for number, (_, held) in enumerate(dealer.split(labels, _enough(labels, count), groups)):
            part[held] = number
    return part


def _enough(labels: Rows, count: int) -> Rows:
    """Labels that scikit-learn accepts: it refuses when every class is smaller than the number of folds."""
    return labels if np.bincount(labels).max() >= count else np.zeros_like(labels)


def numbers(groups: Sequence[str | None]) -> Rows:
    """Groups by number; an image without one stands alone."""
    known: dict[object, int] = {}
    keys = [("alone", position) if group is None else group for position, group in enumerate(groups)]
    return np.array([known.setdefault(key, len(known)) for key in keys], dtype=np.int64)


def train_folds(prepared: Prepared, train: Rows, seed: int, bus: EventBus) -> Rows:
    """(N,) folds of the training images, groups whole; -1 for images of a class that one fold would hold entirely.

    Raises
    ------
    TrainingError
        A class has no training image, or nothing can be held out.
    """
    labels, names = prepared.labels[train], prepared.collection.labels.names
    absent = [name for position, name in enumerate(names) if not (labels == position).any()]
    if absent:
        raise TrainingError(
            f"The training split has no image of the class {listed(absent, most=len(absent))}",
            fix="add images of it, or change the split",
        )
    groups = numbers([prepared.collection.samples[row].group for row in train])
    units = len(np.unique(groups))
    fold = deal(labels, groups, min(PARTS, units), derived_seed(seed, "folds")) if units > 1 else np.zeros_like(labels)
    alone = _alone(fold, labels, len(names))
    fold[np.isin(labels, alone)] = -1
    if (fold < 0).all():
        raise TrainingError(
            "There are too few patients or images to compare classifiers on",
            fix="add images: at least two patients or images of a class are needed to train on",
        )
    if alone:
        bus.publish(Noticed(f"{_few(names, alone)} to hold some back when classifiers are compared", "warning"))
        # A fold that held no other class is empty now: the rest are numbered without a gap.
        held = fold >= 0
        fold[held] = np.unique(fold[held], return_inverse=True)[1]
    return fold
