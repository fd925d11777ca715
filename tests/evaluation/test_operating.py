from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lince.core.errors import ConfigError
from lince.core.types import LabelSpace, decide
from lince.evaluation import Aim, EvaluationError, OperatingPoint, decisions, operating_point, parse_aim

TRUTH = np.array([False, False, False, True, False, True, True, True])
SCORE = np.array([0.05, 0.10, 0.20, 0.30, 0.40, 0.60, 0.70, 0.90])


@st.composite
def validation(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    n = draw(st.integers(2, 30))
    truth = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    truth[:2] = [True, False]
    score = draw(st.lists(st.floats(1e-6, 1 - 1e-6), min_size=n, max_size=n))
    return truth, np.array(score)


def rates(truth: np.ndarray, score: np.ndarray, threshold: float) -> tuple[float, float]:
    called = score >= threshold
    return float(called[truth].mean()), float((~called)[~truth].mean())


def test_youden_by_hand() -> None:
    # At 0.25: all four positives, three of four negatives (J = 0.75); at 0.5: three of four, all (J = 0.75).
    # Of equals the more sensitive wins, midway between 0.20 and 0.30.
    found = operating_point(TRUTH, SCORE)
    assert found.threshold == pytest.approx(0.25)
    assert (found.sensitivity, found.specificity, found.met) == (1.0, 0.75, True)


@pytest.mark.parametrize(
    ("aim", "threshold"),
    [
        (Aim(kind="sensitivity", target=0.75), 0.5),
        (Aim(kind="sensitivity", target=0.76), 0.25),
        (Aim(kind="specificity", target=1.0), 0.5),
        (Aim(kind="specificity", target=0.75), 0.25),
    ],
)
def test_targets_by_hand(aim: Aim, threshold: float) -> None:
    assert operating_point(TRUTH, SCORE, aim=aim).threshold == pytest.approx(threshold)


@given(validation(), st.sampled_from(["sensitivity", "specificity"]), st.floats(0.01, 1.0))
def test_a_target_is_met_on_its_own_data(data: tuple[np.ndarray, np.ndarray], kind: str, target: float) -> None:
    found = operating_point(*data, aim=Aim(kind=kind, target=target))
    sensitivity, specificity = rates(*data, found.threshold)
    assert (found.sensitivity, found.specificity) == (sensitivity, specificity)
    assert (sensitivity if kind == "sensitivity" else specificity) >= target
    assert found.met


@given(validation())
def test_youden_is_the_best_of_all_thresholds_and_inside_the_unit_interval(
    data: tuple[np.ndarray, np.ndarray],
) -> None:
    found = operating_point(*data)
    best = max(sum(rates(*data, threshold)) for threshold in [*data[1], 1.0])
    assert found.sensitivity + found.specificity == pytest.approx(best)
    assert 0 < found.threshold < 1


@given(validation())
def test_the_threshold_stands_midway(data: tuple[np.ndarray, np.ndarray]) -> None:
    found = operating_point(*data)
    edges = np.array([0.0, *data[1], 1.0])
    below, above = edges[edges < found.threshold].max(), edges[edges >= found.threshold].min()
    assert found.threshold - below == pytest.approx(above - found.threshold, abs=1e-12)


def test_scores_of_exactly_zero_and_one() -> None:
    found = operating_point([True, False, True], [1.0, 0.0, 0.0], aim=Aim(kind="sensitivity", target=1.0))
    assert (found.threshold, found.sensitivity, found.met) == (0.5, 0.5, False)


def test_constant_scores_do_not_meet_any_aim() -> None:
    found = operating_point([True, False], [0.5, 0.5])
    assert not found.met
    assert (found.sensitivity, found.specificity) == (1.0, 0.0)


def test_neighbouring_floats_are_told_apart() -> None:
    low = 0.3
    high = float(np.nextafter(low, 1))
    found = operating_point([False, True], [low, high])
    assert rates(np.array([False, True]), np.array([low, high]), found.threshold) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("truth", "score"),
    [([True, True], [0.1, 0.2]), ([False, False], [0.1, 0.2]), ([], []), ([True, False], [-0.1, 0.5]),
     ([True, False], [0.5, 1.5]), ([True, False], [0.5, float("nan")]), ([True], [0.5, 0.6])],
)  # fmt: skip
def test_data_that_cannot_carry_a_threshold(truth: list[bool], score: list[float]) -> None:
    with pytest.raises(EvaluationError):
        operating_point(truth, score)


@pytest.mark.parametrize(
    "wrong", [{"target": 0.9}, {"kind": "sensitivity"}, {"kind": "specificity", "target": 0.0},
              {"kind": "sensitivity", "target": 1.1}, {"kind": "cost"}, {"kind": "cost", "fn": 1.0},
              {"kind": "cost", "fn": 0.0, "fp": 1.0}, {"kind": "cost", "fn": 1.0, "fp": float("inf")},
              {"kind": "cost", "fn": 1.0, "fp": 1.0, "target": 0.5}, {"fn": 1.0, "fp": 1.0}],
)  # fmt: skip
def test_aims_that_make_no_sense(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Aim(**wrong)


@pytest.mark.parametrize(
    ("text", "aim"),
    [
        ("youden", Aim()),
        ("sensitivity>=0.95", Aim(kind="sensitivity", target=0.95)),
        ("sensitivity=0.95", Aim(kind="sensitivity", target=0.95)),
        ("specificity >= 0.9", Aim(kind="specificity", target=0.9)),
        ("cost=fn:10,fp:1", Aim(kind="cost", fn=10, fp=1)),
        ("cost=fp:0.5,fn:2", Aim(kind="cost", fn=2, fp=0.5)),
    ],
)
def test_aims_in_words(text: str, aim: Aim) -> None:
    assert parse_aim(text) == aim


@pytest.mark.parametrize(
    "text",
    ["best", "", "sensitivity=high", "sensitivity", "youden=0.5", "specificity=1.5", "sensitivity<=0.9", "cost",
     "cost=10", "cost=fn:10", "cost=fn:10,fp", "cost=fn:a,fp:1", "cost=fn:10,fp:-1", "cost=fn:1,tp:1"],
)  # fmt: skip
def test_a_wrong_aim_in_words_names_the_fix(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_aim(text)
    assert caught.value.fix


def test_cost_by_hand() -> None:
    # Missed cases at ten: 0.25 misses none and has one false alarm (1); at 0.5 one is missed (10).
    dear = operating_point(TRUTH, SCORE, aim=Aim(kind="cost", fn=10, fp=1))
    assert (dear.threshold, dear.sensitivity, dear.specificity) == (pytest.approx(0.25), 1.0, 0.75)
    # False alarms at ten: 0.5 misses one (1) without a false alarm.
    cheap = operating_point(TRUTH, SCORE, aim=Aim(kind="cost", fn=1, fp=10))
    assert (cheap.threshold, cheap.sensitivity, cheap.specificity) == (pytest.approx(0.5), 0.75, 1.0)
    assert dear.met
    assert cheap.met


@given(validation(), st.floats(0.01, 100))
def test_no_threshold_costs_less(data: tuple[np.ndarray, np.ndarray], fn: float) -> None:
    truth, score = data
    found = operating_point(truth, score, aim=Aim(kind="cost", fn=fn, fp=1))

    def cost(threshold: float) -> float:
        called = score >= threshold
        return float(fn * (truth & ~called).sum() + (called & ~truth).sum())

    every = [cost(threshold) for threshold in [0.0, *score, 1.0]]
    assert cost(found.threshold) == pytest.approx(min(every))
    assert found.met == (min(every) < min(cost(0.0), cost(1.0)) * (1 - 1e-9))


def test_a_cost_of_scores_that_separate_nothing_is_not_met() -> None:
    assert not operating_point([True, False], [0.5, 0.5], aim=Aim(kind="cost", fn=3, fp=1)).met


def test_round_trip() -> None:
    found = operating_point(TRUTH, SCORE, aim=Aim(kind="sensitivity", target=0.9))
    assert OperatingPoint.model_validate_json(found.model_dump_json()) == found


@given(
    st.integers(2, 5).flatmap(
        lambda c: st.tuples(
            st.lists(st.lists(st.integers(0, 8).map(lambda k: k / 8), min_size=c, max_size=c), min_size=1, max_size=6),
            st.one_of(st.none(), st.integers(0, c - 1)),
        )
    ),
    st.one_of(st.none(), st.integers(0, 8).map(lambda k: k / 8)),
)
def test_decisions_equal_decide(case: tuple[list[list[float]], int | None], threshold: float | None) -> None:
    rows, positive = case
    names = tuple("abcde"[: len(rows[0])])
    labels = LabelSpace(names, None if positive is None else names[positive])
    expected = [decide(row, labels, threshold)[0] for row in rows]
    assert decisions(np.array(rows), labels, threshold).tolist() == expected
