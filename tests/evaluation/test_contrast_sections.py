"""The sections of the page: what they say, in both languages, and that nothing is left untranslated."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from lince.evaluation import (
    Aim,
    Assessment,
    ReportContext,
    by_subgroup,
    compare,
    lacking,
    validate_externally,
    write_report,
)
from lince.evaluation import differences as differences_module
from lince.evaluation import wording as wording_module
from lince.evaluation.contrasts import Shift
from lince.evaluation.texts import PORTUGUESE
from lince.evaluation.texts_compared import COMPARED

PICTURES = {"subgroups.png", "subgroups.svg", "subgroups.csv"}


class Text(HTMLParser):
    def __init__(self, markup: str) -> None:
        super().__init__()
        self.text = ""
        self.feed(markup)

    def handle_data(self, data: str) -> None:
        self.text += data


def contrasted(made: Any) -> Assessment:
    """An assessment with all three sections."""
    other = made.probabilities.copy()
    other[:20] = other[:20][:, ::-1]
    names = ("auc", "sensitivity", "specificity", "accuracy")
    own = {"n": 50, **{name: getattr(made.assessment, name).model_dump() for name in names}}
    sex = ["F", "M", None, "F"] * (len(made.truth) // 4)
    data, thresholds = (made.truth, made.probabilities), (made.threshold, made.threshold)
    subgroups = by_subgroup(*data, made.labels, threshold=made.threshold, attributes={"sex": sex}, groups=made.groups)
    comparison = compare(*data, other, made.labels, names=("old", "new"), thresholds=thresholds, groups=made.groups)
    external = validate_externally(
        made.assessment,
        *data,
        made.labels,
        trained_on="home",
        reference=own,
        aim=Aim(),
        groups=made.groups,
        shift=[Shift(what="Mean grey", here=0.4, training=0.3, unusual=0.2)],
    )
    return made.assessment.model_copy(update={"subgroups": subgroups, "comparison": comparison, "external": external})


def write(folder: Path, made: Any, assessment: Assessment, context: ReportContext) -> str:
    write_report(
        folder,
        assessment,
        names=[f"{i}.png" for i in range(len(made.truth))],
        truth=made.truth,
        probabilities=made.probabilities,
        labels=made.labels,
        threshold=made.threshold,
        groups=made.groups,
        context=context,
    )
    return " ".join(Text((folder / "report.html").read_text(encoding="utf-8")).text.split())


def test_the_page_answers_first_and_has_every_section(
    tmp_path: Path, trial: Callable[..., Any], context: ReportContext
) -> None:
    made = trial(n=160, n_groups=80)
    text = write(tmp_path, made, contrasted(made), context)
    places = [
        text.index(words)
        for words in ("Does it still work here?", "The model small-cnn", "Beside another bundle", "Subgroups")
    ]
    assert places == sorted(places)
    for words in (
        "On these 160 images, new finds", "Net reclassification", "Local images", "as it is", "Mean grey",
        "sex is not recorded for 40 of 160 images", "McNemar, patients/groups as the unit",
    ):  # fmt: skip
        assert words in text
    assert {path.name for path in tmp_path.iterdir()} >= PICTURES


def test_summary_holds_the_sections_and_comes_back(
    tmp_path: Path, trial: Callable[..., Any], context: ReportContext
) -> None:
    made = trial(n=160)
    told = contrasted(made)
    write(tmp_path, made, told, context)
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert Assessment.model_validate({key: summary[key] for key in Assessment.model_fields}) == told
    assert "NaN" not in (tmp_path / "summary.json").read_text(encoding="utf-8")


def test_a_report_without_them_clears_those_of_an_earlier_one(
    tmp_path: Path, trial: Callable[..., Any], context: ReportContext
) -> None:
    made = trial(n=80)
    write(tmp_path, made, contrasted(made), context)
    text = write(tmp_path, made, made.assessment, context)
    assert not PICTURES & {path.name for path in tmp_path.iterdir()}
    for words in ("Does it still work here?", "Beside another bundle", "Subgroups"):
        assert words not in text


@pytest.mark.parametrize("positive", ["b", None])
def test_everything_is_said_in_portuguese(
    tmp_path: Path,
    trial: Callable[..., Any],
    context: ReportContext,
    monkeypatch: pytest.MonkeyPatch,
    positive: str | None,
) -> None:
    lost: set[str] = set()

    def listening(_language: str) -> Callable[[str], str]:
        def say(sentence: str) -> str:
            if sentence and sentence not in PORTUGUESE:
                lost.add(sentence)
            return PORTUGUESE.get(sentence, sentence)

        return say

    monkeypatch.setattr(wording_module, "translator", listening)
    made = trial(("a", "b", "c"), positive, n=160, threshold=0.4 if positive else None)
    text = write(tmp_path, made, contrasted(made), context.model_copy(update={"language": "pt"}))
    # What was measured is named by whoever measured it; the rest of the page has its Portuguese.
    assert lost <= {"Mean grey", "seed"}
    for words in ("Ainda funciona aqui?", "Ao lado de outro modelo", "Subgrupos", "pode ser acaso (p = 0,"):
        assert words in text or words.startswith("pode")


def test_every_sentence_has_its_portuguese() -> None:
    room = Path(wording_module.__file__).parent
    said = {value for name, value in vars(lacking).items() if name.isupper()}
    said |= {value for name, value in vars(differences_module).items() if name.isupper() and isinstance(value, str)}
    for name in ("external", "comparison", "subgroups"):
        template = (room / "templates" / f"{name}.html").read_text(encoding="utf-8")
        said |= set(re.findall(r'say\("([^"]+)"\)', template))
    tree = ast.parse((room / "contrast_wording.py").read_text(encoding="utf-8"))
    documented = (ast.Module, ast.FunctionDef)
    explained = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, documented)}
    constants = {
        node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    said |= {text for text in constants - explained if " " in text and ("{" in text or text.endswith("."))}
    assert len(said) > 60
    assert sorted(said - PORTUGUESE.keys()) == []
    assert COMPARED.items() <= PORTUGUESE.items()


def test_names_run_nothing(tmp_path: Path, trial: Callable[..., Any], context: ReportContext) -> None:
    made = trial(n=80)
    evil = "<script>alert(1)</script>"
    found = by_subgroup(made.truth, made.probabilities, made.labels, threshold=0.4, attributes={evil: [evil, "b"] * 40})
    write(tmp_path, made, made.assessment.model_copy(update={"subgroups": found}), context)
    for name in ("report.html", "subgroups.svg"):
        assert "<script" not in (tmp_path / name).read_text(encoding="utf-8")
