"""Activations that the folds of a cross-validation share: each image goes through the frozen part once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, final

import numpy as np
from numpy.typing import NDArray

from lince.core.events import EventBus
from lince.models.network import Network
from lince.training.activations import Activations, Frozen, Recipe, compute_activations


class Sharing(Protocol):
    """Where activations come from that several trainings need."""

    def part(
        self,
        network: Network,
        frozen: Frozen,
        pixels: NDArray[np.uint8],
        recipe: Recipe,
        rows: NDArray[np.int64],
        *,
        bus: EventBus,
    ) -> Activations:
        """Activations of some rows of the images, with all views of the recipe."""
        ...


@final
@dataclass(frozen=True)
class Shared:
    """Activations of ``rows`` (N,), kept in ``folder`` under a name of what computed them.

    Folds and models that freeze the same weights at the same boundary, for the same images, read one file.
    """

    folder: Path
    rows: NDArray[np.int64]

    def part(
        self,
        network: Network,
        frozen: Frozen,
        pixels: NDArray[np.uint8],
        recipe: Recipe,
        rows: NDArray[np.int64],
        *,
        bus: EventBus,
    ) -> Activations:
        """Activations of some of the rows, all of which must be among the shared ones.

        Raises
        ------
        OutputError
            The disk is full.
        """
        name = f"{frozen.size}-{recipe.boundary}-{recipe.views}-{frozen_digest(network, recipe.boundary)}"
        recipe = replace(recipe, phase="shared")  # the folds' phases have names of their own
        whole = compute_activations(frozen, pixels, self.rows, recipe, place=self.folder / name, bus=bus)
        return whole.subset(np.searchsorted(self.rows, rows))


def first_view(activations: Activations) -> Activations:
    """The images as they are, without their augmented versions."""
    return replace(activations, values=_FirstView(activations))


def averages(activations: Activations) -> Activations:
    """Of embeddings by a `KernelHead` the first half: the averages of the maps, without their deviations."""
    return replace(activations, values=_FirstHalf(activations))


def frozen_digest(network: Network, boundary: int | str) -> str:
    """Digest of the weights before the boundary: what the activations there depend on besides the images."""
    total = hashlib.blake2b(digest_size=8)
    stages = network.stages if isinstance(boundary, str) else network.stages[:boundary]
    for name, value in stages.state_dict().items():
        total.update(name.encode())
        total.update(value.detach().cpu().numpy().tobytes())
    return total.hexdigest()


@final
class _FirstView:
    """Activations of one view, whatever number of views lies behind."""

    def __init__(self, whole: Activations) -> None:
        self._whole = whole
        self.shape = (1, *whole.values.shape[1:])

    def __getitem__(self, key: tuple[NDArray[np.int64], NDArray[np.int64]]) -> NDArray[np.generic]:
        return np.asarray(self._whole.take(np.zeros_like(key[0]), key[1]).cpu().numpy())


@final
class _FirstHalf:
    """The first half of the columns of other activations (views, N, 2 D)."""

    def __init__(self, whole: Activations) -> None:
        self._whole = whole
        self.shape = (*whole.values.shape[:-1], whole.values.shape[-1] // 2)

    def __getitem__(self, key: tuple[NDArray[np.int64], NDArray[np.int64]]) -> NDArray[np.generic]:
        return np.asarray(self._whole.take(*key)[:, : self.shape[-1]].cpu().numpy())
