"""Two bundles on the same images, against tests written independently."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest, norm

from lince.core.errors import ConfigError
from lince.core.types import LabelSpace
from lince.evaluation import auc, check_comparable, compare, in_order, lacking
from lince.evaluation.contrast_wording import comparison_words
from lince.evaluation.contrasts import Comparison, Paired
from lince.evaluation.ranking import delong, delong_paired
from lince.evaluation.wording import Wording

LABELS = LabelSpace(("benign", "malignant"), "malignant")
Floats = NDArray[np.float64]


def scores(n: int = 120, skill: float = 1.0, seed: int = 0) -> tuple[NDArray[np.bool_], Floats, Floats]:
    """Truth and the correlated scores of two readers, the second better by ``skill``."""
    rng = np.random.default_rng(seed)
    ill = np.arange(n) % 3 == 0
    shared = rng.normal(size=n) + ill
    first, second = (1 / (1 + np.exp(-(shared + rng.normal(size=n) + gain * ill))) for gain in (0, skill))
    return ill, np.round(first, 2), np.round(second, 2)


def table(score: Floats) -> Floats:
    return np.stack([1 - score, score], axis=1)


def compared(ill: NDArray[np.bool_], first: Floats, second: Floats, **more: object) -> Comparison:
    truth = ["malignant" if one else "benign" for one in ill]
    given = {"names": ("A", "B"), "thresholds": (0.5, 0.5), **more}
    return compare(truth, table(first), table(second), LABELS, **given)  # type: ignore[arg-type]


def named(found: Comparison, name: str) -> Paired:
    return next(figure for figure in found.figures if figure.name == name)


def delong_by_pairs(ill: NDArray[np.bool_], first: Floats, second: Floats) -> tuple[float, float]:
    """Difference and variance from the matrix of all pairs, as DeLong et al. (1988) write it."""
    placements = []
    for score in (first, second):
        over = score[ill][:, None] - score[~ill][None, :]
        kernel = (over > 0) + 0.5 * (over == 0)
        placements.append((kernel.mean(axis=1), kernel.mean(axis=0)))
    of_ill = np.cov(np.stack([placements[0][0], placements[1][0]]))
    of_well = np.cov(np.stack([placements[0][1], placements[1][1]]))
    covariance = of_ill / ill.sum() + of_well / (~ill).sum()
    contrast = np.array([-1.0, 1.0])
    return placements[1][0].mean() - placements[0][0].mean(), float(contrast @ covariance @ contrast)


@pytest.mark.parametrize("seed", range(4))
def test_paired_delong_is_that_of_all_pairs(seed: int) -> None:
    ill, first, second = scores(seed=seed)
    found = delong_paired(ill, first, second)
    difference, variance = delong_by_pairs(ill, first, second)
    assert found.difference == pytest.approx(difference)
    assert found.variance == pytest.approx(variance)
    assert found.variance < delong(ill, first).variance + delong(ill, second).variance
    test = named(compared(ill, first, second), "auc").difference
    assert test.p == pytest.approx(2 * norm.sf(abs(difference) / variance**0.5))
    assert test.high - test.value == pytest.approx(norm.ppf(0.975) * variance**0.5)
    assert test.value == pytest.approx(auc(ill, second) - auc(ill, first))


def test_proportions_by_mcnemar() -> None:
    ill, first, second = scores()
    found = compared(ill, first, second, thresholds=(0.6, 0.5))
    right = [(first >= 0.6) == ill, (second >= 0.5) == ill]
    for name, among in (("sensitivity", ill), ("specificity", ~ill), ("accuracy", ill | ~ill)):
        figure = named(found, name)
        gained, lost = int((~right[0] & right[1] & among).sum()), int((right[0] & ~right[1] & among).sum())
        assert (figure.gained, figure.lost) == (gained, lost)
        assert figure.difference.value == pytest.approx((gained - lost) / among.sum())
        assert figure.difference.p == pytest.approx(binomtest(gained, gained + lost).pvalue)
        assert figure.difference.low < figure.difference.value < figure.difference.high


def test_reclassification_is_the_sum_of_both_rates() -> None:
    ill, first, second = scores()
    found = compared(ill, first, second)
    moved = found.reclassification
    assert moved is not None
    assert moved.events.n + moved.non_events.n == found.n
    assert moved.events.up == int((ill & (first < 0.5) & (second >= 0.5)).sum())
    assert moved.non_events.down == int((~ill & (first >= 0.5) & (second < 0.5)).sum())
    assert moved.events.net.value == pytest.approx((moved.events.up - moved.events.down) / moved.events.n)
    assert moved.non_events.net.value == pytest.approx((moved.non_events.down - moved.non_events.up) / (~ill).sum())
    assert moved.total.value == pytest.approx(moved.events.net.value + moved.non_events.net.value)
    # Independent parts: the halves of the intervals add up like standard errors.
    low = np.hypot(moved.events.net.value - moved.events.net.low, moved.non_events.net.value - moved.non_events.net.low)
    assert moved.total.low == pytest.approx(moved.total.value - low)


def test_groups_are_the_unit() -> None:
    ill, first, second = scores(60, skill=2.0)
    alone = compared(ill, first, second)
    # Every image four times under one patient: no more is known than of one image each.
    ill, first, second = (np.repeat(values, 4) for values in (ill, first, second))
    groups = [f"p{i // 4}" for i in range(240)]
    naive, grouped = compared(ill, first, second), compared(ill, first, second, groups=groups)
    assert grouped.n_groups == 60
    for name in ("auc", "sensitivity", "accuracy"):
        one, many, right = (named(found, name).difference for found in (alone, naive, grouped))
        assert right.high - right.low == pytest.approx(one.high - one.low, rel=0.35)
        assert right.high - right.low > 1.4 * (many.high - many.low)
        assert right.p > many.p
    # With one sign for each patient the test is McNemar's on the patients.
    assert named(grouped, "sensitivity").difference.p == pytest.approx(
        named(alone, "sensitivity").difference.p, abs=0.02
    )


def test_one_patient_on_whom_they_differ_proves_nothing() -> None:
    ill = np.array([True, False, True, False, True, False])
    first = np.array([0.9, 0.1, 0.2, 0.2, 0.1, 0.3])
    second = np.array([0.9, 0.1, 0.8, 0.2, 0.7, 0.3])
    for groups in (["p"] * 6, ["p", "q", "r", "q", "r", "q"]):
        assert named(compared(ill, first, second, groups=groups), "accuracy").difference.p == 1


def test_the_same_bundle_twice() -> None:
    ill, first, _ = scores()
    for groups in (None, [f"p{i // 2}" for i in range(120)]):
        found = compared(ill, first, first, groups=groups)
        for figure in found.figures:
            assert figure.difference.value == 0
            assert figure.difference.p == 1
        assert named(found, "accuracy").difference.reason == lacking.SAME_DECISIONS
        assert any("equally many" in words for words in comparison_words(found, Wording("en")))


def test_what_cannot_be_had_says_why() -> None:
    for ill in (np.zeros(3, dtype=bool), np.ones(3, dtype=bool)):
        found = compared(ill, np.array([0.2, 0.7, 0.9]), np.array([0.3, 0.3, 0.3]))
        lacks = [figure for figure in found.figures if figure.difference.value is None]
        assert {figure.name for figure in lacks} >= {"auc"}
        assert all(figure.difference.reason for figure in lacks)
        assert found.reclassification.total.reason
        assert comparison_words(found, Wording("pt"))
    # Two images a side are too few for DeLong; the conservative intervals serve.
    few = compared(np.array([True, True, False, False]), np.array([0.9, 0.8, 0.1, 0.2]), np.array([0.9, 0.1, 0.3, 0.2]))
    area = named(few, "auc").difference
    assert area.low < area.value < area.high


@pytest.mark.parametrize("groups", [None, [f"p{i // 3}" for i in range(90)]])
def test_without_a_positive_class(groups: list[str] | None) -> None:
    rng = np.random.default_rng(1)
    labels = LabelSpace(("a", "b", "c"))
    truth = np.arange(90) % 3
    tables = []
    for skill in (0.5, 3.0):
        logits = rng.normal(size=(90, 3)) + skill * np.eye(3)[truth]
        tables.append(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))
    found = compare(
        [labels.names[i] for i in truth],
        *tables,
        labels,
        names=("weak", "strong"),
        thresholds=(None, None),
        groups=groups,
    )
    assert [figure.name for figure in found.figures] == ["macro_auc", "accuracy"]
    assert all(figure.difference.low > 0 and figure.difference.p < 0.01 for figure in found.figures)
    assert found.reclassification is None
    words = comparison_words(found, Wording("en"))
    assert words[0].startswith("On these 90 images, strong names the right class for ")
    assert "that is hardly chance (p" in words[0]


def test_the_sentence() -> None:
    ill = np.array([True] * 10 + [False] * 10)
    first = np.where(ill, 0.4, 0.1)
    second = first.copy()
    first[:3], second[:5] = 0.9, 0.9
    second[10:12] = 0.8
    words = comparison_words(compared(ill, first, second), Wording("en"))
    assert words[0] == (
        "On these 20 images, B finds 2 more of the 10 labelled malignant than A; "
        "the difference may be chance (p = 0.50)."
    )
    assert words[1] == "B raises 2 more false alarms on the 10 others; the difference may be chance (p = 0.50)."
    said = comparison_words(compared(ill, first, second), Wording("pt"))
    assert said[0] == (
        "Nestas 20 imagens, B encontra mais 2 das 10 de malignant do que A; a diferença pode ser acaso (p = 0,50)."
    )


def test_classes_must_be_the_same() -> None:
    with pytest.raises(ConfigError, match="know different classes"):
        check_comparable(LABELS, LabelSpace(("benign", "cyst"), "cyst"))
    with pytest.raises(ConfigError, match="different positive classes"):
        check_comparable(LABELS, LabelSpace(("benign", "malignant"), "benign"))
    turned = LabelSpace(("malignant", "benign"), "malignant")
    check_comparable(LABELS, turned)
    assert in_order(np.array([[0.9, 0.1]]), turned, LABELS).tolist() == [[0.1, 0.9]]
