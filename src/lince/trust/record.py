"""Everything that decides how far a prediction is trusted, fixed on validation images and kept in the bundle."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Self, final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from lince.core.types import LabelSpace, decide
from lince.trust.abstention import Referral
from lince.trust.calibration import Calibration
from lince.trust.conformal import COVERAGE, PredictionSets

# Under this calibrated probability of the decided class, a prediction carries the flag `low_confidence`.
LOW_CONFIDENCE = 0.70


@final
class Trust(BaseModel):
    """The limits of a bundle.

    Attributes
    ----------
    calibration
        From logits to probabilities.
    low_confidence
        Probability of the decided class under which a person should look with particular care.
    sets
        Which classes cannot be excluded; None where no class has enough images for a guarantee.
    referral
        Which predictions to refer to a person; None without images to learn it from.
    fixed
        When they were found, ISO 8601, UTC.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    calibration: Calibration
    low_confidence: float = Field(LOW_CONFIDENCE, ge=0, le=1)
    sets: PredictionSets | None = None
    referral: Referral | None = None
    fixed: str | None = None

    @classmethod
    def fit(
        cls,
        calibration: Calibration,
        probabilities: NDArray[np.float64],
        truth: NDArray[np.int64],
        labels: LabelSpace,
        threshold: float | None,
        *,
        coverage: float = COVERAGE,
        low_confidence: float = LOW_CONFIDENCE,
    ) -> Self:
        """Find the limits on images that the model was not trained on.

        Parameters
        ----------
        calibration
            That made the probabilities.
        probabilities, truth
            (N, C) and (N,) class positions.
        threshold
            The operating point.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        draft = cls(calibration=calibration, low_confidence=low_confidence, fixed=now)
        if not len(truth):
            return draft
        sets = PredictionSets.fit(probabilities, truth, coverage=coverage)
        chosen = np.array([decide(row, labels, threshold)[0] for row in probabilities.tolist()])
        referral = Referral.fit(probabilities[np.arange(len(chosen)), chosen], chosen != truth)
        enough = len(sets.without_guarantee) < len(labels)
        return draft.model_copy(update={"sets": sets if enough else None, "referral": referral})

    def set_of(self, row: Sequence[float], labels: LabelSpace) -> tuple[str, ...] | None:
        """Names of the classes that cannot be excluded for one row of probabilities (C,), most likely first."""
        if self.sets is None:
            return None
        inside = self.sets.contains(row)
        order = sorted(range(len(row)), key=lambda index: -row[index])
        return tuple(labels.names[index] for index in order if inside[index])

    def undecided(self, possible: Sequence[str] | None, label: str, labels: LabelSpace) -> bool:
        """Whether the set leaves open what the decision says.

        Classes that are in every set, for want of images, say nothing of this one: unless one of them was decided, the
        decided class has to be the only other one.
        """
        if self.sets is None or possible is None:
            return False
        always = {labels.names[index] for index in self.sets.without_guarantee}
        return [name for name in possible if name not in always] != [label]
