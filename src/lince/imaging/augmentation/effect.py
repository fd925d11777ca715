"""What an effect is: options with a range around no change, and a way to apply them to a batch."""

from __future__ import annotations

from abc import ABC, abstractmethod

from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from lince.imaging.augmentation.draws import Draws


class Effect(BaseModel, ABC):
    """One way to change images; every subclass is final. Sizes are shares, so that they mean the same at any side."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    probability: float = Field(1.0, ge=0, le=1, description="share of the images that it touches")

    @abstractmethod
    def _range(self) -> str:
        """Name and range, for people: ``rotation ±10°``."""

    @property
    def caption(self) -> str:
        """Name and range in English, and how often where that is not always: ``blur to 0.5% (30% of images)``."""
        often = "" if self.probability == 1 else f" ({self.probability:.0%} of images)"
        return self._range() + often


class Affine(Effect):
    """An effect that is a matrix."""

    @abstractmethod
    def matrix(self, draws: Draws) -> Tensor:
        """(N, 3, 3) float32: where a point (x, y, 1) of the new image lies in the old one, both axes from -1 to 1."""


class Deformation(Effect):
    """An effect that moves each point in its own way."""

    @abstractmethod
    def shift(self, points: Tensor, draws: Draws) -> Tensor:
        """(N, S, S, 2) float32: how far from ``points`` (S, S, 2), the centres of the pixels, to look instead."""


class Tone(Effect):
    """An effect on values that stay where they are."""

    @abstractmethod
    def change(self, images: Tensor, draws: Draws) -> Tensor:
        """Images (N, C, S, S), float32 from 0 to 1, changed, perhaps in place; the caller limits them to 0..1."""
