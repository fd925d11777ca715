"""A phase without steps: the head on the frozen network is solved for several strengths of its penalty."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import Tensor

from lince.core.errors import TrainingError
from lince.core.events import EpochFinished, EventBus, PhaseStarted
from lince.evaluation import weighted_auc
from lince.models.heads import LinearHead
from lince.models.network import Network
from lince.training.activations import Activations
from lince.training.events import ValidationMeasured
from lince.training.fit import PhaseData, PhaseResult
from lince.training.linear import FIRST_PENALTY, solve_path
from lince.training.loop import score
from lince.training.losses import Balance
from lince.training.plan import PENALTIES, Phase


def solve(network: Network, phase: Phase, data: PhaseData, *, balance: Balance, bus: EventBus) -> PhaseResult:
    """Leave the head in ``network`` that does best on validation.

    Each penalty is an epoch of the history. The head that a following phase learns from is another one,
    `linear.FIRST_PENALTY`.

    Raises
    ------
    TrainingError
        The network has another head, or a feature is not a number.
    """
    head = network.head
    if not isinstance(head, LinearHead):
        raise TrainingError("Only a linear head can be solved exactly", received=phase.name)
    network.eval().requires_grad_(False)
    history: list[dict[str, Any]] = []
    states: list[dict[str, Tensor]] = []
    scores: list[float] = []
    first = None
    bus.publish(PhaseStarted(phase.name, len(PENALTIES)))
    begun = time.perf_counter()
    weights = balance.weights_of(data.train_labels)
    for penalty in solve_path(head, data.train, data.train_labels, PENALTIES, weights):
        states.append({name: value.clone() for name, value in head.state_dict().items()})
        first = states[-1] if penalty == FIRST_PENALTY else first
        loss, _ = _measured(head, data.train, torch.from_numpy(data.train_labels), balance)
        val_loss, table = _measured(head, data.val, torch.from_numpy(data.val_labels), balance)
        auc = weighted_auc(data.val_labels, table.numpy())
        scores.append(score(auc, val_loss))
        epoch, best = len(scores), scores[-1] == max(scores)
        row = {"phase": phase.name, "epoch": epoch, "train_loss": loss, "val_loss": val_loss, "val_auc": auc}
        history.append({**row, "learning_rate": 0.0, "best": best})
        bus.publish(
            ValidationMeasured(
                phase.name, epoch, data.val_labels, table.numpy(), data.val.rows, scores[-1], network
            )
        )  # fmt: skip
        left = (time.perf_counter() - begun) / epoch * (len(PENALTIES) - epoch)
        bus.publish(EpochFinished(phase.name, epoch, len(PENALTIES), loss, val_loss, auc, 0.0, left, best))
    best_score = max(scores)
    head.load_state_dict(states[scores.index(best_score)])
    return PhaseResult(best_score, history, first)


@torch.inference_mode()
def _measured(head: LinearHead, data: Activations, labels: Tensor, balance: Balance) -> tuple[float, Tensor]:
    """Mean loss and (N, C) probabilities of the images as they are."""
    blocks = []
    for start in range(0, len(labels), 1024):
        position = torch.arange(start, min(start + 1024, len(labels))).numpy()
        blocks.append(head.classify(data.take(position * 0, position).cpu()))
    logits = torch.cat(blocks)
    loss = balance.losses(logits, labels, validation=True).sum() / balance.mass(labels, validation=True)
    return float(loss), logits.softmax(1)
