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
        (["age==18"], "3"),
        (["AGE>18", "Label=benign"], "0"),
        (["part=Chest, Pulmonary"], "013"),
        (["part=Chest,Breast"], "12"),
        ([" sex = f , m "], "0123"),
        (["label=benign,malignant", "age>0"], "013"),
    ],
)
def test_what_is_kept(collection: Collection, conditions: list[str], kept: str) -> None:
    found = filtered(collection, parse_where(conditions), classes=SPACE)
    assert "".join(sample.path[0] for sample in found.samples) == kept


@pytest.mark.parametrize("text", ["", "sex", "=M", "sex=", "age>old", "age>=1,2", "sex=,", "age>=nan", "age<inf"])
def test_what_is_no_condition(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_where([text])


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("age=>35", "write age>=35, or leave a blank after = if the value begins with >"),
        ("age =< 35", "write age<=35, or leave a blank after = if the value begins with <"),
        ("sex<>M", "write sex!=M, or leave a blank after < if the value begins with >"),
        ("age===3", "leave a blank after = if the value begins with =="),
    ],
)
def test_a_sign_that_is_none_is_not_taken_for_a_value(text: str, fix: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_where([text])
    assert caught.value.fix == fix


def test_a_value_may_begin_with_a_sign(collection: Collection) -> None:
    (condition,) = parse_where(["age= <40"])
    assert (condition.operator, condition.values) == ("=", ("<40",))


def test_attributes_that_differ_in_case_alone_are_told_apart(collection: Collection) -> None:
    samples = tuple(
        Sample(s.path, s.label, attributes={"Sex": "x", "sex": "F" if n else "M"})
        for n, s in enumerate(collection.samples)
    )
    both = Collection("set", samples, SPACE, "set")
    assert len(filtered(both, parse_where(["sex=F"])).samples) == 3
    with pytest.raises(ConfigError, match=r"received: SEX\); write one of: Sex, sex"):
        filtered(both, parse_where(["SEX=F"]))


def test_what_was_kept_is_told(collection: Collection) -> None:
    assert filtered(collection, parse_where(["sex=F"])).notices == ("--where sex=F kept 2 of 4 images.",)
    assert filtered(collection, parse_where(["sex!=Female"])).notices == ("--where sex!=Female kept all 4 images.",)
    found = filtered(collection, parse_where(["age>20", "sex=F"]), classes=SPACE)
    assert found.notices == ("--where age>20 and sex=F kept 1 of 4 images; no image is left of: malignant.",)
    three = LabelSpace(("benign", "cyst", "malignant"), "malignant")
    found = filtered(Collection("set", collection.samples, three, "set"), parse_where(["age>20"]))
    assert found.notices == ("--where age>20 kept 2 of 4 images.",)  # there never was a cyst
    found = filtered(collection, parse_where(["age>20"]), whole=1850)
    assert found.notices == ("--where age>20 kept 2 of 1850 images.",)


def test_an_unknown_attribute_names_a_near_one(collection: Collection) -> None:
    with pytest.raises(ConfigError, match="did you mean sex"):
        filtered(collection, parse_where(["sexo=M"]))


def test_nothing_left_says_what_there_is(collection: Collection) -> None:
    with pytest.raises(SourceError, match=r"sex is one of: F, M, m"):
        filtered(collection, parse_where(["sex=X"]))


def test_values_are_told_in_their_order_and_apart() -> None:
    parts = ["400X", "40X", "100X", "Chest, Pulmonary", *(f"z{n}" for n in range(20))]
    samples = tuple(Sample(f"{n}.png", "benign", attributes={"part": part}) for n, part in enumerate(parts))
    collection = Collection("set", samples, SPACE, "set")
    with pytest.raises(SourceError) as caught:
        filtered(collection, parse_where(["part=50X"]))
    told = '; part is one of: 40X, 100X, 400X, "Chest, Pulmonary", z0, z1, z2, z3, ...'
    assert caught.value.sentence.endswith(told)
    with pytest.raises(SourceError, match=r"; no image has a group\."):
        filtered(collection, parse_where(["group=p1"]))


def test_one_class_left_trains_nothing_but_can_be_measured(collection: Collection) -> None:
    where = parse_where(["part=Chest, Pulmonary", "label=benign"])
    with pytest.raises(SourceError, match="one class is left, benign"):
        filtered(collection, where)
    assert filtered(collection, where, classes=SPACE).labels == SPACE
