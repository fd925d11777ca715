"""What an evaluation may be given, and the sentence for everything else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lince.core.errors import LinceError
from lince.core.pages import legible as legible
from lince.core.types import LabelSpace

# Rows of float32 or bfloat16 softmax stray this far from 1; anything beyond is not a set of probabilities.
_SUM_TOLERANCE = 1e-2


class EvaluationError(LinceError):
    """Figures asked of data that cannot carry them."""

    kind: ClassVar[str] = "evaluation"
    status: ClassVar[int] = 422


def check_scores(truth: ArrayLike, score: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Truth and score as flat arrays of one length.

    Raises
    ------
    EvaluationError
        Different lengths, more than one dimension, or a score that is not a finite number.
    """
    truth = np.asarray(truth, dtype=bool)
    score = np.asarray(score, dtype=np.float64)
    if truth.ndim != 1 or truth.shape != score.shape:
        raise EvaluationError(
            "Truth and scores must be two lists of the same length", received=f"shapes {truth.shape} and {score.shape}"
        )
    if not np.isfinite(score).all():
        raise EvaluationError(
            "A score is not a finite number",
            received=f"{int((~np.isfinite(score)).sum())} of {score.size}",
            fix="check the model's output for NaN",
        )
    return truth, score


def check_probabilities(probabilities: ArrayLike, labels: LabelSpace) -> NDArray[np.float64]:
    """Probabilities as an (N, C) array in [0, 1] whose rows sum to 1.

    Raises
    ------
    EvaluationError
        Another shape, NaN, values outside [0, 1], or rows that do not sum to 1.
    """
    table = np.asarray(probabilities, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != len(labels):
        raise EvaluationError(
            f"Probabilities must be a table with one column for each of the {len(labels)} classes",
            received=f"shape {table.shape}",
        )
    if not np.isfinite(table).all():
        bad = int((~np.isfinite(table)).any(axis=1).sum())
        raise EvaluationError(
            "Some probabilities are not numbers",
            received=f"NaN or infinity in {bad} of {len(table)} rows",
            fix="check the model's output",
        )
    off = np.abs(table.sum(axis=1) - 1) > _SUM_TOLERANCE
    outside = ((table < -_SUM_TOLERANCE) | (table > 1 + _SUM_TOLERANCE)).any(axis=1)
    if (off | outside).any():
        row = int(np.flatnonzero(off | outside)[0])
        raise EvaluationError(
            "Each row of probabilities must lie in [0, 1] and sum to 1",
            received=f"row {row} sums to {table[row].sum():.4g}",
            fix="give probabilities (after softmax), not logits",
        )
    return table.clip(0.0, 1.0)


def check_truth(truth: Sequence[str], labels: LabelSpace, rows: int) -> NDArray[np.intp]:
    """Class index of each true name.

    Raises
    ------
    EvaluationError
        No images, a length other than ``rows``, or a name that is not one of the classes.
    """
    if len(truth) == 0:
        raise EvaluationError("There are no images to evaluate", fix="check the split and the skipped files")
    if len(truth) != rows:
        raise EvaluationError("Each image needs one true class", received=f"{len(truth)} for {rows} images")
    index = {name: position for position, name in enumerate(labels.names)}
    unknown = sorted({name for name in truth if name not in index})
    if unknown:
        raise EvaluationError(
            "The model does not know this class",
            received=", ".join(legible(str(name)) for name in unknown[:5]),
            fix=f"its classes are: {', '.join(legible(name) for name in labels.names)}",
        )
    return np.fromiter((index[name] for name in truth), dtype=np.intp, count=len(truth))


def check_groups(groups: Sequence[str | None] | None, rows: int) -> tuple[NDArray[np.intp], int] | None:
    """Group number of each image and how many groups; an image without a group is a group of its own.

    Raises
    ------
    EvaluationError
        A length other than ``rows``.
    """
    if groups is None:
        return None
    if len(groups) != rows:
        raise EvaluationError("Each image needs one group, or none", received=f"{len(groups)} for {rows} images")
    seen: dict[object, int] = {}
    numbers = [
        seen.setdefault((position,) if name is None else name, len(seen)) for position, name in enumerate(groups)
    ]
    return np.asarray(numbers, dtype=np.intp), len(seen)


def check_prevalence(prevalence: float | None, labels: LabelSpace) -> float | None:
    """A share of the positive class strictly between 0 and 1, or none.

    Raises
    ------
    EvaluationError
        Any other number, or a share where no class is positive.
    """
    if prevalence is None:
        return None
    if not 0.0 < prevalence < 1.0:
        raise EvaluationError("A prevalence lies between 0 and 1", received=prevalence, fix="0.01 is one in a hundred")
    if labels.positive is None:
        raise EvaluationError(
            "A prevalence is that of the positive class, and the model has none",
            received=prevalence,
            fix="leave it out, or train with --positive",
        )
    return prevalence


def check_confidence(confidence: float) -> float:
    """A confidence level strictly between 0 and 1.

    Raises
    ------
    EvaluationError
        Any other number.
    """
    if not 0.0 < confidence < 1.0:
        raise EvaluationError("A confidence level lies between 0 and 1", received=confidence, fix="0.95 is usual")
    return float(confidence)
