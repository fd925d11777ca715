"""The learning rate of every step, as a function of what happened before: nothing that a resumed run could lose."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lince.training.plan import Phase

_PLATEAU_FACTOR = 0.3
_LOWEST = 0.01


def rate_factor(phase: Phase, scores: Sequence[float], progress: float) -> float:
    """Share of the phase's peak rate.

    Parameters
    ----------
    phase
        Its schedule, warm-up and number of epochs.
    scores
        Validation score of every epoch so far; larger is better.
    progress
        Epochs gone by, with the fraction of the current one.

    Returns
    -------
    float
        In (0, 1]: rising in a line through the warm-up; then a half cosine down to a hundredth at the last epoch
        (Loshchilov & Hutter, "SGDR", ICLR 2017), or 1, cut to three tenths at each plateau of the score.
    """
    if progress < phase.warmup:
        return max(progress / phase.warmup, _LOWEST)
    if phase.schedule == "cosine":
        through = (progress - phase.warmup) / max(phase.epochs - phase.warmup, 1)
        return max(0.5 * (1 + math.cos(math.pi * min(through, 1.0))), _LOWEST)
    return _after_plateaus(scores, patience=max(1, phase.patience // 3))


def _after_plateaus(scores: Sequence[float], *, patience: int) -> float:
    """What torch's scheduler makes of a rate of 1 when it goes through these scores."""
    import torch

    rate = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        rate, mode="max", factor=_PLATEAU_FACTOR, patience=patience, min_lr=_LOWEST
    )
    for score in scores:
        scheduler.step(score)
    return float(rate.param_groups[0]["lr"])
