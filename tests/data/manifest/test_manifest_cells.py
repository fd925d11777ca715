"""The types of text cells."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lince.data.manifest.cells import typed


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", " -2 ", ""], [1, -2, None]),
        (["1", "2.5", "1e-07"], [1, 2.5, 1e-07]),
        (["007", "12"], ["007", "12"]),
        (["1", "unknown"], ["1", "unknown"]),
        (["TRUE", "false", ""], [True, False, None]),
        (["true", "1"], ["true", "1"]),
        (["3,5", "4"], [3.5, 4]),
        (["1,234", "5"], ["1,234", "5"]),
        (["1,234", "5,5"], [1.234, 5.5]),
        (["12E4", "3"], ["12E4", "3"]),
        ([" kept as it is ", ""], [" kept as it is ", None]),
        (["", " "], [None, None]),
        (["1.2.840.113619.2.55", "2"], ["1.2.840.113619.2.55", "2"]),
    ],
)
def test_a_column_has_one_type(cells: list[str], values: list[Any]) -> None:
    found, _ = typed(cells)
    assert found == values
    assert list(map(type, found)) == list(map(type, values))


def test_decimal_commas_where_the_separator_is_no_comma() -> None:
    assert typed(["1,234", "5"], decimal_comma=True) == ([1.234, 5], True)
    assert typed(["1.5", "5"], decimal_comma=True) == ([1.5, 5], False)


@given(
    st.lists(st.integers(-(10**17), 10**17) | st.floats(allow_nan=False, allow_infinity=False) | st.none(), min_size=1)
)
def test_numbers_come_back_as_python_prints_them(values: list[float | None]) -> None:
    found, _ = typed(["" if value is None else str(value) for value in values])
    assert found == values
    assert list(map(type, found)) == list(map(type, values))


@given(st.lists(st.booleans(), min_size=1))
def test_truth_values_come_back(values: list[bool]) -> None:
    assert typed([str(value).lower() for value in values])[0] == values
