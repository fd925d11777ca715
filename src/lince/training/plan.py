"""The plan: options and collection facts resolved into phases, saved with the run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, final

from pydantic import BaseModel, ConfigDict

from lince.core.errors import ConfigError
from lince.imaging import ImageSpec
from lince.imaging.augmentation import AugmentationSpec, policy
from lince.models import ModelEntry
from lince.training.losses import Imbalance, choose_imbalance
from lince.training.options import TrainOptions

# Where a phase reads its inputs: the embeddings of the frozen network, or what enters stage k (0: the images).
EMBEDDING: Literal["embedding"] = "embedding"
# Activations kept on disk at most; more views than fit are not made.
ACTIVATION_BYTES = 4 * 1024**3
# Strengths of the penalty on a head that is solved, as its share of the loss of one image.
PENALTIES = (0.3, 0.1, 0.03, 0.01)
# Up to so many embeddings a head is solved; more are read in batches.
_MOST_SOLVED = 20_000
# Options of the steps towards a head.
_STEPS = ("epochs", "lr", "schedule", "warmup", "ema", "label_smoothing", "accumulate", "batch_size")


@final
class Phase(BaseModel):
    """One stretch of training.

    ``boundary`` is where the frozen part ends: everything before it is computed once per view and kept on disk.
    ``views`` counts the versions of each training image: itself, and augmented copies. A step of the optimiser takes
    ``batch_size * accumulate`` images. ``stage_decay`` is the rate of a stage as a share of the next one's. A phase
    ``after_gain`` runs only where the phase before it did better on validation than all before that one. What is kept
    is the epoch that did best on validation, or with ``keep`` "last" the last one, whatever validation says. A phase
    that is ``exact`` takes no steps: its head is solved, and each of its epochs is one strength of the penalty.
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
    accumulate: int = 1
    stage_decay: float = 1.0
    schedule: Literal["plateau", "cosine"] = "plateau"
    warmup: int = 0
    ema: float | None = None
    label_smoothing: float = 0.0
    after_gain: bool = False
    keep: Literal["best", "last"] = "best"
    exact: bool = False


@final
class Plan(BaseModel):
    """All that decides a run, with nothing left to "auto"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    image: ImageSpec
    phases: tuple[Phase, ...]
    augmentation: AugmentationSpec | None
    imbalance: Imbalance
    seed: int


def make_plan(
    options: TrainOptions,
    entry: ModelEntry,
    *,
    thaw_from: int,
    images: int,
    stages: int | None = None,
    counts: Sequence[int] = (),
) -> Plan:
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
    stages
        How many stages the network has, when it can be cut between them.
    counts
        Training images of each class.

    Raises
    ------
    ConfigError
        More stages are to be thawed than there are.
    """
    spec = entry.image_spec(options.image_size).model_copy(update={"fit": options.fit, "intensity": options.intensity})
    augmentation = policy(options.augment)
    augmented = augmentation is not None
    phases: tuple[Phase, ...]
    if not entry.pretrained:
        phases = (_from_scratch(options, entry, images),)
    else:
        head = _head(options, images, augmented=augmented)
        boundaries = _boundaries(options, thaw_from, stages)
        later = (
            _fine_tuning(options, entry, images, boundary, number, augmented=augmented)
            for number, boundary in enumerate(boundaries, 1)
        )
        phases = (head, *later)
    imbalance = choose_imbalance(
        options.imbalance,
        counts,
        gamma=options.focal_gamma,
        batch_size=phases[-1].batch_size * phases[-1].accumulate,
    )
    if phases[0].boundary == EMBEDDING and _solvable(phases[0], options, images, imbalance):
        solved = phases[0].model_copy(update={"exact": True, "epochs": len(PENALTIES)})
        phases = (solved, *phases[1:])
    return Plan(
        model=entry.name,
        image=spec,
        phases=phases,
        augmentation=augmentation,
        imbalance=imbalance,
        seed=options.seed,
    )


def _solvable(head: Phase, options: TrainOptions, images: int, imbalance: Imbalance) -> bool:
    """Whether the head is solved rather than stepped to: where its loss is convex and all features fit in memory.

    Who asks for steps of some kind gets them.
    """
    fields = TrainOptions.model_fields
    as_usual = all(getattr(options, name) == fields[name].default for name in _STEPS)
    return as_usual and imbalance.kind in ("none", "weights", "sampling") and images * head.views <= _MOST_SOLVED


def _boundaries(options: TrainOptions, thaw_from: int, stages: int | None) -> list[int]:
    """Where each fine-tuning phase begins to change the network: first late, then earlier."""
    allowed = options.phases or (1 if options.preset == "fast" else 3)
    if allowed == 1:
        return []
    if options.thaw == "all":
        last = 0
    elif options.thaw == "auto":
        last = thaw_from
    elif stages is None or stages == 1 or int(options.thaw) <= stages:
        last = max(0, (stages or 0) - int(options.thaw))
    else:
        raise ConfigError(
            f"This model has {stages} stages to thaw", received=options.thaw, fix=f"use --thaw all, or 1 to {stages}"
        )
    if options.thaw == "auto" and allowed == 3 and thaw_from > 1:
        return [thaw_from, thaw_from // 2]
    if options.phases == 3 and last < thaw_from:
        return [thaw_from, last]
    return [last]


def _common(options: TrainOptions, epochs: int, *, learns_features: bool) -> dict[str, Any]:
    """How the weights move.

    A head on fixed features is a convex problem, and plateaus tell when it is solved. Features learned from a few
    hundred images fit them perfectly long before they have settled: then a cosine to its end, averaged weights and
    softened labels raise the out-of-fold AUC by several points, and stopping early lowers it.
    """
    automatic = "cosine" if learns_features else "plateau"
    schedule = automatic if options.schedule == "auto" else options.schedule
    settling = learns_features and schedule == "cosine"
    smoothing = 0.1 if settling and options.imbalance != "focal" else 0.0
    warmup = (1 if settling else 0) if options.warmup is None else options.warmup
    return {
        "accumulate": options.accumulate,
        "schedule": schedule,
        "warmup": min(warmup, epochs - 1),
        "ema": (0.99 if settling else None) if options.ema is None else options.ema or None,
        "label_smoothing": smoothing if options.label_smoothing is None else options.label_smoothing,
    }


def _from_scratch(options: TrainOptions, entry: ModelEntry, images: int) -> Phase:
    fast = options.preset == "fast"
    # About as many steps for every collection, within bounds: small sets need many passes.
    epochs = min(60, max(10, 120_000 // max(images, 1)))
    epochs = options.epochs or (max(5, epochs // 3) if fast else epochs)
    common = _common(options, epochs, learns_features=True)
    return Phase(
        name="train",
        boundary=0,
        views=1,
        epochs=epochs,
        learning_rate=options.lr or 1e-3,
        weight_decay=entry.weight_decay,
        patience=epochs if common["schedule"] == "cosine" else (8 if fast else 20),
        batch_size=options.batch_size,
        **common,
    )


def _head(options: TrainOptions, images: int, *, augmented: bool) -> Phase:
    views = 4 if images < 2_000 and augmented else 1
    epochs = options.epochs or (100 if images < 2_000 else 40)
    return Phase(
        name="head",
        boundary=EMBEDDING,
        views=views,
        epochs=epochs,
        learning_rate=options.lr or 3e-3,
        weight_decay=0.05,
        patience=20 if images < 2_000 else 8,
        batch_size=max(options.batch_size, 64),
        **_common(options, epochs, learns_features=False),
    )


def _fine_tuning(
    options: TrainOptions, entry: ModelEntry, images: int, boundary: int, number: int, *, augmented: bool
) -> Phase:
    # (112, 14, 14) float16 at the usual boundary of the default model
    budget = ACTIVATION_BYTES // (max(images, 1) * 112 * 14 * 14 * 2)
    views = max(1, min(8 if images < 2_000 else 4, int(budget))) if augmented else 1
    # About as many steps for every collection, within bounds. A later phase starts from weights that have settled once.
    epochs = options.tune_epochs or min(20, max(8, 16_000 // max(images, 1))) // min(number, 2)
    common = _common(options, epochs, learns_features=True)
    return Phase(
        name="fine-tuning" if number == 1 else f"fine-tuning-{number}",
        boundary=boundary,
        views=views,
        epochs=epochs,
        learning_rate=options.tune_lr or entry.tuning_rate,
        weight_decay=0.05,
        patience=epochs if common["schedule"] == "cosine" else 6,
        batch_size=options.batch_size,
        stage_decay=options.stage_decay,
        after_gain=number > 1,
        **common,
    )
