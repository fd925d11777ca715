"""A training run from source to bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from lince.core.errors import TrainingError
from lince.core.events import EventBus, Noticed
from lince.core.seeds import derived_seed
from lince.data import Collection, load
from lince.inference.bundle import Bundle, ModelRecord
from lince.models import ModelEntry, build, entry_for
from lince.training.augmenting import settle
from lince.training.candidates import DEFAULT_MODEL
from lince.training.crossval import cross_validate
from lince.training.events import RunFinished, RunPlanned, RunStarted
from lince.training.finish import finish, parse_aim
from lince.training.folder import RunFolder, default_out
from lince.training.options import TrainOptions, parse_options
from lince.training.phases import run_phases
from lince.training.plan import make_plan
from lince.training.prepared import Prepared, prepare


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
        bus.publish(RunStarted(collection.name, collection.source, folder.out, collection.synthetic, resume))
        bundle = _train(collection, options, folder, bus)
    except KeyboardInterrupt:
        raise  # the folder stays: --resume goes on from it
    except BaseException:
        folder.abandon()
        raise
    folder.remove()
    bus.publish(RunFinished(bundle))
    return bundle


def _train(collection: Collection, options: TrainOptions, folder: RunFolder, bus: EventBus) -> Bundle:
    for notice in collection.notices:
        bus.publish(Noticed(notice))
    options = settle(options, collection, bus)
    if options.folds is not None or options.preset == "best":
        try:
            return cross_validate(collection, options, folder, bus)
        except TrainingError:
            folder.remove()  # the same seed would end the same way
            raise
    entry = entry_for(DEFAULT_MODEL if options.model == "auto" else options.model)
    network = build(entry, len(collection.labels), entry.image_spec(options.image_size))
    # Groups need the images and the plan needs the groups' split, but the image spec depends on neither.
    draft = make_plan(
        options, entry, thaw_from=network.thaw_from, images=len(collection.samples), stages=len(network.stages)
    )
    prepared = prepare(collection, draft, bus)
    folder.same_collection(prepared.collection.digest())
    rows = prepared.rows("train")
    plan = make_plan(
        options,
        entry,
        thaw_from=network.thaw_from,
        images=len(rows),
        stages=len(network.stages),
        counts=np.bincount(prepared.labels[rows], minlength=len(collection.labels)).tolist(),
    )
    bus.publish(RunPlanned(options, plan, prepared))
    torch.manual_seed(derived_seed(plan.seed, "weights"))
    network = build(entry, len(collection.labels), plan.image)
    try:
        history = run_phases(network, plan, prepared, folder, bus)
    except TrainingError:
        folder.remove()  # the same seed would end the same way
        raise
    return finish(network, _record(entry), plan, prepared, options, history, out=folder.out, bus=bus)


def _record(entry: ModelEntry) -> ModelRecord:
    return ModelRecord(name=entry.name, facts=dict(entry.facts) if entry.facts else None)


__all__ = ["DEFAULT_MODEL", "ModelEntry", "Prepared", "prepare", "train"]
