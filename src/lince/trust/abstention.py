"""Abstention: which predictions a person should make instead.

The risk-coverage curve (El-Yaniv and Wiener, JMLR 2010): the error rate among the images that are kept, as those with
the least confidence are referred. The confidence is the calibrated probability of the decided class, whatever decided
it, so one minus it is the chance of an error: no other order leaves fewer errors (Chow, 1970).
"""

from __future__ import annotations

from typing import Self, final

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict, Field

from lince.core.errors import ConfigError

# The curve is kept up to this share; who refers more than half had better not use the model.
_STEPS = 51


@final
class Referral(BaseModel):
    """The risk-coverage curve of the images on which the operating point was chosen.

    Attributes
    ----------
    below
        For a share of 0, 1, ... 50 % the confidence under which that share of the images lies.
    error
        Error rate among the images that are left then.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    below: tuple[float, ...] = Field(min_length=_STEPS, max_length=_STEPS)
    error: tuple[float, ...] = Field(min_length=_STEPS, max_length=_STEPS)

    @classmethod
    def fit(cls, confidence: ArrayLike, wrong: ArrayLike) -> Self:
        """From the confidence (N,) in images not trained on, and whether each decision was wrong (N,)."""
        values, mistakes = np.asarray(confidence, dtype=np.float64), np.asarray(wrong, dtype=bool)
        order = np.argsort(values, kind="stable")
        ranked, mistakes = values[order], mistakes[order]
        referred = [min(round(share * len(ranked) / 100), len(ranked) - 1) for share in range(_STEPS)]
        # Midway between the last that is referred and the first that is kept.
        below = [0.0 if count == 0 else float(ranked[count - 1] + ranked[count]) / 2 for count in referred]
        return cls(below=tuple(below), error=tuple(float(mistakes[count:].mean()) for count in referred))

    def limit(self, share: float) -> float:
        """The confidence under which an image is referred, for a share of images between 0 and 0.5.

        Raises
        ------
        ConfigError
            The share is outside that range.
        """
        if not 0.0 <= share <= 0.5:
            raise ConfigError(
                "A share of images to refer lies between 0 and 50 %", received=f"{share:.0%}", fix="try --refer 10%"
            )
        return float(np.interp(100.0 * share, np.arange(_STEPS), self.below))
