"""Is this the kind of image that the model knows? A distance in feature space, and one in what the picture is like.

The first is the Mahalanobis distance of the network's features to those of the training images (Lee et al., NeurIPS
2018), on the leading principal components, with the part that these cannot express beside it. The second is the same
distance in a dozen statistics of the picture. Limits come from images that the model was not trained on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from lince.trust.statistics import STATISTICS

Floats = NDArray[np.float64]

# Share of the held-out images of the collection itself that would be refused.
_REFUSED = 0.02
# A limit found on a few dozen images is the largest of them, and the next may lie a little beyond: so much is added,
# as a share, divided by the root of how many there are.
_SLACK = 0.75
_MOST_COMPONENTS = 64
# Standard deviations from the training images at which a statistic of the picture counts as a reason.
_UNUSUAL = 3.0
UNKNOWN_CONTENT = "What it shows is unlike the training images."
# Below this many images on either side no limit can be set.
LEAST_IMAGES = 20


@final
@dataclass(frozen=True, slots=True)
class Novelty:
    """What training images are like, for telling other images apart.

    Attributes
    ----------
    centre, spread
        (D,) of the features.
    axes
        (D, K) principal directions of the standardised features, each divided by its deviation.
    usual
        (S,) mean of each statistic, and in ``deviation`` how much it varies.
    precision
        (S, S) inverse covariance of the standardised statistics.
    limits
        (3,) distances beyond which an image is unlike the training images: along the axes, off the axes, in statistics.
    """

    centre: Floats
    spread: Floats
    axes: Floats
    usual: Floats
    deviation: Floats
    precision: Floats
    limits: Floats

    @classmethod
    def fit(cls, features: NDArray[np.float32], statistics: Floats, held_out: NDArray[np.bool_]) -> Self | None:
        """Learn from training images, and set the limits on those held out.

        Parameters
        ----------
        features
            (N, D) of the network; D may be 0 where it has none.
        statistics
            (N, S), see `lince.trust.statistics`.
        held_out
            (N,) true for the images that the network was not trained on.

        Returns
        -------
        Novelty | None
            None with fewer than 20 images on either side.
        """
        from sklearn.covariance import LedoitWolf

        if min((~held_out).sum(), held_out.sum()) < LEAST_IMAGES:
            return None
        known, pictures = features[~held_out].astype(np.float64), statistics[~held_out]
        centre, spread = known.mean(axis=0), np.maximum(known.std(axis=0), 1e-6)
        usual, deviation = pictures.mean(axis=0), np.maximum(pictures.std(axis=0), 1.0)
        precision = LedoitWolf(assume_centered=True).fit((pictures - usual) / deviation).precision_
        axes = _principal((known - centre) / spread)
        draft = cls(centre, spread, axes, usual, deviation, precision, np.ones(3))
        return replace(draft, limits=draft._passing(features[held_out], statistics[held_out]))

    def admitting(self, features: NDArray[np.float32], statistics: Floats) -> Self:
        """The same with wider limits, so that images like these (N) pass as well."""
        return replace(self, limits=np.maximum(self.limits, self._passing(features, statistics)))

    def _passing(self, features: NDArray[np.float32], statistics: Floats) -> Floats:
        """(3,) limits that nearly all of these images keep; any of the three may refuse, so each has a part."""
        limits = np.quantile(self.distances(features, statistics), 1.0 - _REFUSED / 3, axis=0)
        return np.asarray(np.maximum((1.0 + _SLACK / len(features) ** 0.5) * limits, 1e-6))

    def distances(self, features: NDArray[np.float32], statistics: Floats) -> Floats:
        """(N, 3): along the axes, off the axes, and in statistics; each of the order of 1 for a training image."""
        standard = (features.astype(np.float64) - self.centre) / self.spread
        pictures = (statistics - self.usual) / self.deviation
        # Not a matrix product: the threads of NumPy's library would stand in the way of the network's.
        along = np.einsum("nd,dk->nk", standard, self.axes)
        # The axes are scaled; back to unit length for what they explain.
        lengths = np.linalg.norm(self.axes, axis=0)
        explained = ((along / np.maximum(lengths, 1e-12)) ** 2).sum(axis=1)
        width = max(standard.shape[1] - self.axes.shape[1], 1)
        off = np.sqrt(np.maximum((standard**2).sum(axis=1) - explained, 0.0) / width)
        picture = np.sqrt(np.einsum("ns,st,nt->n", pictures, self.precision, pictures) / len(self.usual))
        return np.stack([np.sqrt((along**2).mean(axis=1)) if along.shape[1] else np.zeros(len(off)), off, picture], 1)

    def scores(self, features: NDArray[np.float32], statistics: Floats) -> Floats:
        """(N,) largest distance as a multiple of its limit: above 1 the image is unlike the training images."""
        return np.asarray((self.distances(features, statistics) / self.limits).max(axis=1), dtype=np.float64)

    def reasons(self, statistics: Floats) -> tuple[str, ...]:
        """What is unusual in one picture (S,): at most two sentences, the strangest first."""
        off = (statistics - self.usual) / self.deviation
        order = np.argsort(-np.abs(off))
        return tuple(STATISTICS[i][int(off[i] > 0)] for i in order if abs(off[i]) >= _UNUSUAL)[:2] or (UNKNOWN_CONTENT,)

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """As the bundle keeps it."""
        return {field.name: np.ascontiguousarray(getattr(self, field.name), np.float32) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.float32]]) -> Self:
        """From what `arrays` gave.

        Raises
        ------
        KeyError
            One of them is missing.
        """
        return cls(**{field.name: arrays[field.name].astype(np.float64) for field in fields(cls)})


def _principal(standard: Floats) -> Floats:
    """(D, K) leading principal directions, each divided by the deviation along it."""
    count = min(_MOST_COMPONENTS, len(standard) // 8, standard.shape[1])
    if count == 0:
        return np.zeros((standard.shape[1], 0))
    _, values, directions = np.linalg.svd(standard, full_matrices=False)
    deviations = values[:count] / np.sqrt(len(standard))
    kept = deviations > 1e-6
    return np.asarray(directions[:count][kept].T / deviations[kept])
