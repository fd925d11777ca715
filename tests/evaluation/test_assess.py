from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn import metrics

from lince.core.types import LabelSpace
from lince.evaluation import Assessment, Estimate, EvaluationError, assess, intervals, sentences
from lince.evaluation.calibration import calibration_error, reliability

TWO = LabelSpace(("benign", "malignant"), "malignant")
THREE = LabelSpace(("a", "b", "c"))
ESTIMATES = [name for name, field in Assessment.model_fields.items() if field.annotation is Estimate]
# Figures that may exceed 1, and those that may fall below 0.
UNBOUNDED = {"brier", "log_loss", "lr_positive", "lr_negative", "calibration_slope", "calibration_intercept"}
SIGNED = {"mcc", "calibration_slope", "calibration_intercept"}


def binary(*positive: float) -> np.ndarray:
    column = np.array(positive)
    return np.stack([1 - column, column], axis=1)


def by_hand() -> Assessment:
    # TP 2, FN 1, FP 1, TN 2 at the threshold 0.5.
    truth = ["malignant"] * 3 + ["benign"] * 3
    return assess(truth, binary(0.9, 0.7, 0.2, 0.6, 0.3, 0.1), TWO, threshold=0.5)


def test_figures_by_hand() -> None:
    found = by_hand()
    assert found.confusion == ((2, 1), (1, 2))
    assert found.truth_counts == found.predicted_counts == {"benign": 3, "malignant": 3}
    for name in ("sensitivity", "specificity", "ppv", "npv", "accuracy", "balanced_accuracy", "f1", "macro_f1"):
        assert getattr(found, name).value == pytest.approx(2 / 3), name
    assert (found.sensitivity.numerator, found.sensitivity.denominator) == (2, 3)
    assert (found.accuracy.numerator, found.accuracy.denominator) == (4, 6)
    assert found.auc.value == pytest.approx(7 / 9)
    # Squared errors 0.01 0.09 0.64 0.36 0.09 0.01.
    assert found.brier.value == pytest.approx(1.20 / 6)
    # Each image has its own bin: gaps 0.1 0.3 0.8 0.6 0.3 0.1.
    assert found.calibration_error.value == pytest.approx(2.2 / 6)
    assert found.log_loss.value == pytest.approx(-np.log([0.9, 0.7, 0.2, 0.4, 0.7, 0.9]).mean())


def test_proportions_have_wilson_intervals() -> None:
    found = by_hand().sensitivity
    reference = binomtest(2, 3).proportion_ci(0.95, method="wilson")
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high))
    assert found.method == intervals.WILSON


@pytest.mark.parametrize("positive", [None, "a", "c"])
def test_agrees_with_scikit_learn(trial: Callable[..., Any], positive: str | None) -> None:
    made = trial(("a", "b", "c"), positive, n=90, threshold=None)
    found, truth, table = made.assessment, made.index, made.probabilities
    chosen = table.argmax(axis=1)
    assert np.array_equal(found.confusion, metrics.confusion_matrix(truth, chosen))
    assert found.accuracy.value == pytest.approx(metrics.accuracy_score(truth, chosen))
    assert found.balanced_accuracy.value == pytest.approx(metrics.balanced_accuracy_score(truth, chosen))
    assert found.macro_f1.value == pytest.approx(metrics.f1_score(truth, chosen, average="macro"))
    assert found.macro_auc.value == pytest.approx(metrics.roc_auc_score(truth, table, multi_class="ovr"))
    assert found.log_loss.value == pytest.approx(metrics.log_loss(truth, table))
    assert found.brier.value == pytest.approx(((table - np.eye(3)[truth]) ** 2).sum(axis=1).mean())
    report = metrics.classification_report(truth, chosen, target_names=["a", "b", "c"], output_dict=True)
    for row in found.per_class:
        expected = report[row.name]
        assert (row.precision, row.sensitivity, row.f1) == pytest.approx(
            (expected["precision"], expected["recall"], expected["f1-score"])
        )
    if positive is None:
        assert found.auc == found.macro_auc
        assert found.sensitivity.reason == sentences.NO_POSITIVE
        assert set(found.roc) == {"a", "b", "c"}
    else:
        assert found.auc == found.per_class["abc".index(positive)].auc
        assert found.sensitivity.value == pytest.approx(report[positive]["recall"])
        assert set(found.roc) == {positive}


@pytest.mark.parametrize("positive", [None, "b"])
def test_further_figures_agree_with_scikit_learn(trial: Callable[..., Any], positive: str | None) -> None:
    made = trial(("a", "b", "c", "d"), positive, n=120, threshold=None)
    found, truth, table = made.assessment, made.index, made.probabilities
    assert found.mcc.value == pytest.approx(metrics.matthews_corrcoef(truth, table.argmax(axis=1)))
    assert found.micro_auc.value == pytest.approx(metrics.roc_auc_score(np.eye(4)[truth], table, average="micro"))
    for k in (2, 3):
        estimate = getattr(found, f"top_{k}_accuracy")
        assert estimate.value == pytest.approx(metrics.top_k_accuracy_score(truth, table, k=k))
        assert estimate.method == intervals.WILSON
    average = metrics.average_precision_score(np.eye(4)[truth], table, average=None)
    assert [c.average_precision for c in found.per_class] == pytest.approx(average)
    assert found.average_precision.value == pytest.approx(average.mean() if positive is None else average[1])
    assert found.micro_auc.method == intervals.DELONG_CLUSTERS
    assert found.average_precision.method == found.mcc.method == intervals.BOOTSTRAP_IMAGES


def test_two_classes_have_neither_micro_auc_nor_places(trial: Callable[..., Any]) -> None:
    found = trial().assessment
    assert (found.micro_auc.value, found.micro_auc.reason) == (None, sentences.TWO_CLASSES)
    assert found.top_2_accuracy.reason == found.top_3_accuracy.reason == sentences.FEW_CLASSES


def test_matthews_of_two_classes_by_hand() -> None:
    # TP 2, FN 1, FP 1, TN 2: (4 - 1) / 9.
    assert by_hand().mcc.value == pytest.approx(1 / 3)


def test_one_answer_for_all_has_no_correlation() -> None:
    found = assess(["malignant", "benign"] * 6, binary(*[0.3] * 12), TWO, threshold=0.5)
    assert (found.mcc.value, found.mcc.reason) == (None, sentences.ONE_DECISION)
    assert found.calibration_slope.reason == sentences.SAME_SCORE
    assert found.calibration_intercept.value == pytest.approx(np.log(0.7 / 0.3))
    assert found.average_precision.value == pytest.approx(0.5)
    assert found.decision_curve.useful is None


def test_perfect_answers_say_what_cannot_be_told() -> None:
    found = assess(["malignant", "benign"] * 10, binary(*[0.9, 0.1] * 10), TWO, threshold=0.5)
    assert (found.mcc.value, found.mcc.low, found.mcc.reason) == (1.0, None, sentences.NO_SPREAD)
    assert (found.average_precision.value, found.average_precision.method) == (1.0, intervals.WILSON_SMALLEST)
    assert found.calibration_slope.reason == sentences.SEPARATED


def test_three_images() -> None:
    found = assess(["malignant", "benign", "benign"], binary(0.7, 0.6, 0.2), TWO, threshold=0.5, prevalence=0.1)
    for name in ESTIMATES:
        estimate = getattr(found, name)
        assert estimate.reason or estimate.low < estimate.high, name
    # One of one found, one false alarm of two: Wilson gives 0.207 to 1 and 0.095 to 0.905.
    right = found.ppv_at_prevalence
    assert (right.low, right.high) == pytest.approx((0.0247, 0.5403), abs=1e-4)
    assert right.method == intervals.BOTH_ENDS


def test_classes_without_images_are_named() -> None:
    found = assess(["a", "b"], [[0.5, 0.3, 0.2], [0.2, 0.6, 0.2]], THREE, threshold=None)
    assert found.absent == ("c",)
    assert found.per_class[2].average_precision is None


def test_the_threshold_decides_for_the_positive_class() -> None:
    found = assess(["malignant", "benign"], binary(0.3, 0.1), TWO, threshold=0.25)
    assert found.confusion == ((1, 0), (0, 1))
    assert assess(["malignant", "benign"], binary(0.3, 0.1), TWO, threshold=None).confusion == ((1, 0), (1, 0))


@pytest.mark.parametrize("positive", ["malignant", "benign"])
def test_the_first_class_may_be_the_positive_one(positive: str) -> None:
    labels = LabelSpace(("malignant", "benign"), positive)
    # Column 0 is malignant: it is high for the malignant image.
    table = binary(0.1, 0.8, 0.7)
    found = assess(["malignant", "benign", "malignant"], table, labels, threshold=0.5)
    assert found.sensitivity.value == (0.5 if positive == "malignant" else 1.0)
    assert found.specificity.value == (1.0 if positive == "malignant" else 0.5)
    assert found.auc.value == 1.0


@settings(max_examples=25)
@given(
    st.integers(2, 4), st.integers(1, 25), st.integers(0, 2**32 - 1), st.booleans(), st.booleans(), st.floats(0.2, 3)
)
def test_whatever_comes_figures_are_sound(
    classes: int, n: int, seed: int, with_positive: bool, grouped: bool, sharp: float
) -> None:
    rng = np.random.default_rng(seed)
    names = tuple("abcd"[:classes])
    labels = LabelSpace(names, names[-1] if with_positive else None)
    table = rng.dirichlet(np.full(classes, sharp), size=n)
    groups = [str(g) for g in rng.integers(0, max(1, n // 2), n)] if grouped else None
    truth = [names[i] for i in rng.integers(0, classes, n)]
    found = assess(truth, table, labels, threshold=0.4 if with_positive else None, groups=groups)
    assert sum(map(sum, found.confusion)) == found.n == n
    assert [sum(row) for row in found.confusion] == list(found.truth_counts.values())
    assert [sum(column) for column in zip(*found.confusion, strict=True)] == list(found.predicted_counts.values())
    assert sum(b.count for b in found.calibration.bins) == n
    assert bool(found.decision_curve.thresholds) != bool(found.decision_curve.reason)
    assert found.absent == tuple(name for name in names if name not in truth)
    for name in ESTIMATES:
        estimate = getattr(found, name)
        if estimate.value is None:
            assert estimate.reason, name
            assert estimate.low is None
        elif estimate.low is None:
            assert estimate.reason, name
        else:
            assert estimate.method, name
            assert estimate.low <= estimate.value <= estimate.high, name
            assert estimate.low >= (-np.inf if name in SIGNED else 0), name
            assert name in UNBOUNDED or (estimate.high <= 1 and estimate.low < estimate.high), name
    assert Assessment.model_validate_json(found.model_dump_json()) == found
    json.dumps(found.model_dump(mode="json"), allow_nan=False)


def test_groups_make_the_intervals_honest(trial: Callable[..., Any]) -> None:
    # Every image four times over: as images the intervals shrink, as patients they must not.
    once = trial(n=60, n_groups=None)
    truth, table = once.truth * 4, np.tile(once.probabilities, (4, 1))
    alone = once.assessment
    naive = assess(truth, table, TWO, threshold=0.4)
    honest = assess(truth, table, TWO, threshold=0.4, groups=[f"p{i}" for i in range(60)] * 4)
    assert honest.n_groups == 60
    assert sentences.NOTE_GROUPS in honest.notes
    for name in ("auc", "sensitivity", "specificity", "accuracy", "ppv", "f1", "brier"):
        width = {
            label: getattr(which, name).high - getattr(which, name).low
            for label, which in (("alone", alone), ("naive", naive), ("honest", honest))
        }
        assert width["naive"] < 0.65 * width["alone"], name
        assert width["honest"] == pytest.approx(width["alone"], rel=0.3), name
        assert getattr(honest, name).method == intervals.BOOTSTRAP_GROUPS


def test_groups_of_one_image_change_no_interval(trial: Callable[..., Any]) -> None:
    made = trial(n=40)
    found = assess(made.truth, made.probabilities, made.labels, threshold=0.4, groups=[f"p{i}" for i in range(40)])
    assert found.model_copy(update={"n_groups": None}) == made.assessment
    assert found.n_groups == 40
    loose = assess(made.truth, made.probabilities, made.labels, threshold=0.4, groups=[None] * 40)
    assert loose == found


def test_perfect_patients_leave_doubt() -> None:
    truth = ["malignant", "malignant", "benign", "benign"] * 5
    table = binary(*([0.9, 0.8, 0.2, 0.1] * 5))
    found = assess(truth, table, TWO, threshold=0.5, groups=[f"p{i // 2}" for i in range(20)])
    assert found.sensitivity.method == intervals.WILSON_GROUPS
    assert (found.sensitivity.low, found.sensitivity.high) == intervals.wilson(1.0, 5, 0.95)
    assert found.auc.method == intervals.PAIRS
    assert found.auc.low == pytest.approx(intervals.wilson(1.0, 5, 0.95)[0])
    assert found.balanced_accuracy.method == intervals.WILSON_SMALLEST
    assert sentences.NOTE_FEW_GROUPS in found.notes


def test_one_class_only_gives_nulls_with_reasons() -> None:
    found = assess(["malignant"] * 3, binary(0.9, 0.6, 0.2), TWO, threshold=0.5)
    assert found.sensitivity.value == pytest.approx(2 / 3)
    assert (found.specificity.value, found.specificity.reason) == (None, sentences.NO_NEGATIVES_HERE)
    assert (found.auc.value, found.auc.reason) == (None, sentences.ONE_SIDE)
    assert (found.balanced_accuracy.value, found.macro_f1.value) == (None, None)
    assert found.roc == {}
    for name in ("average_precision", "mcc", "lr_positive", "lr_negative", "calibration_slope"):
        assert (getattr(found, name).value, bool(getattr(found, name).reason)) == (None, True), name
    assert (found.decision_curve.thresholds, found.decision_curve.reason) == ((), sentences.NO_NEGATIVES_HERE)
    assert sentences.NOTE_ABSENT in found.notes
    none = assess(["benign"] * 3, binary(0.1, 0.2, 0.3), TWO, threshold=0.5)
    assert (none.sensitivity.value, none.sensitivity.reason) == (None, sentences.NO_POSITIVES_HERE)
    assert (none.ppv.value, none.ppv.reason) == (None, sentences.NONE_CALLED_POSITIVE)
    assert (none.f1.value, none.f1.reason) == (None, sentences.NO_POSITIVES_HERE)


def test_one_image() -> None:
    found = assess(["malignant"], binary(0.9), TWO, threshold=0.5)
    assert (found.accuracy.value, found.accuracy.low) == (1.0, pytest.approx(0.2065, abs=1e-4))
    assert (found.brier.value, found.brier.low) == (pytest.approx(0.01), None)
    assert found.brier.reason == sentences.NO_INTERVAL


def test_constant_scores_are_named() -> None:
    found = assess(["malignant", "benign"] * 10, binary(*[0.3] * 20), TWO, threshold=0.5)
    assert sentences.NOTE_CONSTANT in found.notes
    assert found.auc.value == 0.5
    assert found.auc.high - found.auc.low > 0.3


def test_macro_auc_over_classes_seen(trial: Callable[..., Any]) -> None:
    made = trial(("a", "b", "c"), None, n=60)
    kept = made.index != 2
    truth = [name for name, keep in zip(made.truth, kept, strict=True) if keep]
    found = assess(truth, made.probabilities[kept], made.labels, threshold=None)
    assert found.per_class[2].auc.value is None
    assert found.macro_auc.value == pytest.approx(np.mean([c.auc.value for c in found.per_class[:2]]))
    assert found.macro_auc.method == intervals.BOOTSTRAP_IMAGES


@pytest.mark.parametrize(
    ("truth", "table", "more"),
    [
        ([], np.empty((0, 2)), {}),
        (["benign"], [[0.2, 0.3, 0.5]], {}),
        (["benign"], [0.2, 0.8], {}),
        (["benign"], [[0.2, float("nan")]], {}),
        (["benign"], [[2.5, -1.5]], {}),
        (["benign"], [[0.9, 0.9]], {}),
        (["normal"], [[0.5, 0.5]], {}),
        (["benign", "benign"], [[0.5, 0.5]], {}),
        (["benign"], [[0.5, 0.5]], {"groups": ["p", "q"]}),
        (["benign"], [[0.5, 0.5]], {"threshold": 1.5}),
        (["benign"], [[0.5, 0.5]], {"confidence": 95}),
    ],
)
def test_bad_input_gets_a_sentence(truth: list[str], table: Any, more: dict[str, Any]) -> None:
    with pytest.raises(EvaluationError) as caught:
        assess(truth, table, TWO, **{"threshold": 0.5, **more})
    assert caught.value.received is not None or caught.value.fix is not None


def test_float32_softmax_is_accepted(trial: Callable[..., Any]) -> None:
    made = trial(n=30)
    assert assess(made.truth, made.probabilities.astype(np.float32), made.labels, threshold=0.4).n == 30


def test_the_bootstrap_is_quick() -> None:
    rng = np.random.default_rng(0)
    table = rng.dirichlet([1, 1], size=5_000)
    truth = [TWO.names[i] for i in (rng.random(5_000) < table[:, 1]).astype(int)]
    groups = [f"p{g}" for g in rng.integers(0, 1_500, 5_000)]
    start = time.perf_counter()
    assess(truth, table, TWO, threshold=0.5, groups=groups)
    assert time.perf_counter() - start < 2


def test_reliability_bins_by_hand() -> None:
    bins = reliability(np.array([0.05, 0.05, 0.95, 1.0]), np.array([False, True, True, True]), confidence=0.95)
    assert [b.count for b in bins] == [2, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    assert (bins[0].predicted, bins[0].observed) == (0.05, 0.5)
    assert (bins[9].predicted, bins[9].observed) == (0.975, 1.0)
    assert bins[1].observed is None
    assert calibration_error(bins) == pytest.approx(0.5 * 0.45 + 0.5 * 0.025)
    patients = reliability(np.full(8, 0.5), np.arange(8) < 4, confidence=0.95, group=np.arange(8) // 4)
    assert (patients[5].low, patients[5].high) == intervals.wilson(0.5, 2, 0.95)
