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


PHASE: dict[str, Any] = {
    "name": "head", "epochs": 4, "batch_size": 64, "accumulate": 1, "learning_rate": 3e-3, "weight_decay": 0.05,
    "keep": "best", "exact": True,
}  # fmt: skip
STEPS = {**PHASE, "name": "fine-tuning", "epochs": 20, "batch_size": 32, "exact": False}


@pytest.fixture
def learned(manifest: BundleManifest) -> Callable[..., BundleManifest]:
    """The manifest with these phases, and as members the candidates that have a weight, by name."""

    def make(*phases: dict[str, Any], imbalance: str = "weights", **weights: float) -> BundleManifest:
        plan = {**manifest.provenance["plan"], "phases": [*phases], "imbalance": {"kind": imbalance}}
        told = {"plan": plan}
        update: dict[str, Any] = {}
        if weights:
            tried = [
                {"name": f"efficientnet-lite0-{name}", "share": n, "log_loss": 0.25} for name, n in weights.items()
            ]
            told["cross_validation"] = {"folds": 5, "candidates": tried}
            members = [
                {
                    "model": "efficientnet-lite0", "facts": None, "size": 224, "mirrored": False, "share": 9.0,
                    "landmarks": 77 if one["name"].endswith("kernel") else 0,
                }
                for one in tried if one["share"]
            ]  # fmt: skip
            update["model"] = manifest.model.model_copy(update={"name": "ensemble", "facts": {"members": members}})
        return manifest.model_copy(update={"provenance": {**manifest.provenance, **told}, **update})

    return make


def test_a_head_that_was_solved_has_no_epochs_and_no_rate(
    tmp_path: Path, learned: Callable[..., BundleManifest]
) -> None:
    solved = "head (logistic regression on the frozen network, solved for 4 strengths of the penalty, the best on "
    alone = written(tmp_path, learned(PHASE))
    assert f"- Training: {solved}validation kept); seed 1." in alone
    assert "- Kept was the strength of the penalty that did best on validation.\n" in alone
    assert "epochs" not in alone
    both = written(tmp_path, learned(PHASE, STEPS))
    assert f"{solved}validation kept), fine-tuning (at most 20 epochs, 32 images a step" in both
    assert "Kept was the strength of the penalty, then the epoch, that did best on validation; a later" in both
    stepped = written(tmp_path, learned({**PHASE, "exact": False}, STEPS))
    assert "head (at most 4 epochs, 64 images a step, rate 0.003 at its peak" in stepped
    assert "- Kept was the epoch that did best on validation" in stepped
    assert "cabeça (regressão logística" in written(tmp_path, learned(PHASE), language="pt")


def test_support_vectors_are_told_as_such(tmp_path: Path, learned: Callable[..., BundleManifest]) -> None:
    one = written(tmp_path, learned(PHASE, **{"224-head": 0.0, "224-kernel": 1.0}))
    kernel = "support vectors on what the frozen network sees, solved for several costs of an error"
    assert f"- Training: {kernel}; seed 1." in one
    assert f"- Member: efficientnet-lite0, 224 px, weight 1.00; {kernel}; at most 77 support vectors a fold" in one
    assert "- One member, which averages what was learned in 5 folds." in one
    assert f"efficientnet-lite0-224-kernel ({kernel}) 0.250, weight 1.00." in one
    assert "- Of support vectors for several costs, those with the lowest out-of-fold log loss were kept.\n" in one
    assert "- Classes of unequal size: nothing was done about it." in one, "what is solved here weighs nothing"
    assert "epoch" not in one


def test_heads_solved_on_one_version_of_each_image_saw_no_augmentation(
    tmp_path: Path, learned: Callable[..., BundleManifest]
) -> None:
    head = {**PHASE, "boundary": "embedding"}

    def said(*phases: dict[str, Any], **weights: float) -> str:
        known = learned(*phases, **weights)
        known.provenance["plan"]["augmentation"] = {"name": "ultrasound"}
        return re.findall("- Augmentation: (.*)[.;]", written(tmp_path, known))[0]

    for weights in ({"224-head": 0.6, "224-kernel": 0.4}, {}):
        assert said({**head, "views": 1}, **weights) == "none"
        assert said({**head, "views": 4}, **weights).startswith("the policy ultrasound")
    assert said({**head, "views": 1}, **{"224-head": 0.6, "224-tuned": 0.4}).startswith("the policy ultrasound")
    assert said({**head, "views": 1}, {**STEPS, "boundary": 4, "views": 8}).startswith("the policy ultrasound")


def test_what_is_not_known_of_members_is_left_out(tmp_path: Path, learned: Callable[..., BundleManifest]) -> None:
    mixed = written(tmp_path, learned(PHASE, **{"224-head": 0.7, "224-tuned": 0.3}))
    assert "Training of the main member: logistic regression on the frozen network, solved for several" in mixed
    assert "Classes of unequal size" not in mixed, "the plan is that of the head, which looked at no weights"
    tuned = written(tmp_path, learned({**STEPS, "keep": "last"}, **{"224-head": 0.3, "224-tuned": 0.7}))
    assert "of their class; where a head was solved, nothing." in tuned
    assert "was kept. Kept was the last epoch, whatever validation said." in tuned
    plain = written(tmp_path, learned(PHASE, STEPS, **{"224": 1.0}))
    assert "- Training: head (logistic regression on the frozen network, solved for 4 strengths" in plain
    assert "- Member: efficientnet-lite0, 224 px, weight 1.00\n" in plain


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
    for name in ("checklists", "fused", "learning", "measured", "origin", "promises", "tables", "writing"):
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
