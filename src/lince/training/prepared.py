"""A collection made ready to train on: decoded once, grouped, split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lince.core.errors import SourceError
from lince.core.events import EventBus, Noticed
from lince.core.types import SPLITS, Skipped
from lince.data import Collection, load, near_duplicate_groups, split_collection
from lince.data.groups import join_copies
from lince.imaging import ImageArray, cached_images
from lince.training.auditing import quick_audit
from lince.training.options import TrainOptions
from lince.training.plan import Plan

Grouping = Literal["source", "near-duplicates", "both", "none"]


@dataclass(frozen=True)
class Prepared:
    """A collection ready to train on: images in memory map order, splits and labels by row.

    ``grouping`` says where the groups come from: the source, likeness, or for some images the one and for others the
    other. ``given_parts`` are those that the source gave; the others were drawn.
    """

    collection: Collection
    images: ImageArray
    labels: NDArray[np.int64]
    skipped: tuple[Skipped, ...]
    grouping: Grouping = "none"
    given_parts: tuple[str, ...] = ()

    def rows(self, split: str) -> NDArray[np.int64]:
        """Rows of one split."""
        return np.array([i for i, s in enumerate(self.collection.samples) if s.split == split], dtype=np.int64)


def collection_of(source: str | Path | Collection, options: TrainOptions, bus: EventBus) -> Collection:
    """What ``source`` and the options of a run ask for.

    Raises
    ------
    SourceError
        The source cannot be read as a collection.
    ConfigError
        An option means nothing to the source, or the positive class is not one of its classes.
    """
    if isinstance(source, Collection):
        return source if options.positive is None else source.with_positive(options.positive)
    return load(source, positive=options.positive, bus=bus, **options.of_source())


def prepare(collection: Collection, plan: Plan, bus: EventBus) -> Prepared:
    """Read the images once, group near-duplicates where a patient is not known, and split.

    Raises
    ------
    SourceError
        Too few images are left to train on.
    """
    images = cached_images(collection.samples, plan.image, bus=bus)
    skipped = (*collection.skipped, *images.skipped)
    if images.skipped:
        bus.publish(
            Noticed(
                f"{len(images.skipped)} of {len(collection.samples)} files could not be read and were left out",
                "warning",
            )
        )
    collection = collection.subset(images.kept.tolist())
    present = {sample.label for sample in collection.samples}
    missing = [name for name in collection.labels.names if name not in present]
    if missing:
        raise SourceError(
            f"No readable image is left of the class {', '.join(missing)}", received=collection.source, fix="add images"
        )
    unsplit = any(sample.split is None for sample in collection.samples)
    given, groups = collection, None
    known = [sample.group for sample in collection.samples]
    if None in known:
        groups = near_duplicate_groups(images.pixels, existing=known, bus=bus)
        together = known.count(None) + len(set(known) - {None}) - len(set(groups))
        if together and unsplit:
            bus.publish(
                Noticed(f"{together} images are near-duplicates of another; they stay on one side of the split with it")
            )
        collection = split_collection(collection, seed=plan.seed, groups=groups)
    else:
        collection = split_collection(collection, seed=plan.seed, groups=join_copies(known, images.digests))
    for notice in collection.notices:
        if notice not in given.notices:
            bus.publish(Noticed(notice, "warning"))
    collection = quick_audit(given, collection, images, groups, bus)
    labels = np.array([collection.labels.index(sample.label) for sample in collection.samples], dtype=np.int64)
    grouping: Grouping = "source" if None not in known else "near-duplicates" if not any(known) else "both"
    parts = tuple(part for part in SPLITS if part in {sample.split for sample in given.samples})
    prepared = Prepared(collection, images, labels, skipped, grouping, parts)
    for split in ("train", "val"):
        if len(np.unique(labels[prepared.rows(split)])) < 2:
            raise SourceError(
                f"The {split} split has images of one class only",
                received=collection.source,
                fix="add images: at least 3 patients or images of each class are needed",
            )
    return prepared


def check_positive(prepared: Prepared) -> None:
    """Refuse before the training what its end would need: validation images of the positive class.

    Raises
    ------
    SourceError
        There are none.
    """
    labels = prepared.collection.labels
    if labels.positive_index is not None and labels.positive_index not in prepared.labels[prepared.rows("val")]:
        raise SourceError(
            f"The val split has no image of the positive class {labels.positive}, so no operating point can be chosen",
            received=prepared.collection.source,
            fix="move some of its patients there, or name another class with --positive",
        )
