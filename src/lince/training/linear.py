"""The head on a frozen network, solved exactly: logistic regression or support vectors on standardised features."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from lince.inference.neighbours import stratified
from lince.models.heads import KernelHead, LinearHead
from lince.training.activations import Activations

# Strengths of the penalty, as its share of the loss of one image: weak to strong.
PENALTIES = (0.01, 0.03, 0.1, 0.3)
# Costs of an image on the wrong side of the margin: soft to hard.
COSTS = (1.0, 3.0, 10.0)
# Support vectors are searched among this many images and views: the time grows with the square.
_MOST_VECTORS = 4_000


def solve_head(head: LinearHead, features: Activations, labels: NDArray[np.int64], *, penalty: float) -> None:
    """Set the head to the minimum of log loss plus ``penalty / 2`` times the squared weights.

    The problem is convex: no epochs, no early stopping, hence no images to hold back for it, and no seed.

    Parameters
    ----------
    head
        Its standardisation is measured here too.
    features
        (views, N, D) embeddings of the training images.
    labels
        (N,) class positions; every class is among them.
    """
    from sklearn.linear_model import LogisticRegression

    head.standardise(features.blocks())
    values = torch.cat([(block - head.feature_mean) / head.feature_std for block in features.blocks()]).numpy()
    truth = np.tile(labels, features.views)
    solver = LogisticRegression(C=1.0 / (penalty * len(truth)), max_iter=2000, tol=1e-4)
    solver.fit(values, truth)
    slope, offset = solver.coef_, solver.intercept_
    if len(slope) == 1:
        # Two classes: scikit-learn gives the log odds of the second.
        slope, offset = np.concatenate([-slope, slope]) / 2, np.concatenate([-offset, offset]) / 2
    with torch.no_grad():
        head.linear.weight.copy_(torch.from_numpy(slope))
        head.linear.bias.copy_(torch.from_numpy(offset))


def solve_kernel(features: Activations, labels: NDArray[np.int64], *, classes: int, cost: float) -> KernelHead:
    """The head of support vectors: for each class the widest margin between it and the others.

    Parameters
    ----------
    features
        (views, N, 2 D) embeddings of the training images by a `KernelHead`.
    labels
        (N,) class positions; a class that is not among them is never chosen.
    classes
        How many there are.
    cost
        Of an image on the wrong side of the margin.
    """
    from sklearn.svm import SVC

    standard = KernelHead(features.values.shape[-1] // 2, classes, 0)
    standard.standardise(features.blocks())
    rows = stratified(labels.tolist(), _MOST_VECTORS)
    views = range(min(features.views, max(1, _MOST_VECTORS // len(rows))))
    blocks = (features.take(np.full_like(rows, view), rows) for view in views)
    values = torch.cat([(block - standard.feature_mean) / standard.feature_std for block in blocks]).numpy()
    truth = np.tile(labels[rows], len(views))
    weight, bias = np.zeros((len(values), classes)), np.zeros(classes)
    for position in range(1, classes) if classes == 2 else range(classes):
        if not (truth == position).any():
            bias[position] = -1.0
            continue
        machine = SVC(C=cost, gamma=float(standard.gamma)).fit(values, truth == position)
        weight[machine.support_, position] = machine.dual_coef_[0]
        bias[position] = machine.intercept_[0]
    if classes == 2:  # both classes with the same weight, so that each has its heat map
        weight, bias = (weight - weight[:, ::-1]) / 2, (bias - bias[::-1]) / 2
    used = np.flatnonzero(weight.any(axis=1))
    head = KernelHead(values.shape[1] // 2, classes, len(used))
    state = {"landmarks": values[used], "weight": weight[used], "bias": bias}
    head.load_state_dict(standard.state_dict() | {name: torch.from_numpy(value) for name, value in state.items()})
    return head
