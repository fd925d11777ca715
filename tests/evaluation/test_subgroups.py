"""Subgroups: what is flagged, what is not, and why."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lince.core.errors import ConfigError
from lince.evaluation import assess, attribute_columns, by_subgroup, lacking
from lince.evaluation.banding import OTHERS, banded
from lince.evaluation.contrast_wording import subgroup_words
from lince.evaluation.contrasts import Subgroup, Subgroups
from lince.evaluation.differences import holm
from lince.evaluation.forest import forest
from lince.evaluation.subgroups import subgroups_csv
from lince.evaluation.texts import translator
from lince.evaluation.wording import Wording


def measured(made: Any, attributes: dict[str, list[object]], **more: Any) -> Subgroups:
    return by_subgroup(
        made.truth, made.probabilities, made.labels, threshold=made.threshold, attributes=attributes,
        **{"groups": made.groups, **more},
    )  # fmt: skip


def gap(one: Subgroup, name: str) -> Any:
    return next(gap for gap in one.gaps if gap.name == name)


def test_each_subgroup_has_the_figures_of_its_images_alone(trial: Callable[..., Any]) -> None:
    made = trial(n=200)
    sex = ["F" if i % 5 else "M" for i in range(200)]
    found = measured(made, {"sex": sex})
    assert [(one.value, one.n) for one in found.groups] == [("F", 160), ("M", 40)]
    for one in found.groups:
        rows = [i for i in range(200) if sex[i] == one.value]
        alone = assess([made.truth[i] for i in rows], made.probabilities[rows], made.labels, threshold=0.4)
        assert one.n_positive == alone.truth_counts["malignant"]
        for name in ("auc", "sensitivity", "specificity", "ppv"):
            assert gap(one, name).here == getattr(alone, name)
    first, second = found.groups
    assert gap(first, "auc").rest == gap(second, "auc").here
    assert gap(first, "auc").difference.value == pytest.approx(-gap(second, "auc").difference.value)


def test_a_planted_gap_is_flagged_and_no_other(trial: Callable[..., Any]) -> None:
    made = trial(n=400, skill=3.0)
    device = ["old" if i % 4 == 0 else ("new" if i % 2 else "newer") for i in range(400)]
    # On the old device malignant images look benign; class and site are balanced over the devices.
    made.truth[:] = ["malignant" if (i // 4) % 2 else "benign" for i in range(400)]
    rng = np.random.default_rng(0)
    for i in range(400):
        right = rng.random() < (0.55 if device[i] == "old" and made.truth[i] == "malignant" else 0.92)
        score = 0.8 if (made.truth[i] == "malignant") == right else 0.1
        made.probabilities[i] = [1 - score, score]
    found = measured(made, {"device": device, "site": ["ab"[i // 8 % 2] for i in range(400)]})
    flagged = {(one.attribute, one.value, each.name) for one in found.groups for each in one.gaps if each.flagged}
    assert ("device", "old", "sensitivity") in flagged
    assert {key[0] for key in flagged} == {"device"}
    assert not {key for key in flagged if key[2] == "specificity"}
    # Three devices and one pair of sites, four figures each.
    assert found.comparisons == 16
    words = subgroup_words(found, Wording("en"))
    assert any(text.startswith("device old (100 images): sensitivity ") and "corrected" in text for text in words)


def test_p_is_corrected_once_for_a_pair_that_mirrors_itself(trial: Callable[..., Any]) -> None:
    made = trial(n=200)
    found = measured(made, {"side": ["left", "left", "right", "right"] * 50})
    assert found.comparisons == 4
    raw = [each.difference.p for each in found.groups[0].gaps]
    assert [each.p_adjusted for each in found.groups[0].gaps] == pytest.approx(holm(raw))
    assert [each.p_adjusted for each in found.groups[1].gaps] == pytest.approx(holm(raw))


def test_chance_alone_is_rarely_flagged(trial: Callable[..., Any]) -> None:
    rng = np.random.default_rng(5)
    made = trial(n=160, n_groups=70)
    flags = 0
    for _ in range(4):
        values = [str(v) for v in rng.integers(0, 3, 160)]
        found = measured(made, {"noise": list(values)})
        flags += any(each.flagged for one in found.groups for each in one.gaps)
    assert flags <= 1


def test_small_groups_are_said_to_be_small_and_never_flagged(trial: Callable[..., Any]) -> None:
    made = trial(n=200, skill=6.0)
    rare = ["rare" if i < 12 else "common" for i in range(200)]
    for i in range(12):
        made.probabilities[i] = made.probabilities[i][::-1]
    found = measured(made, {"device": rare})
    assert [(one.value, one.small) for one in found.groups] == [("common", True), ("rare", True)]
    assert gap(found.groups[1], "sensitivity").difference.high < 0
    assert not any(each.flagged or each.p_adjusted is not None for one in found.groups for each in one.gaps)
    words = " ".join(subgroup_words(found, Wording("en")))
    assert "No subgroup is large enough" in words
    assert "fewer than 10 images of a class there or in the rest: 2 of 2 subgroups" in words


def test_what_is_not_recorded_is_counted_and_is_no_rest(trial: Callable[..., Any]) -> None:
    made = trial(n=100)
    sex: list[object] = ["F", "f", None, "", float("nan"), "M", "Unknown", "m", "F", "M"] * 10
    found = measured(made, {"sex": sex})
    assert found.not_recorded == {"sex": 40}
    assert [(one.value, one.n) for one in found.groups] == [("F", 30), ("M", 30)]
    assert gap(found.groups[0], "sensitivity").rest.denominator == 30
    assert "sex is not recorded for 40 of 100 images." in subgroup_words(found, Wording("en"))
    none = measured(made, {"sex": [None] * 100})
    assert (none.groups, none.not_recorded, none.comparisons) == ((), {"sex": 100}, 0)


@pytest.mark.parametrize("truth", [["benign"] * 3, ["malignant"] * 3, ["benign", "malignant", "benign"]])
def test_three_images_and_equal_predictions(trial: Callable[..., Any], truth: list[str]) -> None:
    made = trial()
    found = by_subgroup(
        truth, np.tile([[0.7, 0.3]], (3, 1)), made.labels, threshold=0.5, attributes={"sex": ["F", "M", "F"]},
        groups=["a", "b", "a"],
    )  # fmt: skip
    for one in found.groups:
        assert one.small
        for each in one.gaps:
            assert each.here.value is not None or each.here.reason
            assert each.difference.low is not None or each.difference.reason
    single = by_subgroup(
        truth, np.tile([[0.7, 0.3]], (3, 1)), made.labels, threshold=0.5, attributes={"sex": ["F"] * 3}
    )
    assert {each.difference.reason for each in single.groups[0].gaps if each.here.value is not None} <= {
        lacking.NO_REST
    }


def test_without_a_positive_class(trial: Callable[..., Any]) -> None:
    made = trial(("a", "b", "c"), None, n=180, threshold=None)
    found = measured(made, {"site": ["x", "y", "y"] * 60})
    assert [each.name for each in found.groups[0].gaps] == ["macro_auc", "accuracy"]
    assert found.groups[0].n_positive is None
    assert not found.groups[0].small


def test_ages_are_cut_at_the_stated_edges() -> None:
    found = banded("age", ["39", 40, 59.5, "60", 79, 80, "104", None, "newborn"])
    assert found.values == ("< 40", "40–59", "40–59", "60–79", "60–79", "≥ 80", "≥ 80", None, None)
    assert found.order == ("< 40", "40–59", "60–79", "≥ 80")
    assert found.in_bands


@given(st.lists(st.floats(-1e6, 1e6), min_size=7, max_size=60, unique=True))
def test_other_numbers_are_cut_into_ordered_bands(numbers: list[float]) -> None:
    found = banded("dose", numbers)
    assert found.in_bands
    assert 2 <= len(found.order) <= 3
    places = [found.order.index(found.values[i]) for i in np.argsort(numbers)]
    assert places == sorted(places)


def test_few_numbers_are_names() -> None:
    assert banded("field strength", [1.5, 3, 1.5]).order == ("1.5", "3")
    assert not banded("field strength", [1.5, 3, 1.5]).in_bands


def test_rare_values_are_put_together_and_captions_refused() -> None:
    values = [f"device {i}" for i in range(20) for _ in range(20 - i)]
    found = banded("device", values)
    assert len(found.order) == 12
    assert found.order[-1] == OTHERS
    assert found.values.count(OTHERS) == sum(range(1, 10))
    with pytest.raises(ConfigError, match="a value of its own in caption"):
        banded("caption", [f"a picture of {i}" for i in range(30)])


def test_an_attribute_that_no_image_has() -> None:
    rows = [{"Sex": "F", "age": 3}, {"plane": "axial"}]
    assert attribute_columns(rows, ["sex", "plane"]) == {"Sex": ["F", None], "plane": [None, "axial"]}
    with pytest.raises(ConfigError) as caught:
        attribute_columns(rows, ["device"])
    assert caught.value.sentence == "No image has this attribute (received: device); choose among: Sex, age, plane."
    with pytest.raises(ConfigError, match="these images have no attributes"):
        attribute_columns([{}], ["device"])


def test_the_table(trial: Callable[..., Any]) -> None:
    found = measured(trial(n=120), {"sex": ["=F", "M", None] * 40})
    rows = list(csv.DictReader(io.StringIO(subgroups_csv(found).decode("utf-8"), newline="")))
    assert len(rows) == 8
    assert (rows[0]["value"], rows[0]["images"], rows[0]["figure"]) == ("'=F", "40", "auc")
    assert float(rows[0]["difference"]) == pytest.approx(gap(found.groups[0], "auc").difference.value, abs=1e-6)
    assert {row["flagged"] for row in rows} <= {"true", "false"}


def test_the_forest_draws_anything(trial: Callable[..., Any]) -> None:
    made = trial(n=120)
    odd = ["$x$", "脳の画像", "a very long name of a device that nobody will ever read whole"] * 40
    for attributes in ({"sex": odd}, {"sex": [None] * 120}, {"sex": ["F"] + [None] * 119}):
        found = measured(made, attributes)
        assert forest(made.assessment, found, translator("pt")).png.startswith(b"\x89PNG")
        svg = forest(made.assessment, found, translator("en")).svg.decode("utf-8")
        assert svg.rstrip().endswith("</svg>")
        assert "dc:date" not in svg
