"""The head on a frozen network, solved exactly: logistic regression or support vectors on standardised features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from lince.core.errors import TrainingError
from lince.inference.neighbours import stratified
from lince.models.heads import KernelHead, LinearHead
from lince.training.activations import Activations

# Of the head that fine-tuning starts from: strong enough to leave the features something to learn.
FIRST_PENALTY = 0.1
# Costs of an image on the wrong side of the margin: soft to hard.
COSTS = (1.0, 3.0, 10.0)
# Support vectors are searched among this many images and views: the time grows with the square.
_MOST_VECTORS = 4_000


def solve_head(head: LinearHead, features: Activations, labels: NDArray[np.int64], *, penalty: float) -> None:
    """Set the head to the minimum of log loss plus ``penalty / 2`` times the squared weights; see `solve_path`."""
    next(solve_path(head, features, labels, [penalty]))


def solve_path(
    head: LinearHead,
    features: Activations,
    labels: NDArray[np.int64],
    penalties: Sequence[float],
    weights: NDArray[np.float64] | None = None,
) -> Iterator[float]:
    """Set the head to the minimum for one penalty after the other, each from where the one before ended.

    The problem is convex: no epochs, no early stopping, hence no images to hold back for it, and no seed.

    Parameters
    ----------
    head
        Its standardisation is measured here too.
    features
        (views, N, D) embeddings of the training images.
    labels
        (N,) class positions; every class is among them.
    penalties
        Shares of the squared weights in the loss of one image; strong ones first are quickest.
    weights
        (N,) of the images, 1 on average; None for equal ones.

    Yields
    ------
    float
        The penalty that the head is solved for now.

    Raises
    ------
    TrainingError
        A feature is not a number.
    """
    from sklearn.linear_model import LogisticRegression

    head.standardise(features.blocks())
    values = torch.cat([(block.cpu() - head.feature_mean) / head.feature_std for block in features.blocks()]).numpy()
    if not np.isfinite(values).all():
        raise TrainingError(
            "The network makes no numbers of some images",
            fix="check the images for corrupt ones and the weights that were given; no model was written",
        )
    truth = np.tile(labels, features.views)
    shares = None if weights is None else np.tile(weights, features.views)
    solver = LogisticRegression(max_iter=2000, tol=1e-4, warm_start=True)
    for penalty in penalties:
        solver.set_params(C=1.0 / (penalty * len(truth))).fit(values, truth, shares)
        slope, offset = solver.coef_, solver.intercept_
        if len(slope) == 1:
            # Two classes: scikit-learn gives the log odds of the second.
            slope, offset = np.concatenate([-slope, slope]) / 2, np.concatenate([-offset, offset]) / 2
        with torch.no_grad():
            head.linear.weight.copy_(torch.from_numpy(slope))
            head.linear.bias.copy_(torch.from_numpy(offset))
        yield penalty


def solve_kernel(
    features: Activations,
    labels: NDArray[np.int64],
    *,
    classes: int,
    costs: Sequence[float],
    weights: NDArray[np.float64] | None = None,
) -> list[KernelHead]:
    """Heads of support vectors, one for each cost: for each class the widest margin between it and the others.

    Parameters
    ----------
    features
        (views, N, 2 D) embeddings of the training images by a `KernelHead`.
    labels
        (N,) class positions; a class that is not among them is never chosen.
    classes
        How many there are.
    costs
        Of an image on the wrong side of the margin.
    weights
        (N,) by which each image's cost is multiplied; None for equal ones.
    """
    scale = KernelHead(features.values.shape[-1] // 2, classes, 0)
    scale.standardise(features.blocks())
    rows = stratified(labels.tolist(), _MOST_VECTORS)
    views = range(min(features.views, max(1, _MOST_VECTORS // len(rows))))
    blocks = (features.take(np.full_like(rows, view), rows) for view in views)
    values = torch.cat([(block - scale.feature_mean) / scale.feature_std for block in blocks])
    truth = np.tile(labels[rows], len(views))
    shares = None if weights is None else np.tile(weights[rows], len(views))
    # Once for all costs and classes: the machine would compute each entry anew.
    alike = torch.exp(-scale.gamma * torch.cdist(values, values).square()).double().numpy()
    return [_supported(scale, values, alike, truth, classes, cost, shares) for cost in costs]


def _supported(
    scale: KernelHead,
    values: torch.Tensor,
    alike: NDArray[np.float64],
    truth: NDArray[np.int64],
    classes: int,
    cost: float,
    shares: NDArray[np.float64] | None,
) -> KernelHead:
    """The head for standardised features (M, 2 D) whose similarities (M, M) are known."""
    from sklearn.svm import SVC

    weight, bias = np.zeros((len(truth), classes)), np.zeros(classes)
    for position in range(1, classes) if classes == 2 else range(classes):
        if not (truth == position).any():
            bias[position] = -1.0
            continue
        machine = SVC(C=cost, kernel="precomputed").fit(alike, truth == position, shares)
        weight[machine.support_, position] = machine.dual_coef_[0]
        bias[position] = machine.intercept_[0]
    if classes == 2:  # both classes with the same weight, so that each has its heat map
        weight, bias = (weight - weight[:, ::-1]) / 2, (bias - bias[::-1]) / 2
    used = np.flatnonzero(weight.any(axis=1))
    head = KernelHead(values.shape[1] // 2, classes, len(used))
    state = {"landmarks": values[used], "weight": torch.from_numpy(weight[used]), "bias": torch.from_numpy(bias)}
    head.load_state_dict(scale.state_dict() | state)
    return head
