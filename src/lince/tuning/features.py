"""Activations kept between trials: the frozen part of the network runs once for all that freeze the same."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from lince.core.events import EventBus
from lince.models.network import Network
from lince.training.activations import Activations, Frozen, Recipe, compute_activations
from lince.training.sharing import frozen_digest

# Of activations on disk; the files used longest ago go first.
_ROOM = 8 * 1024**3


@final
@dataclass(frozen=True)
class Kept:
    """Activations by what computed them, in ``folder``.

    They are those of a run of `lince.train`, number by number, which is why the training images and the
    ``validation`` rows (N,) have files of their own: the random changes of a version depend on the place of an image
    among the others.
    """

    folder: Path
    validation: NDArray[np.int64]
    room: int = _ROOM

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
        """Activations of the training or the validation rows.

        Raises
        ------
        OutputError
            The disk is full.
        """
        recipe = replace(recipe, phase="kept")
        if np.array_equal(rows, self.validation):
            recipe = replace(recipe, views=1, augmentation=None)
        place = self.folder / self._name(network, frozen, recipe, rows)
        if place.with_suffix(".npy").is_file():
            place.with_suffix(".npy").touch()
        else:
            self._make_room()
        return compute_activations(frozen, pixels, rows, recipe, place=place, bus=bus)

    def _name(self, network: Network, frozen: Frozen, recipe: Recipe, rows: NDArray[np.int64]) -> str:
        change = recipe.augmentation.model_dump(mode="json") if recipe.augmentation else None
        facts = [
            frozen.size,
            recipe.boundary,
            recipe.views,
            recipe.seed,
            change,
            frozen_digest(network, recipe.boundary),
        ]
        digest = hashlib.blake2b(json.dumps(facts, sort_keys=True).encode(), digest_size=12)
        digest.update(np.ascontiguousarray(rows).tobytes())
        return digest.hexdigest()

    def _make_room(self) -> None:
        """Drop what was not used for longest, where more than ``room`` bytes are taken."""
        files = sorted(self.folder.glob("*.npy"), key=lambda path: path.stat().st_mtime, reverse=True)
        taken = 0
        for file in files:
            taken += file.stat().st_size
            if taken > self.room:
                file.with_suffix(".json").unlink(missing_ok=True)
                file.unlink(missing_ok=True)
