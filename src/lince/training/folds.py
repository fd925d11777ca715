"""Folds of a cross-validation: whole groups, stratified by class, repeatable."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
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
        (N,) 0 to ``count - 1``.
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


def make_folds(prepared: Prepared, count: int, seed: int) -> Folds:
    """Deal the training and validation images to folds; the test part stays closed.

    Raises
    ------
    SourceError
        There are fewer groups than folds, or a class that one fold would hold entirely.
    """
    rows = np.sort(np.concatenate([prepared.rows("train"), prepared.rows("val")]))
    labels = prepared.labels[rows]
    names = prepared.collection.labels.names
    groups = numbers([prepared.collection.samples[row].group for row in rows])
    for position, name in enumerate(names):
        if len(np.unique(groups[labels == position])) < 2:
            raise SourceError(
                f"Cross-validation needs two patients or images of each class outside the test part, and {name} has "
                f"{'one' if (labels == position).any() else 'none'}",
                received=prepared.collection.source,
                fix="add images of it, or train without --folds",
            )
    units = len(np.unique(groups))
    if units < count:
        raise SourceError(
            f"There are {units} patients or groups of near-duplicates for {count} folds",
            received=prepared.collection.source,
            fix=f"use --folds {max(2, units // 2)}",
        )
    fold = deal(labels, groups, count, derived_seed(seed, "folds"))
    for position, name in enumerate(names):
        if len(np.unique(fold[labels == position])) < 2:
            raise SourceError(
                f"One of {count} folds would hold all images of the class {name}",
                received=prepared.collection.source,
                fix="add images of it, or use fewer folds",
            )
    return Folds(count, rows, fold, labels, groups, seed)


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
    alone = [position for position in range(len(names)) if len(np.unique(fold[labels == position])) < 2]
    fold[np.isin(labels, alone)] = -1
    if (fold < 0).all():
        raise TrainingError(
            "There are too few patients or images to compare classifiers on",
            fix="add images: at least two patients or images of a class are needed to train on",
        )
    if alone:
        told = listed([names[position] for position in alone], most=len(alone))
        bus.publish(Noticed(f"Too few images of {told} to hold some back when classifiers are compared", "warning"))
    return fold
