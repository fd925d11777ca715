from __future__ import annotations

import ast
import base64
import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lince.core.errors import OutputError
from lince.core.types import LabelSpace, Skipped
from lince.evaluation import Assessment, EvaluationError, ReportContext, assess, intervals, sentences, write_report
from lince.evaluation import page as page_module
from lince.evaluation.tables import classification, safe, to_csv
from lince.evaluation.texts import PORTUGUESE, translator
from lince.evaluation.wording import Wording

HISTORY = [
    {"phase": "head", "epoch": 1, "train_loss": 0.7, "val_loss": 0.6, "val_auc": 0.8, "best": False},
    {"phase": "fine-tuning", "epoch": 1, "train_loss": 0.5, "val_loss": 0.5, "val_auc": 0.9, "best": True},
    {"phase": "fine-tuning", "epoch": 2, "train_loss": 0.4, "val_loss": float("nan"), "val_auc": 0.85, "best": False},
]
PLOTS = {"confusion_matrix", "roc", "calibration", "precision_recall"}
ALWAYS = {"summary.json", "classification_report.csv", "predictions.csv", "report.html"} | {
    f"{name}.{kind}" for name in PLOTS for kind in ("png", "svg")
}
DECISION = {"decision_curve.png", "decision_curve.svg"}
TRAINING = {"training_curves.png", "training_curves.svg"}


class Page(HTMLParser):
    """Text, tags and addresses of a page."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def write(folder: Path, made: Any, context: ReportContext, **more: Any) -> Path:
    given = {
        "names": [f"scan{i}.png" for i in range(len(made.truth))],
        "truth": made.truth,
        "probabilities": made.probabilities,
        "labels": made.labels,
        "threshold": made.threshold,
        "groups": made.groups,
        "context": context,
        **more,
    }
    write_report(folder, made.assessment, **given)
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))


def test_all_files_and_nothing_else(tmp_path: Path, trial: Callable[..., Any], context: ReportContext) -> None:
    write(tmp_path / "deep" / "report", trial(), context, history=HISTORY)
    assert {p.name for p in (tmp_path / "deep" / "report").iterdir()} == ALWAYS | DECISION | TRAINING
    for picture in (tmp_path / "deep" / "report").glob("*.png"):
        with Image.open(picture) as image:
            assert min(image.size) > 400
            assert len(set(image.convert("L").resize((64, 64)).tobytes())) > 5


def test_without_history_there_are_no_curves_even_old_ones(
    tmp_path: Path, trial: Callable[..., Any], context: ReportContext
) -> None:
    write(tmp_path, trial(), context, history=HISTORY)
    write(tmp_path, trial(), context)
    assert {p.name for p in tmp_path.iterdir()} == ALWAYS | DECISION
    write(tmp_path, trial(("a", "b", "c"), None), context)
    assert {p.name for p in tmp_path.iterdir()} == ALWAYS


def test_summary_holds_the_assessment_and_the_context(
    tmp_path: Path, trial: Callable[..., Any], context: ReportContext
) -> None:
    made = trial(n_groups=30)
    told = context.model_copy(update={"skipped": (Skipped("b.png", "truncated"),)})
    summary = json.loads((write(tmp_path, made, told) / "summary.json").read_text(encoding="utf-8"))
    assert Assessment.model_validate({k: summary[k] for k in Assessment.model_fields}) == made.assessment
    assert summary["auc"]["low"] < summary["auc"]["value"] < summary["auc"]["high"]
    assert (summary["format"], summary["collection"], summary["split"], summary["n"]) == (1, "clinic", "test", 80)
    assert (summary["skipped_count"], summary["skipped"]) == (1, [{"path": "b.png", "reason": "truncated"}])
    assert "not a medical device" in summary["statement"]


def test_predictions_table(tmp_path: Path, trial: Callable[..., Any], context: ReportContext) -> None:
    made = trial(n=20, n_groups=8)
    table = rows(write(tmp_path, made, context, splits=["test"] * 20) / "predictions.csv")
    assert list(table[0]) == [
        "name", "truth", "decision", "correct", "confidence", "group", "split", "p_benign", "p_malignant",
    ]  # fmt: skip
    assert len(table) == 20
    for i, row in enumerate(table):
        called = "malignant" if made.probabilities[i, 1] >= 0.4 else "benign"
        assert row["decision"] == called
        assert row["correct"] == ("true" if called == made.truth[i] else "false")
        assert float(row["confidence"]) == pytest.approx(made.probabilities[i, made.labels.index(called)], abs=1e-6)
        assert (row["name"], row["group"], row["split"]) == (f"scan{i}.png", made.groups[i], "test")


def test_classification_table(tmp_path: Path, trial: Callable[..., Any], context: ReportContext) -> None:
    made = trial(n=61)
    table = rows(write(tmp_path, made, context) / "classification_report.csv")
    assert [row["class"] for row in table] == ["benign", "malignant", "macro average", "weighted average"]
    assert float(table[1]["precision"]) == pytest.approx(made.assessment.ppv.value, abs=1e-6)
    assert float(table[1]["specificity"]) == pytest.approx(made.assessment.specificity.value, abs=1e-6)
    assert float(table[2]["f1"]) == pytest.approx(made.assessment.macro_f1.value, abs=1e-6)
    # Sensitivity weighted by support is the accuracy.
    assert float(table[3]["sensitivity"]) == pytest.approx(made.assessment.accuracy.value, abs=1e-6)
    assert [row["support"] for row in table] == ["31", "30", "61", "61"]


def test_of_one_class_there_is_no_mean_over_classes(trial: Callable[..., Any]) -> None:
    made = trial()
    rows_of_one = [row for row, name in enumerate(made.truth) if name == "benign"]
    found = assess(["benign"] * len(rows_of_one), made.probabilities[rows_of_one], made.labels, threshold=0.4)
    assert found.macro_f1.value is None
    table = list(csv.DictReader(io.StringIO(classification(found).decode("utf-8"))))
    assert (table[2]["class"], table[2]["f1"], table[2]["precision"]) == ("macro average", "", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"), ("+cmd", "'+cmd"), ("-x.png", "'-x.png"), ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"), ("-12.5", "-12.5"), ("+3e4", "+3e4"), ("-1+2", "'-1+2"), ("", ""), ("a=b", "a=b"),
        ("bad\udc80name", "bad\\udc80name"),
    ],
)  # fmt: skip
def test_cells_are_no_formulas(text: str, expected: str) -> None:
    assert safe(text) == expected


def test_csv_values() -> None:
    assert to_csv([["a,b", 1, 0.5, True, None]]) == b'"a,b",1,0.500000,true,\r\n'


def test_names_from_folders_run_nothing(tmp_path: Path, trial: Callable[..., Any], context: ReportContext) -> None:
    evil = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>')
    made = trial(evil, evil[0], n=12)
    told = context.model_copy(
        update={"title": evil[0], "notices": evil, "provenance": {evil[0]: evil[1]}, "skipped": (Skipped(*evil),)}
    )
    write(tmp_path, made, told, names=[f"=cmd{evil[0]}{i}" for i in range(12)])
    parsed = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "script" not in parsed.tags
    assert parsed.tags.count("img") == 5
    assert evil[1] in parsed.text
    assert all(row["name"].startswith("'=cmd") for row in rows(tmp_path / "predictions.csv"))


def test_page_carries_everything_inside(tmp_path: Path, trial: Callable[..., Any], context: ReportContext) -> None:
    write(tmp_path, trial(), context, history=HISTORY)
    markup = (tmp_path / "report.html").read_text(encoding="utf-8")
    parsed = Page(markup)
    assert len(parsed.addresses) == 6
    pictures = {base64.b64decode(address.removeprefix("data:image/svg+xml;base64,")) for address in parsed.addresses}
    assert pictures == {p.read_bytes() for p in tmp_path.glob("*.svg")}
    assert "http://" not in markup
    assert "https://" not in markup
    assert "not a medical device" in parsed.text


def test_page_tells_what_was_measured(tmp_path: Path, trial: Callable[..., Any], context: ReportContext) -> None:
    made = trial(n_groups=30)
    told = context.model_copy(
        update={"skipped": (Skipped("folder/b.png", "truncated"),), "notices": ("Mind the gap.",)}
    )
    parsed = Page((write(tmp_path, made, told) / "report.html").read_text(encoding="utf-8"))
    text = " ".join(parsed.text.split())
    hit = made.assessment.sensitivity
    groups = made.assessment.n_groups
    assert f"measured on 80 images (test) of clinic, from {groups} patients or groups" in text
    assert f"It found {hit.numerator} of the {hit.denominator} images labelled malignant" in text
    assert f"{100 * hit.low:.1f}% to {100 * hit.high:.1f}%" in text
    for words in ("folder/b.png", "truncated", "Mind the gap.", "small-cnn", "seed", intervals.BOOTSTRAP_GROUPS):
        assert words in text
    assert "Synthetic phantoms" not in text


def test_phantoms_are_called_phantoms(tmp_path: Path, trial: Callable[..., Any], context: ReportContext) -> None:
    for language, words in (("en", "Synthetic phantoms, not patients"), ("pt", "Fantomas sintéticos, não doentes")):
        told = context.model_copy(update={"synthetic": True, "language": language})
        markup = (write(tmp_path, trial(), told) / "report.html").read_text(encoding="utf-8")
        assert words in Page(markup).text
        assert f'<html lang="{language}">' in markup


def test_most_confidently_wrong_come_first(tmp_path: Path, context: ReportContext) -> None:
    labels = LabelSpace(("no", "yes"), "yes")
    truth = ["yes", "yes", "no", "no"]
    table = np.array([[0.97, 0.03], [0.1, 0.9], [0.2, 0.8], [0.9, 0.1]])
    found = assess(truth, table, labels, threshold=0.5)
    names = ["sure.png", "right.png", "less.png", "fine.png"]
    write_report(
        tmp_path, found, names=names, truth=truth, probabilities=table, labels=labels, threshold=0.5, context=context
    )
    text = Page((tmp_path / "report.html").read_text(encoding="utf-8")).text
    assert text.index("sure.png") < text.index("less.png")
    assert "right.png" not in text
    assert "97.0%" in text


@pytest.mark.parametrize("truth", [["benign"] * 4, ["malignant"] * 4, ["benign"]])
def test_a_report_of_one_class_is_still_written(tmp_path: Path, context: ReportContext, truth: list[str]) -> None:
    labels = LabelSpace(("benign", "malignant"), "malignant")
    table = np.tile([[0.8, 0.2]], (len(truth), 1))
    found = assess(truth, table, labels, threshold=0.5)
    write_report(
        tmp_path, found, names=truth, truth=truth, probabilities=table, labels=labels, threshold=0.5, context=context
    )
    assert json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))["auc"]["value"] is None
    assert "unknown" in Page((tmp_path / "report.html").read_text(encoding="utf-8")).text


def test_names_that_are_no_text_are_written_escaped(
    tmp_path: Path, trial: Callable[..., Any], context: ReportContext
) -> None:
    made = trial(("a\udc80", "b"), "b", n=6)
    told = context.model_copy(update={"skipped": (Skipped("x\udcff.png", "no\udc80"),)})
    write(tmp_path, made, told, names=[f"s\udc80{i}" for i in range(6)], groups=["g\udc80"] * 6)
    assert "a\\udc80" in (tmp_path / "predictions.csv").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))["skipped"][0]["path"] == "x\\udcff.png"


def test_lists_that_do_not_match_leave_nothing(
    tmp_path: Path, trial: Callable[..., Any], context: ReportContext
) -> None:
    for wrong in ({"names": ["one"]}, {"splits": ["test"]}, {"groups": ["g"]}):
        with pytest.raises(EvaluationError):
            write(tmp_path / "out", trial(), context, **wrong)
    assert not (tmp_path / "out").exists()


def test_a_file_where_the_folder_should_be(tmp_path: Path, trial: Callable[..., Any], context: ReportContext) -> None:
    (tmp_path / "out").write_text("occupied")
    with pytest.raises(OutputError):
        write(tmp_path / "out", trial(), context)


def test_numbers_in_portuguese_have_commas() -> None:
    assert Wording("pt").percent(0.8333) == "83,3%"
    assert Wording("en").percent(0.8333) == "83.3%"
    assert Wording("pt").number(None) == "–"


def test_every_sentence_of_the_report_has_its_portuguese() -> None:
    room = Path(page_module.__file__).parent
    template = "".join(page.read_text(encoding="utf-8") for page in (room / "templates").glob("*.html"))
    said = set(re.findall(r'say\("([^"]+)"\)', template)) | set(re.findall(r'card\("([^"]+)"', template))
    for name in ("plots", "curves", "wording"):
        for node in ast.walk(ast.parse((room / f"{name}.py").read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rsplit(".", 1)[-1] == "say":
                said |= {argument.value for argument in node.args if isinstance(argument, ast.Constant)}
    said |= {value for name, value in vars(sentences).items() if name.isupper()}
    said |= {value for name, value in vars(intervals).items() if name.isupper() and isinstance(value, str)}
    said |= page_module._PICTURES.keys()
    said |= {name for names in page_module._PICTURES.values() for name in names.values()}
    assert len(said) > 80
    assert said <= PORTUGUESE.keys()


def test_translations_keep_their_blanks() -> None:
    def blanks(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    for english, portuguese in PORTUGUESE.items():
        assert blanks(english) == blanks(portuguese), english


def test_rows_of_the_page_are_translated(trial: Callable[..., Any]) -> None:
    say = translator("pt")
    stated = trial().assessment.model_copy(update={"prevalence": 0.1})
    for found in (stated, trial(("a", "b", "c", "d"), None).assessment):
        parts = page_module.figures(found)
        assert {heading for heading, _ in parts} <= PORTUGUESE.keys()
        for row in [*page_module.further_figures(found), *(row for _, part in parts for row in part)]:
            assert row.name in PORTUGUESE
            assert say(row.meaning) != row.meaning


def test_the_page_answers_whether_acting_helps(
    tmp_path: Path, trial: Callable[..., Any], context: ReportContext
) -> None:
    made = trial()
    low, high = made.assessment.decision_curve.useful
    text = Page((write(tmp_path, made, context) / "report.html").read_text(encoding="utf-8")).text
    assert f"between {100 * low:.1f}% and {100 * high:.1f}%" in text
    useless = np.tile([[0.8, 0.2]], (80, 1))
    found = assess(made.truth, useless, made.labels, threshold=0.4)
    write(tmp_path, replace(made, assessment=found, probabilities=useless), context)
    assert "At no threshold" in Page((tmp_path / "report.html").read_text(encoding="utf-8")).text


def test_a_stated_prevalence_has_its_rows(tmp_path: Path, trial: Callable[..., Any], context: ReportContext) -> None:
    made = trial()
    found = assess(made.truth, made.probabilities, made.labels, threshold=0.4, prevalence=0.01)
    text = Page((write(tmp_path, replace(made, assessment=found), context) / "report.html").read_text("utf-8")).text
    assert "PPV where stated" in text
    assert f"{100 * found.ppv_at_prevalence.value:.1f}%" in text
    assert "where 1.0% of the images are of the positive class" in text
    assert "of its alarms are right" in text
    assert "PPV where stated" not in Page((write(tmp_path, made, context) / "report.html").read_text("utf-8")).text


def test_figures_that_cannot_be_had_say_why_on_the_page(
    tmp_path: Path, trial: Callable[..., Any], context: ReportContext
) -> None:
    made = trial(skill=30.0, n=12)
    text = Page((write(tmp_path, made, context) / "report.html").read_text(encoding="utf-8")).text
    assert sentences.NO_FALSE_ALARM in text
    assert sentences.SEPARATED in text
    assert re.search(r"\bnan\b", text, re.IGNORECASE) is None


def test_without_a_positive_class_the_words_speak_of_all(
    tmp_path: Path, trial: Callable[..., Any], context: ReportContext
) -> None:
    made = trial(("a", "b", "c"), None, n=900, threshold=None, skill=4.0)
    parsed = Page((write(tmp_path, made, context) / "report.html").read_text(encoding="utf-8"))
    text = " ".join(parsed.text.split())
    right, mean = made.assessment.accuracy, made.assessment.macro_auc
    assert f"It named the right class for {right.numerator} of 900 images" in text
    assert f"its AUC is {mean.value:.3f}" in text
    assert "would most likely give similar figures" in text
    assert "PPV and NPV hold" not in text


def test_the_width_of_the_intervals_is_told(tmp_path: Path, trial: Callable[..., Any], context: ReportContext) -> None:
    few = write(tmp_path / "few", trial(n=10), context) / "report.html"
    some = write(tmp_path / "some", trial(n=160), context) / "report.html"
    assert "There are too few images" in few.read_text(encoding="utf-8")
    assert "several points better or worse" in some.read_text(encoding="utf-8")
