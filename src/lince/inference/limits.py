"""What is decided on images that a model was not trained on: calibration, operating point, limits of trust."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import final

import numpy as np
from numpy.typing import NDArray

from lince.core.errors import SourceError
from lince.core.events import EventBus, Noticed
from lince.core.types import LabelSpace
from lince.core.wording import listed
from lince.data import Collection
from lince.evaluation import OperatingPoint, operating_point, parse_aim
from lince.inference.records import OperatingPointRecord
from lince.trust import COVERAGE, LOW_CONFIDENCE, Trust, fit_calibration

# Share of the errors that may be left when a fifth of the images is referred, for it to be worth the trouble.
_HARDLY = 0.9


@final
@dataclass(frozen=True)
class Limits:
    """Everything that stands between logits and a `Prediction`; no operating point without a positive class."""

    trust: Trust
    point: OperatingPoint | None

    @property
    def threshold(self) -> float | None:
        """The operating point as a probability."""
        return None if self.point is None else self.point.threshold

    def record(self, aim: str, chosen_on: str, weights: str) -> OperatingPointRecord | None:
        """The operating point as the bundle keeps it, fixed now for the weights of that hash."""
        if self.point is None:
            return None
        return OperatingPointRecord(
            threshold=self.point.threshold,
            aim=aim,
            chosen_on=chosen_on,
            sensitivity=self.point.sensitivity,
            specificity=self.point.specificity,
            fixed=datetime.now(UTC).isoformat(timespec="seconds"),
            weights=weights,
        )


def check_classes(collection: Collection, labels: LabelSpace) -> None:
    """Refuse labelled images that a bundle has no class for.

    Raises
    ------
    SourceError
        Names the classes.
    """
    unknown = sorted({sample.label for sample in collection.samples} - set(labels.names))
    if unknown:
        raise SourceError(
            "The source has classes that this bundle does not know",
            received=", ".join(unknown),
            fix=f"rename or remove them; the bundle knows: {', '.join(labels.names)}",
        )


def fit_limits(
    logits: NDArray[np.floating],
    truth: NDArray[np.int64],
    labels: LabelSpace,
    *,
    groups: Sequence[str | None] | None,
    aim: str,
    seed: int,
    bus: EventBus,
    coverage: float = COVERAGE,
    low_confidence: float = LOW_CONFIDENCE,
) -> Limits:
    """Fit the limits, and say what they cannot promise.

    Parameters
    ----------
    logits, truth
        (N, C) and (N,) class positions, of images that the model was not trained on.
    groups
        (N,) patient, case or slide.
    aim
        See `parse_aim`.
    coverage, low_confidence
        See `Trust`.

    Raises
    ------
    ConfigError
        There is no such aim.
    EvaluationError
        There are no positive or no negative images.
    """
    calibration = fit_calibration(logits, truth, groups, seed=seed)
    table = calibration.apply(logits)
    point = None
    if labels.positive_index is not None:
        column = labels.positive_index
        point = operating_point(truth == column, table[:, column], aim=parse_aim(aim))
        if not point.met:
            bus.publish(Noticed(f"No threshold reaches the aim {aim} on the images that it is chosen on", "warning"))
    threshold = point.threshold if point else None
    trust = Trust.fit(calibration, table, truth, labels, threshold, coverage=coverage, low_confidence=low_confidence)
    _tell(trust, labels, bus)
    return Limits(trust, point)


def _tell(trust: Trust, labels: LabelSpace, bus: EventBus) -> None:
    """Say for which classes the prediction sets promise nothing."""
    if trust.sets is None:
        bus.publish(Noticed("Prediction sets: no class has enough images for them, so none are given"))
    elif trust.sets.without_guarantee:
        missing = [labels.names[index] for index in trust.sets.without_guarantee]
        few = listed(missing, most=len(missing))
        bus.publish(
            Noticed(f"Prediction sets: under {trust.sets.needed} held-out images of {few}, always part of the set")
        )
    if trust.referral is not None and trust.referral.error[20] > _HARDLY * trust.referral.error[0]:
        bus.publish(
            Noticed(
                f"Referring the least certain decisions would hardly help: of the held-out images "
                f"{trust.referral.error[0]:.0%} are decided wrongly, and {trust.referral.error[20]:.0%} of the others "
                "when 20 % are referred"
            )
        )
