"""The model card and its checklists."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path
from string import Formatter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lince.inference.card as card_room
from lince.core.types import LabelSpace
from lince.evaluation import Aim, assess, by_subgroup, validate_externally
from lince.evaluation.texts import PORTUGUESE as OF_THE_REPORT
from lince.inference import Bundle, evaluate
from lince.inference.bundle import BundleManifest
from lince.inference.card import Evaluation, write_card
from lince.inference.card.checklists import Checklist, Item
from lince.inference.card.claim import CLAIM
from lince.inference.card.texts import PORTUGUESE
from lince.inference.card.tripod import TRIPOD
from lince.inference.card.words import Words, escaped
from lince.inference.card.writing import _IN_TABLES, _SECTIONS
from lince.trust import Calibration, Trust

Row = tuple[str, str, str]


def rows(card: str, checklist: Checklist) -> dict[str, Row]:
    """Item, status and content of a checklist by number; every row has exactly four cells."""
    lines = card.split(f"### {checklist.name}\n")[1].split("\n### ")[0].splitlines()
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines if re.match(r"\| \d", line)]
    assert all(len(row) == 4 for row in cells)
    found = {row[0].strip(): (row[1].strip(), row[2].strip(), row[3].strip()) for row in cells}
    assert len(found) == len(cells)
    return found


def written(folder: Path, manifest: BundleManifest, **more: Any) -> str:
    write_card(folder, manifest, **more)
    return (folder / "card.md").read_text(encoding="utf-8")


@pytest.fixture
def manifest(tiny_bundle: Path) -> BundleManifest:
    return Bundle(tiny_bundle).manifest


@pytest.fixture
def of_classes(manifest: BundleManifest) -> Callable[..., BundleManifest]:
    """The manifest with other classes, as a bundle of an earlier version without records of groups and notices."""

    def make(*names: str, positive: str | None = None) -> BundleManifest:
        trust = Trust(calibration=Calibration.none(len(names)))
        home = {"name": names[0], "digest": "0" * 64, "counts": {"train": dict.fromkeys(names, 3)}, "skipped": 0}
        return manifest.model_copy(
            update={
                "classes": names,
                "positive": positive,
                "trust": trust,
                "operating_point": None,
                "provenance": {"collection": home},
                "figures": {"test": {"n": 9, "counts": dict.fromkeys(names, 3), "auc": {"value": 0.75}}},
            }
        )

    return make


def test_the_numbers_are_those_of_the_published_checklists() -> None:
    assert [item.number for item in CLAIM.items] == [str(number) for number in range(1, 45)]
    main = dict.fromkeys(re.sub(r"[a-z]", "", item.number) for item in TRIPOD.items)
    assert list(main) == [str(number) for number in range(1, 28)]
    assert len({item.number for item in TRIPOD.items}) == len(TRIPOD.items) == 52


@pytest.mark.parametrize("language", ["en", "pt"])
@pytest.mark.parametrize("checklist", [CLAIM, TRIPOD], ids=["claim", "tripod"])
def test_every_item_appears_once_with_a_status_and_a_filled_one_has_content(
    tmp_path: Path, manifest: BundleManifest, checklist: Checklist, language: str
) -> None:
    filled, open_ = ("**filled**", "needs a human") if language == "en" else ("**preenchido**", "falta uma pessoa")
    found = rows(written(tmp_path, manifest, language=language), checklist)
    assert list(found) == [item.number for item in checklist.items]
    assert {status for _, status, _ in found.values()} == {filled, open_}
    for item in checklist.items:
        asked, status, content = found[item.number]
        assert asked == (item.english if language == "en" else item.portuguese)
        assert status == open_ or len(content) > 5
        pointed = re.search(r"(?:see|ver) ([\d, a-g]+)$", content)
        for number in pointed[1].split(", ") if pointed else ():
            assert len(found[number][2]) > 20, "it points to an item that says it in full"


def test_what_only_people_know_is_never_filled(tmp_path: Path, manifest: BundleManifest) -> None:
    card = written(tmp_path, manifest)
    human = {CLAIM: ["2", "5", "11", "14", "16", "34", "36", "44"], TRIPOD: ["3c", "5b", "6a", "8b", "14", "17", "18a"]}
    for checklist, numbers in human.items():
        found = rows(card, checklist)
        assert {found[number][1] for number in numbers} == {"needs a human"}
    assert rows(card, CLAIM)["33"][1:] == ("needs a human", ""), "nobody has tested it elsewhere"
    assert rows(card, CLAIM)["20"][1] == "**filled**"


def test_a_fact_that_is_not_known_leaves_its_item_to_a_human() -> None:
    facts = {"split": escaped("Drawn."), "counts": escaped("3 images.")}
    item = Item("19", "How", "Como", ("split", "counts"))
    assert item.filled(facts)
    assert not item.filled({"split": facts["split"]})
    assert item.known({"split": facts["split"]}) == ["split"]
    assert not Item("2", "Summary", "Resumo", hints=("split",)).filled(facts)


def test_items_ask_for_facts_that_have_a_place_in_the_card() -> None:
    places = {*_IN_TABLES, *(name for names, _ in _SECTIONS.values() for name in names)}
    for item in (*CLAIM.items, *TRIPOD.items):
        assert {*item.filled_by, *item.hints} <= places


def test_the_card_tells_where_the_images_come_from(tmp_path: Path, manifest: BundleManifest) -> None:
    home = manifest.provenance["collection"]
    assert home["grouping"] == "near-duplicates"
    assert home["given_parts"] == []
    assert home["torn"] == 0
    assert {part: sum(row.values()) for part, row in home["counts"].items()} == {"train": 17, "val": 4, "test": 3}
    assert all(home["groups"][part][name] <= n for part, row in home["counts"].items() for name, n in row.items())
    card = written(tmp_path, manifest)
    counts = home["counts"]
    for name in manifest.classes:
        assert f"| {name} | {counts['train'][name]} | {counts['val'][name]} | {counts['test'][name]} |" in card
    assert "The source names no patients." in card
    assert "Drawn with seed 1, class by class and whole groups" in card
    assert "Weights at the start: random." in card
    for notice in home["notices"]:
        assert f"- {escaped(notice)}" in card


def test_patients_are_told_where_the_source_names_them(tmp_path: Path, manifest: BundleManifest) -> None:
    home = {
        **manifest.provenance["collection"],
        "grouping": "source",
        "counts": {"train": {"benign": 9, "malignant": 8}, "test": {"benign": 3, "malignant": 2}},
        "groups": {"train": {"benign": 4, "malignant": 3}, "test": {"benign": 2, "malignant": 1}},
    }
    known = manifest.model_copy(update={"provenance": {**manifest.provenance, "collection": home}})
    card = written(tmp_path, known)
    assert "| benign | 9 (4) | 3 (2) |" in card
    assert rows(card, TRIPOD)["21"][1] == "**filled**"
    assert rows(written(tmp_path, manifest), TRIPOD)["21"][1] == "needs a human"
    torn = known.model_copy(update={"provenance": {**known.provenance, "collection": {**home, "torn": 2}}})
    assert "2 patients, groups or sets of near-duplicates stand in more than one of them" in written(tmp_path, torn)


@pytest.mark.parametrize("language", ["en", "pt"])
def test_a_bundle_that_knows_little_has_a_correct_card(
    tmp_path: Path, of_classes: Callable[..., BundleManifest], language: str
) -> None:
    card = written(tmp_path, of_classes("cyst", "nodule", "normal"), language=language)
    assert {"en": "Macro AUC", "pt": "AUC média"}[language] in card
    assert {"en": "Sensitivity [", "pt": "Sensibilidade ["}[language] not in card
    assert {"en": "decided is the most likely one", "pt": "decide-se a mais provável"}[language] in card
    assert not re.search(r"\b(None|nan|NaN)\b", card)
    assert {"en": "| 0.750 | – |", "pt": "| 0,750 | – |"}[language] in card
    for checklist, number in ((CLAIM, "20"), (CLAIM, "25"), (TRIPOD, "7"), (TRIPOD, "12f"), (TRIPOD, "23a")):
        assert "**" not in rows(card, checklist)[number][1]


def test_names_cannot_break_the_card(tmp_path: Path, of_classes: Callable[..., BundleManifest]) -> None:
    evil = ("a|b\n# c", "<img src=x>", "[x](y) `z` *w* _v_ in_side", "k\udc80")
    card = written(tmp_path, of_classes(*evil, positive=evil[0]))
    assert r"a\|b \# c" in card
    assert r"\<img src=x\>" in card
    assert r"\[x\](y) \`z\` \*w\* \_v\_ in_side" in card
    assert "k\\\\udc80" in card
    assert "\n# c" not in card
    assert rows(card, CLAIM).keys() == {item.number for item in CLAIM.items}


@given(st.text(max_size=40))
def test_escaped_text_is_one_line_without_a_bare_sign(text: str) -> None:
    found = escaped(text)
    assert len(found.splitlines()) <= 1
    assert not re.search(r"[`*\[\]<>|#~&]", re.sub(r"\\.", "", found))
    assert escaped(text).replace("\\", "") == " ".join(
        text.encode("utf-8", "backslashreplace").decode().split()
    ).replace("\\", "")


def test_values_are_escaped_once() -> None:
    words = Words("en")
    inner = words.say("Too few images for a prediction set: {few}; always part of the set.", few="a|b")
    outer = words.say("Images by part: {parts}.", parts=inner)
    assert outer.count("\\") == 1


def test_a_figure_that_cannot_be_had_says_why() -> None:
    none = {"value": None, "reason": "no class was named as the positive one"}
    assert Words("en").estimate(none) == "– (no class was named as the positive one)"
    assert Words("pt").estimate(none) == "– (nenhuma classe foi indicada como positiva)"
    assert Words("pt").estimate({"value": 0.5, "low": 0.25, "high": 0.75}) == "0,500 [0,250; 0,750]"


def test_an_evaluation_adds_its_figures(tiny_bundle: Path, tiny_images: Path, tmp_path: Path) -> None:
    found = evaluate(tiny_bundle, tiny_images, split="all", out=tmp_path / "out", language="pt", gallery=False)
    card = (tmp_path / "out" / "card.md").read_text(encoding="utf-8")
    here = card.split("## Esta avaliação")[1].split("\n## ")[0]
    assert "| imagens | 24 |" in here
    assert Words("pt").estimate(found.auc.model_dump()) in here
    assert "87,5% destas imagens foram usadas no treino" in here
    assert "mapas de calor" not in here
    assert "Esta avaliação" not in (tiny_bundle / "card.md").read_text(encoding="utf-8")


def test_external_data_and_subgroups_fill_their_items(tmp_path: Path, manifest: BundleManifest) -> None:
    labels = LabelSpace(manifest.classes, manifest.positive)
    table = np.tile([[0.2, 0.8], [0.7, 0.3]], (20, 1))
    found = assess(["malignant", "benign"] * 20, table, labels, threshold=0.5)
    done = Evaluation(found, "elsewhere", "all", "2026-01-01", synthetic=False, seen=0.0, skipped=2, pictured=True)
    at_home = rows(written(tmp_path, manifest, evaluation=done), CLAIM)
    assert at_home["33"][1] == "needs a human"
    assert "surest errors" in at_home["39"][2]
    assert at_home["39"][1] == "needs a human"
    truth = ["malignant", "benign"] * 20
    abroad = validate_externally(found, truth, table, labels, trained_on="home", reference={}, aim=Aim())
    sex = {"sex|": ["F", "F", "M", "M"] * 10}
    sexes = by_subgroup(truth, table, labels, threshold=0.5, attributes=sex, groups=None, confidence=0.95)
    update = {"external": abroad, "subgroups": sexes}
    whole = Evaluation(found.model_copy(update=update), "elsewhere", "all", "2026-01-01", False, 0.0, 2, False)
    card = written(tmp_path, manifest, evaluation=whole)
    assert rows(card, CLAIM)["33"][1] == rows(card, TRIPOD)["23a"][1] == rows(card, TRIPOD)["24"][1] == "**filled**"
    assert r"Figures by sex\| are in report.html" in card


def test_every_sentence_of_the_card_has_its_portuguese() -> None:
    room = Path(card_room.__file__).parent
    said: set[str] = set()
    for name in ("checklists", "measured", "origin", "promises", "tables", "writing"):
        for node in ast.walk(ast.parse((room / f"{name}.py").read_text(encoding="utf-8"))):
            text = node.value if isinstance(node, ast.Constant) else None
            # Sentences have blanks; names of facts, keys and files have none.
            if isinstance(text, str) and re.search(r"[a-z] ?\S* \S", text):
                said.add(text)
    told = {text for text in said if text in PORTUGUESE or text in OF_THE_REPORT}
    prose = {text for text in said - told if not _is_docstring(text, room)}
    assert {text for text in prose if not text.startswith(("Tejani", "Collins"))} == set()
    assert len(told) > 90


def _is_docstring(text: str, room: Path) -> bool:
    for place in room.glob("*.py"):
        for node in ast.walk(ast.parse(place.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and node.body:
                first = node.body[0]
                if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and first.value.value == text:
                    return True
    return False


def test_translations_of_the_card_keep_their_blanks() -> None:
    def blanks(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    for english, portuguese in PORTUGUESE.items():
        assert blanks(english) == blanks(portuguese), english
