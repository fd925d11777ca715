"""What the frozen part of a network says of each image, computed once and kept on disk as a memory map."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lince.core.events import EventBus, WorkAdvanced, WorkFinished, WorkStarted
from lince.core.files import make_folder, write_error, write_json
from lince.core.seeds import derived_seed
from lince.imaging.augmentation import AugmentationSpec, augment
from lince.models.heads import average
from lince.models.network import Network
from lince.training.memory import room
from lince.training.plan import ACTIVATION_BYTES

_BATCH = 12  # as in lince.inference.predictor
_BLOCK = 1024
# Bytes of activations kept in the memory of the processor; larger ones stay in their file, which the system caches.
_IN_MEMORY = 256 * 1024**2


class Versions(Protocol):
    """An array (views, N, ...) that is read by view and position: a memory map, or the images themselves."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(views, N, ...)."""
        ...

    def __getitem__(self, key: tuple[NDArray[np.int64], NDArray[np.int64]], /) -> NDArray[np.generic]:
        """Values (B, ...) for views (B,) and positions (B,)."""
        ...


@final
@dataclass(frozen=True)
class Activations:
    """The inputs of a phase: ``values`` is (views, N, ...), ``rows`` says which image each of the N is.

    For boundary 0 there is one view: the uint8 images themselves, augmented as they are read.
    """

    values: Versions | Tensor
    rows: NDArray[np.int64]
    live_augmentation: AugmentationSpec | None = None
    map_shape: tuple[int, ...] | None = None

    @property
    def views(self) -> int:
        """Versions of each image."""
        return int(self.values.shape[0])

    def blocks(self) -> Iterator[Tensor]:
        """Every activation once, (B, ...) at a time."""
        for view in range(self.views):
            for start in range(0, len(self.rows), _BLOCK):
                positions = np.arange(start, min(start + _BLOCK, len(self.rows)))
                yield self.take(np.full_like(positions, view), positions)

    def take(self, view: NDArray[np.int64], position: NDArray[np.int64]) -> Tensor:
        """Activations of image ``position[i]`` in version ``view[i]``, as (B, ...)."""
        if isinstance(self.values, Tensor):
            where = self.values.device
            return self.values[torch.from_numpy(view).to(where), torch.from_numpy(position).to(where)]
        return torch.from_numpy(np.ascontiguousarray(self.values[view, position]))

    def resident(self, device: torch.device) -> Activations:
        """The same in the memory of ``device``, where they fit: an epoch then reads nothing from disk."""
        if isinstance(self.values, Tensor) or not len(self.rows):
            return self
        first = self.take(np.zeros(1, np.int64), np.zeros(1, np.int64))
        whole = first.nbytes * self.views * len(self.rows)
        if whole > room(device, on_processor=_IN_MEMORY):
            return self
        values = torch.empty((self.views, len(self.rows), *first.shape[1:]), dtype=first.dtype, device=device)
        flat, done = values.flatten(0, 1), 0
        for block in self.blocks():
            flat[done : done + len(block)].copy_(block)
            done += len(block)
        return replace(self, values=values)

    def subset(self, positions: NDArray[np.int64]) -> Activations:
        """Only the images at these positions of the N, (M,), in this order; nothing is copied before it is read."""
        return replace(self, values=_Chosen(self, positions), rows=self.rows[positions])


@final
class _Chosen:
    """Some images of other activations."""

    def __init__(self, whole: Activations, positions: NDArray[np.int64]) -> None:
        self._whole, self._positions = whole, positions
        self.shape = (whole.views, len(positions), *whole.values.shape[2:])

    def __getitem__(self, key: tuple[NDArray[np.int64], NDArray[np.int64]]) -> NDArray[np.generic]:
        return self._whole.take(key[0], self._positions[key[1]]).cpu().numpy()


@dataclass(frozen=True)
class Frozen:
    """A network whose first part is frozen, ready to run on images of ``size`` pixels."""

    fast: Network
    device: torch.device
    size: int

    def run(self, pixels: Tensor, boundary: int | str) -> NDArray[np.generic]:
        """uint8 (B, S, S, C) to float32 embeddings (B, D), or to what the rest of the network needs: float16
        (B, P + C * h * w), the averages of the maps tapped so far and the flattened activations.
        """
        with torch.inference_mode():
            values = self.fast.normalise(pixels.to(self.device))
            if boundary == "embedding":
                found = self.fast.head.embed(*self.fast.run_stages(values)[1])
                return np.asarray(found.float().cpu().numpy())
            values, passed = self.fast.run_stages(values, stop=int(boundary))
            averages = torch.cat([average(one) for one in passed] or [values.new_zeros(len(values), 0)], dim=1)
            flat = torch.cat([averages.float(), values.float().flatten(1)], dim=1)
            # float16 keeps more digits than bf16; activations of these networks stay far below its limit of 65504.
            return np.asarray(flat.clamp_(-6e4, 6e4).half().cpu().numpy())

    def shape(self, boundary: int) -> tuple[int, ...]:
        """Shape without the batch of what enters stage ``boundary``: (C, h, w), or (T, D) for tokens."""
        side, channels = self.size, int(self.fast.mean.shape[1])
        with torch.inference_mode():
            blank = torch.zeros(1, side, side, channels, dtype=torch.uint8, device=self.device)
            values, _ = self.fast.run_stages(self.fast.normalise(blank), stop=boundary)
        return tuple(values.shape[1:])


@final
@dataclass(frozen=True)
class Recipe:
    """What to compute: up to which boundary, in how many versions of each image, changed how."""

    phase: str
    boundary: int | str
    views: int
    augmentation: AugmentationSpec | None
    seed: int
    task: str

    def facts(self, images: int) -> dict[str, object]:
        """What tells one file of activations from another."""
        return {
            "phase": self.phase,
            "boundary": self.boundary,
            "views": self.views,
            "images": images,
            "seed": self.seed,
        }


def compute_activations(
    frozen: Frozen,
    pixels: NDArray[np.uint8],
    rows: NDArray[np.int64],
    recipe: Recipe,
    *,
    place: Path,
    bus: EventBus,
) -> Activations:
    """Run the frozen part over ``pixels[rows]``, once per view.

    A complete file from an interrupted run is used again; an incomplete one is made anew.

    Raises
    ------
    OutputError
        The disk is full.
    """
    if recipe.boundary == 0:
        return Activations(_Images(pixels, rows), rows, recipe.augmentation)
    shape = None if isinstance(recipe.boundary, str) else frozen.shape(recipe.boundary)
    if shape is not None:
        # float16; what the plan allows is meant for the default model
        affordable = ACTIVATION_BYTES // (max(len(rows), 1) * math.prod(shape) * 2)
        recipe = replace(recipe, views=max(1, min(recipe.views, affordable)))
    facts = recipe.facts(len(rows))
    data, note = place.with_suffix(".npy"), place.with_suffix(".json")
    if not _complete(note, facts):
        make_folder(place.parent)
        note.unlink(missing_ok=True)
        bus.publish(WorkStarted(recipe.task, recipe.views * len(rows)))
        try:
            _fill(frozen, pixels, rows, recipe, data, bus)
        except OSError as error:
            data.unlink(missing_ok=True)
            raise write_error(data, error) from error
        write_json(note, facts)
        bus.publish(WorkFinished(recipe.task))
    return Activations(np.load(data, mmap_mode="r"), rows, map_shape=shape)


def _complete(note: Path, facts: Mapping[str, object]) -> bool:
    try:
        return bool(json.loads(note.read_text(encoding="utf-8")) == facts)
    except (OSError, ValueError):
        return False


def _fill(
    frozen: Frozen,
    pixels: NDArray[np.uint8],
    rows: NDArray[np.int64],
    recipe: Recipe,
    data: Path,
    bus: EventBus,
) -> None:
    out: np.memmap[tuple[int, ...], np.dtype[np.generic]] | None = None
    done = 0
    for view in range(recipe.views):
        for start, batch in _batches(pixels, rows):
            if view > 0 and recipe.augmentation is not None:
                batch = augment(batch, recipe.augmentation, seed=derived_seed(recipe.seed, "view", view, start))
            found = frozen.run(batch, recipe.boundary)
            if out is None:
                out = np.lib.format.open_memmap(
                    data, mode="w+", dtype=found.dtype, shape=(recipe.views, len(rows), *found.shape[1:])
                )
                # A sparse file on a full disk would kill the process when it is touched; claim the room now.
                if hasattr(os, "posix_fallocate"):
                    with data.open("r+b") as stream:
                        os.posix_fallocate(stream.fileno(), 0, data.stat().st_size)
            out[view, start : start + len(batch)] = found
            done += len(batch)
            bus.publish(WorkAdvanced(recipe.task, done))
    if out is not None:
        out.flush()


def _batches(pixels: NDArray[np.uint8], rows: NDArray[np.int64]) -> Iterator[tuple[int, Tensor]]:
    for start in range(0, len(rows), _BATCH):
        yield start, torch.from_numpy(np.ascontiguousarray(pixels[rows[start : start + _BATCH]]))


@final
class _Images:
    """The image array seen as activations of one view."""

    def __init__(self, pixels: NDArray[np.uint8], rows: NDArray[np.int64]) -> None:
        self._pixels, self._rows = pixels, rows
        self.shape = (1, len(rows), *pixels.shape[1:])

    def __getitem__(self, key: tuple[NDArray[np.int64], NDArray[np.int64]]) -> NDArray[np.uint8]:
        return self._pixels[self._rows[key[1]]]
