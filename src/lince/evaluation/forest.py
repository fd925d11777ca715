"""The forest plot of subgroups: one row a subgroup, one column a figure."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lince.evaluation.banding import OTHERS
from lince.evaluation.contrast_wording import TITLES
from lince.evaluation.contrasts import Gap, Subgroup, Subgroups
from lince.evaluation.drawing import BLUE, FAINT, INK, ORANGE, SOFT, Picture, picture
from lince.evaluation.figures import Assessment
from lince.evaluation.lettering import drawable, short_names
from lince.evaluation.texts import Translate

# The share of the positive class differs between subgroups, and PPV with it: it is in the table, not here.
_DRAWN = ("auc", "sensitivity", "specificity", "macro_auc", "accuracy")


def forest(assessment: Assessment, found: Subgroups, say: Translate) -> Picture:
    """Every figure with its interval; a dashed line for all images, orange for what differs from the rest."""
    names = [gap.name for gap in found.groups[0].gaps if gap.name in _DRAWN] if found.groups else ["accuracy"]
    rows = _rows(found, say)
    figure = Figure(figsize=(2.6 + 2.5 * len(names), 1.5 + 0.32 * len(rows)), layout="constrained")
    panels = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        overall = getattr(assessment, name).value
        if overall is not None:
            axes.axvline(overall, color=FAINT, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1)
        for place, (_, one) in enumerate(rows):
            if one is not None:
                _mark(axes, place, one, next(gap for gap in one.gaps if gap.name == name))
        axes.set_title(say(TITLES[name]), loc="left", fontsize=11, fontweight="bold", color=INK)
        axes.set_xlim(-0.03, 1.03)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(length=0, labelsize=9, labelcolor=SOFT)
        axes.grid(axis="x", color="#edf1f3", linewidth=0.8)
        axes.set_axisbelow(True)
    panels[0].set_ylim(len(rows) - 0.4, -0.6)
    panels[0].set_yticks(range(len(rows)), [text for text, _ in rows])
    for label, (_, one) in zip(panels[0].get_yticklabels(), rows, strict=True):
        label.set_fontweight("bold" if one is None else "normal")
    legend = say("Dashed: all images. Orange: differs from the rest. Hollow: too few images to compare.")
    figure.supxlabel(legend, fontsize=8.5, color=SOFT, x=0.01, ha="left")
    return picture(figure)


def _rows(found: Subgroups, say: Translate) -> list[tuple[str, Subgroup | None]]:
    """Label and subgroup of each row; an attribute's name has a row of its own."""
    rows: list[tuple[str, Subgroup | None]] = []
    for attribute in dict.fromkeys(one.attribute for one in found.groups):
        mine = [one for one in found.groups if one.attribute == attribute]
        rows.append((short_names([attribute])[0], None))
        labels = short_names([say(OTHERS) if one.value == OTHERS else one.value for one in mine])
        rows += [(drawable(f"{label} ({one.n})"), one) for label, one in zip(labels, mine, strict=True)]
    return rows


def _mark(axes: Axes, place: int, one: Subgroup, gap: Gap) -> None:
    if gap.here.value is None:
        axes.text(0.5, place, "–", ha="center", va="center", fontsize=9, color=FAINT)
        return
    colour = FAINT if one.small else (ORANGE if gap.flagged else BLUE)
    if gap.here.low is not None and gap.here.high is not None:
        axes.plot([gap.here.low, gap.here.high], [place, place], color=colour, linewidth=1.6, zorder=2)
    filled = "white" if one.small else colour
    axes.plot(gap.here.value, place, "s", color=colour, markerfacecolor=filled, markersize=5.5, zorder=3)
