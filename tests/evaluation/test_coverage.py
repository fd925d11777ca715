"""Intervals hold the truth about as often as they say, in 60 made-up studies; `bench coverage` takes 1,000."""

from __future__ import annotations

import numpy as np
import pytest
from bench.coverage import STUDIES, measured, probability, truths


@pytest.mark.parametrize("study", ["400 images", "400 images of 200 patients"])
def test_intervals_hold_the_truth_about_as_often_as_they_say(study: str) -> None:
    target = truths()
    found = [measured(*STUDIES[study], seed) for seed in range(60)]
    for name, value in target.items():
        held = np.mean([getattr(one, name).low <= value <= getattr(one, name).high for one in found])
        # Of 60 at 95 %, fewer than 52 are held once in 140.
        assert held >= 51 / 60, name
        width = np.mean([getattr(one, name).high - getattr(one, name).low for one in found])
        spread = np.std([getattr(one, name).value for one in found])
        # An interval that holds everything because it is far too wide would not do either.
        assert 2.8 * spread < width < 5.6 * spread, name


def test_the_truth_is_that_of_a_large_sample() -> None:
    target = truths()
    found = measured(40_000, 1, 0)
    for name, value in target.items():
        estimate = getattr(found, name)
        assert estimate.value == pytest.approx(value, rel=0.05, abs=0.05), name
    assert probability(np.array([-9.0, 9.0])) == pytest.approx([0, 1], abs=1e-3)
