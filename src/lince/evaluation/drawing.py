"""What all plots share: colours, lettering, axes that step back, and how a figure becomes a picture.

Figures are drawn with matplotlib's objects, without pyplot and its global state, so that several threads may draw at
once. Colours are those of Okabe and Ito, which the colour-blind tell apart.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from lince.evaluation.lettering import families

INK, SOFT, FAINT, RULE = "#1b2a33", "#5b6b75", "#9aabb5", "#d5dde2"
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
CYCLE = (BLUE, "#E69F00", GREEN, ORANGE, "#56B4E9", "#CC79A7", "#000000")
DASHES = ("-", "--", ":")
# Up to this many lines share one look; more need thinner ones and a legend beside them.
FEW_LINES = 6
_DPI = 150

# Names inside an SVG are salted at random unless told otherwise, and no two reports would be the same bytes.
if mpl.rcParams["svg.hashsalt"] is None:
    mpl.rcParams["svg.hashsalt"] = "lince"


@dataclass(frozen=True, slots=True)
class Picture:
    """One plot as PNG, for slides and papers that want pixels, and as SVG, sharp at any size."""

    png: bytes
    svg: bytes


def picture(figure: Figure) -> Picture:
    """Draw a figure; the same figure gives the same bytes."""
    for text in figure.findobj(Text):
        text.set_fontfamily(list(families()))
    FigureCanvasAgg(figure)
    return Picture(
        png=_saved(figure, "png", {"Software": "lince"}),
        svg=_saved(figure, "svg", {"Creator": "lince", "Date": None}),
    )


def _saved(figure: Figure, kind: str, metadata: dict[str, str | None]) -> bytes:
    stream = io.BytesIO()
    figure.savefig(
        stream, format=kind, dpi=_DPI, facecolor="white", bbox_inches="tight", pad_inches=0.18, metadata=metadata
    )
    return stream.getvalue()


def title(axes: Axes, text: str, subtitle: str, above: float = 0) -> None:
    """A heading flush with the left axis, and a smaller line below it."""
    offset = 9 + above + (14 if subtitle else 0)
    axes.annotate(
        text, (0, 1), xycoords="axes fraction", xytext=(0, offset), textcoords="offset points", fontsize=14,
        fontweight="bold", color=INK, va="bottom",
    )  # fmt: skip
    if subtitle:
        axes.annotate(
            subtitle, (0, 1), xycoords="axes fraction", xytext=(0, 7), textcoords="offset points", fontsize=9.5,
            color=SOFT, va="bottom",
        )  # fmt: skip


def message(axes: Axes, text: str) -> None:
    """A sentence where the curve would be."""
    axes.text(0.5, 0.55, text, transform=axes.transAxes, ha="center", fontsize=11, color=SOFT)


def plain(axes: Axes, *, grid: bool = True) -> None:
    """Axes that step back behind the data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(RULE)
    axes.tick_params(length=0, labelsize=9.5, labelcolor=SOFT)
    if grid:
        axes.grid(color="#edf1f3", linewidth=0.8, zorder=0)
        axes.set_axisbelow(True)


def named(axes: Axes, across: str, upright: str) -> None:
    """Names of both axes."""
    axes.set_xlabel(across, fontsize=11, color=INK)
    axes.set_ylabel(upright, fontsize=11, color=INK)


def legend(axes: Axes, place: str) -> None:
    """A legend without a frame: inside the axes, ``beside`` them for many lines, or ``below`` them."""
    outside: dict[str, dict[str, Any]] = {
        "beside": {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0)},
        "below": {"loc": "upper center", "bbox_to_anchor": (0.5, -0.13), "ncols": 2},
    }
    chosen = outside.get(place, {"loc": place})
    axes.legend(frameon=False, fontsize=8 if place == "beside" else 9.5, labelcolor=INK, **chosen)
