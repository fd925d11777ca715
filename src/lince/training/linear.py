"""The head on a frozen network, solved exactly: logistic regression or support vectors on standardised features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import product
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from lince.core.errors import TrainingError
from lince.imaging.ordered import in_order
from lince.inference.neighbours import stratified
from lince.models.heads import KernelHead, LinearHead
from lince.training.activations import Activations
from lince.training.plan import PENALTIES
from lince.training.sharing import averages

# Of the head that fine-tuning starts from: strong enough to leave the features something to learn.
FIRST_PENALTY = 0.1
# Costs of an image on the wrong side of the margin: soft to hard.
COSTS = (1.0, 3.0, 10.0)
# What is tried of each kind of head.
STRENGTHS = {"head": PENALTIES, "kernel": COSTS}
# Support vectors are searched among this many images and views: the time grows with the square.
_MOST_VECTORS = 4_000

Kind = Literal["head", "kernel"]
Solved = LinearHead | KernelHead


def solve_all(
    kind: Kind,
    features: Activations,
    labels: NDArray[np.int64],
    *,
    classes: int,
    weights: NDArray[np.float64] | None = None,
    strengths: Sequence[float] | None = None,
) -> list[Solved]:
    """One head for each strength: of a linear ``head`` the penalty, of a ``kernel`` the cost of an error.

    Parameters
    ----------
    kind
        Which head.
    features
        (views, N, 2 D) embeddings of the training images by a `KernelHead`; a linear head reads the first half.
    labels, classes, weights
        As `solve_path` and `solve_kernel` take them.
    strengths
        `STRENGTHS` of the kind when not given.

    Raises
    ------
    TrainingError
        A feature is not a number.
    """
    strengths = STRENGTHS[kind] if strengths is None else strengths
    if kind == "kernel":
        return [*solve_kernel(features, labels, classes=classes, costs=strengths, weights=weights)]
    features = averages(features)
    head = LinearHead(features.values.shape[-1], classes)
    return [deepcopy(head) for _ in solve_path(head, features, labels, strengths, weights)]


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
    positions = range(1 if classes == 2 else 0, classes)
    jobs = [(cost, position) for cost, position in product(costs, positions) if (truth == position).any()]
    machines = in_order(jobs, lambda job: _machine(alike, truth == job[1], job[0], shares))
    found: dict[float, dict[int, Any]] = {cost: {} for cost in costs}
    for (cost, position), machine in zip(jobs, machines, strict=True):
        found[cost][position] = machine
    return [_supported(scale, values, found[cost], classes) for cost in costs]


def _machine(
    alike: NDArray[np.float64], inside: NDArray[np.bool_], cost: float, shares: NDArray[np.float64] | None
) -> Any:
    """A support vector machine for one class; several are fitted at a time, since the fit releases the interpreter."""
    from sklearn.svm import SVC

    return SVC(C=cost, kernel="precomputed").fit(alike, inside, shares)


def _supported(scale: KernelHead, values: torch.Tensor, machines: Mapping[int, Any], classes: int) -> KernelHead:
    """The head of the machines of some classes, on standardised features (M, 2 D)."""
    weight, bias = np.zeros((len(values), classes)), np.full(classes, -1.0)
    for position, machine in machines.items():
        weight[machine.support_, position] = machine.dual_coef_[0]
        bias[position] = machine.intercept_[0]
    if classes == 2:  # both classes with the same weight, so that each has its heat map
        weight, bias = (weight - weight[:, ::-1]) / 2, np.array([-bias[1], bias[1]]) / 2
    used = np.flatnonzero(weight.any(axis=1))
    head = KernelHead(values.shape[1] // 2, classes, len(used))
    state = {"landmarks": values[used], "weight": torch.from_numpy(weight[used]), "bias": torch.from_numpy(bias)}
    head.load_state_dict(scale.state_dict() | state)
    return head
