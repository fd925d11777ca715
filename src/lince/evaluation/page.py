"""The page for people: one HTML file with everything inside."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lince.core.pages import environment, legible
from lince.core.wording import listed
from lince.evaluation import sentences
from lince.evaluation.context import ReportContext
from lince.evaluation.drawing import Picture
from lince.evaluation.figures import Assessment, Estimate
from lince.evaluation.gallery import Shot, shown
from lince.evaluation.sections import sections
from lince.evaluation.tables import Case
from lince.evaluation.wording import Wording, plain_words

# How many of the most confidently wrong cases, and of the skipped files, the page names; the files name them all.
WRONG_SHOWN = 12
SKIPPED_SHOWN = 50

_LEARNING = "What did it decide, and how did it learn?"
# Plots by the question that they answer, each with its name.
_PICTURES = {
    "Does it tell them apart?": {"roc": "ROC curve", "precision_recall": "Precision and recall"},
    "Can its probabilities be acted on?": {"calibration": "Calibration", "decision_curve": "Decision curve"},
    _LEARNING: {
        "confusion_matrix": "Confusion matrix",
        "training_curves": "Training",
    },
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
        *_at_prevalence(assessment),
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


def _at_prevalence(assessment: Assessment) -> list[Row]:
    if assessment.prevalence is None:
        return []
    return [
        Row("PPV where stated", "the same at the stated prevalence", assessment.ppv_at_prevalence, True),
        Row("NPV where stated", "the same at the stated prevalence", assessment.npv_at_prevalence, True),
    ]


def further_figures(assessment: Assessment) -> list[Row]:
    """Figures for comparing models and for papers; those that do not apply to so many classes are left out."""
    apart = [
        Row("Average precision", "mean PPV over the positives, by falling score", assessment.average_precision, False),
        Row("MCC", "correlation of truth and decision, -1 to 1", assessment.mcc, False),
    ]
    if assessment.positive is not None:
        apart += [
            Row("LR+", "how much more often the positive than the others are called so", assessment.lr_positive, False),
            Row("LR-", "how much more often the positive than the others are cleared", assessment.lr_negative, False),
            Row("Calibration slope", "1 is best; below, too extreme", assessment.calibration_slope, False),
            Row("Calibration intercept", "0 is best; above, too low", assessment.calibration_intercept, False),
        ]
    several = [
        Row("Micro AUC", "AUC of all pairs of an image and a class", assessment.micro_auc, False),
        Row("Top-2 accuracy", "the right class is one of the two likeliest", assessment.top_2_accuracy, True),
        Row("Top-3 accuracy", "the right class is one of the three likeliest", assessment.top_3_accuracy, True),
    ]
    classes = len(assessment.labels)
    return apart + several[: classes - 1] if classes > 2 else apart


def most_confidently_wrong(cases: Sequence[Case]) -> list[Case]:
    """The wrong decisions, the surest first, at most `WRONG_SHOWN`."""
    wrong = [case for case in cases if not case.correct]
    return sorted(wrong, key=lambda case: (-case.confidence, case.name))[:WRONG_SHOWN]


def html(
    assessment: Assessment,
    context: ReportContext,
    cases: Sequence[Case],
    pictures: Mapping[str, Picture],
    gallery: Sequence[Shot] = (),
) -> bytes:
    """The page, with its style and pictures inside; it asks nothing of a network.

    Parameters
    ----------
    cases
        Every image as it was judged.
    pictures
        Plots by name.
    gallery
        Images to show.
    """
    wording = Wording(context.language)
    wrong = most_confidently_wrong(cases)
    content: dict[str, Any] = {
        "a": assessment,
        "context": context,
        "words": plain_words(assessment, context, wording),
        "parts": figures(assessment),
        "absent_note": sentences.NOTE_ABSENT,
        "further": further_figures(assessment),
        "whole_rows": len(assessment.labels) > 8,
        "pictures": {_asked(question, pictures): _shown(names, pictures) for question, names in _PICTURES.items()},
        "wrong": wrong,
        "wrong_count": sum(not case.correct for case in cases),
        "skipped": [(legible(s.path), legible(s.reason)) for s in context.skipped[:SKIPPED_SHOWN]],
        "prevalence": _prevalence(assessment),
        "methods": _methods(assessment),
        "with_groups": any(case.group is not None for case in wrong),
        "gallery": shown(gallery),
        **sections(assessment, wording, pictures),
        "say": wording.say,
        "number": wording.number,
        "percent": wording.percent,
        "interval": wording.interval,
        "listed": lambda names: listed(names, most=len(names)),
    }
    template = environment("lince.evaluation").get_template("report.html")
    return template.render(content).encode("utf-8", "backslashreplace")


def _asked(question: str, pictures: Mapping[str, Picture]) -> str:
    """The question, as far as there are plots that answer it."""
    return "What did it decide?" if question == _LEARNING and "training_curves" not in pictures else question


def _shown(names: Mapping[str, str], pictures: Mapping[str, Picture]) -> list[tuple[str, str]]:
    """Name and address of each plot that was made."""
    return [
        (name, f"data:image/svg+xml;base64,{base64.b64encode(pictures[plot].svg).decode('ascii')}")
        for plot, name in names.items()
        if plot in pictures
    ]


def _prevalence(assessment: Assessment) -> float | None:
    return None if assessment.positive is None else assessment.truth_counts[assessment.positive] / assessment.n


def _methods(assessment: Assessment) -> list[str]:
    """Names of the interval methods in use, in the order they appear."""
    rows = [row.estimate for _, part in figures(assessment) for row in part]
    rows += [row.estimate for row in further_figures(assessment)]
    every = [estimate.method for estimate in [*rows, *(c.auc for c in assessment.per_class)]]
    return list(dict.fromkeys(method for method in every if method))
