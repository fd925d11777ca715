"""What a cross-validation leaves behind for people: figures over folds, and every out-of-fold prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from lince.core.files import atomic_file
from lince.core.types import LabelSpace
from lince.evaluation import auc, macro_auc
from lince.evaluation.checks import legible
from lince.evaluation.tables import to_csv


@final
@dataclass(frozen=True)
class OutOfFold:
    """Predictions of a cross-validation, each by models that did not see the image.

    Attributes
    ----------
    rows
        (N,) rows of the collection.
    fold
        (N,) in which each was held out.
    logits
        (N, C).
    facts
        How they came about, for the bundle.
    """

    rows: NDArray[np.int64]
    fold: NDArray[np.int64]
    logits: NDArray[np.float64]
    facts: dict[str, Any]


def fold_figures(
    probabilities: NDArray[np.float64], truth: NDArray[np.int64], fold: NDArray[np.int64], labels: LabelSpace
) -> dict[str, Any]:
    """The AUC in every fold, and the interval of their mean.

    The interval is Student's over folds. Folds share training images, so it is narrower than it should be (Bengio and
    Grandvalet, JMLR 5, 2004); the interval of the pooled predictions stands beside it in the report.

    Parameters
    ----------
    probabilities
        (N, C).
    truth, fold
        (N,) class positions, and the fold that each image was held out in.
    labels
        With a positive class its AUC is taken, else the mean over classes.

    Returns
    -------
    dict
        ``count``, ``auc`` (one a fold; None where a fold lacks a class), ``mean``, ``low``, ``high``.
    """
    from scipy.stats import t

    areas = [_area(probabilities[fold == number], truth[fold == number], labels) for number in np.unique(fold)]
    known = np.array([area for area in areas if area is not None])
    found: dict[str, Any] = {"count": len(areas), "auc": areas, "mean": None, "low": None, "high": None}
    if len(known) > 1:
        mean, error = float(known.mean()), float(known.std(ddof=1) / np.sqrt(len(known)))
        half = float(t.ppf(0.975, len(known) - 1)) * error
        found |= {"mean": mean, "low": max(0.0, mean - half), "high": min(1.0, mean + half)}
    return found


def folds_in_words(found: dict[str, Any]) -> str:
    """``0.941 [0.920, 0.962] (0.935, 0.951, ...)``: mean, interval of the mean, each fold."""
    each = ", ".join("–" if area is None else f"{area:.3f}" for area in found["auc"])
    if found["mean"] is None:
        return each
    return f"{found['mean']:.3f} [{found['low']:.3f}, {found['high']:.3f}] ({each})"


def _area(probabilities: NDArray[np.float64], truth: NDArray[np.int64], labels: LabelSpace) -> float | None:
    positive = labels.positive_index
    if positive is None:
        value = float(macro_auc(truth, probabilities))
        return value if np.isfinite(value) else None
    ill = truth == positive
    return None if ill.all() or not ill.any() else float(auc(ill, probabilities[:, positive]))


def write_out_of_fold(
    place: Path,
    names: Sequence[str],
    groups: Sequence[str | None] | None,
    truth: Sequence[str],
    probabilities: NDArray[np.float64],
    fold: NDArray[np.int64],
    classes: Sequence[str],
) -> None:
    """Write ``out_of_fold.csv``: name, group, class, fold (from 1), and a probability per class.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    head = ["name", "group", "truth", "fold", *(f"p_{legible(name)}" for name in classes)]
    rows = (
        [name, groups[i] if groups else None, truth[i], int(fold[i]) + 1, *probabilities[i].tolist()]
        for i, name in enumerate(names)
    )
    with atomic_file(place) as stream:
        stream.write(to_csv([head, *rows]))
