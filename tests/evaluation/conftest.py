"""A small evaluation to report on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from lince.core.types import LabelSpace
from lince.evaluation import Assessment, ReportContext, assess


@dataclass(frozen=True)
class Trial:
    labels: LabelSpace
    truth: list[str]
    index: NDArray[np.intp]
    probabilities: NDArray[np.float64]
    groups: list[str] | None
    threshold: float | None
    assessment: Assessment


@pytest.fixture(scope="session")
def trial() -> Callable[..., Trial]:
    """Build an evaluation with a fair, imperfect classifier."""

    def make(
        names: tuple[str, ...] = ("benign", "malignant"),
        positive: str | None = "malignant",
        *,
        n: int = 80,
        n_groups: int | None = None,
        threshold: float | None = 0.4,
        skill: float = 1.7,
        seed: int = 3,
    ) -> Trial:
        rng = np.random.default_rng(seed)
        index = np.arange(n) % len(names)
        logits = rng.normal(size=(n, len(names)))
        logits[np.arange(n), index] += skill
        table = np.exp(logits)
        table /= table.sum(axis=1, keepdims=True)
        groups = None if n_groups is None else [f"patient{g}" for g in rng.integers(0, n_groups, n)]
        labels = LabelSpace(names, positive)
        truth = [names[i] for i in index]
        found = assess(truth, table, labels, threshold=threshold, groups=groups)
        return Trial(labels, truth, index, table, groups, threshold, found)

    return make


@pytest.fixture
def context() -> ReportContext:
    return ReportContext(
        title="Breast ultrasound",
        model="small-cnn",
        collection="clinic",
        split="test",
        synthetic=False,
        created="2025-01-05 14:02 UTC",
        lince_version="0.1.0",
        provenance={"seed": "0"},
    )
