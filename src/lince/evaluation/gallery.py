"""Decisions worth looking at, as pictures in the report: the surest errors, the surest hits, the least sure."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from numpy.typing import ArrayLike

from lince.core.types import LabelSpace
from lince.evaluation.checks import check_probabilities, check_truth, legible
from lince.evaluation.operating import decisions

Kind = Literal["wrong", "right", "unsure"]

# Pictures of each kind.
MOST = 6

# Heading of each kind and what it shows, in the order of the page.
KINDS: dict[Kind, tuple[str, str]] = {
    "wrong": ("Wrong, the surest first", "What misled it? Look for marks, borders, artefacts and doubtful labels."),
    "right": ("Right, the surest first", "Is the evidence where it should be, or beside the finding?"),
    "unsure": ("The least sure, right or wrong", "Would a person hesitate over these as well?"),
}


@final
@dataclass(frozen=True, slots=True)
class Shot:
    """One image of the gallery.

    ``picture`` is a JPEG of the image and, where ``heated``, of the same image under its heat map beside it; None where
    the image could not be read again.
    """

    kind: Kind
    name: str
    truth: str
    decision: str
    confidence: float
    picture: bytes | None
    heated: bool = False


@final
@dataclass(frozen=True, slots=True)
class Chosen:
    """Row of an image that is worth a look, with the position of the class that was decided."""

    kind: Kind
    row: int
    decided: int
    confidence: float


def choose(
    truth: Sequence[str], probabilities: ArrayLike, labels: LabelSpace, threshold: float | None, *, most: int = MOST
) -> list[Chosen]:
    """Up to ``most`` images of each kind, each image once; ties in the order of the rows.

    Parameters
    ----------
    truth, probabilities, labels, threshold
        What `assess` was given: (N,) class names, (N, C).

    Raises
    ------
    EvaluationError
        Data that `assess` would refuse.
    """
    table = check_probabilities(probabilities, labels)
    true, decided = check_truth(truth, labels, len(table)), decisions(table, labels, threshold)
    confidence = table[np.arange(len(table)), decided]
    rising = np.argsort(confidence, kind="stable").tolist()
    falling = np.argsort(-confidence, kind="stable").tolist()
    wrong = decided != true
    picked: dict[Kind, list[int]] = {
        "wrong": [row for row in falling if wrong[row]][:most],
        "right": [row for row in falling if not wrong[row]][:most],
    }
    taken = {row for rows in picked.values() for row in rows}
    picked["unsure"] = [row for row in rising if row not in taken][:most]
    return [
        Chosen(kind, row, int(decided[row]), float(confidence[row])) for kind, rows in picked.items() for row in rows
    ]


def shown(shots: Sequence[Shot]) -> list[tuple[str, str, list[tuple[Shot, str, str | None]]]]:
    """Heading, question, and each image of a kind with its legible name and the address of its picture."""
    return [
        (heading, question, [(shot, legible(shot.name), _address(shot)) for shot in shots if shot.kind == kind])
        for kind, (heading, question) in KINDS.items()
        if any(shot.kind == kind for shot in shots)
    ]


def _address(shot: Shot) -> str | None:
    return None if shot.picture is None else f"data:image/jpeg;base64,{base64.b64encode(shot.picture).decode('ascii')}"
