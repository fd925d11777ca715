"""Conditions on attributes."""

from __future__ import annotations

import pytest

from lince.core.errors import ConfigError, SourceError
from lince.core.types import LabelSpace, Sample
from lince.data.collection import Collection
from lince.data.where import filtered, parse_where

SPACE = LabelSpace(("benign", "malignant"), "malignant")


@pytest.fixture
def collection() -> Collection:
    rows = [
        ("benign", {"age": 30, "sex": "F", "part": "Chest, Pulmonary"}),
        ("malignant", {"age": "61", "sex": "m", "part": "Chest"}),
        ("malignant", {"sex": "F", "part": "Breast"}),
        ("benign", {"age": 18.0, "sex": "M", "part": "Pulmonary"}),
    ]
    samples = tuple(Sample(f"{n}.png", label, attributes=facts) for n, (label, facts) in enumerate(rows))
    return Collection("set", samples, SPACE, "set")


@pytest.mark.parametrize(
    ("conditions", "kept"),
    [
        ([], "0123"),
        (["sex=M"], "13"),
        (["sex!=M"], "02"),
        (["age>=18"], "013"),
        (["age>18"], "01"),
        (["age<61", "sex=F"], "0"),
        (["age!=30"], "123"),
        (["age=18"], "3"),
        (["part=Chest, Pulmonary"], "013"),
        (["part=Chest,Breast"], "12"),
        ([" sex = f , m "], "0123"),
        (["label=benign,malignant", "age>0"], "013"),
    ],
)
def test_what_is_kept(collection: Collection, conditions: list[str], kept: str) -> None:
    found = filtered(collection, parse_where(conditions), classes=SPACE)
    assert "".join(sample.path[0] for sample in found.samples) == kept


@pytest.mark.parametrize("text", ["", "sex", "=M", "sex=", "age>old", "age>=1,2", "sex=,"])
def test_what_is_no_condition(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_where([text])


def test_an_unknown_attribute_names_a_near_one(collection: Collection) -> None:
    with pytest.raises(ConfigError, match="did you mean sex"):
        filtered(collection, parse_where(["sexo=M"]))


def test_nothing_left_says_what_there_is(collection: Collection) -> None:
    with pytest.raises(SourceError, match=r"sex is one of: F, M, m"):
        filtered(collection, parse_where(["sex=X"]))


def test_one_class_left_trains_nothing_but_can_be_measured(collection: Collection) -> None:
    where = parse_where(["part=Chest, Pulmonary", "label=benign"])
    with pytest.raises(SourceError, match="one class is left, benign"):
        filtered(collection, where)
    assert filtered(collection, where, classes=SPACE).labels == SPACE
