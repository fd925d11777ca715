"""A training run from source to bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lince.core.errors import SourceError, TrainingError
from lince.core.events import EventBus, Noticed
from lince.core.seeds import derived_seed
from lince.core.types import Skipped
from lince.data import Collection, load, near_duplicate_groups, split_collection
from lince.data.groups import join_copies
from lince.imaging import ImageArray, cached_images
from lince.inference.bundle import Bundle
from lince.models import ModelEntry, build, entry_for
from lince.models.folding import ready_to_run
from lince.models.network import LinearHead, Network
from lince.models.precision import best_device
from lince.training.activations import Activations, Frozen, Recipe, compute_activations
from lince.training.auditing import quick_audit
from lince.training.finish import finish, parse_aim
from lince.training.fit import PhaseData, PhaseResult, fit
from lince.training.folder import RunFolder, default_out
from lince.training.options import TrainOptions, parse_options
from lince.training.plan import EMBEDDING, Phase, Plan, make_plan

DEFAULT_MODEL = "efficientnet-lite0"


@dataclass(frozen=True)
class Prepared:
    """A collection ready to train on: images in memory map order, splits and labels by row."""

    collection: Collection
    images: ImageArray
    labels: NDArray[np.int64]
    skipped: tuple[Skipped, ...]

    def rows(self, split: str) -> NDArray[np.int64]:
        """Rows of one split."""
        return np.array([i for i, s in enumerate(self.collection.samples) if s.split == split], dtype=np.int64)


def train(
    source: str | Path | Collection,
    *,
    out: str | Path | None = None,
    options: TrainOptions | None = None,
    resume: bool = False,
    bus: EventBus | None = None,
    **choices: Any,
) -> Bundle:
    """Train a classifier and write its bundle, with its report.

    Parameters
    ----------
    source
        What `lince.load` takes, or a collection.
    out
        Folder of the bundle; ``bundles/NAME`` when not given.
    options, choices
        A `TrainOptions`, or its fields as keywords (``preset="fast"``, ``positive="malignant"``, ...).
    resume
        Go on with the interrupted run of ``out``, with the options it was started with.
    bus
        Hears what happens: progress, epochs, notices.

    Raises
    ------
    SourceError
        The source is not a collection that can be trained on.
    ConfigError
        An option is not valid.
    OutputError
        ``out`` exists or cannot be written.
    TrainingError
        Training failed; nothing half-made is left.
    """
    bus = bus or EventBus()
    options = options or parse_options(choices)
    parse_aim(options.aim)  # now, not after the training
    if isinstance(source, Collection):
        collection = source
        if options.positive is not None:
            collection = collection.with_positive(options.positive)
    else:
        collection = load(source, positive=options.positive, bus=bus, **options.of_source())
    folder = RunFolder(Path(out) if out is not None else default_out(collection.name, resume=resume), resume=resume)
    try:
        if resume:
            given, options = options, folder.recall()[1]
            if options.of_source() != given.of_source() and not isinstance(source, Collection):
                collection = load(source, bus=bus, **options.of_source())
            if options.positive is not None:
                collection = collection.with_positive(options.positive)
        folder.remember(collection.source, options)
        bundle = _train(collection, options, folder, bus)
    except KeyboardInterrupt:
        raise  # the folder stays: --resume goes on from it
    except BaseException:
        folder.abandon()
        raise
    folder.remove()
    return bundle


def _train(collection: Collection, options: TrainOptions, folder: RunFolder, bus: EventBus) -> Bundle:
    for notice in collection.notices:
        bus.publish(Noticed(notice))
    entry = entry_for(DEFAULT_MODEL if options.model == "auto" else options.model)
    network = build(entry, len(collection.labels), entry.image_spec(options.image_size))
    # Groups need the images and the plan needs the groups' split, but the image spec depends on neither.
    draft = make_plan(options, entry, thaw_from=network.thaw_from, images=len(collection.samples))
    prepared = prepare(collection, draft, bus)
    folder.same_collection(prepared.collection.digest())
    plan = make_plan(options, entry, thaw_from=network.thaw_from, images=len(prepared.rows("train")))
    torch.manual_seed(derived_seed(plan.seed, "weights"))
    network = build(entry, len(collection.labels), plan.image)
    try:
        history = _run_phases(network, plan, prepared, folder, bus)
    except TrainingError:
        folder.remove()  # the same seed would end the same way
        raise
    return finish(network, entry, plan, prepared, options, history, out=folder.out, bus=bus)


def prepare(collection: Collection, plan: Plan, bus: EventBus) -> Prepared:
    """Read the images once, group near-duplicates where the collection has no groups, and split.

    Raises
    ------
    SourceError
        Too few images are left to train on.
    """
    images = cached_images(collection.samples, plan.image, bus=bus)
    skipped = (*collection.skipped, *images.skipped)
    if images.skipped:
        bus.publish(
            Noticed(
                f"{len(images.skipped)} of {len(collection.samples)} files could not be read and were left out",
                "warning",
            )
        )
    collection = collection.subset(images.kept.tolist())
    present = {sample.label for sample in collection.samples}
    missing = [name for name in collection.labels.names if name not in present]
    if missing:
        raise SourceError(
            f"No readable image is left of the class {', '.join(missing)}", received=collection.source, fix="add images"
        )
    unsplit = any(sample.split is None for sample in collection.samples)
    given, groups = collection, None
    if not collection.has_groups:
        groups = near_duplicate_groups(images.pixels, bus=bus)
        together = len(groups) - len(set(groups))
        if together and unsplit:
            bus.publish(
                Noticed(f"{together} images are near-duplicates of another; they stay on one side of the split with it")
            )
        collection = split_collection(collection, seed=plan.seed, groups=groups)
    else:
        groups_and_copies = join_copies([sample.group for sample in collection.samples], images.digests)
        collection = split_collection(collection, seed=plan.seed, groups=groups_and_copies)
    for notice in collection.notices:
        bus.publish(Noticed(notice, "warning"))
    collection = quick_audit(given, collection, images, groups, bus)
    labels = np.array([collection.labels.index(sample.label) for sample in collection.samples], dtype=np.int64)
    prepared = Prepared(collection, images, labels, skipped)
    for split in ("train", "val"):
        if len(np.unique(labels[prepared.rows(split)])) < 2:
            raise SourceError(
                f"The {split} split has images of one class only",
                received=collection.source,
                fix="add images: at least 3 patients or images of each class are needed",
            )
    return prepared


def _run_phases(
    network: Network, plan: Plan, prepared: Prepared, folder: RunFolder, bus: EventBus
) -> list[dict[str, Any]]:
    """Train phase after phase; a later phase is kept only where it does better on validation."""
    history: list[dict[str, Any]] = []
    best: tuple[float, dict[str, torch.Tensor]] | None = None
    weights = _class_weights(prepared, len(prepared.collection.labels)) if plan.class_weights else None
    for phase in plan.phases:
        result = _run_phase(network, phase, plan, prepared, weights, folder, bus)
        history += result.history
        if best is None or result.best_score > best[0]:
            best = (result.best_score, {name: value.clone() for name, value in network.state_dict().items()})
        else:
            bus.publish(Noticed(f"Phase {phase.name} did not raise the validation AUC; its weights are not used"))
            network.load_state_dict(best[1])
    if weights is not None:
        # Weighted cross entropy learns probabilities under equal class frequencies: give back the real ones.
        network.head.shift_logits(-weights.log())
    return history


def _run_phase(
    network: Network,
    phase: Phase,
    plan: Plan,
    prepared: Prepared,
    weights: torch.Tensor | None,
    folder: RunFolder,
    bus: EventBus,
) -> PhaseResult:
    from safetensors.torch import load_file, save_file

    place = folder.phase(phase.name)
    note = folder.finished_phase(phase.name)
    if note is not None:
        network.load_state_dict(load_file(place / "best.safetensors"))
        return PhaseResult(note["best_score"], note["history"])
    device = best_device()
    data = _phase_data(network, phase, plan, prepared, place, device, bus)
    if phase.boundary == EMBEDDING and isinstance(network.head, LinearHead):
        network.head.standardise(data.train.blocks())
    result = fit(network, phase, data, weights=weights, seed=plan.seed, folder=place, device=device, bus=bus)
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, place / "best.safetensors")
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
) -> PhaseData:
    frozen = Frozen(ready_to_run(network, size=plan.image.size, device=device), device, plan.image.size)
    found: dict[str, Activations] = {}
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


def _class_weights(prepared: Prepared, classes: int) -> torch.Tensor:
    """Inverse frequency of each class among the training images, 1 on average over images.

    Raises
    ------
    TrainingError
        A class has no training image.
    """
    counts = np.bincount(prepared.labels[prepared.rows("train")], minlength=classes)
    if (counts == 0).any():
        absent = prepared.collection.labels.names[int(np.argmin(counts))]
        raise TrainingError(
            f"The training split has no image of the class {absent}", fix="add images of it, or change the split"
        )
    return torch.tensor(counts.sum() / (classes * counts), dtype=torch.float32)


__all__ = ["DEFAULT_MODEL", "ModelEntry", "Prepared", "prepare", "train"]
