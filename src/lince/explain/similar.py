"""Which known images a network sees as most like one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


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
    values = np.asarray(known, np.float64)
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    varies = deviation > 0
    values = (values[:, varies] - mean[varies]) / deviation[varies]
    sought = (np.asarray(query, np.float64)[varies] - mean[varies]) / deviation[varies]
    lengths = np.linalg.norm(values, axis=1) * np.linalg.norm(sought)
    # The image that is exactly average is like none more than another.
    similarity = np.divide(values @ sought, lengths, out=np.zeros(len(values)), where=lengths > 0)
    rows: NDArray[np.int64] = np.argsort(-similarity, kind="stable")[:count]
    return rows, similarity[rows]
