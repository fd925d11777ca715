"""What a training tells on the bus besides the events of every verb: for pages and trackers that watch it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from lince.core.events import Event

if TYPE_CHECKING:
    from lince.inference.bundle import Bundle
    from lince.models.network import Network
    from lince.training.options import TrainOptions
    from lince.training.plan import Plan
    from lince.training.prepared import Prepared


@final
@dataclass(frozen=True, slots=True, eq=False)
class RunStarted(Event):
    """A source was read and accepted; ``out`` is where its bundle will be."""

    name: str
    source: str
    out: Path
    synthetic: bool
    resumed: bool


@final
@dataclass(frozen=True, slots=True, eq=False)
class RunPlanned(Event):
    """Images are decoded and split, and nothing is left to "auto"."""

    options: TrainOptions
    plan: Plan
    prepared: Prepared


@final
@dataclass(frozen=True, slots=True, eq=False)
class EpochsRecalled(Event):
    """A resumed run had these epochs before: rows of the history of ``phase``, oldest first."""

    phase: str
    rows: tuple[Mapping[str, Any], ...]


@final
@dataclass(frozen=True, slots=True, eq=False)
class ValidationMeasured(Event):
    """The validation images were predicted after an epoch; `EpochFinished` follows.

    Attributes
    ----------
    labels
        (N,) class positions.
    probabilities
        (N, C), before calibration.
    rows
        (N,) position of each of these images in the image array of the run.
    score
        What epochs are chosen by; larger is better.
    network
        The model as it stands, to be looked at during the call: neither kept nor changed.
    """

    phase: str
    epoch: int
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    rows: NDArray[np.int64]
    score: float
    network: Network


@final
@dataclass(frozen=True, slots=True, eq=False)
class RunFinished(Event):
    """The bundle is in its place."""

    bundle: Bundle
