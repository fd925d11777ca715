"""Texts that answer a query, the best first."""

from __future__ import annotations

import time
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lince.core.errors import ConfigError
from lince.core.types import Sample
from lince.data.search import TextFound, search_text


def sample(name: str, label: str = "CT", group: str | None = None, **attributes: Any) -> Sample:
    return Sample(f"/images/{name}.png", label, group, attributes=attributes)


SAMPLES = (
    sample("a", caption="Comminuted fracture of the distal femur.", age=30),
    sample("b", caption="Normal chest.", disease_discussion="A fracture heals. " * 20),
    sample("c", "MR", "MPX7", caption="Fratura do fémur esquerdo"),
    sample("d", caption="Femoral vessels."),
    sample("e_12", caption="Liver lesions"),
)


def names(query: str) -> list[str]:
    return [SAMPLES[hit.row].name[0] for hit in search_text(SAMPLES, query).hits]


def test_more_words_rarer_words_and_shorter_texts_come_first() -> None:
    assert set(names("femur fracture")[:2]) == {"a", "c"}
    assert names("femur fracture")[-1] == "b"


def test_both_words_once_come_before_one_of_them_often() -> None:
    samples = [
        sample("a", caption="Pneumonia.", title="Pneumonia and pneumonia", findings="Pneumonia of both lungs"),
        sample("b", caption="Chest", discussion="Pneumonia is frequent in children."),
        *(sample("n", caption=f"Normal {number}") for number in range(9)),
    ]
    assert [hit.row for hit in search_text(samples, "pneumonia criança").hits] == [1, 0]


@pytest.mark.parametrize("query", ["fratura femur", "FRATURAS FÉMUR", "fractures, femur?", "fémur fracture"])
def test_accents_case_endings_and_language_do_not_count(query: str) -> None:
    assert set(names(query)[:2]) == {"a", "c"}


def test_decomposed_accents_are_read_like_composed_ones() -> None:
    plain = sample("x", caption="Derrame pleural à direita, lesão")
    apart = sample("x", caption=unicodedata.normalize("NFD", "Derrame pleural à direita, lesão"))
    query = unicodedata.normalize("NFD", "lesão")
    excerpts = [search_text([one], asked).hits[0].excerpt for one in (plain, apart) for asked in ("lesão", query)]
    assert set(excerpts) == {"Derrame pleural à direita, [lesão]"}


@pytest.mark.parametrize(("query", "found"), [("mpx7", ["c"]), ("MR", ["c"]), ("12", ["e"]), ("zebra", [])])
def test_labels_names_and_groups_are_searched(query: str, found: list[str]) -> None:
    assert names(query) == found


def test_a_word_that_begins_like_the_one_sought_is_found_behind_the_word_itself() -> None:
    samples = [sample("a", caption="Angiography."), sample("b", caption="Angio.")]
    assert [hit.row for hit in search_text(samples, "angio").hits] == [1, 0]
    assert search_text(samples, "ang").hits == ()


def test_scores_are_shares_and_words_that_stand_nowhere_are_told() -> None:
    found = search_text(SAMPLES, "femur zebra")
    assert found.unknown == ("zebra",)
    assert found.hits[0].words == ("femur",)
    assert all(0 < hit.score < 1 for hit in found.hits)


def test_the_excerpt_shows_what_matched() -> None:
    long = f"{'Nothing of note here. ' * 20}A small pleural effusion on the left. {'More words follow. ' * 20}"
    hit = search_text([sample("a", caption="CT", findings=long)], "pleural effusions").hits[0]
    assert hit.field == "findings"
    assert "small [pleural] [effusion] on the left" in hit.excerpt
    assert hit.excerpt.startswith("…")
    assert hit.excerpt.endswith("…")
    assert len(hit.excerpt) < 130


def test_line_breaks_do_not_reach_the_excerpt() -> None:
    assert search_text([sample("a", caption="one\n\n  cyst\there")], "cyst").hits[0].excerpt == "one [cyst] here"


def test_a_collection_without_text_says_so() -> None:
    assert search_text([sample("a", age=3)], "cyst") == TextFound((), ("cyst",), False)
    assert search_text([], "cyst").hits == ()
    assert search_text([sample("a", caption="x")], "cyst").has_text


@pytest.mark.parametrize("query", ["", "  ", "?!", "_"])
def test_a_query_without_words_is_refused(query: str) -> None:
    with pytest.raises(ConfigError, match="no word to search for"):
        search_text(SAMPLES, query)


@settings(deadline=None)
@given(st.text(max_size=60), st.text(alphabet="ab é\u0301_\n,ß", min_size=1, max_size=6))
def test_no_text_is_too_odd_to_be_read(text: str, query: str) -> None:
    try:
        found = search_text([sample("n", caption=f"{query} {text}")], query)
    except ConfigError:
        return
    assert len(found.hits) == 1


def test_many_short_texts_are_searched_in_seconds() -> None:
    samples = [sample(str(i), caption=f"Image {i} of a knee with {i % 97} small findings") for i in range(20_000)]
    begun = time.process_time()
    found = search_text(samples, "knee findings")
    assert len(found.hits) == 20_000
    assert time.process_time() - begun < 10
