"""From prepared images to descriptors: one row of named numbers each, whatever batch they come in."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from typing import final

import numpy as np
from numpy.typing import NDArray

from lince.core.events import EventBus, WorkAdvanced, WorkFinished, WorkStarted
from lince.core.logs import logger
from lince.core.settings import worker_count
from lince.imaging.ordered import in_order
from lince.models.descriptors import outline, texture, tone
from lince.models.memory import keep_freed_memory

RECIPE_VERSION = 1
"""Raised whenever the same image would give other numbers, so that no cache or bundle mistakes one for the other."""

TASK = "Computing descriptors"
# Rec. 601, as `ImageSpec` makes grey of colour, in units of 1/65536.
_LUMA = (19595, 38470, 7471)
_BLOCK = 8
# Fewer images are done before processes have started.
_WORTH_PROCESSES = 400


@final
@dataclass(frozen=True, slots=True)
class Family:
    """Descriptors of one kind: what they are called, and how they are measured on (S, S) grey or (S, S, 3) RGB."""

    name: str
    columns: tuple[str, ...]
    measure: Callable[[NDArray[np.uint8]], NDArray[np.float64]]
    coloured: bool = False


def _grid(side: int, *names: str) -> list[str]:
    return [f"{name} {row},{column}" for row in range(side) for column in range(side) for name in names]


def _histogram(where: str) -> list[str]:
    shares = [f"root of share of {8 * number} to {8 * number + 7}" for number in range(tone.BINS)]
    return [f"{name}, {where}" for name in (*shares, *tone.MOMENTS, *(f"percentile {p}" for p in tone.PERCENTILES))]


def _glcm_names() -> list[str]:
    return [
        f"{name} at {distance} px{kind}"
        for distance in texture.DISTANCES
        for kind in ("", ", range")
        for name in texture.PROPERTIES
    ]


def _lbp_names() -> list[str]:
    kinds = [f"root of pattern {number}" for number in range(texture.PATTERNS)]
    whole = [f"{kind} at {radius} px" for radius in texture.RADII for kind in kinds]
    return [*whole, *_grid(texture.CELLS, *kinds)]


def _gabor_names() -> list[str]:
    angles = [180 * number // texture.ORIENTATIONS for number in range(texture.ORIENTATIONS)]
    return [f"{frequency} cycles a pixel, {angle} degrees" for frequency in texture.FREQUENCIES for angle in angles]


def _hog_names() -> list[str]:
    blocks = outline.SIDE // outline.CELL - 1
    inner = [f"cell {cell} direction {turn}" for cell in range(4) for turn in range(outline.DIRECTIONS)]
    return _grid(blocks, *inner)


def _depth_names() -> list[str]:
    limits = (0, *outline.DEPTHS)
    bands = [f"from {low} {f'to {high}' if high else 'on'}" for low, high in zip_longest(limits, outline.DEPTHS)]
    return [f"{name} {band}" for name in ("mean", "deviation") for band in bands]


def _colour_names() -> list[str]:
    channels = ("red", "green", "blue")
    return [
        *(f"mean of {one}" for one in channels),
        *(f"deviation of {one}" for one in channels),
        *(f"hue {360 * number // tone.HUES}" for number in range(tone.HUES)),
        *(f"saturation {number}" for number in range(tone.SATURATIONS)),
        "share of colour",
    ]


FAMILIES: tuple[Family, ...] = (
    Family("co-occurrence", tuple(_glcm_names()), texture.grey_levels),
    Family("patterns", tuple(_lbp_names()), texture.patterns),
    Family("gabor", tuple(_gabor_names()), texture.gabor_energies),
    Family("intensity", (*_histogram("all"), *_histogram("not black"), "share not black"), tone.intensities),
    Family("layout", (*_grid(tone.GRID, "mean"), *_grid(tone.GRID, "deviation"), "mirror, sides", "mirror, top"),
           tone.layout),
    Family("edges", tuple(_hog_names()), outline.edge_directions),
    Family("outline", outline.OUTLINE, outline.outline),
    Family("depth", tuple(_depth_names()), outline.depths),
    Family("colour", tuple(_colour_names()), tone.colours, coloured=True),
)  # fmt: skip
"""All there are; those of colour mean something where there are three channels."""


def families(channels: int) -> tuple[Family, ...]:
    """Those of images with so many channels."""
    return tuple(family for family in FAMILIES if channels == 3 or not family.coloured)


@lru_cache(maxsize=2)
def names(channels: int) -> tuple[str, ...]:
    """What the columns are called: ``family: descriptor``."""
    return tuple(f"{family.name}: {column}" for family in families(channels) for column in family.columns)


def as_grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(S, S, C) to (S, S)."""
    if image.shape[2] == 1:
        return np.ascontiguousarray(image[..., 0])
    red, green, blue = (image[..., channel] for channel in range(3))
    if (red == green).all() and (green == blue).all():
        return np.ascontiguousarray(red)
    luma = sum(part.astype(np.uint32) * weight for part, weight in zip((red, green, blue), _LUMA, strict=True))
    return np.asarray((luma + 32768) >> 16, dtype=np.uint8)


def describe(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Descriptors of one prepared image.

    Parameters
    ----------
    image
        (S, S, C), S of 16 or more, C of 1 or 3.

    Returns
    -------
    NDArray[np.float32]
        (D,), all finite, in the order of `names`.
    """
    grey = as_grey(image)
    parts = [family.measure(image if family.coloured else grey) for family in families(image.shape[2])]
    return np.concatenate(parts).astype(np.float32)


def describe_all(images: NDArray[np.uint8], *, bus: EventBus | None = None) -> NDArray[np.float32]:
    """Descriptors of (N, S, S, C) images, which may be a memory map: (N, D), the same for any number of processors.

    Many images are shared out to processes, since in threads one holds up the other. ``bus`` hears the progress (task
    "Computing descriptors").
    """
    found = np.empty((len(images), len(names(images.shape[3]))), np.float32)
    tell = bus.publish if bus is not None else lambda _event: None
    tell(WorkStarted(TASK, len(images)))
    done = 0
    for block in _described(images):
        found[done : done + len(block)] = block
        done += len(block)
        tell(WorkAdvanced(TASK, done))
    tell(WorkFinished(TASK))
    return found


def _described(images: NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
    """Blocks of rows, in order."""
    done = 0
    if len(images) >= _WORTH_PROCESSES and worker_count() > 1:
        try:
            for block in _in_processes(images):
                yield block
                done += len(block)
        except BrokenExecutor:
            logger.warning("a process that computed descriptors ended; going on in threads", extra={"done": done})
    starts = range(done, len(images), _BLOCK)
    yield from in_order(starts, lambda start: _block(images[start : start + _BLOCK]))


def _in_processes(images: NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
    # Unlike the processes of the standard library, these do not run the caller's script again.
    from joblib import Parallel, delayed, parallel_config

    blocks = (np.ascontiguousarray(images[start : start + _BLOCK]) for start in range(0, len(images), _BLOCK))
    with parallel_config("loky", inner_max_num_threads=1):
        share_out = Parallel(worker_count(), return_as="generator", batch_size=1, max_nbytes=None)
        yield from share_out(delayed(_block_of)(os.getpid(), block) for block in blocks)


def _block_of(parent: int, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """In a process of its own, which ends with the one that asked: a killed one could not tell it."""
    _end_with(parent)
    return _block(images)


@lru_cache(maxsize=1)
def _end_with(parent: int) -> None:
    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    if os.getppid() == parent:
        threading.Thread(target=watch, daemon=True).start()


def _block(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    keep_freed_memory()  # each image needs the same large blocks again
    return np.stack([describe(image) for image in images])
