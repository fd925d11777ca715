"""How the limits of a bundle worked: coverage, refusals, errors left after referral."""

from __future__ import annotations

import numpy as np
import pytest

from lince.core.types import LabelSpace
from lince.evaluation import reliance
from lince.evaluation.intervals import WILSON, WILSON_GROUPS, wilson

LABELS = LabelSpace(("benign", "malignant"), "malignant")
TRUTH = ["benign"] * 60 + ["malignant"] * 40


def measured(**more: object) -> object:
    sets = np.ones((100, 2), bool)
    sets[:50, 1] = False  # benign alone
    sets[60:64, 1] = False  # four malignant images outside their set
    sets[95:] = False  # five empty sets
    given = {
        "confidence": np.linspace(0.5, 1.0, 100),
        "wrong": np.arange(100) < 20,
        "sets": sets,
        "promised": 0.9,
        "refused": np.arange(100) >= 97,
        "limits": {0.1: 0.55, 0.2: 0.6, 0.5: 2.0},
    }
    return reliance(TRUTH, LABELS, **{**given, **more})  # type: ignore[arg-type]


def test_by_hand() -> None:
    found = measured()
    assert {name: one.value for name, one in found.coverage.items()} == {"benign": 1.0, "malignant": 31 / 40}
    assert found.one_class.value == pytest.approx(0.54)
    assert found.none.value == pytest.approx(0.05)
    assert found.refused.numerator == 3
    told = [value for one in found.kept for value in (one.asked, one.referred, one.error.value)]
    assert told == pytest.approx([0.0, 0.0, 0.2, 0.1, 0.1, 10 / 90, 0.2, 0.2, 0.0]), (
        "where everything would be referred, there is no error to tell"
    )


def test_the_limits_are_the_bundles_own_and_not_ranks_of_these_images() -> None:
    found = measured(confidence=np.linspace(0.0, 0.5, 100), limits={0.1: 0.25})
    (_, kept) = found.kept
    assert (kept.asked, kept.referred) == pytest.approx((0.1, 0.5))
    assert kept.error.denominator == 50


def test_the_intervals_are_those_of_wilson() -> None:
    found = measured()
    assert (found.refused.low, found.refused.high) == wilson(0.03, 100, 0.95)
    assert found.refused.method == WILSON


def test_patients_are_the_unit_of_the_intervals() -> None:
    found = measured(groups=[f"p{number // 5}" for number in range(100)])
    assert (found.refused.low, found.refused.high) == wilson(0.03, 20, 0.95)
    assert found.refused.method == WILSON_GROUPS
    assert found.coverage["malignant"].value == 31 / 40
    assert (found.coverage["malignant"].low, found.coverage["malignant"].high) == wilson(31 / 40, 8, 0.95)


def test_a_bundle_without_sets_or_memory_of_its_images() -> None:
    found = measured(sets=None, promised=None, refused=None, limits=None)
    assert (found.coverage, found.one_class, found.none, found.refused) == ({}, None, None, None)
    assert [one.asked for one in found.kept] == [0.0]


def test_a_class_without_images_has_no_coverage() -> None:
    found = reliance(
        ["benign"] * 3, LABELS, confidence=np.array([0.6, 0.7, 0.8]), wrong=np.zeros(3, bool),
        sets=np.ones((3, 2), bool), promised=0.9, refused=None,
    )  # fmt: skip
    assert list(found.coverage) == ["benign"]
