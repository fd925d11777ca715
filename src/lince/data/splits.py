"""Parts of a collection: stratified by class, whole groups, repeatable.

The draw depends on the seed and on what the samples are called inside the collection, not on the order of files, the
system, or where the collection lies.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from lince.core.errors import ConfigError, SourceError
from lince.core.types import SPLITS, Split
from lince.data.collection import Collection

Fractions = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class _Unit:
    """A group, or a sample without one: what is assigned as a whole."""

    key: str
    counts: tuple[tuple[str, int], ...]
    members: tuple[int, ...]

    @property
    def size(self) -> int:
        return len(self.members)


def split_collection(
    collection: Collection,
    *,
    seed: int = 0,
    fractions: Fractions = (0.70, 0.15, 0.15),
    groups: Sequence[str | None] | None = None,
) -> Collection:
    """Give every sample a part: train, val or test.

    Parts that the source gives are kept; a missing part is drawn from train (and from samples without a part), as
    large relative to train as ``fractions`` say. Samples of one group go to one part. A class with three groups of
    its own or more is in all three parts.

    Parameters
    ----------
    seed
        Another seed, another draw.
    fractions
        Of train, val and test; they sum to 1. A part with fraction 0 is not drawn.
    groups
        One per sample, in place of the samples' own (near-duplicates, for instance); ``None`` stands alone.

    Raises
    ------
    SourceError
        There is nothing to train on, or too few images to have two classes in train and val.
    ConfigError
        ``fractions`` are not three shares of 1 with some train.
    """
    check_fractions(fractions)
    if groups is not None:
        collection = collection.with_groups(groups)
    given = {sample.split for sample in collection.samples if sample.split is not None}
    pool = [i for i, sample in enumerate(collection.samples) if sample.split in (None, "train")]
    if not pool:
        raise SourceError(
            f"The collection {collection.name} has no training images, only {' and '.join(sorted(given))}",
            received=collection.source,
            fix="add a train/ folder, or give the images unsplit",
        )
    share = dict(zip(SPLITS, fractions, strict=True))
    drawn: list[Split] = ["train", *(part for part in SPLITS[1:] if part not in given and share[part] > 0)]
    splits: list[Split | None] = [sample.split for sample in collection.samples]
    units = _units(collection, pool, seed)
    for unit, part in zip(units, _assign(units, drawn, share), strict=True):
        for index in unit.members:
            splits[index] = part
    result = collection.with_splits(splits)
    _check_parts(result, units, drawn)
    return result.with_notices(*_notices(result))


def check_fractions(fractions: Fractions) -> None:
    """Refuse fractions that cannot be.

    Raises
    ------
    ConfigError
        They are not three shares of 1 with some train.
    """
    fair = len(fractions) == 3 and all(0 <= f <= 1 for f in fractions) and fractions[0] > 0
    if not fair or abs(sum(fractions) - 1) > 1e-6:
        raise ConfigError(
            "The fractions of train, val and test must be three shares that sum to 1, train above 0",
            received=fractions,
            fix="use 0.70, 0.15, 0.15",
        )


def _units(collection: Collection, pool: Sequence[int], seed: int) -> list[_Unit]:
    """The pool as units, in an order that the seed shuffles and nothing else disturbs."""
    members: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index in pool:
        sample = collection.samples[index]
        alone = sample.group is None
        members["sample" if alone else "group", collection.identity(sample) if alone else str(sample.group)].append(
            index
        )
    units = []
    for (kind, name), indices in members.items():
        counts = Counter(collection.samples[index].label for index in indices)
        key = hashlib.blake2b(f"{seed}\0{kind}\0{name}".encode(), digest_size=16).hexdigest()
        units.append(_Unit(key, tuple(sorted(counts.items())), tuple(indices)))
    return sorted(units, key=lambda unit: unit.key)


def _assign(units: Sequence[_Unit], parts: Sequence[Split], share: dict[Split, float]) -> list[Split]:
    """A part for every unit.

    First each class gets a foot in each part, rare classes first, with its smallest groups. Then the rest goes,
    largest groups first, to the part that lacks most of the unit's classes: large groups are placed while there is
    room, small ones even out what is left.
    """
    totals: Counter[str] = Counter()
    holders: Counter[str] = Counter()
    for unit in units:
        totals.update(dict(unit.counts))
        holders.update(label for label, _ in unit.counts)
    whole = sum(share[part] for part in parts)
    lacks = {part: {label: n * share[part] / whole for label, n in totals.items()} for part in parts}
    chosen: dict[int, Split] = {}

    def place(number: int, part: Split) -> None:
        chosen[number] = part
        for label, count in units[number].counts:
            lacks[part][label] -= count

    for number, part in _footholds(units, parts, holders):
        place(number, part)
    for number in sorted(range(len(units)), key=lambda n: (-units[n].size, units[n].key)):
        if number not in chosen:
            counts = units[number].counts
            place(number, max(parts, key=lambda p: sum(c * lacks[p][label] / totals[label] for label, c in counts)))
    return [chosen[number] for number in range(len(units))]


def _footholds(units: Sequence[_Unit], parts: Sequence[Split], holders: Counter[str]) -> list[tuple[int, Split]]:
    """One small group of each class for each part; train comes first where there are fewer groups than parts."""
    by_label: dict[str, list[int]] = defaultdict(list)
    for number, unit in enumerate(units):
        for label, _ in unit.counts:
            by_label[label].append(number)
    placed: dict[int, Split] = {}
    has: dict[str, set[Split]] = defaultdict(set)
    for label in sorted(by_label, key=lambda name: (holders[name], name)):
        # Groups of this class alone before mixed ones, small before large.
        order = sorted(by_label[label], key=lambda n: (len(units[n].counts), units[n].size, units[n].key))
        free = iter([number for number in order if number not in placed])
        for part in parts:
            if part in has[label]:
                continue
            try:
                number = next(free)
            except StopIteration:
                break
            placed[number] = part
            for other, _ in units[number].counts:
                has[other].add(part)
    return list(placed.items())


def _check_parts(collection: Collection, units: Sequence[_Unit], drawn: Sequence[Split]) -> None:
    """Refuse a split on which nothing can be trained or chosen."""
    by_split = collection.counts_by_split()
    for part in ("train", "val"):
        counts = by_split.get(part)
        if counts is None and part not in drawn:
            continue
        if counts is not None and sum(n > 0 for n in counts.values()) >= 2:
            continue
        if counts is None or part in drawn:
            images = collection.counts()
            holders = Counter(label for unit in units for label, _ in unit.counts)
            scarce = [label for label, n in sorted(holders.items()) if n < 3] or sorted(holders)
            told = ", ".join(f"class {label} has {_count(images[label], 'image')}" for label in scarce)
            grouped = " of different patients" if collection.has_groups else ""
            raise SourceError(
                f"There are too few images to split: {told}",
                received=collection.source,
                fix=f"at least 3 images{grouped} per class are needed",
            )
        only = next((label for label, n in counts.items() if n), "none")
        raise SourceError(
            f"The part {part} that the source gives has only one class, {only}",
            received=collection.source,
            fix=f"add the other classes to {part}, or leave {part} out so that it is drawn from train",
        )


def _notices(collection: Collection) -> list[str]:
    notices = []
    for part, counts in collection.counts_by_split().items():
        absent = [label for label, n in counts.items() if not n]
        if absent:
            notices.append(f"The {part} part has no image of: {', '.join(absent)}.")
    sides: dict[str, set[Split | None]] = defaultdict(set)
    for sample in collection.samples:
        if sample.group is not None:
            sides[sample.group].add(sample.split)
    torn = sum(len(parts) > 1 for parts in sides.values())
    if torn:
        notices.append(
            f"{_count(torn, 'group')} (patients or near-duplicates) of the given split stand on two sides; the split "
            "was kept as given, so its figures may flatter the model."
        )
    return notices


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
