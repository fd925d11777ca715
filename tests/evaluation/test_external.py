"""Whether a bundle still works elsewhere, and what recalibrating would give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lince.core.types import LabelSpace
from lince.evaluation import Aim, Assessment, assess, lacking, validate_externally
from lince.evaluation.contrast_wording import external_words
from lince.evaluation.contrasts import ExternalValidation, Shift
from lince.evaluation.differences import recovered
from lince.evaluation.estimate import Estimate
from lince.evaluation.intervals import wilson
from lince.evaluation.local_recalibration import LOCAL, logit, platt
from lince.evaluation.wording import Wording

LABELS = LabelSpace(("benign", "malignant"), "malignant")


def clinic(n: int = 400, *, bias: float = 0.0, slope: float = 1.0, skill: float = 2.0, seed: int = 0) -> Any:
    """Truth, and probabilities that are perfectly calibrated where ``bias`` is 0 and ``slope`` 1."""
    rng = np.random.default_rng(seed)
    right = skill * rng.normal(size=n) - 0.5
    ill = rng.random(n) < 1 / (1 + np.exp(-right))
    score = 1 / (1 + np.exp(-(slope * right + bias)))
    return ["malignant" if one else "benign" for one in ill], np.stack([1 - score, score], axis=1)


def home(sensitivity: tuple[int, int] = (90, 100), specificity: tuple[int, int] = (80, 100)) -> dict[str, Any]:
    def proportion(hits: int, trials: int) -> dict[str, float]:
        low, high = wilson(hits / trials, trials, 0.95)
        return {"value": hits / trials, "low": low, "high": high}

    return {
        "n": 200,
        "auc": {"value": 0.87, "low": 0.81, "high": 0.92},
        "sensitivity": proportion(*sensitivity),
        "specificity": proportion(*specificity),
    }


def validated(
    truth: list[str], table: NDArray[np.float64], reference: dict[str, Any] | None = None, **more: Any
) -> tuple[Assessment, ExternalValidation]:
    groups, labels = more.pop("groups", None), more.pop("labels", LABELS)
    assessment = assess(truth, table, labels, threshold=0.5 if labels.positive else None, groups=groups)
    found = validate_externally(
        assessment, truth, table, labels, trained_on="home", reference=home() if reference is None else reference,
        aim=Aim(), groups=groups, **more,
    )  # fmt: skip
    return assessment, found


def test_changes_use_both_intervals() -> None:
    assessment, found = validated(*clinic())
    assert [change.name for change in found.changes] == ["auc", "sensitivity", "specificity"]
    assert found.n_there == 200
    hit = found.changes[1]
    assert hit.here == assessment.sensitivity
    assert hit.there.value == 0.9
    assert hit.difference == recovered(assessment.sensitivity, Estimate(**home()["sensitivity"]), 0.95)


def test_a_fall_is_said_and_a_stand_still_is_not_called_a_fall() -> None:
    _, fallen = validated(*clinic(bias=-2.0))
    words = external_words(fallen, Wording("en"))
    assert words[0].startswith("Not as well as on its own test images: sensitivity ")
    assert " instead of 90.0%" in words[0]
    truth, table = clinic(1000)
    same = assess(truth, table, LABELS, threshold=0.5)
    own = {"n": 1000, **{name: getattr(same, name).model_dump() for name in ("auc", "sensitivity", "specificity")}}
    _, kept = validated(truth, table, own)
    assert external_words(kept, Wording("en"))[0].startswith("Yes, as far as these images tell")
    _, few = validated(truth[:30], table[:30], home((88, 100), (88, 100)))
    assert any(start in external_words(few, Wording("en"))[0] for start in ("No fall is proven", "Not as well"))


@pytest.mark.parametrize(("bias", "words"), [(1.5, "too high here"), (-1.5, "too low here"), (0.0, "fit on average")])
def test_calibration_in_the_large(bias: float, words: str) -> None:
    truth, table = clinic(bias=bias)
    _, found = validated(truth, table)
    large = found.in_the_large
    share = truth.count("malignant") / len(truth)
    assert large.predicted == pytest.approx(table[:, 1].mean())
    assert large.observed.value == pytest.approx(share)
    assert large.difference.value == pytest.approx(table[:, 1].mean() - share)
    assert (large.difference.low > 0) == (bias > 0)
    assert (large.difference.high < 0) == (bias < 0)
    assert words in external_words(found, Wording("en"))[1]


def test_few_images_say_nothing_of_the_probabilities() -> None:
    truth, table = clinic(12)
    words = external_words(validated(truth, table)[1], Wording("en"))
    assert any("there are too few images to judge" in one for one in words)


def test_recalibration_mends_what_it_can() -> None:
    _, found = validated(*clinic(bias=1.5, slope=2.0))
    before, *after = found.recalibration
    assert [one.images for one in found.recalibration] == [0, *LOCAL]
    assert all(one.draws == 50 for one in after)
    assert after[-1].brier.value < after[0].brier.value < before.brier.value
    assert after[-1].calibration_error.value < before.calibration_error.value
    assert all(one.brier.low <= one.brier.value <= one.brier.high for one in after)
    assert after[-1].brier.high - after[-1].brier.low < after[0].brier.high - after[0].brier.low + 0.05
    assert "its probabilities would be better" in external_words(found, Wording("en"))[2]
    _, well = validated(*clinic())
    assert "would not make its probabilities better" in external_words(well, Wording("en"))[2]


def test_recalibration_is_the_same_for_a_seed_and_takes_whole_groups() -> None:
    truth, table = clinic(120, bias=1.0)
    groups = [f"p{i // 6}" for i in range(120)]
    first, again = (validated(truth, table, groups=groups)[1].recalibration for _ in range(2))
    assert first == again
    assert [one.images for one in first] == [0, 20, 50, 100]
    assert first != validated(truth, table)[1].recalibration


def test_platt_finds_intercept_and_slope() -> None:
    truth, table = clinic(20000, bias=1.0, slope=2.0, seed=3)
    ill = np.array(truth) == "malignant"
    intercept, slope = platt(table[:, 1], ill)
    assert (intercept, slope) == pytest.approx((-0.5, 0.5), abs=0.05)
    # Perfectly told apart: Platt's targets keep the slope finite.
    apart = platt(np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True]))
    assert 0 < apart[1] < 10
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()


def test_what_cannot_be_had_says_why() -> None:
    truth, table = clinic(60)
    for given, reason in (
        ((["benign"] * 60, table), lacking.RECALIBRATION_ONE_CLASS),
        ((truth[:3], table[:3]), lacking.RECALIBRATION_FEW),
        ((["malignant"] + ["benign"] * 59, table), lacking.RECALIBRATION_DRAWS),
    ):
        _, found = validated(*given)
        if len(set(given[0])) > 1 or reason != lacking.RECALIBRATION_FEW:
            assert (found.recalibration, found.recalibration_reason) == ((), reason)
        assert all(change.difference.value is not None or change.difference.reason for change in found.changes)
        assert len(external_words(found, Wording("pt"))) == 2
    _, bare = validated(truth, table, {})
    assert bare.n_there is None
    assert {change.difference.reason for change in bare.changes} == {lacking.NO_OWN_FIGURES}
    assert "cannot be said" in external_words(bare, Wording("en"))[0]


def test_equal_predictions() -> None:
    truth, _ = clinic(60)
    _, found = validated(truth, np.tile([[0.6, 0.4]], (60, 1)))
    assert found.in_the_large.predicted == pytest.approx(0.4)
    assert [one.images for one in found.recalibration] == [0, 20]


def test_without_a_positive_class() -> None:
    rng = np.random.default_rng(0)
    labels = LabelSpace(("a", "b", "c"))
    table = rng.dirichlet(np.ones(3), 90)
    truth = [labels.names[i] for i in rng.integers(0, 3, 90)]
    reference = {"n": 50, "auc": home()["auc"], "accuracy": home()["sensitivity"]}
    assessment, found = validated(truth, table, reference, labels=labels)
    assert [change.name for change in found.changes] == ["auc", "accuracy"]
    assert found.in_the_large.of is None
    assert found.in_the_large.observed.value == pytest.approx(assessment.accuracy.value)
    assert found.recalibration_reason == lacking.RECALIBRATION_NO_POSITIVE
    assert external_words(found, Wording("en"))[0].startswith("Not as well")


def test_the_shift_is_carried() -> None:
    told = Shift(what="Mean grey", here=0.4, training=0.3, unusual=0.25)
    assert validated(*clinic(60), shift=[told])[1].shift == (told,)


@pytest.mark.parametrize(("refused", "first"), [(0.95, True), (0.02, False), (None, False)])
def test_images_of_another_kind_come_before_the_figures(refused: float | None, first: bool) -> None:
    share = None
    if refused is not None:
        low, high = wilson(refused, 200, 0.95)
        share = Estimate(value=refused, low=low, high=high, numerator=round(200 * refused), denominator=200)
    _, found = validated(*clinic(), refused=share)
    told = external_words(found, Wording("en"))[0]
    assert ("190 of the 200 images are refused as another kind of image" in told) is first
    if first:
        assert "190 das 200 imagens são recusadas" in external_words(found, Wording("pt"))[0]
