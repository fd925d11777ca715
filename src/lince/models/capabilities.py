"""What a model can do, asked for instead of what it is."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor, nn


@runtime_checkable
class Classifier(Protocol):
    """Prepared images to logits."""

    def __call__(self, pixels: Tensor) -> Tensor:
        """(N, S, S, C) uint8 to (N, classes) float32 logits."""
        ...


@runtime_checkable
class Differentiable(Classifier, Protocol):
    """A network whose head can be differentiated by the maps that it reads, as heat maps do."""

    head: nn.Module

    def maps(self, pixels: Tensor) -> list[Tensor]:
        """(N, S, S, C) uint8 to the feature maps (N, D, h, w) that the head reads."""
        ...
