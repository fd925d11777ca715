"""One phase of training: what learns, from which inputs, and the best weights at its end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch
from torch import nn

from lince.core.events import EventBus, PhaseStarted
from lince.models.network import Network
from lince.training.checkpoint import put_state
from lince.training.loop import Loop, PhaseData, score, scores_of
from lince.training.losses import Balance
from lince.training.plan import EMBEDDING, Phase

__all__ = ["PhaseData", "PhaseResult", "fit", "score"]


@final
@dataclass(frozen=True)
class PhaseResult:
    """How a phase went: the best `score`, and ``history`` with one row per epoch.

    ``first`` is the head that the next phase learns from, where that is not the best one.
    """

    best_score: float
    history: list[dict[str, Any]]
    first: dict[str, torch.Tensor] | None = None


def fit(
    network: Network,
    phase: Phase,
    data: PhaseData,
    *,
    balance: Balance,
    seed: int,
    folder: Path,
    device: torch.device,
    bus: EventBus,
) -> PhaseResult:
    """Train the part of ``network`` after the phase's boundary; leaves the best weights in it.

    ``folder`` keeps a checkpoint: a call with the same folder goes on from there, to the same result.

    Raises
    ------
    TrainingError
        The loss stopped being a number and lower rates did not help, or not even one image fits in memory.
    KeyboardInterrupt
        Stopped by the user; the folder holds what is needed to go on.
    """
    _thaw(network, phase)
    network.train()
    if phase.boundary != EMBEDDING and network.pretrained:
        # A small batch says little about means and variances: keep those of the pretraining.
        for layer in network.stages.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.eval()
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    resident = PhaseData(
        data.train.resident(device), data.train_labels, data.val.resident(device), data.val_labels
    )  # fmt: skip
    loop = Loop(network, phase, resident, balance=balance, seed=seed, folder=folder, device=device, bus=bus)
    bus.publish(PhaseStarted(phase.name, phase.epochs))
    progress = loop.run()
    put_state(network, progress.best)
    network.to("cpu", memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    network.eval().requires_grad_(False)
    scores = scores_of(progress)
    return PhaseResult(scores[-1] if phase.keep == "last" else max(scores), progress.history)


def _thaw(network: Network, phase: Phase) -> None:
    """Only what lies after the boundary learns; in a network of one stage, what its catalog entry names."""
    network.requires_grad_(False)
    network.head.requires_grad_(True)
    if phase.boundary == EMBEDDING:
        return
    network.stages[int(phase.boundary) :].requires_grad_(True)
    if phase.boundary == 0 and network.thawed_parameters:
        for name, parameter in network.stages[0].named_parameters():
            parameter.requires_grad_(name.startswith(network.thawed_parameters))
