"""A clean split: near-duplicates found on the pixels and kept on one side, contradictions told."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from lince.core.errors import SourceError
from lince.core.events import EventBus
from lince.core.types import Sample, Split
from lince.data.collection import Collection
from lince.data.duplicates import near_duplicate_groups
from lince.data.splits import Fractions, check_fractions, split_collection, torn_groups
from lince.imaging import ImageSpec, cached_images

# Near-duplicates are compared on a grid of 32 cells: on BUSI, 64 px find 144 of the 145 pairs that 224 px find.
_SPEC = ImageSpec(size=64, channels=1)
_SHOWN = 5


def clean_split(
    collection: Collection,
    *,
    seed: int = 0,
    fractions: Fractions = (0.70, 0.15, 0.15),
    redraw: bool = False,
    bus: EventBus | None = None,
) -> Collection:
    """Split a collection so that neither a patient nor near-duplicates stand on two sides.

    Every image is read. Near-duplicates become groups, and merge the groups that the collection has. Parts that the
    source gives are kept; an image without one joins the part that its group has.

    Parameters
    ----------
    seed, fractions
        As in `split_collection`.
    redraw
        Forget the parts that the source gives.
    bus
        Told of the progress and of every file that was skipped.

    Returns
    -------
    Collection
        Images that could be read, each with a part. An image that is like no other and of no known patient keeps the
        group ``None``. ``notices`` name identical files with different labels.

    Raises
    ------
    SourceError
        No image can be read, or there are too few to split.
    ConfigError
        ``fractions`` are not three shares of 1.
    """
    check_fractions(fractions)
    images = cached_images(collection.samples, _SPEC, bus=bus)
    if not len(images.kept):
        raise SourceError("No image of this collection can be read", received=collection.source, fix="check its files")
    skipped = (*collection.skipped, *images.skipped)
    collection = replace(collection.subset(images.kept.tolist()), skipped=skipped)
    known = [sample.group for sample in collection.samples]
    groups = near_duplicate_groups(images.pixels, existing=known, bus=bus)
    notices = [*_twins(groups, known), *_contradictions(collection.samples, images.digests)]
    collection = collection.with_groups(_shared(groups, known)).with_notices(*notices)
    collection = collection.with_splits([None] * len(collection) if redraw else _completed(collection.samples))
    result = split_collection(collection, seed=seed, fractions=fractions)
    if torn_groups(result.samples):  # only where the source's own parts do that
        result = result.with_notices("The parts were kept as given; --redraw draws them anew, with groups whole.")
    return result


def _shared(groups: Sequence[str], known: Sequence[str | None]) -> list[str | None]:
    """No group for an image that stands alone and of which no patient is known."""
    sizes = Counter(groups)
    return [
        group if sizes[group] > 1 or patient is not None else None for group, patient in zip(groups, known, strict=True)
    ]


def _twins(groups: Sequence[str], known: Sequence[str | None]) -> list[str]:
    """How much near-duplicates brought together that known groups had not."""
    alone = sum(patient is None for patient in known)
    together = alone + len(set(known) - {None}) - len(set(groups))
    if not together:
        return []
    what = "images or groups" if alone < len(known) else "images"
    return [f"{together} {what} are near-duplicates of another and stay on one side with it."]


def _contradictions(samples: Sequence[Sample], digests: Sequence[str]) -> list[str]:
    """Identical files with different labels: at least one label is wrong, and only a person can say which."""
    alike: dict[str, list[Sample]] = defaultdict(list)
    for sample, digest in zip(samples, digests, strict=True):
        alike[digest].append(sample)
    found = [same for same in alike.values() if len({sample.label for sample in same}) > 1]
    if not found:
        return []
    told = "; ".join(" = ".join(f"{sample.name} ({sample.label})" for sample in same) for same in found[:_SHOWN])
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return [f"Identical images carry different labels, so that a label is wrong: {told}{more}."]


def _completed(samples: Sequence[Sample]) -> list[Split | None]:
    """The given parts; an image without one takes the part of its group, where the group has one part alone."""
    parts: dict[str, set[Split]] = defaultdict(set)
    for sample in samples:
        if sample.group is not None and sample.split is not None:
            parts[sample.group].add(sample.split)
    splits: list[Split | None] = []
    for sample in samples:
        found = parts.get(sample.group or "", set())
        splits.append(next(iter(found)) if sample.split is None and len(found) == 1 else sample.split)
    return splits
