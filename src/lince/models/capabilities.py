"""What a model can do, asked for instead of what it is."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor, nn


@runtime_checkable
class Differentiable(Protocol):
    """A network whose head can be differentiated by the maps that it reads, as heat maps do."""

    @property
    def head(self) -> nn.Module:
        """Maps (N, D, h, w) to logits (N, classes)."""
        ...

    def maps(self, pixels: Tensor) -> list[Tensor]:
        """(N, S, S, C) uint8 to the feature maps (N, D, h, w) that the head reads."""
        ...
