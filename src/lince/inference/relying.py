"""How a bundle's limits work on labelled images, and how far these differ from the images that it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lince.core.types import LabelSpace
from lince.evaluation import decisions, reliance
from lince.evaluation.contrasts import Shift
from lince.evaluation.relying import SHARES, Reliance
from lince.trust import Novelty, Trust, image_statistics
from lince.trust.statistics import NAMES

# Deviations of the training images between which 95 % of them lie.
_USUAL = 1.96


@dataclass(frozen=True, slots=True)
class Strangeness:
    """For each image (N,) the distance from the training images over the limit, and its statistics (N, S)."""

    scores: NDArray[np.float64]
    statistics: NDArray[np.float64]
    novelty: Novelty

    def shift(self) -> tuple[Shift, ...]:
        """Each statistic of these images beside that of the training images."""
        off = np.abs(self.statistics - self.novelty.usual) / self.novelty.deviation
        return tuple(
            Shift(
                what=name,
                here=float(self.statistics[:, index].mean()),
                training=float(self.novelty.usual[index]),
                unusual=float((off[:, index] > _USUAL).mean()),
            )
            for index, name in enumerate(NAMES)
        )


def strangeness(
    novelty: Novelty | None, pixels: NDArray[np.uint8], rows: NDArray[np.int64], features: NDArray[np.float32]
) -> Strangeness | None:
    """How strange some of the prepared images are; None where the bundle does not know its training images.

    Parameters
    ----------
    pixels, rows
        All images (M, S, S, C), and which of them (N,).
    features
        (N, D) that the network made of them.
    """
    if novelty is None or not len(rows):
        return None
    statistics = image_statistics(pixels[row] for row in rows)
    return Strangeness(novelty.scores(features, statistics), statistics, novelty)


def relied(
    trust: Trust,
    labels: LabelSpace,
    threshold: float | None,
    truth: Sequence[str],
    probabilities: NDArray[np.float64],
    strange: Strangeness | None = None,
    groups: Sequence[str | None] | None = None,
) -> Reliance:
    """Coverage of the prediction sets, errors left after referral, and images refused."""
    sets = trust.sets
    chosen = decisions(probabilities, labels, threshold)
    true = np.array([labels.index(name) for name in truth])
    return reliance(
        truth,
        labels,
        confidence=probabilities[np.arange(len(chosen)), chosen],
        wrong=chosen != true,
        sets=None if sets is None else sets.contains(probabilities),
        promised=None if sets is None else sets.coverage,
        refused=None if strange is None else strange.scores > 1.0,
        limits=None if trust.referral is None else {share: trust.referral.limit(share) for share in SHARES},
        groups=groups,
    )
