"""Close pairs of vectors: the search by cells finds what comparing all with all finds."""

from __future__ import annotations

import numpy as np
import pytest

from lince.data import neighbours
from lince.data.neighbours import Index, Pairs
from lince.data.structure import unit


def cloud(count: int, seed: int = 0) -> np.ndarray:
    """Unit vectors whose later components matter less, as in images; every tenth is a disturbed copy of another."""
    rng = np.random.default_rng(seed)
    scale = np.arange(1, 201) ** -0.5
    vectors = rng.normal(size=(count, 200)) * scale
    copies = np.arange(9, count, 10)
    vectors[copies] = vectors[copies - 5] + 0.3 * rng.normal(size=(len(copies), 200)) * scale
    return unit(vectors.astype(np.float32))


def collected(index: Index, threshold: float) -> Pairs:
    pairs = Pairs.none()
    for _, some in index.pairs_within(threshold):
        pairs = pairs.joined(some)
    return pairs


def as_set(pairs: Pairs) -> set[tuple[int, int]]:
    return set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))


def test_few_vectors_are_all_compared() -> None:
    vectors = cloud(300)
    truth = vectors @ vectors.T
    expected = {(i, j) for i in range(300) for j in range(i + 1, 300) if truth[i, j] >= 0.8}
    found = collected(Index(vectors), 0.8)
    assert as_set(found) == expected
    assert len(expected) >= 25
    np.testing.assert_allclose(found.score, truth[found.first, found.second], rtol=1e-5)


def test_cells_find_what_comparing_all_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "REDUCE_ABOVE", 1000)
    vectors = cloud(6000).astype(np.float16)
    whole = as_set(collected(Index(vectors, exhaustive=True), 0.8))
    cells = as_set(collected(Index(vectors), 0.8))
    assert len(whole) >= 500
    assert cells <= whole
    assert len(cells) >= 0.98 * len(whole)


def test_cells_compare_a_small_part_of_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "REDUCE_ABOVE", 1000)
    compared = 0
    hits = neighbours._hits

    def counted(block: np.ndarray, *rest: object) -> Pairs:
        nonlocal compared
        compared += block.size
        return hits(block, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(neighbours, "_hits", counted)
    collected(Index(cloud(6000)), 0.8)
    assert compared < 0.3 * 6000**2


@pytest.mark.parametrize("reduce_above", [10, 10_000])
def test_queries_are_compared_with_the_vectors(monkeypatch: pytest.MonkeyPatch, reduce_above: int) -> None:
    monkeypatch.setattr(neighbours, "REDUCE_ABOVE", reduce_above)
    vectors = cloud(400)
    pairs = Pairs.none()
    for _, some in Index(vectors).pairs_with(vectors[100:103], 0.999):
        pairs = pairs.joined(some)
    assert as_set(pairs) == {(0, 100), (1, 101), (2, 102)}


def test_zero_vectors_are_like_nothing() -> None:
    assert len(collected(Index(np.zeros((20, 8), np.float32)), 0.5)) == 0
