"""The tables of a report as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lince.evaluation.checks import legible
from lince.evaluation.figures import Assessment

Cell = str | int | float | bool | None

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Case:
    """One image as it was judged; ``probabilities`` in the order of the classes."""

    name: str
    truth: str
    decision: str
    confidence: float
    probabilities: tuple[float, ...]
    group: str | None = None
    split: str | None = None

    @property
    def correct(self) -> bool:
        """Whether the decision is the truth."""
        return self.truth == self.decision


def safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula.

    Names come from files and folders. A cell that begins with ``=``, ``+``, ``-``, ``@`` or a control character is
    prefixed with an apostrophe, as OWASP advises against CSV injection; a plain number stays as it is.
    """
    text = legible(text)
    return f"'{text}" if text[:1] in tuple("=+-@\t\r\n") and text and not _NUMBER.fullmatch(text) else text


def to_csv(rows: Iterable[Sequence[Cell]]) -> bytes:
    """Rows as UTF-8 CSV (RFC 4180); missing values are empty, numbers have six decimals, truth is ``true``."""
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\r\n").writerows([_cell(value) for value in row] for row in rows)
    return stream.getvalue().encode("utf-8")


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6f}"
    return str(value) if isinstance(value, int) else safe(value)


def predictions(cases: Sequence[Case], labels: Sequence[str]) -> bytes:
    """One row an image: ``name, truth, decision, correct, confidence, group, split`` and ``p_CLASS`` for each class."""
    head = ["name", "truth", "decision", "correct", "confidence", "group", "split", *(f"p_{name}" for name in labels)]
    rows = ([c.name, c.truth, c.decision, c.correct, c.confidence, c.group, c.split, *c.probabilities] for c in cases)
    return to_csv([head, *rows])


def classification(assessment: Assessment) -> bytes:
    """One row a class against the rest, then the plain mean over classes and the mean weighted by support.

    Columns: ``class, precision`` (PPV) ``, sensitivity, specificity, f1, auc, average_precision, support``. A mean
    leaves out classes without the figure; of fewer than two classes with images there is none over classes.
    """
    head: list[Cell] = ["class", "precision", "sensitivity", "specificity", "f1", "auc", "average_precision", "support"]
    rows: list[list[Cell]] = [
        [c.name, c.precision, c.sensitivity, c.specificity, c.f1, c.auc.value, c.average_precision, c.support]
        for c in assessment.per_class
    ]
    values = np.array([[np.nan if v is None else v for v in row[1:-1]] for row in rows], dtype=np.float64)
    support = np.array([c.support for c in assessment.per_class], dtype=np.float64)
    several = (support > 0).sum() > 1
    averages: list[list[Cell]] = [
        [
            "macro average",
            *(_mean(values, np.ones_like(support)) if several else [None] * values.shape[1]),
            assessment.n,
        ],
        ["weighted average", *_mean(values, support), assessment.n],
    ]
    return to_csv([head, *rows, *averages])


def _mean(values: NDArray[np.float64], weights: NDArray[np.float64]) -> list[float | None]:
    """Weighted mean of each column (C, K) over the rows that have a value and a weight."""
    known = np.isfinite(values) & (weights > 0)[:, None]
    total = np.where(known, weights[:, None], 0.0).sum(axis=0)
    sums = np.where(known, values * weights[:, None], 0.0).sum(axis=0)
    return [float(s / t) if t else None for s, t in zip(sums, total, strict=True)]
