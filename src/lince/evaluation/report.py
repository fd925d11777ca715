"""The report: figures as JSON and CSV, plots, and a page for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lince.core.files import atomic_file, make_folder, write_json
from lince.core.types import LabelSpace
from lince.evaluation import curves, page, plots, tables
from lince.evaluation.checks import EvaluationError, check_probabilities, check_truth, legible
from lince.evaluation.context import ReportContext
from lince.evaluation.figures import Assessment
from lince.evaluation.forest import forest
from lince.evaluation.gallery import Shot
from lince.evaluation.operating import decisions
from lince.evaluation.subgroups import subgroups_csv
from lince.evaluation.texts import translator

SUMMARY_FORMAT = 1
# Files that not every report has.
OPTIONAL = {
    *(f"{name}.{kind}" for name in ("decision_curve", "training_curves", "subgroups") for kind in ("png", "svg")),
    "subgroups.csv",
}
NOT_A_DEVICE = "Research use only; not a medical device."


def write_report(
    folder: Path,
    assessment: Assessment,
    *,
    names: Sequence[str],
    truth: Sequence[str],
    probabilities: ArrayLike,
    labels: LabelSpace,
    threshold: float | None,
    groups: Sequence[str | None] | None = None,
    splits: Sequence[str | None] | None = None,
    history: Sequence[Mapping[str, float | str | int]] = (),
    gallery: Sequence[Shot] = (),
    context: ReportContext,
) -> None:
    """Write the report of an assessment into a folder.

    Everything is made in memory first and each file is then written whole, so that a failure leaves no half report.

    - ``summary.json``: see `summary`.
    - ``classification_report.csv``, ``predictions.csv``: see `lince.evaluation.tables`.
    - ``roc``, ``precision_recall``, ``calibration``, ``confusion_matrix``, with a positive class ``decision_curve``,
      with a history ``training_curves``: each as ``.png`` and ``.svg``.
    - ``subgroups.csv``, ``subgroups.png``, ``subgroups.svg`` where subgroups were asked for.
    - ``report.html``: the page for people, with everything inside.

    Parameters
    ----------
    folder
        Created when missing; files of an earlier report are replaced.
    names
        (N,) short name of each image.
    truth, probabilities, labels, threshold, groups
        What `assess` was given.
    splits
        (N,) part of the collection each image comes from.
    history
        One mapping an epoch with ``phase``, ``epoch``, ``train_loss``, ``val_loss``, ``val_auc`` and ``best``, in the
        order they ran.
    gallery
        Images to show on the page, see `lince.evaluation.gallery.choose`.
    context
        What the report says besides the figures.

    Raises
    ------
    EvaluationError
        Lists of different lengths, or data that `assess` would refuse.
    OutputError
        The folder cannot be written.
    """
    table, true = _checked(truth, probabilities, labels)
    cases = _cases(names, true, table, labels, threshold, groups, splits)
    say = translator(context.language)
    pictures = {
        "roc": curves.roc(assessment, true, table, say),
        "precision_recall": curves.precision_recall(assessment, true, table, say),
        "calibration": plots.calibration(assessment, say),
        "confusion_matrix": plots.confusion_matrix(assessment, say),
    }
    if assessment.decision_curve.thresholds:
        pictures["decision_curve"] = curves.decision(assessment, say)
    if history:
        pictures["training_curves"] = plots.training_curves(history, say)
    if assessment.subgroups:
        pictures["subgroups"] = forest(assessment, assessment.subgroups, say)
    files = {
        **{f"{name}.png": drawn.png for name, drawn in pictures.items()},
        **{f"{name}.svg": drawn.svg for name, drawn in pictures.items()},
        "classification_report.csv": tables.classification(assessment),
        "predictions.csv": tables.predictions(cases, assessment.labels),
        "report.html": page.html(assessment, context, cases, pictures, gallery),
    }
    if assessment.subgroups:
        files["subgroups.csv"] = subgroups_csv(assessment.subgroups)
    folder = make_folder(Path(folder))
    for name, data in files.items():
        with atomic_file(folder / name) as stream:
            stream.write(data)
    write_json(folder / "summary.json", summary(assessment, context))
    # Files of an earlier report in this folder would pass for this one's.
    for name in OPTIONAL - files.keys():
        (folder / name).unlink(missing_ok=True)


def summary(assessment: Assessment, context: ReportContext) -> dict[str, Any]:
    """The content of ``summary.json``: every field of the assessment and of the context at the top level.

    Figures are objects with ``value``, ``low``, ``high`` and ``method``; nothing is NaN. ``format`` changes only when
    a key changes its meaning or goes away.
    """
    told = context.model_dump(mode="json", exclude={"skipped"})
    return {
        "format": SUMMARY_FORMAT,
        "statement": NOT_A_DEVICE,
        **told,
        "skipped_count": len(context.skipped),
        "skipped": [{"path": legible(s.path), "reason": legible(s.reason)} for s in context.skipped],
        **assessment.model_dump(mode="json"),
    }


def _checked(
    truth: Sequence[str], probabilities: ArrayLike, labels: LabelSpace
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    table = check_probabilities(probabilities, labels)
    return table, check_truth(truth, labels, len(table))


def _cases(
    names: Sequence[str],
    true: NDArray[np.intp],
    table: NDArray[np.float64],
    labels: LabelSpace,
    threshold: float | None,
    groups: Sequence[str | None] | None,
    splits: Sequence[str | None] | None,
) -> list[tables.Case]:
    for given, what in ((names, "name"), (groups, "group"), (splits, "split")):
        if given is not None and len(given) != len(table):
            raise EvaluationError(f"Each image needs one {what}", received=f"{len(given)} for {len(table)} images")
    chosen = decisions(table, labels, threshold)
    classes = [legible(name) for name in labels.names]
    return [
        tables.Case(
            name=legible(names[i]),
            truth=classes[true[i]],
            decision=classes[chosen[i]],
            confidence=float(table[i, chosen[i]]),
            probabilities=tuple(table[i].tolist()),
            group=None if groups is None else groups[i],
            split=None if splits is None else splits[i],
        )
        for i in range(len(table))
    ]
