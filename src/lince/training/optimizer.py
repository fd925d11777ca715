"""The optimizer of a phase."""

from __future__ import annotations

import torch
from torch import nn

from lince.models.network import Network
from lince.training.plan import Phase


def make_optimizer(network: Network, phase: Phase) -> torch.optim.Optimizer:
    """AdamW; each stage learns at its own share of the rate, and only matrices decay.

    The head comes first in the groups, at the full rate.
    """
    parts: list[nn.Module] = [network.head, *reversed(network.stages)]
    groups = []
    for depth, part in enumerate(parts):
        learning = [value for value in part.parameters() if value.requires_grad]
        share = phase.stage_decay**depth
        for chosen, decay in ((True, phase.weight_decay), (False, 0.0)):
            values = [value for value in learning if (value.dim() > 1) is chosen]
            if values:
                groups.append({"params": values, "weight_decay": decay, "share": share})
    return torch.optim.AdamW(groups, lr=phase.learning_rate, fused=True)
