"""Copies of one picture, however they were changed: found as candidates, told only when the pixels confirm it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lince.core.events import EventBus, WorkAdvanced, WorkFinished, WorkStarted
from lince.data.audit.confirm import CROPPED, SAME, Likeness
from lince.data.neighbours import Index, Pairs
from lince.data.structure import TURNS, Structure, unit

Relation = Literal["file", "pixels", "near", "mirrored", "rotated", "cropped"]
RELATIONS: tuple[Relation, ...] = ("file", "pixels", "near", "mirrored", "rotated", "cropped")
"""Closest first; a pair found in several ways is told as the closest."""

TASK = "Looking for copies"

_NEAR = 0.75
_TURNED = 0.70  # resampled once more, and so a little less alike
_ALL_PAIRS = 24  # of identical images: beyond, each is linked with the first alone
_MOST_PAIRS = 2_000_000
# Crops are looked for among this many nearest embeddings of each image; among more images than a few, where
# embeddings are this alike, at most so many pairs.
_NEIGHBOURS, _FEW = 6, 12_000
_EMBEDDED, _MOST_EMBEDDED = 0.85, 40_000
_ROWS = 2048


@dataclass(frozen=True, slots=True)
class Twin:
    """Two images that are one picture: rows of the survey (or of two), how, and how alike (0 to 1)."""

    first: int
    second: int
    relation: Relation
    similarity: float


@dataclass(frozen=True, slots=True)
class Looks:
    """What copies are looked for with.

    Attributes
    ----------
    small
        (N, S, S, C) uint8.
    files, pixels
        Digests of bytes and of decoded pixels, N each; ``pixels`` may be empty where only files are known.
    blank
        (N,) images that show nothing, which are no copies of one another.
    embeddings
        (N, D) float32, or ``None``.
    """

    small: NDArray[np.uint8]
    files: Sequence[str]
    pixels: Sequence[str]
    blank: NDArray[np.bool_]
    embeddings: NDArray[np.float32] | None = None


def find_twins(
    looks: Looks, other: Looks | None = None, *, turned: bool = True, bus: EventBus | None = None
) -> list[Twin]:
    """Every pair of copies, each once, the closest relation first.

    Parameters
    ----------
    other
        Another set: then pairs are of one image here and one there, else of two images here, first < second.
    turned
        Look for mirrored and rotated copies as well.
    """
    bus = bus or EventBus()
    there = looks if other is None else other
    best = _identical(looks, there, within=other is None)
    if not len(looks.small) or not len(there.small):
        return []
    bus.publish(WorkStarted(TASK, 100))
    structure = Structure.of(looks.small)
    beside = structure if other is None else replace(Structure.of(there.small), common=structure.common)
    likeness = Likeness(looks.small, there.small)
    index = Index(beside.vectors())
    steps: list[str | None] = [None, *(TURNS if turned else ())]
    for number, turn in enumerate(steps):
        if turn is None and other is None:
            search = index.pairs_within(_NEAR)
        else:
            search = index.pairs_with(structure.vectors(TURNS[turn] if turn else None), _TURNED if turn else _NEAR)
        found = Pairs.none()
        for done, some in search:
            found = _closest(found.joined(some))
            share = (number + done / len(there.small)) / (len(steps) + 1)
            bus.publish(WorkAdvanced(TASK, min(99, int(100 * share))))
        found = _fresh(found, looks, there, best, within=other is None)
        score = likeness.turned(found.first, found.second, turn)
        if turn is None:
            _note(best, found, score, SAME, "near", within=other is None)
            # What does not lie on the other may be a hair larger.
            found = found[score < SAME]
            score = likeness.cropped(found.first, found.second)
            _note(best, found, score, CROPPED, "near", within=other is None)
            continue
        _note(best, found, score, SAME, _relation(turn), within=other is None)
    if looks.embeddings is not None and there.embeddings is not None:
        found = embedded_pairs(looks.embeddings, there.embeddings if other is not None else None)
        found = _fresh(found, looks, there, best, within=other is None)
        score = likeness.cropped(found.first, found.second)
        _note(best, found, score, CROPPED, "cropped", within=other is None)
    bus.publish(WorkFinished(TASK))
    return sorted(best.values(), key=lambda t: (RELATIONS.index(t.relation), -t.similarity, t.first, t.second))


def _relation(turn: str | None) -> Relation:
    if turn is None:
        return "near"
    return "mirrored" if turn == "mirrored" else "rotated"


def _identical(here: Looks, there: Looks, *, within: bool) -> dict[tuple[int, int], Twin]:
    best: dict[tuple[int, int], Twin] = {}
    kinds: tuple[tuple[Relation, Sequence[str], Sequence[str]], ...] = (
        ("file", here.files, there.files),
        ("pixels", here.pixels, there.pixels),
    )
    for relation, ours, theirs in kinds:
        members: dict[str, list[int]] = defaultdict(list)
        for row, digest in enumerate(theirs):
            if not there.blank[row]:
                members[digest].append(row)
        for row, digest in enumerate(ours):
            for twin in members.get(digest, ())[:_ALL_PAIRS]:
                pair = (min(row, twin), max(row, twin)) if within else (row, twin)
                if not within or row != twin:
                    best.setdefault(pair, Twin(*pair, relation, 1.0))
    return best


def _fresh(pairs: Pairs, here: Looks, there: Looks, best: dict[tuple[int, int], Twin], *, within: bool) -> Pairs:
    """Candidates that are not known already, each once, none blank."""
    first, second = pairs.first, pairs.second
    keep = ~here.blank[first] & ~there.blank[second]
    if within:
        keep &= first != second
        keys = np.minimum(first, second) * len(here.small) + np.maximum(first, second)
    else:
        keys = first * len(there.small) + second
    _, unique = np.unique(keys, return_index=True)
    alone = np.zeros(len(keep), bool)
    alone[unique] = True
    keep &= alone
    for position in np.flatnonzero(keep).tolist():
        a, b = int(first[position]), int(second[position])
        keep[position] = ((min(a, b), max(a, b)) if within else (a, b)) not in best
    return pairs[keep]


def _note(
    best: dict[tuple[int, int], Twin],
    pairs: Pairs,
    score: NDArray[np.float32],
    least: float,
    relation: Relation,
    *,
    within: bool,
) -> None:
    """Take in the pairs that the pixels confirm."""
    for a, b, likeness in zip(pairs.first.tolist(), pairs.second.tolist(), score.tolist(), strict=True):
        if likeness >= least:
            pair = (min(a, b), max(a, b)) if within else (a, b)
            best.setdefault(pair, Twin(*pair, relation, round(min(1.0, likeness), 4)))


def _closest(pairs: Pairs) -> Pairs:
    """At most so many that memory holds them."""
    if len(pairs) <= _MOST_PAIRS:
        return pairs
    return pairs[np.argpartition(-pairs.score, _MOST_PAIRS // 2)[: _MOST_PAIRS // 2]]


def embedded_pairs(here: NDArray[np.float32], there: NDArray[np.float32] | None = None) -> Pairs:
    """Images whose embeddings, relative to the collection's mean, point the same way: candidates for crops.

    Where there are few images, the nearest of each; where there are many, the pairs that are close.
    """
    mean, deviation = here.mean(axis=0), here.std(axis=0) + 1e-6
    vectors = unit((here - mean) / deviation)
    others = vectors if there is None else unit((there - mean) / deviation)
    if len(here) * len(others) <= _FEW**2:
        return _nearest(vectors, others, within=there is None)
    search = Index(others)
    blocks = search.pairs_within(_EMBEDDED) if there is None else search.pairs_with(vectors, _EMBEDDED)
    found = Pairs.none()
    for _, some in blocks:
        found = _closest(found.joined(some))
    return found[np.argsort(-found.score, kind="stable")[:_MOST_EMBEDDED]]


def _nearest(vectors: NDArray[np.float32], others: NDArray[np.float32], *, within: bool) -> Pairs:
    """The nearest others of each vector; within one set first < second, each pair once."""
    count = min(_NEIGHBOURS, len(others) - within)
    if count < 1:
        return Pairs.none()
    found = Pairs.none()
    for top in range(0, len(vectors), _ROWS):
        likeness = vectors[top : top + _ROWS] @ others.T
        if within:
            np.fill_diagonal(likeness[:, top:], -2)
        second = np.argpartition(-likeness, count - 1, axis=1)[:, :count].astype(np.int64)
        first = np.repeat(np.arange(top, top + len(likeness)), count)
        score = np.take_along_axis(likeness, second, axis=1).ravel()
        found = found.joined(Pairs(first, second.ravel(), score))
    return found
