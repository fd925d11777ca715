"""Curves over all thresholds: ROC, precision and recall, and the net benefit of acting."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lince.evaluation.drawing import (
    BLUE,
    CYCLE,
    DASHES,
    FAINT,
    FEW_LINES,
    GREEN,
    ORANGE,
    SOFT,
    Picture,
    legend,
    message,
    named,
    picture,
    plain,
    title,
)
from lince.evaluation.figures import Assessment
from lince.evaluation.lettering import short_names
from lince.evaluation.ranking import precision_recall_curve, roc_curve
from lince.evaluation.texts import Translate

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Curve = tuple[Floats, Floats]

# More corners than this are too close to be seen apart, and make a large SVG.
_CORNERS = 1_000


def roc(assessment: Assessment, truth: Indices, probabilities: Floats, say: Translate) -> Picture:
    """ROC curve of the positive class with its operating point, or of every class where none is positive."""
    figure, axes = _square(assessment)
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)

    def rates(ill: NDArray[np.bool_], score: Floats) -> Curve:
        return roc_curve(ill, score)[:2]

    def named_area(index: int) -> str:
        area = assessment.per_class[index].auc
        ends = "" if area.low is None or area.high is None else f" [{area.low:.3f}, {area.high:.3f}]"
        return f"{area.value:.3f}{ends}"

    drawn = _lines(axes, assessment, _curves(assessment, truth, probabilities, rates), say("AUC"), named_area)
    if assessment.positive is not None and drawn:
        _operating_point(axes, assessment, say)
    named(axes, say("1 - specificity (false alarms)"), say("Sensitivity (cases found)"))
    return _finished(figure, axes, assessment, say("ROC curve"), drawn, say, "lower right")


def precision_recall(assessment: Assessment, truth: Indices, probabilities: Floats, say: Translate) -> Picture:
    """Precision over recall of the positive class, or of every class; the dashes are what guessing would give."""
    figure, axes = _square(assessment)

    def steps(ill: NDArray[np.bool_], score: Floats) -> Curve:
        if ill.all():
            return np.empty(0), np.empty(0)
        recall, precision = precision_recall_curve(ill, score)
        return (np.append(0.0, recall), np.append(precision[0], precision)) if recall.size else (recall, precision)

    def named_precision(index: int) -> str:
        return f"{assessment.per_class[index].average_precision or 0.0:.3f}"

    curves = _curves(assessment, truth, probabilities, steps)
    drawn = _lines(axes, assessment, curves, say("Average precision"), named_precision, steps=True)
    if assessment.positive is not None and drawn:
        share = assessment.truth_counts[assessment.positive] / assessment.n
        axes.axhline(share, color=FAINT, linewidth=1.2, linestyle=(0, (4, 3)), label=say("Guessing"), zorder=1)
        if assessment.sensitivity.value is not None and assessment.ppv.value is not None:
            point = (assessment.sensitivity.value, assessment.ppv.value)
            _mark(axes, *point, say("Operating point: sensitivity {sensitivity}, PPV {ppv}").format(
                sensitivity=f"{point[0]:.0%}", ppv=f"{point[1]:.0%}"))  # fmt: skip
    named(axes, say("Sensitivity (cases found)"), say("PPV (right when it says so)"))
    return _finished(figure, axes, assessment, say("Precision and recall"), drawn, say, "lower left")


def decision(assessment: Assessment, say: Translate) -> Picture:
    """Net benefit of acting on the model, on all and on nobody, by the threshold from which one would act.

    The assessment must have a decision curve.
    """
    found = assessment.decision_curve
    figure = Figure(figsize=(5.4, 5.8), layout="constrained")
    axes = figure.add_subplot()
    x, top = np.asarray(found.thresholds), 1.12 * max(0.02, *found.model, *found.treat_all)
    axes.axhline(found.treat_none, color=FAINT, linewidth=1.6, label=say("Act on nobody"), zorder=1)
    axes.plot(x, found.treat_all, color=ORANGE, linewidth=1.6, linestyle="--", label=say("Act on all"), zorder=2)
    axes.plot(x, found.model, color=BLUE, linewidth=2.2, label=say("Act on the model"), zorder=3)
    if found.useful is not None:
        axes.axvspan(*found.useful, color=GREEN, alpha=0.08, linewidth=0, label=say("The model is worth most"))
    if assessment.threshold is not None:
        axes.axvline(assessment.threshold, color=SOFT, linewidth=1.2, linestyle=":", label=say("Operating point"))
    subtitle = say("Acting on {positive}, {share} of the images").format(
        positive=short_names([found.of or ""])[0], share=f"{found.prevalence or 0:.1%}"
    )
    legend(axes, "below")
    # Below, a line says only that it harms; how much would squeeze the rest.
    axes.set(xlim=(-0.015, 1.015), ylim=(-0.25 * top, top))
    named(axes, say("Probability from which one would act"), say("Net benefit (cases found for each image)"))
    title(axes, say("Decision curve"), subtitle)
    plain(axes)
    return picture(figure)


def _square(assessment: Assessment) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(8.6 if _many(assessment) else 5.4, 5.6), layout="constrained")
    return figure, figure.add_subplot()


def _many(assessment: Assessment) -> bool:
    return assessment.positive is None and len(assessment.labels) > FEW_LINES


def _curves(
    assessment: Assessment,
    truth: Indices,
    probabilities: Floats,
    of: Callable[[NDArray[np.bool_], Floats], Curve],
) -> Iterator[tuple[int, Curve]]:
    """Curve of the positive class, or of every class that has one."""
    positive = None if assessment.positive is None else assessment.labels.index(assessment.positive)
    for index in range(len(assessment.labels)) if positive is None else (positive,):
        x, y = of(truth == index, probabilities[:, index])
        if x.size:
            kept = np.unique(np.linspace(0, x.size - 1, min(x.size, _CORNERS)).round().astype(int))
            yield index, (x[kept], y[kept])


def _lines(
    axes: Axes,
    assessment: Assessment,
    curves: Iterator[tuple[int, Curve]],
    figure_name: str,
    told: Callable[[int], str],
    *,
    steps: bool = False,
) -> int:
    """Draw the curves, each named with its figure, and say how many there were."""
    names, drawn = short_names(assessment.labels), 0
    for index, (x, y) in curves:
        alone = assessment.positive is not None
        colour, dash = CYCLE[drawn % len(CYCLE)], DASHES[drawn // len(CYCLE) % len(DASHES)]
        label = f"{figure_name} {told(index)}" if alone else f"{names[index]}  {told(index)}"
        width = 1.5 if _many(assessment) else 2.2
        style = "steps-pre" if steps else "default"
        axes.plot(x, y, color=colour, linestyle=dash, linewidth=width, label=label, drawstyle=style, zorder=3)
        if alone:
            axes.fill_between(x, y, color=colour, alpha=0.08, linewidth=0, step="pre" if steps else None)
        drawn += 1
    return drawn


def _finished(
    figure: Figure, axes: Axes, assessment: Assessment, heading: str, drawn: int, say: Translate, place: str
) -> Picture:
    if drawn:
        legend(axes, "beside" if _many(assessment) else place)
    else:
        message(axes, say("No curve: it needs images of two classes"))
    axes.set(xlim=(-0.015, 1.015), ylim=(-0.015, 1.015), aspect="equal")
    subtitle = say("Each class against the rest")
    if assessment.positive is not None:
        subtitle = say("{positive} against the rest").format(positive=short_names([assessment.positive])[0])
    title(axes, heading, subtitle)
    plain(axes)
    return picture(figure)


def _operating_point(axes: Axes, assessment: Assessment, say: Translate) -> None:
    """The decisions made, as a point with the intervals of both its rates."""
    hit, spared = assessment.sensitivity, assessment.specificity
    if hit.value is None or spared.value is None:
        return
    x, y = 1 - spared.value, hit.value
    if None not in (hit.low, hit.high, spared.low, spared.high):
        across = [[x - (1 - float(spared.high or 0))], [(1 - float(spared.low or 0)) - x]]
        upright = [[y - float(hit.low or 0)], [float(hit.high or 0) - y]]
        axes.errorbar(x, y, xerr=across, yerr=upright, color=ORANGE, linewidth=1.2, capsize=3, zorder=4)
    label = say("Operating point: sensitivity {sensitivity}, specificity {specificity}").format(
        sensitivity=f"{y:.0%}", specificity=f"{spared.value:.0%}"
    )
    _mark(axes, x, y, label)


def _mark(axes: Axes, x: float, y: float, label: str) -> None:
    head, _, tail = label.partition(": ")
    axes.plot(
        x, y, "o", color=ORANGE, markersize=9, markeredgecolor="white", markeredgewidth=1.4, zorder=5,
        label=f"{head}\n{tail}",
    )  # fmt: skip
