"""Cross-validation: a model per fold for each candidate, weighed on out-of-fold predictions, as one bundle."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lince.core.events import Event, EventBus, Noticed
from lince.data import Collection
from lince.inference.bundle import Bundle
from lince.inference.records import ModelRecord
from lince.models.ensemble import NAME, Ensemble, Member, group_of
from lince.models.heads import KernelHead
from lince.training.blend import Blend, cross_fitted, log_loss, stack
from lince.training.candidates import FOLDS, MOST_MEMBERS, Candidate, candidates, common_side
from lince.training.events import RunPlanned
from lince.training.finish import finish
from lince.training.fold_figures import OutOfFold, fold_figures, folds_in_words
from lince.training.folder import RunFolder
from lince.training.folds import make_folds
from lince.training.members import Fitted, OutOfTime, Trainer
from lince.training.options import TrainOptions
from lince.training.plan import Plan, make_plan
from lince.training.prepared import prepare
from lince.training.together import check_steps
from lince.trust import softmax

# Log loss that the mirror image must save per image to be worth a second forward pass.
_MIRROR_GAIN = 0.002


def cross_validate(collection: Collection, options: TrainOptions, folder: RunFolder, bus: EventBus) -> Bundle:
    """Train every candidate on every fold and write the ensemble as a bundle.

    Images are decoded once, at the largest side that a candidate wants; every model shrinks them by itself. The test
    part is opened once, by the finished bundle.

    Raises
    ------
    SourceError
        There are too few images for the folds.
    TrainingError
        Training failed.
    """
    begun = time.perf_counter()
    bus = _without_repetition(bus)
    tried = candidates(options, collection)
    check_steps(options, scratch=any(one.way == "scratch" for one in tried))
    prepared = prepare(collection, _draft(options, tried), bus)
    folder.same_collection(prepared.collection.digest())
    folds = make_folds(prepared, options.folds or FOLDS, options.seed, bus)
    trainer = Trainer(prepared, folds, options, folder, bus)
    plan = trainer.plan(tried[0])
    bus.publish(RunPlanned(options.model_copy(update={"folds": folds.count}), plan, prepared))
    if plan.imbalance.why and any(one.way in ("head", "kernel") for one in tried):
        bus.publish(Noticed(_weighed(options, plan)))
    fitted, left_out = _fit_all(trainer, tried, options, begun)
    if left_out:
        bus.publish(Noticed(f"Left out for the time limit: {', '.join(one.name for one in left_out)}", "warning"))
    labels, fold = folds.labels[folds.measured], folds.fold[folds.measured]
    logits, mirrored = _views(fitted, labels)
    blend = stack(logits, labels, most=MOST_MEMBERS)
    chosen = [number for number, share in enumerate(blend.shares) if share > 0]
    network, record = _assemble([fitted[i] for i in chosen], [mirrored[i] for i in chosen], blend, chosen, trainer)
    told = _told(fitted, logits, mirrored, blend, labels)
    bus.publish(Noticed(_sentence(told)))
    honest = cross_fitted(logits, labels, fold, most=MOST_MEMBERS)
    areas = fold_figures(softmax(honest), labels, fold, prepared.collection.labels)
    bus.publish(Noticed(f"Out-of-fold AUC, mean over {folds.count} folds: {folds_in_words(areas)}"))
    held_out = OutOfFold(
        rows=folds.rows[folds.measured],
        fold=fold,
        logits=honest,
        facts={"folds": folds.count, "candidates": told, "left_out": [one.name for one in left_out]},
    )
    plan = _common_plan(fitted[int(np.argmax(blend.say))].plan, prepared.images.pixels.shape)
    history = [row for number in chosen for row in fitted[number].history]
    return finish(network, record, plan, prepared, options, history, out=folder.out, bus=bus, held_out=held_out)


def _weighed(options: TrainOptions, plan: Plan) -> str:
    if options.imbalance == "auto" and plan.imbalance.kind != "none":
        return "Heads that are solved see the classes as frequent as they are; --imbalance weights weighs their images"
    return plan.imbalance.why


def _draft(options: TrainOptions, tried: Sequence[Candidate]) -> Plan:
    """A plan that says how to decode: only its image spec and its seed are used."""
    side, channels = common_side(tried)
    first = next(one for one in tried if channels == 1 or one.entry.channels == 3)
    plan = make_plan(options.model_copy(update={"image_size": None}), first.entry, thaw_from=0, images=1)
    return plan.model_copy(update={"image": plan.image.model_copy(update={"size": side})})


def _common_plan(plan: Plan, shape: Sequence[int]) -> Plan:
    """The plan of the most important member, with the image that all members are made from."""
    channels = shape[3]
    mean, std = (plan.image.mean[:1] * channels, plan.image.std[:1] * channels)
    update = {"size": shape[1], "channels": channels, "mean": mean, "std": std}
    return plan.model_copy(update={"image": plan.image.model_copy(update=update)})


def _fit_all(
    trainer: Trainer, tried: Sequence[Candidate], options: TrainOptions, begun: float
) -> tuple[list[Fitted], list[Candidate]]:
    """The candidates in their order; those that the time limit does not allow are left out. The first always runs."""
    limit = float("inf") if options.time_limit is None else 60.0 * options.time_limit
    fitted: list[Fitted] = []
    left_out: list[Candidate] = []
    recalled = sum(trainer.seconds_before(candidate) for candidate in tried)

    def spent() -> float:
        return time.perf_counter() - begun + recalled

    for candidate in tried:
        done = trainer.done(candidate)
        pace = max((one.seconds / one.candidate.cost for one in fitted), default=0.0)
        if fitted and not done and spent() + pace * candidate.cost > limit:
            left_out.append(candidate)
            continue
        first = not fitted
        try:
            found = trainer.fit(candidate, lambda left, first=first: first or spent() + left <= limit)  # type: ignore[misc]
        except OutOfTime:
            left_out.append(candidate)
            continue
        fitted.append(found)
        trainer.bus.publish(
            Noticed(f"{candidate.name}: out-of-fold AUC {trainer.auc(found.plain):.4f}, {found.seconds:.0f} s")
        )
    if spent() > limit:
        late = f"This took {spent() / 60:.1f} min, over the limit of {limit / 60:g}"
        trainer.bus.publish(Noticed(f"{late}: the first model always runs to its end", "warning"))
    return fitted, left_out


def _views(fitted: Sequence[Fitted], labels: NDArray[np.int64]) -> tuple[list[NDArray[np.float64]], list[bool]]:
    """For each candidate the logits to use, with the mirror image where it helps."""
    logits, mirrored = [], []
    for one in fitted:
        gain = log_loss(one.plain, labels) - log_loss(one.mirrored, labels)
        # Where training mirrors nothing, left and right mean something.
        mirrored.append(gain > _MIRROR_GAIN and one.plan.augmentation is not None and one.plan.augmentation.mirrors)
        logits.append(one.mirrored if mirrored[-1] else one.plain)
    return logits, mirrored


def _assemble(
    fitted: Sequence[Fitted], mirrored: Sequence[bool], blend: Blend, chosen: Sequence[int], trainer: Trainer
) -> tuple[Ensemble, ModelRecord]:
    classes, count = len(trainer.prepared.collection.labels), trainer.folds.count
    groups, heads, members = [], [], []
    for one, mirror, number in zip(fitted, mirrored, chosen, strict=True):
        entry, size = one.candidate.entry, one.candidate.size
        group, own = group_of(one.networks(classes, count), side=size, mirrored=mirror)
        groups.append(group)
        heads.append(own)
        share = float(blend.shares[number])
        landmarks = len(own[0].landmarks) if isinstance(own[0], KernelHead) else 0
        members.append(Member(entry.name, entry.facts, size, len(own), group.shared, mirror, share, landmarks))
    shares = [member.share for member in members]
    network = Ensemble(groups, heads, shares, channels=trainer.prepared.images.pixels.shape[3]).eval()
    return network, ModelRecord(name=NAME, facts={"members": [member.plain() for member in members]})


def _told(
    fitted: Sequence[Fitted],
    logits: Sequence[NDArray[np.float64]],
    mirrored: Sequence[bool],
    blend: Blend,
    labels: NDArray[np.int64],
) -> list[dict[str, Any]]:
    """What the bundle keeps of every candidate."""
    return [
        {
            "name": one.candidate.name,
            "share": float(share),
            "mirrored": mirror,
            "log_loss": log_loss(own, labels),
            "seconds": round(one.seconds, 1),
        }
        for one, own, mirror, share in zip(fitted, logits, mirrored, blend.say, strict=True)
    ]


def _sentence(told: Sequence[dict[str, Any]]) -> str:
    used = [one for one in told if one["share"] > 0]
    if len(used) == 1:
        return f"The bundle is {used[0]['name']}, averaged over the folds"
    each = ", ".join(f"{one['name']} {one['share']:.0%}" for one in sorted(used, key=lambda one: -one["share"]))
    return f"The bundle is an ensemble: {each}"


def _without_repetition(bus: EventBus) -> EventBus:
    """A bus that passes everything on, but each notice once: the folds would say the same several times."""
    said: set[str] = set()
    quiet = EventBus()

    def hear(event: Event) -> None:
        if isinstance(event, Noticed):
            if event.message in said:
                return
            said.add(event.message)
        bus.publish(event)

    quiet.subscribe(hear)
    return quiet
