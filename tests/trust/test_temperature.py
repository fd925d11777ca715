"""Temperature scaling against known answers."""

from __future__ import annotations

import numpy as np
import pytest

from lince.trust import LOW_CONFIDENCE, calibrated, fit_temperature


def drawn(scale: float, *, count: int = 20_000, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Logits ``scale`` times those from which the labels were drawn."""
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 2, (count, classes))
    gumbel = rng.gumbel(size=logits.shape)  # argmax of logits + Gumbel noise is a draw from their softmax
    return logits * scale, (logits + gumbel).argmax(1)


def loss(logits: np.ndarray, truth: np.ndarray, temperature: float) -> float:
    return float(-np.log(calibrated(logits, temperature)[np.arange(len(truth)), truth]).mean())


@pytest.mark.parametrize("scale", [0.7, 1.0, 2.5, 6.0])
def test_a_known_temperature_is_found_again(scale: float) -> None:
    assert fit_temperature(*drawn(scale)) == pytest.approx(scale, rel=0.04)


def test_the_fitted_temperature_lowers_the_loss() -> None:
    logits, truth = drawn(3.0, count=500)
    found = fit_temperature(logits, truth)
    assert loss(logits, truth, found) < loss(logits, truth, 1.0) - 0.1
    assert all(loss(logits, truth, found) <= loss(logits, truth, found * factor) for factor in (0.9, 1.1))


def test_two_classes_and_lists_are_welcome() -> None:
    logits, truth = drawn(2.0, classes=2)
    assert fit_temperature(logits.tolist(), truth.tolist()) == pytest.approx(2.0, rel=0.06)


def test_perfect_separation_does_not_make_it_certain() -> None:
    truth = np.array([0, 1] * 10)
    assert fit_temperature(np.eye(2)[truth] * 8, truth) == pytest.approx(0.5, rel=1e-2)


def test_hopeless_scores_are_flattened_within_bounds() -> None:
    truth = np.array([0, 1] * 10)
    assert fit_temperature(np.eye(2)[1 - truth] * 80, truth) == pytest.approx(10.0, rel=1e-2)


def test_nothing_to_fit_on() -> None:
    assert fit_temperature(np.zeros((0, 2)), []) == 1.0


def test_probabilities_of_a_known_case() -> None:
    values = calibrated([[np.log(3.0), 0.0]], 1.0)
    np.testing.assert_allclose(values, [[0.75, 0.25]])
    np.testing.assert_allclose(calibrated([[2 * np.log(3.0), 0.0]], 2.0), [[0.75, 0.25]])


def test_extreme_logits_stay_numbers() -> None:
    values = calibrated(np.array([[1e4, -1e4], [-1e4, 1e4]], dtype=np.float32), 0.5)
    assert np.isfinite(values).all()
    np.testing.assert_allclose(values.sum(1), 1.0)


def test_the_decision_does_not_depend_on_the_temperature() -> None:
    logits, _ = drawn(1.0, count=200)
    assert (calibrated(logits, 0.5).argmax(1) == calibrated(logits, 9.0).argmax(1)).all()


def test_the_warning_is_under_seventy_per_cent() -> None:
    assert LOW_CONFIDENCE == 0.70
