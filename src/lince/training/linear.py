"""The head on a frozen network, solved exactly: logistic regression on standardised features."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from lince.models.network import LinearHead
from lince.training.activations import Activations

# Strengths of the penalty, as its share of the loss of one image: weak to strong.
PENALTIES = (0.01, 0.03, 0.1, 0.3)


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
