"""One linear head on several frozen networks: every image is embedded once, and cross-validated on the embeddings."""

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
from lince.models.heads import LinearHead
from lince.models.network import Network
from lince.models.precision import best_device
from lince.training.blend import log_loss
from lince.training.options import TrainOptions

Rows = NDArray[np.int64]
Logits = NDArray[np.float64]

# Each works without a network connection. With the preset best all of them look; the first alone takes a fraction
# of the time and is hardly worse (MedPix by location, grouped 5-fold: log loss 1.518, with the second 1.512).
MEMBERS = ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2")
# Penalty on the squared weights for every standardised column, as a share of the loss of one image.
_PENALTIES = (1e-4, 3e-4, 1e-3)
_BATCH = 12  # as in lince.inference.predictor


@final
@dataclass(frozen=True)
class Frozen:
    """Frozen networks and what they say of images.

    Attributes
    ----------
    entries, networks
        The members; every image is seen as it is and mirrored.
    features
        (N, D) embeddings of all images, averaged over both views, the members' columns one after the other.
    """

    entries: tuple[ModelEntry, ...]
    networks: tuple[Network, ...]
    features: NDArray[np.float32]


def members(options: TrainOptions) -> tuple[ModelEntry, ...]:
    """The frozen networks of a run: those that work offline, or the one that was asked for.

    Raises
    ------
    ConfigError, ModelUnavailableError
        It is none that comes with weights, or it cannot be had.
    """
    if options.model == "auto" and options.weights is None:
        return tuple(entry_for(name) for name in MEMBERS[: None if options.preset == "best" else 1])
    entry = entry_for(MEMBERS[0] if options.model == "auto" else options.model, weights=options.weights)
    if not entry.network or not entry.pretrained:
        raise ConfigError(
            "Image and text are put together on a pretrained network", received=options.model, fix="leave --model out"
        )
    return (entry,)


def embed(images: ImageArray, entries: Sequence[ModelEntry], options: TrainOptions, bus: EventBus) -> Frozen:
    """Run every image through every network once; what was computed before comes from the cache."""
    networks, parts = [], []
    for entry in entries:
        side = options.image_size or entry.size
        network = build(entry, 2, entry.image_spec(side)).eval()
        networks.append(network)
        name = f"frozen-{entry.name.replace(':', '-').replace('/', '-').replace('@', '-')}-{side}"
        # Weights of the user's own may change under one name.
        whole = images if entry.weights is None else ImageArray(images.pixels, images.kept, images.digests, ())
        parts.append(cached_rows(whole, name, lambda pixels, n=network, s=side: _embedded(pixels, n, s, bus)))  # type: ignore[misc]
    return Frozen(tuple(entries), tuple(networks), np.concatenate(parts, axis=1))


@torch.inference_mode()
def _embedded(pixels: NDArray[np.uint8], network: Network, side: int, bus: EventBus) -> NDArray[np.float32]:
    group = Group([network], shared=len(network.stages), side=side, mirrored=True)
    whole = Ensemble([group], [[network.head]], [1.0], channels=pixels.shape[3])
    device = best_device()
    fast = ready_to_run(whole, size=pixels.shape[1], device=device)
    task, found = "Looking at the images", []
    bus.publish(WorkStarted(task, len(pixels)))
    for start in range(0, len(pixels), _BATCH):
        batch = torch.from_numpy(np.array(pixels[start : start + _BATCH])).to(device)
        maps = fast.maps(batch)
        half = len(maps) // 2
        views = [network.head.embed(*part) for part in (maps[:half], maps[half:])]
        found.append(((views[0] + views[1]) / 2).float().cpu().numpy())
        bus.publish(WorkAdvanced(task, start + len(batch)))
    bus.publish(WorkFinished(task))
    return np.concatenate(found)


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
    """The ensemble with its head fitted on the training images, and their (N, C) out-of-fold logits.

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
    """
    wide = [network.head.features for network in frozen.networks]
    for network, part in zip(frozen.networks, np.split(frozen.features, np.cumsum(wide)[:-1], axis=1), strict=True):
        _linear(network).standardise([torch.from_numpy(part[train])])
    mean = torch.cat([_linear(network).feature_mean for network in frozen.networks]).numpy()
    deviation = torch.cat([_linear(network).feature_std for network in frozen.networks]).numpy()
    values = ((frozen.features[train] - mean) / deviation).astype(np.float64)
    task = "Fitting the head on the images"
    bus.publish(WorkStarted(task, len(_PENALTIES)))
    found: list[tuple[float, float, Logits]] = []
    held = fold >= 0
    for number, penalty in enumerate(_PENALTIES, 1):
        logits = np.zeros((len(train), classes))
        for one in range(int(fold.max()) + 1):
            weight, bias = solve(values[fold != one], labels[fold != one], penalty, classes)
            logits[fold == one] = values[fold == one] @ weight + bias
        found.append((log_loss(logits[held], labels[held]), penalty, logits))
        bus.publish(WorkAdvanced(task, number))
    loss, penalty, logits = min(found, key=lambda one: one[0])
    weight, bias = solve(values, labels, penalty, classes)
    bus.publish(WorkFinished(task))
    accuracy = float((logits[held].argmax(axis=1) == labels[held]).mean())
    bus.publish(Noticed(f"Image alone, out of fold: log loss {loss:.4f}, accuracy {accuracy:.3f}"))
    ensemble, record = _assemble(frozen, weight, bias, wide, channels, options)
    return ensemble, record, logits


def solve(values: NDArray[np.float64], labels: Rows, penalty: float, classes: int) -> tuple[Logits, Logits]:
    """Multinomial logistic regression: weights (D, C) and bias (C,); a class without images is as good as excluded.

    With more columns than images the images are turned onto as many axes first, which changes nothing but the time.
    """
    from sklearn.linear_model import LogisticRegression

    axes = None
    if values.shape[1] > len(values):
        _, _, axes = np.linalg.svd(values, full_matrices=False)
    turned = values if axes is None else values @ axes.T
    solver = LogisticRegression(C=1.0 / (penalty * values.shape[1] * len(values)), max_iter=300, tol=1e-3)
    solver.fit(turned, labels)
    return spread(solver.coef_ if axes is None else solver.coef_ @ axes, solver.intercept_, solver.classes_, classes)


def spread(slope: Logits, offset: Logits, known: Rows, classes: int) -> tuple[Logits, Logits]:
    """scikit-learn's coefficients for the classes it met as weights (D, C) and bias (C,) for all."""
    if len(slope) == 1:
        slope, offset = np.concatenate([-slope, slope]) / 2, np.concatenate([-offset, offset]) / 2
    weight, bias = np.zeros((slope.shape[1], classes)), np.full(classes, float(offset.min()) - 9.0)
    weight[:, known], bias[known] = slope.T, offset
    return weight, bias


def _assemble(
    frozen: Frozen, weight: Logits, bias: Logits, wide: Sequence[int], channels: int, options: TrainOptions
) -> tuple[Ensemble, ModelRecord]:
    """A linear layer on joined columns is the sum of linear layers on each member's: an ensemble of equal shares."""
    count = len(frozen.networks)
    groups, heads, told = [], [], []
    for entry, network, own in zip(
        frozen.entries, frozen.networks, np.split(weight, np.cumsum(wide)[:-1]), strict=True
    ):
        side = options.image_size or entry.size
        before = _linear(network)
        head = LinearHead(before.features, len(bias))
        head.feature_mean.copy_(before.feature_mean)
        head.feature_std.copy_(before.feature_std)
        with torch.no_grad():
            head.linear.weight.copy_(torch.from_numpy(count * own.T))
            head.linear.bias.copy_(torch.from_numpy(bias))
        groups.append(Group([network], shared=len(network.stages), side=side, mirrored=True))
        heads.append([head])
        told.append(Member(entry.name, entry.facts, side, 1, len(network.stages), True, 1 / count).plain())
    ensemble = Ensemble(groups, heads, [1 / count] * count, channels=channels).eval()
    return ensemble, ModelRecord(name=NAME, facts={"members": told})


def _linear(network: Network) -> LinearHead:
    if not isinstance(network.head, LinearHead):
        raise ConfigError("This network has no linear head", fix="leave --model out")
    return network.head
