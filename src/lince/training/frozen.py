"""Heads on frozen networks: every image is seen once by each network, and heads are cross-validated on what it saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray

from lince.core.errors import ConfigError
from lince.core.events import EventBus, Noticed, WorkAdvanced, WorkFinished, WorkStarted
from lince.imaging import ImageArray
from lince.imaging.cache import cached_rows
from lince.inference.records import ModelRecord
from lince.models import ModelEntry, build, entry_for
from lince.models.ensemble import NAME, Ensemble, Group, Member
from lince.models.folding import ready_to_run
from lince.models.heads import KernelHead, LinearHead
from lince.models.network import Network
from lince.models.precision import best_device
from lince.training.activations import Activations
from lince.training.blend import cross_fitted, log_loss, stack
from lince.training.candidates import DEFAULT_MODEL
from lince.training.linear import STRENGTHS, Kind, Solved, solve_all
from lince.training.options import TrainOptions

Rows = NDArray[np.int64]
Logits = NDArray[np.float64]

# Each works without a network connection, by what the preset may cost. MedPix by location, 5 folds of cases, log loss
# and accuracy of both heads together: lite0 1.56 and 0.60, lite2 1.53 and 0.61, all three 1.53 and 0.60.
_MEMBERS = {
    "fast": ("efficientnet-lite0",),
    "balanced": ("efficientnet-lite2",),
    "best": ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"),
}
_KINDS: tuple[Kind, ...] = ("head", "kernel")
_VIEWS = 2  # the image and its mirror image
_BATCH = 12  # as in lince.inference.predictor
_BLOCK = 1024


@final
@dataclass(frozen=True)
class Frozen:
    """Frozen networks and what they say of images.

    Attributes
    ----------
    entries, networks
        The members; every image is seen as it is and mirrored.
    features
        For each member (N, 2, 2 D): embeddings by a `KernelHead` of all images, as they are and mirrored.
    """

    entries: tuple[ModelEntry, ...]
    networks: tuple[Network, ...]
    features: tuple[NDArray[np.float32], ...]


def members(options: TrainOptions) -> tuple[ModelEntry, ...]:
    """The frozen networks of a run: those of the preset, which work offline, or the one that was asked for.

    Raises
    ------
    ConfigError, ModelUnavailableError
        It is none that comes with weights, or it cannot be had.
    """
    if options.model == "auto" and options.weights is None:
        return tuple(map(entry_for, _MEMBERS[options.preset]))
    entry = entry_for(DEFAULT_MODEL if options.model == "auto" else options.model, weights=options.weights)
    if not entry.network or not entry.pretrained:
        raise ConfigError(
            "Image and text are put together on a pretrained network", received=options.model, fix="leave --model out"
        )
    return (entry,)


def embed(images: ImageArray, entries: Sequence[ModelEntry], options: TrainOptions, bus: EventBus) -> Frozen:
    """Run every image through every network once; what was computed before comes from the cache.

    Raises
    ------
    ConfigError
        A network has no linear head.
    """
    networks, parts = [], []
    for entry in entries:
        side = options.image_size or entry.size
        network = build(entry, 2, entry.image_spec(side)).eval()
        if not isinstance(network.head, LinearHead):
            raise ConfigError("This network has no linear head", received=entry.name, fix="leave --model out")
        networks.append(network)
        name = f"views-{entry.name.replace(':', '-').replace('/', '-').replace('@', '-')}-{side}"
        # Weights of the user's own may change under one name.
        whole = images if entry.weights is None else ImageArray(images.pixels, images.kept, images.digests, ())
        rows = cached_rows(whole, name, lambda pixels, n=network, s=side: _embedded(pixels, n, s, bus))  # type: ignore[misc]
        parts.append(rows.reshape(len(rows), _VIEWS, -1))
    return Frozen(tuple(entries), tuple(networks), tuple(parts))


@torch.inference_mode()
def _embedded(pixels: NDArray[np.uint8], network: Network, side: int, bus: EventBus) -> NDArray[np.float32]:
    """(N, 4 D): the embedding of each image, then that of its mirror image."""
    reader = KernelHead(network.head.features, 2, 1)
    group = Group([network], shared=len(network.stages), side=side, mirrored=True)
    whole = Ensemble([group], [[reader]], [1.0], channels=pixels.shape[3])
    device = best_device()
    fast = ready_to_run(whole, size=pixels.shape[1], device=device)
    task, found = "Looking at the images", []
    bus.publish(WorkStarted(task, len(pixels)))
    for start in range(0, len(pixels), _BATCH):
        batch = torch.from_numpy(np.array(pixels[start : start + _BATCH])).to(device)
        maps = fast.maps(batch)
        half = len(maps) // _VIEWS
        views = [reader.embed(*part) for part in (maps[:half], maps[half:])]
        found.append(torch.cat(views, dim=1).cpu().numpy())
        bus.publish(WorkAdvanced(task, start + len(batch)))
    bus.publish(WorkFinished(task))
    return np.concatenate(found)


@final
@dataclass(frozen=True)
class _Tried:
    """A kind of head on a member, at the strength with the lowest log loss out of fold: (N, C) logits."""

    member: int
    kind: Kind
    strength: float
    logits: Logits


def fit_frozen(
    frozen: Frozen,
    train: Rows,
    labels: Rows,
    fold: Rows,
    *,
    classes: int,
    channels: int,
    options: TrainOptions,
    bus: EventBus,
) -> tuple[Ensemble, ModelRecord, Logits]:
    """The ensemble with its heads fitted on the training images, and their (N, C) out-of-fold logits.

    On each network a linear head and one of support vectors are solved; how much each counts is learned on their
    out-of-fold predictions (`blend.stack`).

    Parameters
    ----------
    frozen
        As `embed` gives it.
    train, labels
        (N,) rows of the training images and their class positions.
    fold
        (N,) in which each is held out; -1 for images that are always trained on, whose logits stay zero.
    classes, channels
        Of the label space, and of the common image.

    Raises
    ------
    TrainingError
        A network makes no numbers of some images.
    """
    known = [torch.from_numpy(features[train]) for features in frozen.features]
    held = fold >= 0
    tried = [
        _cross_validated(number, kind, features, labels, fold, classes, bus)
        for number, features in enumerate(known)
        for kind in _KINDS
    ]
    each = [one.logits[held] for one in tried]
    blend = stack(each, labels[held], most=len(tried))
    logits = np.zeros((len(train), classes))
    logits[held] = cross_fitted(each, labels[held], fold[held], most=len(tried))
    loss = log_loss(logits[held], labels[held])
    accuracy = float((logits[held].argmax(axis=1) == labels[held]).mean())
    bus.publish(Noticed(f"Image alone, out of fold: log loss {loss:.4f}, accuracy {accuracy:.3f}"))
    chosen = [(one, float(share)) for one, share in zip(tried, blend.shares, strict=True) if share > 0]
    ensemble, record = _assemble(frozen, known, labels, chosen, channels, classes, options)
    return ensemble, record, logits


def _solve(kind: Kind, features: torch.Tensor, labels: Rows, classes: int, strengths: Sequence[float]) -> list[Solved]:
    """Heads on (N, 2 D) embeddings: an image counts once, by the mean of its views."""
    known = Activations(features[None], np.arange(len(labels)))
    return solve_all(kind, known, labels, classes=classes, strengths=strengths)


def _cross_validated(
    member: int, kind: Kind, features: torch.Tensor, labels: Rows, fold: Rows, classes: int, bus: EventBus
) -> _Tried:
    strengths, count = STRENGTHS[kind], int(fold.max()) + 1
    logits = np.zeros((len(strengths), len(labels), classes))
    mean = features.mean(dim=1)
    task = "Fitting heads on the images" if kind == "head" else "Searching support vectors among the images"
    bus.publish(WorkStarted(task, count))
    for one in range(count):
        inside = torch.from_numpy(fold != one)
        heads = _solve(kind, mean[inside], labels[fold != one], classes, strengths)
        for number, head in enumerate(heads):
            logits[number, fold == one] = _classified(head, features[~inside])
        bus.publish(WorkAdvanced(task, one + 1))
    bus.publish(WorkFinished(task))
    held = fold >= 0
    best = min(range(len(strengths)), key=lambda number: log_loss(logits[number, held], labels[held]))
    return _Tried(member, kind, strengths[best], logits[best])


@torch.inference_mode()
def _classified(head: Solved, features: torch.Tensor) -> Logits:
    """(N, C) logits for (N, 2, 2 D) embeddings, averaged over the views as they will be served."""
    head.eval()
    parts = torch.split(features[..., : head.features], _BLOCK)
    tables = [torch.stack([head.classify(view) for view in part.unbind(1)]).mean(dim=0) for part in parts]
    return np.asarray(torch.cat(tables).double().numpy())


def _assemble(
    frozen: Frozen,
    known: Sequence[torch.Tensor],
    labels: Rows,
    chosen: Sequence[tuple[_Tried, float]],
    channels: int,
    classes: int,
    options: TrainOptions,
) -> tuple[Ensemble, ModelRecord]:
    """One group for each network, read by the heads that count, fitted to all training images."""
    groups, heads, told = [], [], []
    for number, (entry, network) in enumerate(zip(frozen.entries, frozen.networks, strict=True)):
        own: list[Solved] = []
        shares = [share for one, share in chosen if one.member == number]
        for one, share in ((one, share) for one, share in chosen if one.member == number):
            head = _solve(one.kind, known[number].mean(dim=1), labels, classes, [one.strength])[0]
            # A group gives the mean of its heads' logits.
            head.scale_logits(share * len(shares) / sum(shares))
            own.append(head)
        if not own:
            continue
        side, stages = options.image_size or entry.size, len(network.stages)
        groups.append(Group([network] * len(own), shared=stages, side=side, mirrored=True))
        heads.append(own)
        landmarks = [len(head.landmarks) if isinstance(head, KernelHead) else 0 for head in own]
        told.append(Member(entry.name, entry.facts, side, len(own), stages, True, sum(shares), landmarks))
    ensemble = Ensemble(groups, heads, [member.share for member in told], channels=channels).eval()
    return ensemble, ModelRecord(name=NAME, facts={"members": [member.plain() for member in told]})
