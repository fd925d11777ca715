"""Which decisions the gallery shows, and how the page shows them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lince.core.types import LabelSpace
from lince.evaluation import EvaluationError, ReportContext, write_report
from lince.evaluation.gallery import KINDS, Shot, choose
from lince.evaluation.texts import PORTUGUESE

LABELS = LabelSpace(("benign", "malignant"), "malignant")


def test_the_surest_errors_the_surest_hits_and_the_least_sure() -> None:
    positive = np.array([0.95, 0.10, 0.60, 0.45, 0.99, 0.02])
    truth = ["benign", "malignant", "benign", "benign", "malignant", "benign"]
    found = choose(truth, np.column_stack([1 - positive, positive]), LABELS, 0.5, most=2)
    assert [(one.kind, one.row) for one in found] == [
        ("wrong", 0), ("wrong", 1), ("right", 4), ("right", 5), ("unsure", 3), ("unsure", 2),
    ]  # fmt: skip
    assert found[1].decided == 0
    assert found[1].confidence == pytest.approx(0.9)


def test_the_operating_point_decides() -> None:
    (one,) = choose(["malignant"], [[0.7, 0.3]], LABELS, 0.2)
    assert (one.kind, one.decided, one.confidence) == ("right", 1, 0.3)
    (one,) = choose(["malignant"], [[0.7, 0.3]], LABELS, 0.5)
    assert (one.kind, one.decided, one.confidence) == ("wrong", 0, 0.7)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=40))
def test_each_image_is_chosen_once_and_errors_first(cases: list[tuple[bool, float]]) -> None:
    table = np.array([[1 - p, p] for _, p in cases])
    truth = [LABELS.names[ill] for ill, _ in cases]
    found = choose(truth, table, LABELS, None)
    assert len({one.row for one in found}) == len(found) == min(len(cases), len(found))
    wrong = [one for one in found if truth[one.row] != LABELS.names[one.decided]]
    assert len([one for one in found if one.kind == "wrong"]) == min(6, len(wrong))
    assert all(one in wrong for one in found if one.kind == "wrong")
    for kind, down in (("wrong", True), ("right", True), ("unsure", False)):
        sure = [one.confidence for one in found if one.kind == kind]
        assert sure == sorted(sure, reverse=down)
        assert len(sure) <= 6


def test_lists_of_different_lengths_are_refused() -> None:
    with pytest.raises(EvaluationError):
        choose(["benign"], [[0.5, 0.5], [0.5, 0.5]], LABELS, 0.5)


def test_the_page_shows_what_it_is_given(tmp_path: Path, trial: Callable[..., Any], context: ReportContext) -> None:
    made = trial()
    shots = [
        Shot("wrong", "<b>\udc80.png", "benign", "malignant", 0.987, b"jpeg", heated=True),
        Shot("unsure", "gone.png", "benign", "benign", 0.5, None),
        Shot("unsure", "cold.png", "benign", "benign", 0.51, b"cold"),
    ]
    pages = {}
    for language in ("en", "pt"):
        write_report(
            tmp_path, made.assessment, names=[f"{i}" for i in range(80)], truth=made.truth,
            probabilities=made.probabilities, labels=made.labels, threshold=made.threshold, gallery=shots,
            context=context.model_copy(update={"language": language}),
        )  # fmt: skip
        pages[language] = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = pages["en"]
    assert "&lt;b&gt;\\udc80.png" in page
    assert "data:image/jpeg;base64,anBlZw==" in page
    assert "98.7%" in page
    assert page.count("This image could not be read again.") == 1
    assert page.count("no heat map: no place spoke") == 1
    assert "Right, the surest first" not in page, "a kind without images has no heading"
    assert "Não foi possível voltar a ler esta imagem." in pages["pt"]


def test_headings_have_their_portuguese() -> None:
    assert {text for texts in KINDS.values() for text in texts} <= PORTUGUESE.keys()
