"""Prediction sets with class-conditional coverage: an answer that may be "benign or malignant, cannot tell".

Split conformal prediction within each class (Vovk 2012, "Conditional validity of inductive conformal predictors"):
of the images of a class, the stated share has that class in its set, whatever the network and however rare the class,
as long as new images come as the calibration images did.
"""

from __future__ import annotations

import math
from typing import Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field

COVERAGE = 0.90


@final
class PredictionSets(BaseModel):
    """The least calibrated probability at which each class belongs to the set.

    Attributes
    ----------
    coverage
        Share of the images of each class whose set holds it.
    least
        (C,) probabilities; zero where a class has too few images for a guarantee, so that it is always in the set.
    counts
        (C,) images that each was found from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    coverage: float = Field(gt=0, lt=1)
    least: tuple[float, ...]
    counts: tuple[int, ...]

    @classmethod
    def fit(cls, probabilities: ArrayLike, truth: ArrayLike, *, coverage: float = COVERAGE) -> Self:
        """Find the limits on images that the model was not trained on.

        Parameters
        ----------
        probabilities
            (N, C) calibrated.
        truth
            (N,) class positions.
        """
        table, rows = np.asarray(probabilities, dtype=np.float64), np.asarray(truth, dtype=np.int64)
        least, counts = [], []
        for index in range(table.shape[1]):
            own = np.sort(table[rows == index, index])
            # The k-th largest of n: the next image of the class exceeds it with a chance of k / (n + 1).
            k = math.ceil((own.size + 1) * coverage)
            least.append(float(own[own.size - k]) if k <= own.size else 0.0)
            counts.append(int(own.size))
        return cls(coverage=coverage, least=tuple(least), counts=tuple(counts))

    @property
    def needed(self) -> int:
        """Images of a class that the guarantee takes."""
        return math.ceil(self.coverage / (1.0 - self.coverage) - 1e-9)

    @property
    def without_guarantee(self) -> tuple[int, ...]:
        """Positions of the classes that have too few images, and are therefore in every set."""
        return tuple(index for index, count in enumerate(self.counts) if count < self.needed)

    def contains(self, probabilities: ArrayLike) -> NDArray[np.bool_]:
        """(N, C) probabilities to (N, C): whether each class belongs to the set of each image."""
        return np.asarray(np.asarray(probabilities, dtype=np.float64) >= np.array(self.least))
