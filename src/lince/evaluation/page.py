"""The page for people: one HTML file with everything inside."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lince.core.pages import environment, legible
from lince.evaluation.context import ReportContext
from lince.evaluation.figures import Assessment, Estimate
from lince.evaluation.sections import sections
from lince.evaluation.tables import Case
from lince.evaluation.wording import Wording, plain_words

# How many of the most confidently wrong cases, and of the skipped files, the page names; the files name them all.
WRONG_SHOWN = 12
SKIPPED_SHOWN = 50

_PICTURES = {
    "roc.png": "ROC curve",
    "calibration.png": "Calibration",
    "confusion_matrix.png": "Confusion matrix",
    "training_curves.png": "Training",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of the table; ``low``, ``value``, ``high`` place it on the bar from 0 to 1."""

    name: str
    meaning: str
    estimate: Estimate
    proportion: bool


def figures(assessment: Assessment) -> list[tuple[str, list[Row]]]:
    """The figures in the order of the page, under their headings."""
    positive = [
        Row("AUC", "chance that an image of the positive class gets the higher score", assessment.auc, False),
        Row("Sensitivity", "of the positive images, the share that was found", assessment.sensitivity, True),
        Row("Specificity", "of the other images, the share without a false alarm", assessment.specificity, True),
        Row("PPV", "of the images called positive, the share that was", assessment.ppv, True),
        Row("NPV", "of the images called negative, the share that was", assessment.npv, True),
        Row("F1", "harmonic mean of PPV and sensitivity", assessment.f1, False),
    ]
    several = [
        Row("Accuracy", "share of images given the right class", assessment.accuracy, True),
        Row("Balanced accuracy", "mean over the classes of the share found", assessment.balanced_accuracy, False),
        Row("Macro F1", "mean F1 of the classes", assessment.macro_f1, False),
    ]
    if len(assessment.labels) > 2 or assessment.positive is None:
        several.insert(0, Row("Macro AUC", "mean AUC of each class against the rest", assessment.macro_auc, False))
    trust = [
        Row("Brier score", "squared error of the probabilities; 0 is best", assessment.brier, False),
        Row(
            "Calibration error",
            "mean gap between predicted and observed; 0 is best",
            assessment.calibration_error,
            False,
        ),
        Row("Log loss", "surprise at the truth, in nats; 0 is best", assessment.log_loss, False),
    ]
    parts = [("All classes", several), ("Probabilities", trust)]
    return parts if assessment.positive is None else [("Positive against the rest", positive), *parts]


def most_confidently_wrong(cases: Sequence[Case]) -> list[Case]:
    """The wrong decisions, the surest first, at most `WRONG_SHOWN`."""
    wrong = [case for case in cases if not case.correct]
    return sorted(wrong, key=lambda case: (-case.confidence, case.name))[:WRONG_SHOWN]


def html(assessment: Assessment, context: ReportContext, cases: Sequence[Case], pictures: Mapping[str, bytes]) -> bytes:
    """The page, with its style and pictures inside; it asks nothing of a network.

    Parameters
    ----------
    cases
        Every image as it was judged.
    pictures
        PNG by file name.
    """
    wording = Wording(context.language)
    wrong = most_confidently_wrong(cases)
    content: dict[str, Any] = {
        "a": assessment,
        "context": context,
        "words": plain_words(assessment, context, wording),
        "parts": figures(assessment),
        # Curves and matrix share a row, unless the matrix is too large or alone.
        "whole_row": len(assessment.labels) > 8 or "training_curves.png" not in pictures,
        "pictures": [
            (name, f"data:image/png;base64,{base64.b64encode(pictures[file]).decode('ascii')}")
            for file, name in _PICTURES.items()
            if file in pictures
        ],
        "wrong": wrong,
        "wrong_count": sum(not case.correct for case in cases),
        "skipped": [(legible(s.path), legible(s.reason)) for s in context.skipped[:SKIPPED_SHOWN]],
        "prevalence": _prevalence(assessment),
        "methods": _methods(assessment),
        "with_groups": any(case.group is not None for case in wrong),
        **sections(assessment, wording, pictures),
        "say": wording.say,
        "number": wording.number,
        "percent": wording.percent,
        "interval": wording.interval,
    }
    template = environment("lince.evaluation").get_template("report.html")
    return template.render(content).encode("utf-8", "backslashreplace")


def _prevalence(assessment: Assessment) -> float | None:
    return None if assessment.positive is None else assessment.truth_counts[assessment.positive] / assessment.n


def _methods(assessment: Assessment) -> list[str]:
    """Names of the interval methods in use, in the order they appear."""
    rows = [row.estimate for _, part in figures(assessment) for row in part]
    every = [estimate.method for estimate in [*rows, *(c.auc for c in assessment.per_class)]]
    return list(dict.fromkeys(method for method in every if method))
