"""Which images make up each step of an epoch: decided by the seed and the epoch alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lince.core.seeds import derived_seed
from lince.imaging.augmentation import augment
from lince.training.activations import Activations
from lince.training.losses import Balance


@final
@dataclass(frozen=True)
class Batch:
    """Images of one step: inputs by ``position`` and ``view``, class positions ``labels``, all (B,)."""

    data: Activations
    position: NDArray[np.int64]
    view: NDArray[np.int64]
    labels: NDArray[np.int64]
    seed: int | None

    def __len__(self) -> int:
        return len(self.position)

    def pieces(self, size: int, device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs (P, ...) and labels (P,) on ``device``, at most ``size`` at a time."""
        for number, start in enumerate(range(0, len(self), size)):
            part = slice(start, start + size)
            values = self.data.take(self.view[part], self.position[part]).to(device)
            if self.seed is not None and self.data.live_augmentation is not None:
                seed = derived_seed(self.seed, number)
                values = augment(values, self.data.live_augmentation, seed=seed)
            yield values, torch.from_numpy(self.labels[part]).to(device)


def training_batches(
    data: Activations, labels: NDArray[np.int64], size: int, *, balance: Balance, seed: int
) -> Iterator[Batch]:
    """One epoch of training: as many images as there are, in random order, each in a random one of its views."""
    random = np.random.default_rng(seed)
    order = balance.order(random, labels)
    view = random.integers(0, data.views, len(order))
    for number, start in enumerate(range(0, len(order), size)):
        part = slice(start, start + size)
        # Sorted positions read a memory map in order.
        sort = np.argsort(order[part], kind="stable")
        position = order[part][sort]
        yield Batch(data, position, view[part][sort], labels[position], derived_seed(seed, number))


def validation_batches(data: Activations, labels: NDArray[np.int64], size: int) -> Iterator[Batch]:
    """Every image once, as it is, in order."""
    for start in range(0, len(labels), size):
        position = np.arange(start, min(start + size, len(labels)))
        yield Batch(data, position, np.zeros_like(position), labels[position], None)
