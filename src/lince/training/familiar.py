"""What a bundle remembers of its training images: which are similar to a new one, and which kind of image it knows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lince.inference.bundle import NOVELTY, write_novelty
from lince.inference.neighbours import stratified, write_neighbours
from lince.inference.predictor import Predictor
from lince.trust import Novelty, image_statistics

if TYPE_CHECKING:
    from lince.training.fold_figures import OutOfFold
    from lince.training.prepared import Prepared

# Each image costs a pass through the network; more hardly move the limits.
_MOST_KNOWN = 2000
_MOST_HELD_OUT = 300


def remember(
    folder: Path, predictor: Predictor, prepared: Prepared, held_out: OutOfFold | None, *, seed: int
) -> dict[str, str]:
    """Write the neighbours, and what is novel, into the folder of a bundle.

    The limits of what is novel are set on images that the network was not trained on. After a cross-validation the
    features come from the model of the first fold, which did not see the images held out in it.

    Returns
    -------
    dict[str, str]
        SHA-256 of each file written. With too few images, there is nothing about what is novel.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    if held_out is None:
        known, new = prepared.rows("train"), prepared.rows("val")
    else:
        known, new = held_out.rows[held_out.fold != 0], held_out.rows[held_out.fold == 0]
    samples, identity = prepared.collection.samples, prepared.collection.identity
    known = known[stratified([samples[row].label for row in known], _MOST_KNOWN)]
    new = _some(new, np.random.default_rng(seed))
    rows = np.concatenate([known, new])
    features = predictor.embeddings(prepared.images.pixels, rows)
    taught = len(known) if held_out is None else len(rows)
    names = [identity(samples[row]) for row in rows[:taught]]
    hashes = write_neighbours(folder, features[:taught], names, [samples[row].label for row in rows[:taught]])
    statistics = image_statistics(prepared.images.pixels[row] for row in rows)
    novelty = Novelty.fit(features, statistics, np.arange(len(rows)) >= len(known))
    return hashes if novelty is None else {**hashes, NOVELTY: write_novelty(folder, novelty)}


def _some(rows: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    return rows if len(rows) <= _MOST_HELD_OUT else np.sort(random.choice(rows, _MOST_HELD_OUT, replace=False))
