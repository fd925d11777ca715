"""Conditions as queries: the server finds every document for which the condition holds, and few others."""

from __future__ import annotations

from typing import Any

import pytest

from lince.core.types import Sample
from lince.data.documents import key, name_of, query
from lince.data.where import Condition, parse_where

VALUES = [
    "a", "A", "a\n", " a", "ab", "a.b", "axb", "a|b", "É", "é", "true", "True", "1", "1.0", " 1", "+1", "-3", "-3x",
    "nan", "inf", "1e3", "", 0, 1, 1.0, -3, 2.5, 1000, True, False,
]  # fmt: skip
CONDITIONS = [
    "x=a", "x!=a", "x=A,b", "x=a.b", "x!=a.b", "x=a|b", "x=é", "x!=É", "x=true", "x!=TRUE", "x=false", "x=1", "x!=1",
    "x=0", "x=1.0", "x=-3", "x=nan", "x!=nan", "x=1000", "x>=1", "x>0", "x<1", "x<=-3", "x<2.6", "x!=a,1",
]  # fmt: skip


@pytest.fixture
def values(base: Any) -> Any:
    """A collection with one document per value, and one without."""
    base["x"].insert_many([{"_id": n, "attributes": {"x": value}} for n, value in enumerate(VALUES)] + [{"_id": -1}])
    return base["x"]


def kept(condition: Condition) -> set[int]:
    samples = {n: Sample("", "", attributes={"x": value}) for n, value in enumerate(VALUES)} | {-1: Sample("", "")}
    return {n for n, sample in samples.items() if condition.holds(sample)}


def test_the_server_misses_nothing_and_finds_little_else(values: Any) -> None:
    for condition in parse_where(CONDITIONS):
        found = {document["_id"] for document in values.find(query("attributes.x", condition))}
        wanted = kept(condition)
        assert wanted <= found, condition
        # Beyond it, only texts that begin like numbers where numbers are asked for.
        texts = {n for n, value in enumerate(VALUES) if isinstance(value, (str, bool))}
        assert found - wanted <= texts, condition
        if condition.operator == "=" and not any(c.isdigit() for c in str(condition)):
            assert found == wanted, condition


@pytest.mark.parametrize("name", ["age", "a.b", "$where", "100%", "%2E", "a\0b", "%24.$"])
def test_names_of_attributes_become_fields_and_come_back(name: str) -> None:
    assert not set(key(name)) & set(".$\0")
    assert name_of(key(name)) == name
