"""Calibration against known answers."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from lince.trust import LOW_CONFIDENCE, Calibration, fit_calibration, fit_temperature, softmax
from lince.trust import calibration as calibration_module


def drawn(scale: float, *, count: int = 20_000, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Logits ``scale`` times those from which the labels were drawn."""
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 2, (count, classes))
    gumbel = rng.gumbel(size=logits.shape)  # argmax of logits + Gumbel noise is a draw from their softmax
    return logits * scale, (logits + gumbel).argmax(1)


def calibrated(logits: object, temperature: float) -> np.ndarray:
    return Calibration.of_temperature(temperature, np.shape(logits)[1]).apply(logits)


def loss(logits: np.ndarray, truth: np.ndarray, temperature: float) -> float:
    return log_loss(calibrated(logits, temperature), truth)


def log_loss(table: np.ndarray, truth: np.ndarray) -> float:
    return float(-np.log(table[np.arange(len(truth)), truth]).mean())


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


def test_one_temperature_is_used_where_it_helps() -> None:
    logits, truth = drawn(3.0, count=600)
    found = fit_calibration(logits, truth)
    assert found.kind == "temperature"
    assert found.temperature == pytest.approx(3.0, rel=0.2)


def test_probabilities_that_are_right_are_left_alone() -> None:
    logits, truth = drawn(1.0, count=400)
    assert fit_calibration(logits, truth).kind == "none"


def test_a_scale_and_a_shift_for_each_class() -> None:
    logits, truth = drawn(1.0, count=3000)
    scale, shift = np.array([0.5, 1.0, 2.0]), np.array([1.5, 0.0, -1.5])
    bent = (logits - shift) / scale
    found = fit_calibration(bent, truth)
    assert found.kind == "vector"
    assert found.temperature is None
    assert log_loss(found.apply(bent), truth) < loss(bent, truth, fit_temperature(bent, truth)) - 0.05
    assert log_loss(found.apply(bent), truth) == pytest.approx(log_loss(softmax(logits), truth), abs=0.01)
    np.testing.assert_allclose(np.array(found.scale) / scale, 1.0, atol=0.15)


def test_two_classes_and_rare_classes_get_no_scale_of_their_own() -> None:
    logits, truth = drawn(2.5, count=2000)
    rare = np.concatenate([np.flatnonzero(truth != 2), np.flatnonzero(truth == 2)[:20]])
    assert fit_calibration(logits[rare] * [1.0, 1.0, 3.0], truth[rare]).kind != "vector"
    assert fit_calibration(*drawn(2.5, classes=2, count=500)).kind == "temperature"


@pytest.mark.parametrize("truth", [[0, 1] * 4, [0] * 40, [0] * 40 + [1], []])
def test_too_few_images_to_judge_by(truth: list[int]) -> None:
    logits = np.random.default_rng(0).normal(0, 9, (len(truth), 2))
    assert fit_calibration(logits, truth) == Calibration.none(2)


def test_a_group_is_never_fitted_and_judged_on() -> None:
    """Copies of ten images cannot make a calibration look tried on three hundred."""
    logits, truth = drawn(1.0, count=10, classes=2)
    truth = np.array([0, 1] * 5)
    copies = np.tile(logits * 20, (30, 1)), np.tile(truth, 30)
    groups = [f"p{i}" for i in range(10)] * 30
    fewer = fit_calibration(*copies, groups)
    assert fewer == fit_calibration(*copies, groups)
    splits = []
    original = calibration_module.fit_temperature

    def watch(scores: np.ndarray, rows: np.ndarray) -> float:
        splits.append(len(np.unique(scores, axis=0)))
        return original(scores, rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibration_module, "fit_temperature", watch)
        fit_calibration(*copies, groups)
    assert max(splits[:5]) < 10, "each fold leaves out whole images"


@pytest.mark.parametrize(("scale", "shift"), [((1.0,), (0.0,)), ((1.0, np.nan), (0.0, 0.0)), ((1.0, 1.0), (0.0,))])
def test_a_calibration_that_is_none(scale: tuple[float, ...], shift: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError):
        Calibration(scale=scale, shift=shift)
