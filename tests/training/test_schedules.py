"""The rate follows from the plan and the history."""

from __future__ import annotations

from typing import Any

import pytest

from lince.training.plan import Phase
from lince.training.schedules import rate_factor


def phase(**choices: Any) -> Phase:
    usual = {"epochs": 10, "learning_rate": 1, "weight_decay": 0, "patience": 6, "batch_size": 8}
    return Phase(name="p", boundary=0, views=1, **{**usual, **choices})


def test_it_rises_in_a_line_through_the_warm_up() -> None:
    made = phase(warmup=2)
    assert [rate_factor(made, [], progress) for progress in (0.5, 1.0, 1.5, 2.0)] == [0.25, 0.5, 0.75, 1.0]
    assert rate_factor(made, [], 0.0) > 0


def test_a_cosine_falls_to_a_hundredth() -> None:
    made = phase(schedule="cosine", warmup=2)
    assert rate_factor(made, [], 2) == pytest.approx(1)
    assert rate_factor(made, [], 6) == pytest.approx(0.5)
    assert rate_factor(made, [], 10) == rate_factor(made, [], 12) == 0.01
    falling = [rate_factor(made, [], 2 + step / 4) for step in range(32)]
    assert falling == sorted(falling, reverse=True)


def test_plateaus_cut_it_to_three_tenths() -> None:
    made = phase(patience=6)  # a third of it may pass without a gain
    rising = [0.1 * step for step in range(6)]
    assert rate_factor(made, rising, 6) == 1
    assert rate_factor(made, [0.9] * 3, 3) == 1
    assert rate_factor(made, [0.9] * 4, 4) == pytest.approx(0.3)
    assert rate_factor(made, [0.9] * 7, 7) == pytest.approx(0.09)
    assert rate_factor(made, [0.9] * 60, 60) == pytest.approx(0.01)
