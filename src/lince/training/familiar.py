"""What the training images are like, learned for the bundle, so that it can refuse images of another kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lince.inference.predictor import Predictor
from lince.trust import Novelty, image_statistics

if TYPE_CHECKING:
    from lince.training.fold_figures import OutOfFold
    from lince.training.prepared import Prepared

# More images than this on either side cost time and hardly move the limits.
_MOST = 600


def fit_novelty(predictor: Predictor, prepared: Prepared, held_out: OutOfFold | None, *, seed: int) -> Novelty | None:
    """Learn from images that the network was trained on, and set the limits on images that it was not.

    After a cross-validation the features come from the model of the first fold, which did not see the images held out
    in it.

    Returns
    -------
    Novelty | None
        None where there are too few images.
    """
    if held_out is None:
        known, new = prepared.rows("train"), prepared.rows("val")
    else:
        known, new = held_out.rows[held_out.fold != 0], held_out.rows[held_out.fold == 0]
    random = np.random.default_rng(seed)
    known, new = _some(known, random), _some(new, random)
    rows = np.concatenate([known, new])
    pixels = prepared.images.pixels
    _, features = predictor.logits_and_features(pixels, rows)
    statistics = image_statistics(pixels[row] for row in rows)
    return Novelty.fit(features, statistics, np.arange(len(rows)) >= len(known))


def _some(rows: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    return rows if len(rows) <= _MOST else np.sort(random.choice(rows, _MOST, replace=False))
