"""A training run from source to bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lince.core.errors import OutputError, TrainingError
from lince.core.events import EventBus, Noticed
from lince.data import Collection
from lince.evaluation import parse_aim
from lince.inference.bundle import Bundle
from lince.inference.records import ModelRecord
from lince.models import ModelEntry, entry_for
from lince.models.catalog import ALIASES
from lince.training.augmenting import settle
from lince.training.candidates import DEFAULT_MODEL
from lince.training.crossval import cross_validate
from lince.training.descriptors import train_descriptors
from lince.training.events import RunFinished, RunStarted
from lince.training.finish import finish
from lince.training.folder import ChangedError, RunFolder, check_free, default_out
from lince.training.options import DESCRIPTORS, TrainOptions, parse_options
from lince.training.prepared import Prepared, collection_of, prepare
from lince.training.single import fit_single, prepare_single
from lince.training.texts import train_texts
from lince.training.together import check_together


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
    if not resume:  # a resumed run was checked when it began
        check_together(options)
    if out is not None:  # before a large collection is read
        check_free(Path(out), resume=resume)
    collection = collection_of(source, options, bus)
    folder = RunFolder(Path(out) if out is not None else default_out(collection.name, resume=resume), resume=resume)
    try:
        if resume:
            given, options = options, folder.recall()[1]
            _tell_idle(given, options, bus)
            if (options.of_source(), options.positive) != (given.of_source(), given.positive):
                collection = collection_of(source, options, bus)
        folder.remember(collection.source, options)
        bus.publish(RunStarted(collection.name, collection.source, folder.out, collection.synthetic, resume))
        bundle = _train(collection, options, folder, bus)
    except KeyboardInterrupt:
        raise  # the folder stays: --resume goes on from it
    except BaseException as error:
        folder.abandon()
        if isinstance(error, OutputError) and folder.path.is_dir():  # a full disk
            fix = "mend that and go on with --resume: what was trained is kept"
            raise OutputError(error.problem, received=error.received, fix=fix) from error
        raise
    finally:
        folder.release()
    folder.remove()
    bus.publish(RunFinished(bundle))
    return bundle


def _tell_idle(given: TrainOptions, recalled: TrainOptions, bus: EventBus) -> None:
    """Name what was asked for in vain: a resumed run goes on as it began."""
    idle = sorted(name for name in given.model_fields_set if getattr(given, name) != getattr(recalled, name))
    if idle:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in idle)
        bus.publish(Noticed(f"An interrupted run goes on with the options it began with, not with {flags}", "warning"))


def _train(collection: Collection, options: TrainOptions, folder: RunFolder, bus: EventBus) -> Bundle:
    for notice in collection.notices:
        bus.publish(Noticed(notice))
    _check_model(options)
    if options.model == DESCRIPTORS:
        return train_descriptors(collection, options, folder, bus)
    if options.text:
        return train_texts(collection, options, folder, bus)
    options = settle(options, collection, bus)
    if options.folds is not None or options.preset == "best":
        try:
            return cross_validate(collection, options, folder, bus)
        except ChangedError:
            raise
        except TrainingError:
            folder.remove()  # the same seed would end the same way
            raise
    entry, prepared = prepare_single(collection, options, bus)
    folder.same_collection(prepared.collection.digest())
    try:
        network, plan, history = fit_single(entry, prepared, options, folder, bus)
    except TrainingError:
        folder.remove()  # the same seed would end the same way
        raise
    return finish(network, _record(entry), plan, prepared, options, history, out=folder.out, bus=bus)


def _check_model(options: TrainOptions) -> None:
    """Refuse a wrong name or size before anything else is said; the hub is asked once, later."""
    name = DEFAULT_MODEL if options.model == "auto" else options.model
    if not name.startswith("hf:") and name not in ALIASES:
        entry_for(name, weights=options.weights).image_spec(options.image_size)


def _record(entry: ModelEntry) -> ModelRecord:
    return ModelRecord(name=entry.name, facts=dict(entry.facts) if entry.facts else None)


__all__ = ["DEFAULT_MODEL", "ModelEntry", "Prepared", "prepare", "train"]
