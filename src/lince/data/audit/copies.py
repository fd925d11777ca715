"""What copies mean: for labels, for the parts of the collection, for its groups."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import combinations

from lince.core.types import SPLITS, Sample
from lince.data.audit import kinds
from lince.data.audit.findings import Evidence, Finding
from lince.data.audit.twins import RELATIONS, Twin
from lince.data.collection import Collection

_SHOWN = 60  # cases kept as evidence
_SHOWN_MEMBERS = 12
_EXACT = ("file", "pixels")
_MANY = 0.05  # share of images with a copy from which it is worth a warning

Case = tuple[tuple[int, ...], tuple[Twin, ...]]


def copy_findings(collection: Collection, twins: Sequence[Twin]) -> list[Finding]:
    """Findings from pairs of copies, given by position in the collection."""
    if not twins:
        return []
    samples = collection.samples
    found = [
        _conflicts(samples, _differing(twins, lambda i: samples[i].label)),
        _across_splits(samples, _differing(twins, lambda i: samples[i].split)),
        _across_groups(samples, _differing(twins, lambda i: samples[i].group)),
        _missing_groups(collection, twins),
        _all_copies(samples, twins),
    ]
    return [finding for finding in found if finding is not None]


def group_findings(collection: Collection) -> list[Finding]:
    """Patients, cases or slides that stand on two sides of a split."""
    parts: dict[str, Counter[str]] = defaultdict(Counter)
    members: dict[str, list[int]] = defaultdict(list)
    for position, sample in enumerate(collection.samples):
        if sample.group is not None and sample.split is not None:
            parts[sample.group][sample.split] += 1
            members[sample.group].append(position)
    torn = sorted((g for g in parts if len(parts[g]) > 1), key=lambda g: (-len(members[g]), g))
    if not torn:
        return []
    evidence = tuple(
        Evidence(_one_of_each(members[g], collection.samples), {"group": g, "splits": dict(parts[g])})
        for g in torn[:_SHOWN]
    )
    values = {
        "groups": len(torn),
        "of": len({sample.group for sample in collection.samples if sample.group is not None}),
        "splits": _tally(_joined(parts[g]) for g in torn),
    }
    count = sum(len(members[g]) for g in torn)
    return [Finding(kinds.GROUP_ACROSS_SPLITS, "severe", count, values, evidence, len(torn))]


def _one_of_each(members: Sequence[int], samples: Sequence[Sample]) -> tuple[int, ...]:
    """Positions in turn from each part, so that the few that are shown come from all of them."""
    by_part: dict[str | None, list[int]] = defaultdict(list)
    for position in members:
        by_part[samples[position].split].append(position)
    longest = max(map(len, by_part.values()))
    mixed = [own[turn] for turn in range(longest) for own in by_part.values() if turn < len(own)]
    return tuple(mixed[:_SHOWN_MEMBERS])


def _differing(twins: Sequence[Twin], key: Callable[[int], Hashable]) -> list[Case]:
    """Cases of copies that differ in something known of both."""
    return _cases([t for t in twins if None not in (a := key(t.first), b := key(t.second)) and a != b])


def _cases(twins: Sequence[Twin]) -> list[Case]:
    """Connected copies, the closest first. A member is always a copy of another member."""
    parent: dict[int, int] = {}

    def root(node: int) -> int:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for twin in twins:
        parent[root(twin.first)] = root(twin.second)
    links: dict[int, list[Twin]] = defaultdict(list)
    for twin in twins:
        links[root(twin.first)].append(twin)
    cases = []
    for own in links.values():
        members = tuple(sorted({position for twin in own for position in (twin.first, twin.second)}))
        cases.append((members, tuple(own)))
    return sorted(cases, key=lambda case: (RELATIONS.index(_relation(case)), -_similarity(case), case[0]))


def _relation(case: Case) -> str:
    return min((twin.relation for twin in case[1]), key=RELATIONS.index)


def _similarity(case: Case) -> float:
    return max(twin.similarity for twin in case[1])


def _shown(samples: Sequence[Sample], cases: Iterable[Case]) -> tuple[Evidence, ...]:
    evidence = []
    for case in list(cases)[:_SHOWN]:
        # The closest pair first: of a large case only some are shown.
        ordered = dict.fromkeys(p for t in sorted(case[1], key=lambda t: -t.similarity) for p in (t.first, t.second))
        members = tuple(ordered)[:_SHOWN_MEMBERS]
        values = {
            "relation": _relation(case),
            "similarity": _similarity(case),
            "labels": [samples[m].label for m in members],
            "splits": [samples[m].split for m in members],
            "groups": [samples[m].group for m in members],
        }
        evidence.append(Evidence(members, values))
    return tuple(evidence)


def _touched(cases: Iterable[Case]) -> int:
    return len({member for members, _ in cases for member in members})


def _exact(cases: Iterable[Case]) -> int:
    return sum(_relation(case) in _EXACT for case in cases)


def _tally(words: Iterable[str]) -> dict[str, int]:
    return dict(Counter(words).most_common())


def _joined(words: Iterable[str | None]) -> str:
    present = {word for word in words if word is not None}
    order = {name: number for number, name in enumerate(SPLITS)}
    return " / ".join(sorted(present, key=lambda word: (order.get(word, len(order)), word)))  # type: ignore[call-overload]


def _conflicts(samples: Sequence[Sample], cases: list[Case]) -> Finding | None:
    if not cases:
        return None
    values = {
        "cases": len(cases),
        "exact": _exact(cases),
        "labels": _tally(_joined(samples[m].label for m in members) for members, _ in cases),
    }
    return Finding(kinds.CONFLICTING_LABELS, "severe", _touched(cases), values, _shown(samples, cases), len(cases))


def _across_splits(samples: Sequence[Sample], cases: list[Case]) -> Finding | None:
    if not cases:
        return None
    touched = {member for members, _ in cases for member in members}
    values = {
        "cases": len(cases),
        "exact": _exact(cases),
        "splits": _tally(_joined(samples[m].split for m in members) for members, _ in cases),
        "twins": {part: sum(samples[m].split == part for m in touched) for part in SPLITS},
        "of": {part: sum(sample.split == part for sample in samples) for part in SPLITS},
    }
    return Finding(kinds.DUPLICATES_ACROSS_SPLITS, "severe", len(touched), values, _shown(samples, cases), len(cases))


def _across_groups(samples: Sequence[Sample], cases: list[Case]) -> Finding | None:
    if not cases:
        return None
    values = {"cases": len(cases), "exact": _exact(cases)}
    return Finding(
        kinds.DUPLICATES_ACROSS_GROUPS, "warning", _touched(cases), values, _shown(samples, cases), len(cases)
    )


def _missing_groups(collection: Collection, twins: Sequence[Twin]) -> Finding | None:
    """Near copies are often frames of one patient: without groups, a split tears them apart."""
    unknown = {index for index, sample in enumerate(collection.samples) if sample.group is None}
    near = [twin for twin in twins if twin.relation not in _EXACT]
    cases = _cases([twin for twin in near if unknown & {twin.first, twin.second}])
    count = _touched(cases)
    if count < _MANY * len(collection):
        return None
    values = {"cases": len(cases), "share": count / len(collection)}
    return Finding(kinds.GROUPS_MISSING, "warning", count, values, _shown(collection.samples, cases), len(cases))


def _all_copies(samples: Sequence[Sample], twins: Sequence[Twin]) -> Finding:
    cases = _cases(twins)
    count = _touched(cases)
    share = count / len(samples)
    values = {
        "cases": len(cases),
        "exact": _exact(cases),
        "share": share,
        "relations": _tally(_relation(case) for case in cases),
    }
    evidence = _shown(samples, cases)
    return Finding(kinds.DUPLICATES, "warning" if share >= _MANY else "note", count, values, evidence, len(cases))


def pairs_of(groups: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Pairs of positions with the same key; of a large group, each with its first."""
    members: dict[Hashable, list[int]] = defaultdict(list)
    for position, group in enumerate(groups):
        members[group].append(position)
    pairs: list[tuple[int, int]] = []
    for own in members.values():
        pairs += combinations(own, 2) if len(own) <= _SHOWN_MEMBERS else ((own[0], other) for other in own[1:])
    return pairs
