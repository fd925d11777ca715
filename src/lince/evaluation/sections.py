"""What the page's sections on subgroups, another bundle and another collection need besides the figures."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from lince.evaluation.banding import OTHERS
from lince.evaluation.contrast_wording import (
    TITLES,
    comparison_words,
    external_words,
    figure_text,
    gap_text,
    p_text,
    subgroup_words,
)
from lince.evaluation.drawing import Picture
from lince.evaluation.estimate import Difference, Estimate
from lince.evaluation.figures import Assessment
from lince.evaluation.wording import Wording


class Speaker:
    """Writes figures and differences for the templates of the sections, in one language."""

    def __init__(self, wording: Wording) -> None:
        self._wording = wording

    def title(self, name: str) -> str:
        """Name of a figure."""
        return self._wording.say(TITLES[name])

    def value(self, text: str) -> str:
        """The value of an attribute, as it was recorded."""
        return self._wording.say(text) if text == OTHERS else text

    def figure(self, name: str, estimate: Estimate) -> str:
        """Value of a figure."""
        return figure_text(name, estimate.value, self._wording)

    def ends(self, name: str, estimate: Estimate) -> str:
        """Interval of a figure, or why it or its value is missing."""
        wording = self._wording
        shown = wording.interval(estimate, wording.number if TITLES[name].endswith("AUC") else wording.percent)
        return shown or wording.say(estimate.reason or "")

    def gap(self, name: str, difference: Difference) -> str:
        """A difference with its sign; of proportions in points."""
        return gap_text(name, difference.value, self._wording)

    def gap_ends(self, name: str, difference: Difference) -> str:
        """Interval of a difference, or why it is missing."""
        if difference.low is None or difference.high is None:
            return self._wording.say(difference.reason or "")
        low, high = (gap_text(name, end, self._wording) for end in (difference.low, difference.high))
        return self._wording.say("{low} to {high}").format(low=low, high=high)

    def p(self, value: float | None) -> str:
        """``p = 0.21``."""
        return p_text(value, self._wording)

    def methods(self, text: str | None) -> str:
        """Names of methods, each translated."""
        return "; ".join(self._wording.say(name) for name in (text or "").split("; "))


def sections(assessment: Assessment, wording: Wording, pictures: Mapping[str, Picture]) -> dict[str, Any]:
    """Content for ``external.html``, ``comparison.html`` and ``subgroups.html``."""
    forest = pictures.get("subgroups")
    return {
        "speak": Speaker(wording),
        "forest": None
        if forest is None
        else f"data:image/svg+xml;base64,{base64.b64encode(forest.svg).decode('ascii')}",
        "subgroup_words": subgroup_words(assessment.subgroups, wording) if assessment.subgroups else [],
        "comparison_words": comparison_words(assessment.comparison, wording) if assessment.comparison else [],
        "external_words": external_words(assessment.external, wording) if assessment.external else [],
    }
