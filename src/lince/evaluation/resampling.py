"""The bootstrap over patients: all figures from the same resamples, in a few array passes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

RESAMPLES = 2_000
# Replicates worked on together: the table of weights by image then stays in the processor's cache.
_BLOCK = 50


@dataclass(frozen=True, slots=True)
class Ranking:
    """One class against the rest, sorted once, so that AUC and average precision of a resample are cumulative sums.

    ``negatives``: group of each negative, by rising score. ``positives``: group of each positive, by falling score;
    ``left`` and ``right``: how many negatives score below it, and not above it; ``last``: place of the last positive
    with the same score.
    """

    negatives: Indices
    positives: Indices
    left: Indices
    right: Indices
    last: Indices

    @classmethod
    def of(cls, truth: NDArray[np.bool_], score: Floats, group: Indices) -> Ranking:
        """Sort the scores (N,) of one class; ``group`` (N,) numbers the patients from 0."""
        order = np.flatnonzero(~truth)[np.argsort(score[~truth], kind="stable")]
        reference = score[order]
        falling = np.flatnonzero(truth)[np.argsort(-score[truth], kind="stable")]
        positive = score[falling]
        return cls(
            negatives=group[order],
            positives=group[falling],
            left=np.searchsorted(reference, positive, "left"),
            right=np.searchsorted(reference, positive, "right"),
            last=np.searchsorted(-positive, -positive, "right") - 1,
        )

    def figures(self, weights: NDArray[np.float32]) -> Floats:
        """AUC and average precision of each resample (2, B) from how often it drew each group (G, B).

        NaN where a side is empty, for the average precision that of the positives.
        """
        # Whole numbers up to 2**24 are exact in float32; the sums of products are taken in float64.
        below = np.zeros((self.negatives.size + 1, weights.shape[1]), dtype=np.float32)
        np.cumsum(weights[self.negatives], axis=0, out=below[1:])
        drawn = weights[self.positives]
        ranks = below[self.left]
        positives = drawn.sum(axis=0, dtype=np.float64)
        precision = self._precisions(drawn, below[-1] - ranks)
        if not np.array_equal(self.left, self.right):
            ranks += below[self.right]
            ranks /= 2
        ranks *= drawn
        with np.errstate(invalid="ignore"):
            areas = ranks.sum(axis=0, dtype=np.float64) / (positives * below[-1])
            return np.stack([areas, precision / positives])

    def _precisions(self, drawn: NDArray[np.float32], alarms: NDArray[np.float32]) -> Floats:
        """Precision at the score of each positive, summed (B,); ``alarms`` (P, B) counts negatives not below it."""
        caught = np.cumsum(drawn, axis=0)
        if not np.array_equal(self.last, np.arange(self.last.size)):
            caught = caught[self.last]
        alarms += caught
        np.maximum(alarms, 1.0, out=alarms)
        caught /= alarms
        caught *= drawn
        return np.asarray(caught.sum(axis=0, dtype=np.float64))


def bootstrap(
    group: Indices,
    n_groups: int,
    columns: Floats,
    rankings: Sequence[Ranking],
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> tuple[Floats, Floats]:
    """Draw groups with replacement and measure every resample.

    All images of a drawn group come along, as often as it is drawn (Field and Welsh, JRSS B 69:369, 2007).

    Parameters
    ----------
    group
        (N,) group number of each image, 0 to ``n_groups`` - 1.
    columns
        (N, K) quantities to be summed over the images of each resample.
    rankings
        The A rankings whose AUC and average precision are wanted, made with the same ``group``.

    Returns
    -------
    sums, ranked
        (K, resamples) and (2, A, resamples).
    """
    by_group = np.zeros((n_groups, columns.shape[1]))
    np.add.at(by_group, group, columns)
    sums: list[Floats] = []
    ranked: list[Floats] = []
    for weights in _draws(n_groups, resamples, np.random.default_rng(seed)):
        sums.append(by_group.T @ weights.astype(np.float64))
        found = [ranking.figures(weights) for ranking in rankings]
        ranked.append(np.stack(found, axis=1) if found else np.empty((2, 0, weights.shape[1])))
    return np.concatenate(sums, axis=1), np.concatenate(ranked, axis=2)


def _draws(n_groups: int, resamples: int, rng: np.random.Generator) -> Iterator[NDArray[np.float32]]:
    """How often each group is drawn, (G, B) a block."""
    for start in range(0, resamples, _BLOCK):
        width = min(_BLOCK, resamples - start)
        picks = rng.integers(0, n_groups, size=(n_groups, width)) * width + np.arange(width)
        yield np.bincount(picks.ravel(), minlength=n_groups * width).reshape(n_groups, width).astype(np.float32)
