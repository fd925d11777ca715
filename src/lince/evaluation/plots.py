"""Plots of decisions, probabilities and training; `lince.evaluation.curves` draws those over thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from math import isfinite

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from lince.evaluation.drawing import BLUE, FAINT, INK, ORANGE, SOFT, Picture, picture, plain, title
from lince.evaluation.figures import Assessment
from lince.evaluation.lettering import drawable, short_names
from lince.evaluation.texts import Translate

_SHADES = LinearSegmentedColormap.from_list("lince", ["#ffffff", "#9fcae6", "#0072B2", "#08395c"])


def confusion_matrix(assessment: Assessment, say: Translate) -> Picture:
    """Images by true class (rows) and decision (columns), shaded by the share of the row."""
    counts = np.asarray(assessment.confusion)
    size, names = len(counts), short_names(assessment.labels)
    slanted = size > 3 or max(map(len, names)) > 12
    side = max(4.2, 0.46 * size + 2.6) + (0.05 * max(map(len, names)) if slanted else 0)
    figure = Figure(figsize=(side + 1.0, side), layout="constrained")
    axes = figure.add_subplot()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap=_SHADES, vmin=0, vmax=1)
    letters = 15 if size <= 3 else (11 if size <= 8 else 8)
    for row in range(size):
        for column in range(size):
            _cell(axes, row, column, int(counts[row, column]), float(shares[row, column]), letters, size <= 8)
    axes.set_xticks(range(size), names, rotation=45 if slanted else 0, ha="right" if slanted else "center")
    axes.set_yticks(range(size), names)
    if slanted:
        for label in axes.get_xticklabels():
            label.set_rotation_mode("anchor")
    axes.set_xticks(np.arange(size + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(size + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="both", length=0, labelsize=10 if size <= 8 else 8, labelcolor=INK)
    axes.spines[:].set_visible(False)
    axes.set_xlabel(say("Decision"), fontsize=11, color=INK)
    axes.set_ylabel(say("Truth"), fontsize=11, color=INK)
    title(axes, say("Confusion matrix"), say("Images; shade is the share of the true class"))
    bar = figure.colorbar(image, ax=axes, shrink=0.6, pad=0.02, format=PercentFormatter(1, 0))
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelsize=8, labelcolor=SOFT)
    return picture(figure)


def _cell(axes: Axes, row: int, column: int, count: int, share: float, letters: int, with_share: bool) -> None:
    if count == 0 and not with_share:
        return
    colour = "white" if share > 0.45 else (INK if count else "#9aa7af")
    axes.text(
        column, row - (0.08 if with_share else 0), str(count), ha="center", va="center", fontsize=letters,
        color=colour, fontweight="bold" if row == column else "normal",
    )  # fmt: skip
    if with_share:
        axes.text(
            column, row + 0.22, f"{share:.0%}", ha="center", va="center", fontsize=max(letters - 5, 7), color=colour
        )


def calibration(assessment: Assessment, say: Translate) -> Picture:
    """Reliability diagram: predicted against observed, and how many images stand behind each point."""
    figure = Figure(figsize=(5.4, 5.8), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    upper.plot([0, 1], [0, 1], color=FAINT, linewidth=1.2, linestyle=(0, (4, 3)), label=say("Perfect"), zorder=1)
    known = [b for b in assessment.calibration.bins if b.count]
    x, y = ([getattr(b, name) or 0.0 for b in known] for name in ("predicted", "observed"))
    below = [max(0.0, (b.observed or 0.0) - (b.low or 0.0)) for b in known]
    above = [max(0.0, (b.high or 0.0) - (b.observed or 0.0)) for b in known]
    upper.errorbar(
        x, y, yerr=[below, above], color=BLUE, marker="o", markersize=6, linewidth=1.8, elinewidth=1, capsize=3,
        label=say("Observed, with interval"), zorder=3,
    )  # fmt: skip
    upper.set(xlim=(-0.015, 1.015), ylim=(-0.03, 1.03))
    of = assessment.calibration.of
    upper.set_ylabel(say("Observed frequency"), fontsize=11, color=INK)
    upper.legend(loc="upper left", frameon=False, fontsize=9.5, labelcolor=INK)
    told = {
        say("Calibration error"): assessment.calibration_error.value,
        say("Brier score"): assessment.brier.value,
        say("Slope"): assessment.calibration_slope.value,
    }
    upper.text(
        0.98, 0.03, "\n".join(f"{name} {value:.3f}" for name, value in told.items() if value is not None),
        transform=upper.transAxes, ha="right", va="bottom", fontsize=9.5, color=SOFT, linespacing=1.5,
    )  # fmt: skip
    bars = assessment.calibration.bins
    lower.bar([(b.lower + b.upper) / 2 for b in bars], [b.count for b in bars], width=0.085, color="#9fb4c0")
    top = max(b.count for b in bars)
    for b in known:
        lower.text((b.lower + b.upper) / 2, b.count + 0.04 * top, str(b.count), ha="center", fontsize=7.5, color=SOFT)
    lower.set_ylim(0, 1.3 * top)
    lower.set_yticks([])
    lower.set_ylabel(say("Images"), fontsize=11, color=INK)
    lower.set_xlabel(say("Predicted probability"), fontsize=11, color=INK)
    subtitle = say("Probability that the most likely class is right")
    if of is not None:
        subtitle = say("Probability of {positive}").format(positive=short_names([of])[0])
    title(upper, say("Calibration"), subtitle)
    plain(upper)
    plain(lower, grid=False)
    lower.spines["left"].set_visible(False)
    return picture(figure)


def training_curves(history: Sequence[Mapping[str, float | str | int]], say: Translate) -> Picture:
    """Loss and validation AUC of each epoch; phases shaded, the epoch that was kept marked."""
    figure = Figure(figsize=(7.0, 5.8), layout="constrained")
    loss, area = figure.subplots(2, 1, sharex=True, height_ratios=(1.2, 1))
    epochs = np.arange(1, len(history) + 1)
    for axes, key, label, colour in (
        (loss, "train_loss", say("Training"), "#E69F00"),
        (loss, "val_loss", say("Validation"), BLUE),
        (area, "val_auc", say("Validation"), BLUE),
    ):
        values = np.array([_number(row.get(key)) for row in history])
        known = np.isfinite(values)
        if known.any():
            axes.plot(epochs[known], values[known], color=colour, marker="o", markersize=4, linewidth=1.8, label=label)
    _phases(loss, area, [str(row.get("phase", "")) for row in history], say)
    best = _best_epoch(history)
    if best is not None:
        for axes in (loss, area):
            axes.axvline(best, color=ORANGE, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)
        value = _number(history[best - 1].get("val_auc"))
        mark = say("Best epoch: {epoch}").format(epoch=best) + (f" ({value:.3f})" if isfinite(value) else "")
        if isfinite(value):
            area.plot(best, value, "o", color=ORANGE, markersize=9, markeredgecolor="white", label=mark, zorder=5)
    for axes, name in ((loss, say("Loss")), (area, say("Validation AUC"))):
        axes.set_ylabel(name, fontsize=11, color=INK)
        plain(axes)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False, fontsize=9.5, labelcolor=INK, loc="best")
    area.set_xlabel(say("Epoch"), fontsize=11, color=INK)
    area.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    area.set_xlim(0.5, len(history) + 0.5)
    title(loss, say("Training"), "", above=16)
    return picture(figure)


def _phases(loss: Axes, area: Axes, phases: Sequence[str], say: Translate) -> None:
    start = 0
    for number, (name, rows) in enumerate(groupby(phases)):
        end = start + len(list(rows))
        for axes in (loss, area):
            axes.axvspan(start + 0.5, end + 0.5, color="#eef3f6" if number % 2 == 0 else "#ffffff", zorder=0)
        loss.annotate(
            drawable(say(name)), ((start + end + 1) / 2, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 4),
            textcoords="offset points", ha="center", va="bottom", fontsize=9.5, color=SOFT,
        )  # fmt: skip
        start = end


def _best_epoch(history: Sequence[Mapping[str, float | str | int]]) -> int | None:
    """Place from 1 of the epoch that was kept.

    Each phase marks its improvements, and phases and epochs are chosen by validation AUC: so the highest among the
    epochs marked, or among all where none is, the lower loss where two are equal.
    """
    rows = list(enumerate(history, start=1))
    marked = [(place, row) for place, row in rows if row.get("best")] or rows
    known = [(-_number(row.get("val_auc")), _number(row.get("val_loss")), place) for place, row in marked]
    known = [row for row in known if isfinite(row[0])] or [(0.0, *row[1:]) for row in known if isfinite(row[1])]
    return min(known)[2] if known else None


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and isfinite(value) else float("nan")
