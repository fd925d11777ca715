"""The picture of a search: the AUC of each trial, and which options matter. Drawn without pyplot's global state."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

if TYPE_CHECKING:
    from lince.tuning.summary import Tuned

_INK, _SOFT, _RULE, _BLUE, _ORANGE = "#1b2a33", "#5b6b75", "#d5dde2", "#0072B2", "#D55E00"


def draw(tuned: Tuned) -> bytes:
    """A PNG, with the importances where there were enough trials to tell them."""
    panels = 2 if tuned.importances else 1
    figure = Figure(figsize=(5.6 * panels, 3.8), layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    _trials(axes[0], tuned)
    if tuned.importances:
        _importances(axes[1], tuned)
    # Below the panels: inside, it would hide trials.
    figure.legend(frameon=False, fontsize=8.5, loc="outside lower left", ncols=2 * panels)
    FigureCanvasAgg(figure)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=150, facecolor="white", metadata={"Software": "lince"})
    return stream.getvalue()


def _trials(axes: Axes, tuned: Tuned) -> None:
    numbers = [number + 1 for number, _ in tuned.history]
    values = [value for _, value in tuned.history]
    best = [max(values[: i + 1]) for i in range(len(values))]
    axes.step(numbers, best, where="post", color=_BLUE, linewidth=2, label="best so far")
    axes.scatter(numbers, values, s=18, color=_SOFT, zorder=3, label="trial")
    axes.scatter([tuned.trial + 1], [tuned.auc], s=60, color=_ORANGE, zorder=4, label=f"best: {tuned.auc:.4f}")
    if tuned.baseline_auc is not None:
        label = f"options as given: {tuned.baseline_auc:.4f}"
        axes.axhline(tuned.baseline_auc, color=_SOFT, linestyle="--", linewidth=1, label=label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("Trial", color=_INK)
    axes.set_ylabel("Validation AUC", color=_INK)
    axes.set_title(f"{tuned.trials} trials, {tuned.stopped} of them stopped early", loc="left", color=_INK)
    _plain(axes)


def _importances(axes: Axes, tuned: Tuned) -> None:
    names = list(tuned.importances)[::-1]
    axes.barh(names, [tuned.importances[name] for name in names], color=_BLUE, height=0.62)
    axes.xaxis.set_major_formatter(PercentFormatter(1, 0))
    axes.set_title("Importance of the options", loc="left", color=_INK)
    _plain(axes)


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_RULE)
    axes.tick_params(length=0, labelcolor=_SOFT)
    axes.grid(color="#edf1f3", linewidth=0.8)
    axes.set_axisbelow(True)
