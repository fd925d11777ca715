"""The plan: options and collection facts resolved into phases, saved with the run."""

from __future__ import annotations

from typing import Literal, final

from pydantic import BaseModel, ConfigDict

from lince.imaging import ImageSpec
from lince.imaging.augmentation import AugmentationSpec
from lince.models import ModelEntry
from lince.training.options import TrainOptions

# Where a phase reads its inputs: the embeddings of the frozen network, or what enters stage k (0: the images).
EMBEDDING: Literal["embedding"] = "embedding"
# Activations kept on disk at most; more views than fit are not made.
_ACTIVATION_BYTES = 4 * 1024**3


@final
class Phase(BaseModel):
    """One stretch of training.

    ``boundary`` is where the frozen part ends: everything before it is computed once per view and kept on disk.
    ``views`` counts the versions of each training image: itself, and augmented copies.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    boundary: int | Literal["embedding"]
    views: int
    epochs: int
    learning_rate: float
    weight_decay: float
    patience: int
    batch_size: int


@final
class Plan(BaseModel):
    """All that decides a run, with nothing left to "auto"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    image: ImageSpec
    phases: tuple[Phase, ...]
    augmentation: AugmentationSpec | None
    class_weights: bool
    seed: int


def make_plan(options: TrainOptions, entry: ModelEntry, *, thaw_from: int, images: int) -> Plan:
    """Resolve "auto".

    Parameters
    ----------
    options
        What the user chose.
    entry
        The model.
    thaw_from
        The stage where fine-tuning starts by default.
    images
        How many training images there are: a larger collection needs fewer passes and fewer views.
    """
    spec = entry.image_spec(options.image_size).model_copy(update={"fit": options.fit, "intensity": options.intensity})
    augmentation = AugmentationSpec.model_validate({}) if options.augment else None
    phases: tuple[Phase, ...]
    if not entry.pretrained:
        phases = (_from_scratch(options, images),)
    else:
        phases = (_head(options, images, augmented=augmentation is not None),)
        if options.preset != "fast":
            phases += (_fine_tuning(options, images, thaw_from, augmented=augmentation is not None),)
    return Plan(
        model=entry.name,
        image=spec,
        phases=phases,
        augmentation=augmentation,
        class_weights=options.class_weights,
        seed=options.seed,
    )


def _from_scratch(options: TrainOptions, images: int) -> Phase:
    fast = options.preset == "fast"
    # About as many steps for every collection, within bounds: small sets need many passes.
    epochs = min(100, max(10, 120_000 // max(images, 1)))
    return Phase(
        name="train",
        boundary=0,
        views=1,
        epochs=options.epochs or (max(5, epochs // 3) if fast else epochs),
        learning_rate=1e-3,
        weight_decay=1e-3,
        patience=8 if fast else 20,
        batch_size=options.batch_size,
    )


def _head(options: TrainOptions, images: int, *, augmented: bool) -> Phase:
    views = 4 if images < 2_000 and augmented else 1
    return Phase(
        name="head",
        boundary=EMBEDDING,
        views=views,
        epochs=options.epochs or (100 if images < 2_000 else 40),
        learning_rate=3e-3,
        weight_decay=0.05,
        patience=20 if images < 2_000 else 8,
        batch_size=max(options.batch_size, 64),
    )


def _fine_tuning(options: TrainOptions, images: int, thaw_from: int, *, augmented: bool) -> Phase:
    # (112, 14, 14) float16 at the usual boundary of the default model
    budget = _ACTIVATION_BYTES // (max(images, 1) * 112 * 14 * 14 * 2)
    views = max(1, min(8 if images < 2_000 else 4, int(budget))) if augmented else 1
    return Phase(
        name="fine-tuning",
        boundary=thaw_from,
        views=views,
        epochs=options.tune_epochs or (20 if images < 2_000 else 8),
        learning_rate=1e-4,
        weight_decay=0.05,
        patience=6,
        batch_size=options.batch_size,
    )
