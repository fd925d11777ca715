"""Pairs of unit vectors that are close: all against all where there are few, cell by cell where there are many.

With many vectors, k-means divides the space into cells, as in an inverted file (Sivic & Zisserman, ICCV 2003): a
vector is compared with those of the few cells nearest to it. With K cells for N vectors, K growing with the square
root of N, that is of the order of N^1.5. scikit-learn finds the cells and matrix products compare, so it needs no
library beside them; on the fine structure of images it finds the same pairs (see ``bench/audit.py``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lince.data.structure import unit

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

# Beyond this many vectors, pairs are first compared on the leading components only, and cell by cell.
REDUCE_ABOVE = 8192
_COMPONENTS = 128
_SLACK = 0.10  # how much higher than on the leading components a similarity may be on all
_ROWS, _COLUMNS = 2048, 8192
# Cells per square root of the number of vectors, and how many of them each vector is compared with.
_CELLS, _NEAREST = 2.0, 24
_FIT_ON = 30_000
_SEED = 0


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of positions and their similarity, (P,) each."""

    first: Integers
    second: Integers
    score: Floats

    @classmethod
    def none(cls) -> Pairs:
        """No pairs."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, keep: NDArray[np.bool_] | Integers) -> Pairs:
        return Pairs(self.first[keep], self.second[keep], self.score[keep])

    def above(self, threshold: float) -> Pairs:
        """Those at least so similar."""
        return self[self.score >= threshold]

    def joined(self, other: Pairs) -> Pairs:
        """Both, one after the other."""
        if not len(self) or not len(other):
            return self if len(self) else other
        return Pairs(
            np.concatenate([self.first, other.first]),
            np.concatenate([self.second, other.second]),
            np.concatenate([self.score, other.score]),
        )


class Index:
    """Unit vectors made ready to be searched.

    Parameters
    ----------
    vectors
        (N, D) float16 or float32, of length 1 (or 0: like no other).
    exhaustive
        Compare all with all whatever their number: the measure for the recall of the cells.
    """

    def __init__(self, vectors: NDArray[np.floating], *, exhaustive: bool = False) -> None:
        self.vectors = vectors
        self._reduced = len(vectors) > REDUCE_ABOVE
        self._basis = _leading(vectors) if self._reduced else None
        self._compared = self._project(vectors)
        self._cells = _Cells(self._compared) if self._reduced and not exhaustive else None

    def pairs_within(self, threshold: float) -> Iterator[tuple[int, Pairs]]:
        """Pairs (first < second) among the vectors: how many vectors are done, and the pairs found with them."""
        yield from self._search(self.vectors, self._compared, threshold, within=True)

    def pairs_with(self, queries: NDArray[np.floating], threshold: float) -> Iterator[tuple[int, Pairs]]:
        """Pairs of a query (first) and a vector (second)."""
        yield from self._search(queries, self._project(queries), threshold, within=False)

    def _search(
        self, queries: NDArray[np.floating], compared: Floats, threshold: float, *, within: bool
    ) -> Iterator[tuple[int, Pairs]]:
        least = threshold - (_SLACK if self._reduced else 0.0)
        blocks = (
            self._cells.search(compared, least)
            if self._cells is not None
            else _all_with_all(compared, self._compared, least, within=within)
        )
        for done, found in blocks:
            if within:
                low, high = np.minimum(found.first, found.second), np.maximum(found.first, found.second)
                found = Pairs(low, high, found.score)[low < high]
            if self._reduced and len(found):
                found = Pairs(found.first, found.second, _similarities(queries, self.vectors, found))
            yield done, found.above(threshold)

    def _project(self, vectors: NDArray[np.floating]) -> Floats:
        if self._basis is None:
            return vectors.astype(np.float32)
        basis = self._basis
        blocks = range(0, len(vectors), _ROWS)
        parts = [unit(vectors[top : top + _ROWS].astype(np.float32) @ basis) for top in blocks]
        return np.concatenate(parts) if parts else np.empty((0, basis.shape[1]), np.float32)


class _Cells:
    """Vectors sorted into the cells of k-means."""

    def __init__(self, vectors: Floats) -> None:
        from sklearn.cluster import MiniBatchKMeans

        count = round(_CELLS * len(vectors) ** 0.5)
        sample = vectors[:: max(1, len(vectors) // _FIT_ON)]
        means = MiniBatchKMeans(count, random_state=_SEED, n_init=1, max_iter=8, batch_size=4096).fit(sample)
        self._centres = unit(means.cluster_centers_.astype(np.float32))
        self._vectors = vectors
        home = self._nearest(vectors, 1)[:, 0]
        self._members = _by_cell(home, np.arange(len(vectors)), count)

    def search(self, queries: Floats, threshold: float) -> Iterator[tuple[int, Pairs]]:
        """Pairs of a query and a vector, cell by cell."""
        nearest = self._nearest(queries, min(_NEAREST, len(self._centres)))
        rows = np.repeat(np.arange(len(queries)), nearest.shape[1])
        askers = _by_cell(nearest.ravel(), rows, len(self._centres))
        done = 0
        for members, asking in zip(self._members, askers, strict=True):
            there = self._vectors[members]
            for top in range(0, len(asking), _COLUMNS):
                some = asking[top : top + _COLUMNS]
                yield (
                    done * len(queries) // len(self._vectors),
                    _hits(queries[some] @ there.T, threshold, some, members),
                )
            done += len(members)
        yield len(queries), Pairs.none()

    def _nearest(self, vectors: Floats, count: int) -> Integers:
        """(N, count) cells whose centres are nearest."""
        nearest = np.empty((len(vectors), count), np.int64)
        for top in range(0, len(vectors), _ROWS):
            likeness = vectors[top : top + _ROWS] @ self._centres.T
            nearest[top : top + _ROWS] = np.argpartition(-likeness, count - 1, axis=1)[:, :count]
        return nearest


def _by_cell(cells: Integers, rows: Integers, count: int) -> list[Integers]:
    order = np.argsort(cells, kind="stable")
    return np.split(rows[order], np.searchsorted(cells[order], np.arange(1, count)))


def _all_with_all(queries: Floats, vectors: Floats, threshold: float, *, within: bool) -> Iterator[tuple[int, Pairs]]:
    """Block of rows by block of rows; within one set, the upper triangle alone."""
    for top in range(0, len(queries), _ROWS):
        rows = np.arange(top, min(top + _ROWS, len(queries)))
        for start in range(top if within else 0, len(vectors), _COLUMNS):
            columns = np.arange(start, min(start + _COLUMNS, len(vectors)))
            found = _hits(queries[rows] @ vectors[columns].T, threshold, rows, columns)
            # Blocks on the diagonal hold each pair twice.
            yield int(rows[-1]) + 1, found[found.first < found.second] if within else found


def _hits(block: Floats, threshold: float, rows: Integers, columns: Integers) -> Pairs:
    hits = np.flatnonzero(block >= threshold)
    return Pairs(rows[hits // block.shape[1]], columns[hits % block.shape[1]], block.ravel()[hits])


def _leading(vectors: NDArray[np.floating]) -> Floats:
    """(D, 128) leading components of an even sample."""
    sample = vectors[:: max(1, len(vectors) // 4096)].astype(np.float32)
    _, basis = np.linalg.eigh(sample.T @ sample)
    return np.ascontiguousarray(basis[:, -_COMPONENTS:])


def _similarities(queries: NDArray[np.floating], vectors: NDArray[np.floating], pairs: Pairs) -> Floats:
    scores = np.empty(len(pairs), np.float32)
    for top in range(0, len(pairs), _COLUMNS):
        part = slice(top, top + _COLUMNS)
        left, right = queries[pairs.first[part]], vectors[pairs.second[part]]
        scores[part] = np.einsum("ij,ij->i", left.astype(np.float32), right.astype(np.float32))
    return scores
