"""A run with descriptors in place of a network: measured once, then the classifier that cross-validation prefers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lince.core.events import EventBus, Noticed
from lince.core.seeds import derived_seed
from lince.data import Collection
from lince.imaging import ImageArray
from lince.imaging.cache import cached_rows
from lince.inference.bundle import Bundle
from lince.inference.records import ModelRecord
from lince.models import ModelEntry, entry_for
from lince.models.descriptors import NAME, RECIPE_VERSION, DescriptorModel, describe_all, facts
from lince.training.classifiers import Scored, candidates, compare, fit_decider, fit_scaling, scaled
from lince.training.events import RunPlanned
from lince.training.finish import finish
from lince.training.folder import RunFolder
from lince.training.folds import train_folds
from lince.training.losses import Imbalance
from lince.training.options import TrainOptions
from lince.training.plan import Plan
from lince.training.prepared import Prepared, check_positive, prepare


def train_descriptors(collection: Collection, options: TrainOptions, folder: RunFolder, bus: EventBus) -> Bundle:
    """Describe every image, choose a classifier on training images alone, and write the bundle.

    Raises
    ------
    SourceError
        Too few images are left to train on.
    TrainingError
        A class has no training image.
    """
    entry = entry_for(NAME)
    plan = descriptor_plan(entry, options)
    prepared = prepare(collection, plan, bus)
    check_positive(prepared)
    folder.same_collection(prepared.collection.digest())
    bus.publish(RunPlanned(options, plan, prepared))
    rows = described(prepared.images, bus)
    model, scored, folds = choose(prepared, rows, options, bus)
    best = scored[0].candidate
    record = ModelRecord(name=NAME, facts=facts(best.kind, best.settings))
    told = {"classifiers": {"folds": folds, "chosen_by": "log loss", "compared": [one.plain() for one in scored]}}
    return finish(model, record, plan, prepared, options, [], out=folder.out, bus=bus, told=told)


def descriptor_plan(entry: ModelEntry, options: TrainOptions) -> Plan:
    """A plan without phases: nothing is learned by steps."""
    spec = entry.image_spec(options.image_size)
    return Plan(
        model=entry.name,
        image=spec.model_copy(update={"fit": options.fit, "intensity": options.intensity}),
        phases=(),
        augmentation=None,
        imbalance=Imbalance(kind="none"),
        seed=options.seed,
    )


def described(images: ImageArray, bus: EventBus) -> NDArray[np.float32]:
    """Descriptors (N, D) of all images, from the cache where they are there."""
    name = f"descriptors-{RECIPE_VERSION}"
    return cached_rows(images, name, lambda pixels: describe_all(pixels, bus=bus))


def choose(
    prepared: Prepared, rows: NDArray[np.float32], options: TrainOptions, bus: EventBus
) -> tuple[DescriptorModel, list[Scored], int]:
    """The model fitted to the training part, how each candidate did in folds of it, best first, and how many folds.

    Raises
    ------
    TrainingError
        A class has no training image, or nothing can be held out.
    """
    train = prepared.rows("train")
    labels, classes = prepared.labels[train], len(prepared.collection.labels)
    fold = train_folds(prepared, train, options.seed, bus)
    seed = derived_seed(options.seed, "classifier") % 2**32
    tried = candidates(options.classifier, thorough=options.preset != "fast")
    scored = compare(tried, rows[train], labels, fold, classes=classes, seed=seed, bus=bus)
    best = scored[0]
    for kind in dict.fromkeys(one.candidate.kind for one in scored):
        first = next(one for one in scored if one.candidate.kind == kind)
        bus.publish(Noticed(f"{first.candidate.name}: log loss {first.log_loss:.4f}, accuracy {first.accuracy:.3f}"))
    folds = int(fold.max()) + 1
    how = f"the lowest log loss in {folds} folds of the training images"
    bus.publish(Noticed(f"The classifier is {best.candidate.name}, with {how}"))
    scaling = fit_scaling(best.candidate.axes, best.candidate.settings.get("shrinkage"), rows[train], labels)
    decider = fit_decider(best.candidate, scaled(scaling, rows[train]), labels, classes=classes, seed=seed)
    channels = prepared.images.pixels.shape[3]
    return DescriptorModel(scaling, decider, channels=channels).eval(), scored, folds
