"""Random numbers of one effect on one batch, from a seed of its own."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from lince.core.seeds import derived_seed


@final
class Draws:
    """Numbers for each image of a batch; the global random state is neither read nor changed.

    The few numbers per image are drawn on the processor, so they are the same on every device. Fields of noise are
    drawn where the images are: they repeat on one device, and differ between devices.

    Parameters
    ----------
    seed
        The same seed, the same numbers in the same order.
    count
        Images in the batch.
    device
        Where the images are.
    probability
        Share of the images that the effect touches.
    """

    def __init__(self, seed: int, count: int, device: torch.device, probability: float = 1.0) -> None:
        self.count, self.device = count, device
        self._seed = seed
        self._numbers = torch.Generator().manual_seed(seed)
        self._touched = torch.rand(count, generator=self._numbers) < probability

    @property
    def touched(self) -> Tensor:
        """(N,) bool, on the processor: which images the effect changes."""
        return self._touched

    def between(self, low: float, high: float, *, neutral: float) -> Tensor:
        """(N,) float32 on the device, uniform in the range; ``neutral`` where the effect leaves the image alone."""
        drawn = torch.rand(self.count, generator=self._numbers) * (high - low) + low
        return torch.where(self._touched, drawn, torch.full_like(drawn, neutral)).to(self.device)

    def around_zero(self, most: float, *shape: int) -> Tensor:
        """(N, *shape) float32 on the device, uniform within ``most`` either way; zeros where nothing is to change."""
        drawn = (torch.rand(self.count, *shape, generator=self._numbers) * 2 - 1) * most
        return (drawn * self._touched.view(-1, *(1 for _ in shape))).to(self.device)

    def turns(self) -> Tensor:
        """(N,) int64 on the device: 0 to 3, and 0 where nothing is to change."""
        drawn = torch.randint(0, 4, (self.count,), generator=self._numbers)
        return (drawn * self._touched).to(self.device)

    def normal(self, *shape: int) -> Tensor:
        """(N, *shape) float32 on the device, standard normal, for every image."""
        generator = torch.Generator(self.device).manual_seed(derived_seed(self._seed, "field"))
        return torch.randn(self.count, *shape, generator=generator, device=self.device)
