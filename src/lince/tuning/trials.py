"""One trial: train with some options, and say how well the best epoch does on validation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import final

import optuna

from lince.core.errors import TrainingError
from lince.core.events import EpochFinished, Event, EventBus, PhaseStarted, WorkAdvanced, WorkFinished, WorkStarted
from lince.data import Collection
from lince.models import ModelEntry
from lince.training.augmenting import settle
from lince.training.fit import score
from lince.training.folder import RunFolder
from lince.training.options import TrainOptions
from lince.training.prepared import Prepared
from lince.training.single import fit_single
from lince.tuning.features import Kept

# Epochs of one phase at most; a phase begins at a multiple of it, so that trials are compared at the same epoch of
# the same phase.
_PHASE = 10_000


class OutOfTimeError(Exception):
    """The time is up in the middle of a trial."""


@final
@dataclass(frozen=True)
class Ground:
    """What all trials have in common; ``work`` is a folder for what they leave to each other."""

    collection: Collection
    entry: ModelEntry
    prepared: Prepared
    work: Path
    bus: EventBus


def validation_auc(
    ground: Ground, options: TrainOptions, trial: optuna.Trial, *, may_stop: bool, out_of_time: Callable[[], bool]
) -> float:
    """The AUC on validation (macro, for several classes) of the weights that `lince.train` would keep.

    Only the training and the validation part are looked at.

    Parameters
    ----------
    ground
        Images and model.
    options
        To train with.
    trial
        Told the AUC of every epoch.
    may_stop
        Whether the trial ends early where other trials did better by the same epoch, or when time is up.
    out_of_time
        Asked after every epoch.

    Raises
    ------
    optuna.TrialPruned
        Other trials did better.
    OutOfTimeError
        The time is up.
    TrainingError
        The training failed.
    """
    phases = 0

    def hear(event: Event) -> None:
        nonlocal phases
        if isinstance(event, PhaseStarted):
            phases += 1
        elif isinstance(event, EpochFinished):
            trial.report(event.val_auc, (phases - 1) * _PHASE + event.epoch)
            if may_stop and trial.should_prune():
                raise optuna.TrialPruned
            if may_stop and out_of_time():
                raise OutOfTimeError
        elif isinstance(event, WorkStarted | WorkAdvanced | WorkFinished):
            ground.bus.publish(event)

    bus = EventBus()
    bus.subscribe(hear)
    folder = RunFolder(ground.work / f"trial-{trial.number}", resume=False)
    kept = Kept(ground.work / "features", ground.prepared.rows("val"))
    settled = settle(options, ground.collection, bus)
    try:
        _, _, history = fit_single(ground.entry, ground.prepared, settled, folder, bus, shared=kept)
    finally:
        folder.remove()
    best = max(history, key=lambda row: score(row["val_auc"], row["val_loss"]))
    if math.isnan(best["val_auc"]):
        raise TrainingError("Validation has too few classes for an AUC", fix="add images to the validation part")
    return float(best["val_auc"])
