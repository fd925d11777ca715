"""Words without accents, case and endings."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lince.data.search.words import folded, same_meaning, stem, terms


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("fracture", "Fractures"),
        ("fracture", "fractured"),
        ("lesion", "lesions"),
        ("biopsy", "biopsies"),
        ("mass", "masses"),
        ("metastasis", "metastases"),
        ("enhancing", "enhanced"),
        ("lesão", "LESOES"),
        ("cerebral", "cerebrais"),
        ("direito", "direitas"),
        ("tumor", "tumores"),
    ],
)
def test_forms_of_a_word_have_one_stem(one: str, other: str) -> None:
    assert stem(one) == stem(other)


@pytest.mark.parametrize(
    ("one", "other"), [("liver", "lung"), ("femur", "female"), ("ring", "red"), ("MPX10", "MPX101"), ("t1", "t2")]
)
def test_other_words_have_other_stems(one: str, other: str) -> None:
    assert stem(one) != stem(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("fratura", "fracture"),
        ("Pulmão", "lung"),
        ("lung", "pulmonary"),
        ("kidneys", "rins"),
        ("hemorrhage", "hemorragia"),
    ],
)
def test_translations_mean_the_same(one: str, other: str) -> None:
    assert stem(other) in same_meaning(one)
    assert stem(one) in same_meaning(other)


def test_small_words_are_left_out_unless_there_are_no_others() -> None:
    assert terms("fratura do fémur") == ["fratura", "fémur"]
    assert terms("the of") == ["the", "of"]
    assert terms("Fracture fractures, FRACTURED") == ["Fracture"]
    assert terms(" ?!_ ") == []


@settings(deadline=None)
@given(st.text(alphabet="abcçãéõüoesnigdlr", min_size=1, max_size=12))
def test_case_and_accents_never_change_a_stem(word: str) -> None:
    assert stem(word) == stem(word.upper()) == stem(folded(word))
    assert folded(word).startswith(stem(word)[:2])
