"""The validation images after an epoch, as curves and counts that a page can draw."""

from __future__ import annotations

from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from lince.core.pages import legible
from lince.core.types import LabelSpace
from lince.evaluation.ranking import auc, roc_curve

# Corners of a drawn curve, and classes that get one; more cannot be told apart by eye.
_CORNERS = 200
_CURVES = 6


@final
class Validation:
    """Probabilities of the validation images, before calibration.

    Parameters
    ----------
    labels
        Class names in the order of the columns.
    truth
        (N,) class positions.
    probabilities
        (N, C).
    phase, epoch
        After which epoch they were measured.
    """

    def __init__(
        self,
        labels: LabelSpace,
        truth: NDArray[np.int64],
        probabilities: NDArray[np.float32],
        phase: str,
        epoch: int,
    ) -> None:
        self._labels, self._truth, self._probabilities = labels, truth, probabilities
        self._when = {"phase": legible(phase), "epoch": epoch}

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON: ``roc`` (a list of curves), ``confusion`` (rows are the truth), ``classes``."""
        return self._content

    @cached_property
    def _content(self) -> dict[str, Any]:
        names = [legible(name) for name in self._labels.names]
        return {
            **self._when,
            "classes": names,
            "roc": [curve for column in self._columns() for curve in self._curve(column, names[column])],
            "confusion": self._confusion().tolist(),
        }

    def _columns(self) -> list[int]:
        """The positive class; where there is none, every class, the most frequent first."""
        positive = self._labels.positive_index
        if positive is not None:
            return [positive]
        counts = np.bincount(self._truth, minlength=len(self._labels))
        return [int(column) for column in np.argsort(-counts, kind="stable")[:_CURVES]]

    def _curve(self, column: int, name: str) -> list[dict[str, Any]]:
        truth, score = self._truth == column, self._probabilities[:, column]
        fpr, tpr, _ = roc_curve(truth, score)
        if not fpr.size:
            return []
        kept = np.unique(np.linspace(0, len(fpr) - 1, min(len(fpr), _CORNERS)).round().astype(int))
        points = np.column_stack([fpr[kept], tpr[kept]]).round(4).tolist()
        return [{"name": name, "auc": auc(truth, score), "points": points}]

    def _confusion(self) -> NDArray[np.int64]:
        """(C, C) counts: row the truth, column the most probable class."""
        classes = len(self._labels)
        cells = self._truth * classes + self._probabilities.argmax(1)
        return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)
