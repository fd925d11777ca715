"""Refusing images of another kind."""

from __future__ import annotations

import numpy as np
import pytest

from lince.trust import Novelty, image_statistics
from lince.trust.novelty import UNKNOWN_CONTENT
from lince.trust.statistics import STATISTICS

RANDOM = np.random.default_rng(0)
MIXING = RANDOM.normal(size=(12, 80))


def features(count: int, seed: int) -> np.ndarray:
    """Features of 80 columns that vary in 12 directions, and a little in all."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(count, 12)) @ MIXING + 0.1 * rng.normal(size=(count, 80))).astype(np.float32)


def pictures(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(50.0, 5.0, (count, len(STATISTICS)))


@pytest.fixture(scope="module")
def known() -> Novelty:
    held_out = np.arange(700) >= 500
    found = Novelty.fit(features(700, 1), pictures(700, 2), held_out)
    assert found is not None
    return found


def test_its_own_images_pass(known: Novelty) -> None:
    assert (known.scores(features(2000, 3), pictures(2000, 4)) > 1.0).mean() < 0.05


@pytest.mark.parametrize("kind", ["far along a direction", "off all directions"])
def test_other_features_are_refused(known: Novelty, kind: str) -> None:
    if kind == "off all directions":
        strange = features(100, 5) + RANDOM.normal(0, 3, (100, 80)).astype(np.float32)
    else:
        strange = features(100, 5) * 6
    assert (known.scores(strange, pictures(100, 6)) > 1.0).mean() > 0.95


def test_other_pictures_are_refused_and_the_reason_is_told(known: Novelty) -> None:
    bright = pictures(50, 7)
    bright[:, 0] += 60
    bright[:, 3] -= 40
    assert (known.scores(features(50, 8), bright) > 1.0).all()
    assert known.reasons(bright[0]) == (STATISTICS[0][1], STATISTICS[3][0])
    assert known.reasons(np.full(len(STATISTICS), 50.0)) == (UNKNOWN_CONTENT,)


def test_it_travels_through_arrays_unchanged(known: Novelty) -> None:
    again = Novelty.from_arrays(known.arrays())
    new = features(40, 9), pictures(40, 10)
    np.testing.assert_allclose(again.scores(*new), known.scores(*new), rtol=1e-4)
    with pytest.raises(KeyError):
        Novelty.from_arrays({"centre": known.centre.astype(np.float32)})


@pytest.mark.parametrize(("training", "held_out"), [(19, 200), (200, 19), (0, 0)])
def test_too_few_images_to_set_a_limit(training: int, held_out: int) -> None:
    total = training + held_out
    assert Novelty.fit(features(total, 1), pictures(total, 2), np.arange(total) >= training) is None


def test_columns_and_pictures_that_never_vary() -> None:
    flat = np.zeros((60, 5), np.float32)
    found = Novelty.fit(flat, np.full((60, len(STATISTICS)), 7.0), np.arange(60) >= 30)
    assert found is not None
    assert (found.scores(flat, np.full((60, len(STATISTICS)), 7.0)) <= 1.0).all()
    assert (found.scores(flat + 1, np.full((60, len(STATISTICS)), 7.0)) > 1.0).all()


def picture(kind: str, *, size: int = 200, channels: int = 1) -> np.ndarray:
    rng = np.random.default_rng(1)
    ramp = np.repeat(np.linspace(20, 200, size)[:, None], size, axis=1)
    made = {
        "ramp": ramp,
        "dark": ramp / 4,
        "noisy": ramp + rng.normal(0, 40, ramp.shape),
        "black": np.zeros_like(ramp),
    }[kind]
    return np.repeat(np.clip(made, 0, 255).astype(np.uint8)[..., None], channels, axis=2)


@pytest.mark.parametrize(
    ("kind", "statistic", "higher"), [("dark", 0, False), ("noisy", 7, True), ("noisy", 8, True), ("black", 2, True)]
)
@pytest.mark.parametrize("channels", [1, 3])
def test_statistics_say_what_the_eye_sees(kind: str, statistic: int, higher: bool, channels: int) -> None:
    plain, other = image_statistics([picture("ramp", channels=channels), picture(kind, channels=channels)])
    assert (other[statistic] > plain[statistic] + 5) if higher else (other[statistic] < plain[statistic] - 5)


def test_colour_is_seen() -> None:
    red = picture("ramp", channels=3)
    red[..., 1:] //= 3
    grey, coloured = image_statistics([picture("ramp", channels=3), red])
    assert grey[-1] == 0.0
    assert coloured[-1] > 50


@pytest.mark.parametrize("size", [16, 28, 113, 500])
def test_any_size_gives_finite_numbers(size: int) -> None:
    found = image_statistics(picture(kind, size=size) for kind in ("ramp", "noisy", "black"))
    assert found.shape == (3, len(STATISTICS))
    assert np.isfinite(found).all()
    assert image_statistics([]).shape == (0, len(STATISTICS))
