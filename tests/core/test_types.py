"""Label spaces, decisions and what a prediction says of itself."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lince.core.errors import ConfigError
from lince.core.types import LabelSpace, Prediction, Sample, decide

PAIR = LabelSpace(("benign", "malignant"), "malignant")


@pytest.mark.parametrize(
    ("names", "positive", "words"),
    [
        ((), None, "at least two classes (received: none)"),
        (("only",), None, "at least two classes (received: only)"),
        (("a", "b", "a"), None, "must be different (received: a, b, a)"),
        (("a", "b"), "c", "not one of the classes (received: c); choose one of: a, b."),
    ],
)
def test_impossible_label_spaces(names: tuple[str, ...], positive: str | None, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        LabelSpace(names, positive)
    assert words in caught.value.sentence


@pytest.mark.parametrize(
    ("names", "positive"),
    [
        (("malignant", "normal, benign"), "malignant"),
        (("NORMAL", "PNEUMONIA"), "PNEUMONIA"),
        (("lung_cancer", "healthy"), "lung_cancer"),
        (("no-lesion", "other", "lesion"), "no-lesion"),
        (("left", "right"), "right"),
        (("a", "b", "c"), None),
        (("disease", "malignant", "normal"), "malignant"),
        (("nonmalignant", "x"), "x"),
    ],
)
def test_the_positive_class_when_nobody_said(names: tuple[str, ...], positive: str | None) -> None:
    assert LabelSpace.with_default_positive(names).positive == positive


def test_the_users_choice_of_positive_wins() -> None:
    assert LabelSpace.with_default_positive(["benign", "malignant"], "benign").positive == "benign"


def test_positions() -> None:
    space = LabelSpace(("malignant", "benign"), "malignant")
    assert (len(space), space.index("benign"), space.positive_index) == (2, 1, 0)
    assert LabelSpace(("a", "b")).positive_index is None


@pytest.mark.parametrize(
    ("row", "threshold", "expected"),
    [
        ([0.4, 0.6], None, (1, False)),
        ([0.6, 0.4], 0.3, (1, True)),
        ([0.6, 0.4], 0.4, (1, True)),  # reaching the threshold is enough
        ([0.6, 0.4], 0.41, (0, False)),
        ([0.4, 0.6], 0.7, (0, True)),
        ([0.2, 0.8], 0.7, (1, False)),
    ],
)
def test_the_operating_point_decides_between_two(
    row: list[float], threshold: float | None, expected: tuple[int, bool]
) -> None:
    assert decide(row, PAIR, threshold) == expected


def test_below_the_threshold_the_most_likely_of_the_others_is_called() -> None:
    space = LabelSpace(("a", "b", "cancer"), "cancer")
    assert decide([0.2, 0.3, 0.5], space, 0.6) == (1, True)
    assert decide([0.2, 0.3, 0.5], space, 0.5) == (2, False)


def test_without_a_positive_class_a_threshold_means_nothing() -> None:
    assert decide([0.2, 0.3, 0.5], LabelSpace(("a", "b", "c")), 0.9) == (2, False)


@given(
    row=st.lists(st.floats(0, 1), min_size=3, max_size=3),
    threshold=st.floats(0, 1),
    positive=st.sampled_from(["a", "b", "c"]),
)
def test_the_decision_follows_the_threshold_whatever_the_row(row: list[float], threshold: float, positive: str) -> None:
    space = LabelSpace(("a", "b", "c"), positive)
    chosen, by_threshold = decide(row, space, threshold)
    assert (space.names[chosen] == positive) == (row[space.index(positive)] >= threshold)
    assert by_threshold == (chosen != decide(row, space, None)[0])


def test_a_prediction_is_ready_for_json() -> None:
    prediction = Prediction("x.png", "benign", 0.6, {"benign": 0.6, "malignant": 0.4}, flags=("low_confidence",))
    fields = json.loads(json.dumps(prediction.as_dict()))
    assert fields["probabilities"] == {"benign": 0.6, "malignant": 0.4}
    assert fields["flags"] == ["low_confidence"]
    assert set(fields) == set(Prediction.__dataclass_fields__)
    assert prediction.low_confidence
    assert not Prediction("x.png", "benign", 0.9, {}).low_confidence


def test_short_names_of_samples() -> None:
    assert Sample("/a/b/c.png", "x").name == "c.png"
    assert Sample(r"C:\scans\d.png", "x").name == "d.png"
    assert Sample("/a/array.npy", "x", row=7).name == "array.npy[7]"
