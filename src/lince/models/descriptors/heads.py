"""What decides on descriptors: nearest neighbours, a linear layer, trees, each as plain arrays.

scikit-learn fits them (`lince.training.classifiers`); here they only predict, so that a bundle holds numbers alone and
runs no code of its own. The tests compare the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import torch
from torch import Tensor, nn

# Standardised descriptors further out than this many deviations are no further out: one odd column must not decide.
CLIP = 4.0


@final
class Scaling(nn.Module):
    """Descriptors (N, D) to (N, P): standardised, clipped, and where there is a projection turned to other axes."""

    mean: Tensor
    deviation: Tensor
    projection: Tensor | None

    def __init__(self, mean: Tensor, deviation: Tensor, projection: Tensor | None = None) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.register_buffer("projection", projection)

    def forward(self, rows: Tensor) -> Tensor:
        """float32, each row by itself: the others in its batch change nothing."""
        standard = ((rows - self.mean) / self.deviation).clamp(-CLIP, CLIP)
        return standard if self.projection is None else _each_row(standard, self.projection)


def _each_row(rows: Tensor, matrix: Tensor) -> Tensor:
    """(N, D) times (D, P) in double precision: products of other shapes may round otherwise, but not visibly."""
    product: Tensor = (rows.double() @ matrix.double()).float()
    return product


@final
class NearestHead(nn.Module):
    """k nearest neighbours that vote by the inverse of their distance, with one vote shared by class frequency.

    Without that vote, a class that no neighbour has would be impossible.
    """

    points: Tensor
    labels: Tensor
    prior: Tensor

    def __init__(self, points: Tensor, labels: Tensor, prior: Tensor, *, neighbours: int) -> None:
        super().__init__()
        self.register_buffer("points", points)
        self.register_buffer("labels", labels)
        self.register_buffer("prior", prior)
        self.neighbours = neighbours

    def votes(self, rows: Tensor) -> Tensor:
        """(N, P) to the shares of the votes (N, classes); neighbours in the same place outvote all others."""
        # Not by a product of matrices, which rounds away what is near.
        apart = torch.cdist(rows, self.points, compute_mode="donot_use_mm_for_euclid_dist")
        near, index = apart.topk(min(self.neighbours, len(self.points)), dim=1, largest=False)
        same = near == 0
        weight = torch.where(same.any(dim=1, keepdim=True), same.to(near.dtype), 1 / near)
        votes = torch.zeros(len(rows), len(self.prior), dtype=weight.dtype)
        votes.scatter_add_(1, self.labels[index], weight)
        return votes / votes.sum(dim=1, keepdim=True)

    def forward(self, rows: Tensor) -> Tensor:
        """(N, P) to log probabilities (N, classes)."""
        votes = self.neighbours * self.votes(rows) + self.prior
        return (votes / (self.neighbours + 1)).log()


@final
class LinearHead(nn.Module):
    """One linear layer (N, P) to (N, classes)."""

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)

    def forward(self, rows: Tensor) -> Tensor:
        """(N, P) to logits (N, classes)."""
        return _each_row(rows, self.weight.T) + self.bias


@final
class TreesHead(nn.Module):
    """Decision trees side by side: the nodes of all of them in one table.

    ``feature`` (nodes,) is the column that is asked, -1 in a leaf; values up to ``threshold`` go to ``left``, others to
    ``right``, which both lie further on in the table. ``value`` (nodes, classes) is what a leaf says: probabilities
    that a forest averages, or logits that boosting adds to ``base``.
    """

    roots: Tensor
    feature: Tensor
    threshold: Tensor
    left: Tensor
    right: Tensor
    value: Tensor
    base: Tensor

    def __init__(self, table: Mapping[str, Tensor], *, average: bool) -> None:
        super().__init__()
        for name in ("roots", "feature", "threshold", "left", "right", "value", "base"):
            self.register_buffer(name, table[name])
        self.average = average

    def check(self) -> None:
        """Refuse a table whose trees would not end.

        Raises
        ------
        ValueError
            A branch leads back, or out of the table.
        """
        own = torch.arange(len(self.feature))
        inner = self.feature >= 0
        for side in (self.left, self.right):
            if not ((side > own) & (side < len(own)))[inner].all():
                raise ValueError("a branch leads nowhere")

    def forward(self, rows: Tensor) -> Tensor:
        """(N, P) to logits (N, classes); a forest's are log probabilities, smoothed by one vote for ``base``."""
        node = self.roots.long().expand(len(rows), -1)
        while True:
            column = self.feature[node].long()
            inner = column >= 0
            if not inner.any():
                break
            low = rows.gather(1, column.clamp_min(0)).double() <= self.threshold[node]
            node = torch.where(inner, torch.where(low, self.left[node], self.right[node]).long(), node)
        found = torch.zeros(len(rows), self.value.shape[1], dtype=torch.float64)
        for tree in range(node.shape[1]):  # one at a time: all at once would be (N, trees, classes)
            found += self.value[node[:, tree]]
        if not self.average:
            return (found + self.base).float()
        return ((found + self.base) / (node.shape[1] + 1)).log().float()


Decider = NearestHead | LinearHead | TreesHead


def decider_of(classifier: str, arrays: Mapping[str, Tensor], settings: Mapping[str, Any]) -> Decider:
    """The head that these arrays were saved from.

    Raises
    ------
    KeyError, TypeError, ValueError
        They are not those of such a head.
    """
    if classifier == "knn":
        return NearestHead(arrays["points"], arrays["labels"], arrays["prior"], neighbours=int(settings["neighbours"]))
    if classifier == "logistic":
        return LinearHead(arrays["weight"], arrays["bias"])
    if classifier in ("forest", "boosting"):
        trees = TreesHead(arrays, average=classifier == "forest")
        trees.check()
        return trees
    raise ValueError("there is no classifier of this name")
