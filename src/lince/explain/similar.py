"""Which known images a network sees as most like one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ROWS = 4096


def nearest(
    query: NDArray[np.float32], known: NDArray[np.floating], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The rows of ``known`` with the largest cosine similarity to ``query``.

    Both are standardised first, by the mean and deviation of each column of ``known``: what all images have in common
    would otherwise make all of them look alike. A column that never varies is left out.

    Parameters
    ----------
    query
        (D,) embedding of the image.
    known
        (N, D) embeddings of the images to choose from, of any float type.
    count
        How many, at most.

    Returns
    -------
    tuple of ndarray
        Rows, most similar first (equal ones in their order), and their similarities, from -1 to 1.
    """
    similarity = similarities(query, known)
    rows: NDArray[np.int64] = np.argsort(-similarity, kind="stable")[:count]
    return rows, similarity[rows]


def similarities(query: NDArray[np.float32], known: NDArray[np.floating]) -> NDArray[np.float64]:
    """The similarity of every row of ``known``, as in `nearest`: (N,).

    Exact, in blocks, so that ``known`` may be a memory map: one query is compared with all rows in less time than it
    would take to divide them into cells for an approximate search.
    """
    count = len(known)
    blocks = [slice(top, top + _ROWS) for top in range(0, count, _ROWS)]
    mean = sum(np.asarray(known[block], np.float64).sum(axis=0) for block in blocks) / count
    squares = sum(((np.asarray(known[block], np.float64) - mean) ** 2).sum(axis=0) for block in blocks) / count
    deviation = np.sqrt(squares)
    # Beyond what rounding makes of a column that never varies.
    varies = deviation > 1e-12 * np.maximum(np.abs(mean), 1.0)
    mean, deviation = mean[varies], deviation[varies]
    sought = (np.asarray(query, np.float64)[varies] - mean) / deviation
    found = np.zeros(count)
    for block in blocks:
        values = (np.asarray(known[block], np.float64)[:, varies] - mean) / deviation
        lengths = np.linalg.norm(values, axis=1) * np.linalg.norm(sought)
        # The image that is exactly average is like none more than another.
        np.divide(values @ sought, lengths, out=found[block], where=lengths > 0)
    return found
