"""The phases of a training, one after the other: what is frozen is computed once, what helps is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from lince.core.errors import TrainingError
from lince.core.events import EventBus, Noticed
from lince.core.files import make_folder
from lince.core.wording import listed
from lince.models.folding import ready_to_run
from lince.models.heads import LinearHead
from lince.models.network import Network
from lince.models.precision import best_device
from lince.training.activations import Activations, Frozen, Recipe, compute_activations
from lince.training.events import EpochsRecalled
from lince.training.exact import solve
from lince.training.fit import PhaseData, PhaseResult, fit
from lince.training.folder import RunFolder
from lince.training.losses import Balance
from lince.training.plan import EMBEDDING, Phase, Plan
from lince.training.prepared import Prepared
from lince.training.sharing import Sharing, first_view

_FIRST = "first.safetensors"


def run_phases(
    network: Network, plan: Plan, prepared: Prepared, folder: RunFolder, bus: EventBus, *, shared: Sharing | None = None
) -> list[dict[str, Any]]:
    """Train phase after phase; a later phase is kept only where it does better on validation.

    ``shared`` holds what the folds of a cross-validation compute once for all of them.
    """
    history: list[dict[str, Any]] = []
    best: tuple[float, dict[str, torch.Tensor]] | None = None
    balance = _balance(prepared, plan)
    if plan.imbalance.why:
        bus.publish(Noticed(plan.imbalance.why))
    gained, first = True, None
    for phase in plan.phases:
        if phase.after_gain and not gained:
            continue
        if first is not None:
            network.head.load_state_dict(first)
        result = _run_phase(network, phase, plan, prepared, balance, folder, bus, shared)
        first = result.first
        history += result.history
        gained = best is None or result.best_score > best[0]
        if gained:
            best = (result.best_score, {name: value.clone() for name, value in network.state_dict().items()})
        elif best is not None:
            bus.publish(Noticed(f"Phase {phase.name} did not raise the validation AUC; its weights are not used"))
            network.load_state_dict(best[1])
    network.head.scale_logits(balance.logit_scale())
    shift = balance.logit_shift()
    if shift is not None:
        network.head.shift_logits(torch.from_numpy(shift))
    return history


def _run_phase(
    network: Network,
    phase: Phase,
    plan: Plan,
    prepared: Prepared,
    balance: Balance,
    folder: RunFolder,
    bus: EventBus,
    shared: Sharing | None,
) -> PhaseResult:
    from safetensors.torch import load_file, save_file

    place = folder.phase(phase.name)
    note = folder.finished_phase(phase.name)
    if note is not None:
        network.load_state_dict(load_file(place / "best.safetensors"))
        bus.publish(EpochsRecalled(phase.name, tuple(note["history"])))
        first = load_file(place / _FIRST) if (place / _FIRST).is_file() else None
        return PhaseResult(note["best_score"], note["history"], first)
    device = best_device()
    data = _phase_data(network, phase, plan, prepared, place, device, bus, shared)
    if phase.exact:
        result = solve(network, phase, data, balance=balance, bus=bus)
    else:
        if phase.boundary == EMBEDDING and isinstance(network.head, LinearHead):
            network.head.standardise(data.train.blocks())
        result = fit(network, phase, data, balance=balance, seed=plan.seed, folder=place, device=device, bus=bus)
    make_folder(place)  # a head that is solved on activations kept elsewhere has written nothing yet
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, place / "best.safetensors")
    if result.first:
        save_file(result.first, place / _FIRST)
    folder.finish_phase(phase.name, {"best_score": result.best_score, "history": result.history})
    for large in place.glob("*.npy"):
        large.unlink()
    return result


def _phase_data(
    network: Network,
    phase: Phase,
    plan: Plan,
    prepared: Prepared,
    place: Path,
    device: torch.device,
    bus: EventBus,
    shared: Sharing | None,
) -> PhaseData:
    frozen = Frozen(ready_to_run(network, size=plan.image.size, device=device), device, plan.image.size)
    found: dict[str, Activations] = {}
    if shared is not None and phase.boundary != 0:
        recipe = Recipe(phase.name, phase.boundary, phase.views, plan.augmentation, plan.seed, "Computing features")
        pixels, train, val = prepared.images.pixels, prepared.rows("train"), prepared.rows("val")
        return PhaseData(
            shared.part(network, frozen, pixels, recipe, train, bus=bus),
            prepared.labels[train],
            first_view(shared.part(network, frozen, pixels, recipe, val, bus=bus)),
            prepared.labels[val],
        )
    for split in ("train", "val"):
        training = split == "train"
        recipe = Recipe(
            phase=phase.name,
            boundary=phase.boundary,
            views=phase.views if training else 1,
            augmentation=plan.augmentation if training else None,
            seed=plan.seed,
            task=f"Computing features ({phase.name}, {'training' if training else 'validation'})",
        )
        place_of_split = place / f"activations-{split}"
        found[split] = compute_activations(
            frozen, prepared.images.pixels, prepared.rows(split), recipe, place=place_of_split, bus=bus
        )
    return PhaseData(
        found["train"], prepared.labels[prepared.rows("train")], found["val"], prepared.labels[prepared.rows("val")]
    )


def _balance(prepared: Prepared, plan: Plan) -> Balance:
    """The remedy against imbalance, for the training images.

    Raises
    ------
    TrainingError
        A class has no training image.
    """
    names = prepared.collection.labels.names
    balance = Balance.of(plan.imbalance, prepared.labels[prepared.rows("train")], len(names))
    absent = [name for name, count in zip(names, balance.counts, strict=True) if count == 0]
    if absent:
        raise TrainingError(
            f"The training split has no image of the class {listed(absent, most=len(absent))}",
            fix="add images of it, or change the split",
        )
    return balance
