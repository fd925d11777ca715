"""Limits fitted on held-out images, and what is said of them."""

from __future__ import annotations

import numpy as np
import pytest

from lince.core.events import Event, EventBus, Noticed
from lince.core.types import LabelSpace
from lince.inference.limits import Limits, fit_limits

LABELS = LabelSpace(("benign", "malignant"), "malignant")


def fitted(strength: float, *, count: int = 400, rare: int | None = None) -> tuple[Limits, list[str]]:
    """Limits of a model that knows the truth this well; ``rare`` keeps so many malignant images."""
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 2, count)
    margin = strength * (2 * truth - 1) + rng.normal(size=count)
    if rare is not None:
        kept = np.concatenate([np.flatnonzero(truth == 0), np.flatnonzero(truth == 1)[:rare]])
        truth, margin = truth[kept], margin[kept]
    bus, heard = EventBus(), []

    def hear(event: Event) -> None:
        if isinstance(event, Noticed):
            heard.append(event.message)

    bus.subscribe(hear)
    logits = np.stack([-margin, margin], axis=1)
    return fit_limits(logits, truth, LABELS, groups=None, aim="youden", seed=0, bus=bus), heard


def test_a_good_model_has_nothing_to_say() -> None:
    limits, heard = fitted(1.5)
    assert heard == []
    assert limits.threshold is not None
    assert limits.trust.referral is not None
    assert limits.trust.referral.error[20] < 0.5 * limits.trust.referral.error[0]


@pytest.mark.parametrize(
    ("strength", "rare", "words"), [(0.0, None, "would hardly help"), (1.5, 5, "of malignant, always")]
)
def test_what_the_limits_cannot_promise_is_said(strength: float, rare: int | None, words: str) -> None:
    _, heard = fitted(strength, rare=rare)
    assert any(words in one for one in heard)
