"""One model, trained on the training part and scored on the validation part: what a run and a search's trials share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lince.core.events import EventBus
from lince.core.seeds import derived_seed
from lince.data import Collection
from lince.models import ModelEntry, build, entry_for
from lince.models.network import Network
from lince.training.candidates import DEFAULT_MODEL
from lince.training.events import RunPlanned
from lince.training.folder import RunFolder
from lince.training.options import TrainOptions
from lince.training.phases import run_phases
from lince.training.plan import Plan, make_plan
from lince.training.prepared import Prepared, check_positive, prepare

if TYPE_CHECKING:
    from lince.training.sharing import Sharing


def prepare_single(collection: Collection, options: TrainOptions, bus: EventBus) -> tuple[ModelEntry, Prepared]:
    """The model that the options name, and the collection read, grouped and split for it.

    Raises
    ------
    SourceError
        Too few images are left to train on, or validation has none of the positive class.
    ConfigError
        There is no such model, or an option does not suit it.
    ModelUnavailableError
        Its weights are neither on this machine nor within reach.
    """
    entry = entry_for(DEFAULT_MODEL if options.model == "auto" else options.model, weights=options.weights)
    network = build(entry, len(collection.labels), entry.image_spec(options.image_size))
    # Groups need the images and the plan needs the groups' split, but the image spec depends on neither.
    draft = make_plan(
        options, entry, thaw_from=network.thaw_from, images=len(collection.samples), stages=len(network.stages)
    )
    prepared = prepare(collection, draft, bus)
    check_positive(prepared)
    return entry, prepared


def fit_single(
    entry: ModelEntry,
    prepared: Prepared,
    options: TrainOptions,
    folder: RunFolder,
    bus: EventBus,
    *,
    shared: Sharing | None = None,
) -> tuple[Network, Plan, list[dict[str, Any]]]:
    """Train; gives the network with its best weights, the plan, and a row for every epoch.

    Parameters
    ----------
    entry, prepared
        As `prepare_single` gives them.
    options
        With the augmentation settled.
    folder
        Keeps what an interrupted run needs to go on.
    bus
        Hears `RunPlanned` and every epoch.
    shared
        Activations that other trainings use too.

    Raises
    ------
    TrainingError
        The training failed.
    """
    classes = len(prepared.collection.labels)
    spec = entry.image_spec(options.image_size)
    network = build(entry, classes, spec, pretrained=False)
    rows = prepared.rows("train")
    plan = make_plan(
        options,
        entry,
        thaw_from=network.thaw_from,
        images=len(rows),
        stages=len(network.stages),
        counts=np.bincount(prepared.labels[rows], minlength=classes).tolist(),
    )
    bus.publish(RunPlanned(options, plan, prepared))
    torch.manual_seed(derived_seed(plan.seed, "weights"))
    network = build(entry, classes, plan.image)
    return network, plan, run_phases(network, plan, prepared, folder, bus, shared=shared)
