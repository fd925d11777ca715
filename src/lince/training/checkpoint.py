"""What an interrupted phase needs to go on as if nothing had happened, in one safetensors file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import torch
from torch import Tensor, nn

from lince.core.files import atomic_file

NAME = "last.safetensors"
_NOTE = "lince"


@final
@dataclass
class Progress:
    """How far a phase has come.

    Attributes
    ----------
    epoch
        Finished epochs.
    history
        One row per finished epoch.
    best
        Weights of the best epoch, on the processor; empty before the first.
    average
        The running average of the weights; empty when none is kept.
    restarts
        How often the rate was cut to a tenth because training had gone astray.
    splits
        How often the batch was halved because it did not fit in memory.
    """

    epoch: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)
    average: dict[str, Tensor] = field(default_factory=dict)
    restarts: int = 0
    splits: int = 0


def learning_state(network: nn.Module) -> dict[str, Tensor]:
    """What training changes in a network: parameters that learn, and all buffers; by name, not copied."""
    parameters = {name: value for name, value in network.named_parameters() if value.requires_grad}
    return {**{name: value.detach() for name, value in parameters.items()}, **dict(network.named_buffers())}


def put_state(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Write a `learning_state` into the network it came from."""
    places = learning_state(network)
    with torch.no_grad():
        for name, value in state.items():
            places[name].copy_(value)


def save_checkpoint(
    place: Path, network: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress, facts: Mapping[str, Any]
) -> None:
    """Write the checkpoint, whole or not at all.

    ``facts`` tell the phase: `load_checkpoint` takes only a file with the same.

    Raises
    ------
    OutputError
        The disk is full.
    """
    from safetensors.torch import save

    tensors = {f"now.{name}": value for name, value in learning_state(network).items()}
    tensors |= {f"best.{name}": value for name, value in progress.best.items()}
    tensors |= {f"average.{name}": value for name, value in progress.average.items()}
    for number, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{key}": value for key, value in state.items()}
    note = {
        "epoch": progress.epoch,
        "history": progress.history,
        "restarts": progress.restarts,
        "splits": progress.splits,
        "facts": dict(facts),
    }
    # A clone each: safetensors refuses tensors that share memory.
    plain = {name: value.detach().to("cpu", copy=True).contiguous() for name, value in tensors.items()}
    with atomic_file(place) as stream:
        stream.write(save(plain, metadata={_NOTE: json.dumps(note)}))


def load_checkpoint(
    place: Path, network: nn.Module, optimizer: torch.optim.Optimizer, facts: Mapping[str, Any]
) -> Progress | None:
    """Restore network and optimizer and return the progress; None, and nothing changed, where there is no such file.

    A file that a full disk has cut, or that belongs to another phase, counts as none: the phase starts anew.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(place, framework="pt") as stream:
            note = json.loads(stream.metadata()[_NOTE])
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - not a mapping
        if note["facts"] != json.loads(json.dumps(dict(facts))):
            return None
        parts: dict[str, dict[str, Tensor]] = {"now": {}, "best": {}, "average": {}, "optimizer": {}}
        for name, value in tensors.items():
            part, _, rest = name.partition(".")
            parts[part][rest] = value
        progress = Progress(
            note["epoch"], note["history"], parts["best"], parts["average"], note["restarts"], note["splits"]
        )
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return None
    put_state(network, parts["now"])
    places = learning_state(network)
    progress.average = {name: _as(value, places[name]) for name, value in progress.average.items()}
    learning = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    states: dict[int, dict[str, Tensor]] = {}
    for name, value in parts["optimizer"].items():
        number, _, key = name.partition(".")
        states.setdefault(int(number), {})[key] = _as(value, learning[int(number)])
    optimizer.load_state_dict({"state": states, "param_groups": optimizer.state_dict()["param_groups"]})
    return progress


def _as(value: Tensor, place: Tensor) -> Tensor:
    """A copy laid out in memory as ``place`` is: the fused optimizer goes through both in the order of their bytes."""
    if value.shape != place.shape:
        return value
    return torch.empty_like(place, dtype=value.dtype).copy_(value).detach()
