"""Parts of a collection: stratified by class, whole groups, repeatable.

The draw depends on the seed and on what the samples are called inside the collection, not on the order of files, the
system, or where the collection lies.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from lince.core.errors import ConfigError, SourceError
from lince.core.types import SPLITS, Sample, Split
from lince.core.wording import counted, listed
from lince.data.bulk import collector_paused
from lince.data.collection import Collection

Fractions = tuple[float, float, float]


class _Unit(NamedTuple):
    """A group, or a sample without one: what is assigned as a whole."""

    key: bytes
    counts: tuple[tuple[str, int], ...]
    members: list[int]


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
    with collector_paused():
        units = _units(collection, pool, seed)
        for unit, part in zip(units, _assign(units, drawn, share), strict=True):
            for index in unit.members:
                splits[index] = part
        result = collection.with_splits(splits)
    _check_parts(result, units, drawn)
    # Units are whole: only parts that the source gives can tear a group.
    return result.with_notices(*_notices(result, torn_groups(result.samples) if given - {"train"} else set()))


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
    grouped: dict[str, list[int]] = defaultdict(list)
    single: list[int] = []
    samples = collection.samples
    for index in pool:
        group = samples[index].group
        if group is None:
            single.append(index)
        else:
            grouped[group].append(index)
    alone: dict[str, list[int]] = defaultdict(list)
    for index, identity in zip(single, collection.identities(samples[index] for index in single), strict=True):
        alone[identity].append(index)
    units = []
    for kind, members in (("group", grouped), ("sample", alone)):
        for name, indices in members.items():
            key = hashlib.blake2b(f"{seed}\0{kind}\0{name}".encode(errors="surrogateescape"), digest_size=16).digest()
            units.append(_Unit(key, _counts([samples[index].label for index in indices]), indices))
    return sorted(units, key=itemgetter(0))


def _counts(labels: list[str]) -> tuple[tuple[str, int], ...]:
    if labels.count(labels[0]) == len(labels):
        return ((labels[0], len(labels)),)
    return tuple(sorted((label, labels.count(label)) for label in set(labels)))  # a Counter is slow for a few


def _assign(units: Sequence[_Unit], parts: Sequence[Split], share: dict[Split, float]) -> list[Split]:
    """A part for every unit.

    First each class gets a foot in each part, rare classes first, with its smallest groups. Then the rest goes,
    largest groups first, to the part that lacks most of the unit's classes: large groups are placed while there is
    room, small ones even out what is left.
    """
    totals: dict[str, int] = defaultdict(int)
    holders: Counter[str] = Counter()
    for _, counts, _ in units:
        for label, count in counts:
            totals[label] += count
            holders[label] += 1
    whole = sum(share[part] for part in parts)
    lacks = {part: {label: n * share[part] / whole for label, n in totals.items()} for part in parts}
    chosen: dict[int, Split] = {}

    def place(number: int, part: Split) -> None:
        chosen[number] = part
        lack = lacks[part]
        for label, count in units[number].counts:
            lack[label] -= count

    def need(lack: Mapping[str, float], counts: tuple[tuple[str, int], ...]) -> float:
        # Added one by one: sum() rounds in another way from Python 3.12 on, and so might draw another part.
        total = 0.0
        for label, count in counts:
            total += count * lack[label] / totals[label]
        return total

    for number, part in _footholds(units, parts, holders):
        place(number, part)
    # Units come in the order of their keys, and sorting keeps the order of equals.
    for number in sorted(range(len(units)), key=lambda n: -len(units[n].members)):
        if number not in chosen:
            counts = units[number].counts
            needs = [need(lacks[part], counts) for part in parts]
            place(number, parts[needs.index(max(needs))])
    return [chosen[number] for number in range(len(units))]


def _footholds(units: Sequence[_Unit], parts: Sequence[Split], holders: Counter[str]) -> list[tuple[int, Split]]:
    """One small group of each class for each part; train comes first where there are fewer groups than parts."""
    # Groups of one class before mixed ones, small before large; equals stay in the order of their keys.
    by_label: dict[str, list[int]] = defaultdict(list)
    for number in sorted(range(len(units)), key=lambda n: (len(units[n].counts), len(units[n].members))):
        for label, _ in units[number].counts:
            by_label[label].append(number)
    placed: dict[int, Split] = {}
    has: dict[str, set[Split]] = defaultdict(set)
    for label in sorted(by_label, key=lambda name: (holders[name], name)):
        free = (number for number in by_label[label] if number not in placed)
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
            told = ", ".join(f"class {label} has {counted(images[label], 'image')}" for label in scarce)
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


def _notices(collection: Collection, torn: set[str]) -> list[str]:
    notices = []
    for part, counts in collection.counts_by_split().items():
        absent = [label for label, n in counts.items() if not n]
        if absent:
            notices.append(f"The {part} part has no image of: {listed(absent, most=len(absent))}.")
    if torn:
        notices.append(
            f"{counted(len(torn), 'group')} (patients or near-duplicates) of the given split "
            f"{'stands' if len(torn) == 1 else 'stand'} on two sides; the split was kept as given, so its figures may "
            "flatter the model."
        )
    return notices


def torn_groups(samples: Iterable[Sample]) -> set[str]:
    """Groups with samples in more than one part."""
    side: dict[str, Split | None] = {}
    return {
        group
        for group, split in ((sample.group, sample.split) for sample in samples)
        if group is not None and side.setdefault(group, split) != split
    }
