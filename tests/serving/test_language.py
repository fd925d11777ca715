"""Which language, and whether every catalog is whole."""

from __future__ import annotations

import re

import pytest

from lince.core.languages import preferred
from lince.serving.language import LOCALES, choose, language
from lince.serving.words import REASONS
from lince.trust.novelty import UNKNOWN_CONTENT
from lince.trust.statistics import STATISTICS

from .catalogs import TRANSLATED, extracted, stored


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("", "en"),
        ("pt-PT,pt;q=0.9,en;q=0.8", "pt_PT"),
        ("pt-BR,pt;q=0.9,en;q=0.8", "pt_BR"),
        ("PT-br", "pt_BR"),
        ("pt", "pt_PT"),
        ("pt-AO", "pt_PT"),
        ("en-US,pt;q=0.5", "en"),
        ("en;q=0.3, pt-BR;q=0.7", "pt_BR"),
        ("pt-BR;q=0, en", "en"),
        ("pt-BR;q=0", "en"),
        ("fr, de;q=0.9", "en"),
        ("fr, pt-PT;q=0.2", "pt_PT"),
        ("*", "en"),
        ("pt-BR;q=abc, pt-PT;q=0.1", "pt_PT"),
        (";;;,,,=;q", "en"),
        ("x" * 100_000, "en"),
    ],
)
def test_the_browser_is_heard(header: str, name: str) -> None:
    assert choose(header) == name


def test_the_reader_outranks_the_browser() -> None:
    assert choose("en", "pt-BR", "pt_PT") == "pt_BR"
    assert choose("en", None, "pt_PT") == "pt_PT"
    assert choose("pt-BR", "klingon", "../../etc") == "pt_BR"


def test_equal_qualities_keep_their_order() -> None:
    assert preferred("a, b;q=1.0, c;q=0.5, d;q=1") == ["a", "b", "d", "c"]


@pytest.mark.parametrize(("name", "percent", "decimal"), [("en", "34.6%", "0.912"), ("pt_PT", "34,6%", "0,912")])
def test_numbers_are_written_as_the_reader_does(name: str, percent: str, decimal: str) -> None:
    assert language(name).percent(0.3456) == percent
    assert language(name).decimal(0.9123) == decimal


def test_class_names_are_translated_whatever_their_case() -> None:
    words = language("pt_PT")
    assert words.class_names(("NORMAL", "PNEUMONIA", "ductal_carcinoma", "klass-7")) == {
        "NORMAL": "normal",
        "PNEUMONIA": "pneumonia",
        "ductal_carcinoma": "carcinoma ductal",
    }
    assert words.class_names(("cancer",)) == {"cancer": "cancro"}
    assert language("pt_BR").class_names(("cancer",)) == {"cancer": "câncer"}
    assert language("en").class_names(("NORMAL",)) == {}


@pytest.mark.parametrize("locale", TRANSLATED)
def test_every_message_is_translated_and_none_is_stale(locale: str) -> None:
    wanted = {(m.context, m.id) for m in extracted() if m.id}
    catalog = stored(locale)
    found = {(m.context, m.id) for m in catalog if m.id}
    hint = "run: python tests/serving/catalogs.py, then translate what is empty"
    assert len(wanted) > 80
    assert wanted - found == set(), hint
    assert found - wanted == set(), hint
    assert [m.id for m in catalog if m.id and (not m.string or m.fuzzy)] == [], hint


@pytest.mark.parametrize("locale", TRANSLATED)
def test_messages_know_the_files_that_use_them(locale: str) -> None:
    """The page's script gets those of its own files alone."""
    wanted = {(m.context, m.id): {file for file, _ in m.locations} for m in extracted() if m.id}
    assert {(m.context, m.id): {file for file, _ in m.locations} for m in stored(locale) if m.id} == wanted


@pytest.mark.parametrize("locale", TRANSLATED)
def test_translations_keep_the_placeholders(locale: str) -> None:
    places = re.compile(r"%(?:\(\w+\)s|%)")
    for message in stored(locale):
        if message.id:
            assert sorted(places.findall(message.string)) == sorted(places.findall(message.id)), message.id


def test_each_portuguese_has_its_own_words() -> None:
    texts = {name: " ".join(str(m.string) for m in stored(name)).lower() for name in TRANSLATED}
    only_there = {"pt_PT": ("ficheiro", "doente", "exatidão", "acerca"), "pt_BR": ("arquivo", "paciente", "acurácia")}
    for name, other in (("pt_PT", "pt_BR"), ("pt_BR", "pt_PT")):
        for word in only_there[name]:
            assert word in texts[name]
            assert word not in texts[other]


def test_every_reason_of_a_refusal_has_words_in_each_language() -> None:
    told = {sentence for pair in STATISTICS for sentence in pair} | {UNKNOWN_CONTENT}
    assert told == REASONS
    for name in LOCALES[1:]:
        assert told <= set(language(name).script_messages)
