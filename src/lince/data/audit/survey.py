"""One pass over the images: their trivial facts, and a small version of each for what comes after.

Every file is read and decoded once, in threads, with few images in flight. The small versions lie in a memory map, so
memory does not grow with the collection (about 1 kB an image for the facts).
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lince.core.errors import ImageError
from lince.core.events import EventBus, WorkAdvanced, WorkFinished, WorkStarted
from lince.core.files import make_folder, write_error
from lince.core.settings import cache_dir
from lince.core.types import Sample
from lince.data.audit.measures import Measured, measure
from lince.imaging import ImageSpec, decode
from lince.imaging.load import read_sample
from lince.imaging.ordered import in_order

TASK = "Looking at images"
_SIDES = (32, 64, 96, 128)  # of the small versions: the first that holds the images, at most the last
_LOOK_AT = 64
_ADVANCE_SECONDS = 0.1


@dataclass(frozen=True)
class Survey:
    """What one pass over a collection found; everything is in the order of ``kept``.

    Attributes
    ----------
    kept
        (M,) positions in the collection of the images that can be read.
    small
        (M, S, S, 3) uint8, the whole image stretched to a square.
    numbers
        Facts that are numbers, (M,) float64 each; see `lince.data.audit.measures`.
    words
        Facts that are words, M each: ``format``, ``mode``.
    file_digests, pixel_digests
        Of the bytes and of the decoded pixels, M each.
    boxes
        By row, where letters or markers seem to be burnt in: (top, left, bottom, right) as shares.
    headers
        By row, the facts of a DICOM header; only where there are any.
    unread
        Position and reason for each image that cannot be read.
    """

    kept: NDArray[np.int64]
    small: NDArray[np.uint8]
    numbers: Mapping[str, NDArray[np.float64]]
    words: Mapping[str, tuple[str, ...]]
    file_digests: tuple[str, ...]
    pixel_digests: tuple[str, ...]
    boxes: Mapping[int, tuple[tuple[float, float, float, float], ...]]
    headers: Mapping[int, Mapping[str, str]]
    unread: tuple[tuple[int, str], ...]

    def __len__(self) -> int:
        return len(self.kept)


@dataclass(frozen=True, slots=True)
class _Seen:
    """One image of the pass: what was measured and its small version, or why it cannot be read."""

    measured: Measured | None
    small: NDArray[np.uint8] | None
    reason: str = ""


@contextmanager
def survey(samples: Sequence[Sample], *, size: int | None = None, bus: EventBus | None = None) -> Iterator[Survey]:
    """Look at every sample once; the small versions are gone when the context ends.

    Parameters
    ----------
    samples
        In the order of the collection.
    size
        Side of the small versions; by default chosen from the first images.
    bus
        Hears the progress.

    Raises
    ------
    OutputError
        The cache folder cannot be written.
    """
    place = make_folder(cache_dir() / "scratch")
    # Stretched: black margins would move with the crop and with the side that was cut.
    spec = ImageSpec(size=size or _side_for(samples), channels=3, fit="stretch")
    try:
        scratch = tempfile.TemporaryDirectory(prefix="audit-", dir=place)
    except OSError as error:
        raise write_error(place, error) from error
    with scratch as folder:
        try:
            seen = _look(samples, spec, Path(folder), bus or EventBus())
        except OSError as error:
            raise write_error(place, error) from error
        yield seen


def _side_for(samples: Sequence[Sample]) -> int:
    """The least side that holds most of an even sample of the images without making them smaller."""
    longest = []
    for sample in samples[:: max(1, len(samples) // _LOOK_AT)]:
        try:
            data, decoded = read_sample(sample)
            longest.append(max((decoded or decode(data, name=sample.path)).pixels.shape[:2]))
        except ImageError:
            continue
    usual = float(np.median(longest)) if longest else 0
    return next((side for side in _SIDES if side >= usual), _SIDES[-1])


def _look(samples: Sequence[Sample], spec: ImageSpec, folder: Path, bus: EventBus) -> Survey:
    bus.publish(WorkStarted(TASK, len(samples)))
    kept: list[int] = []
    unread: list[tuple[int, str]] = []
    found: list[Measured] = []
    told = time.monotonic()
    with (folder / "small.raw").open("wb") as stream:
        for position, seen in enumerate(in_order(samples, lambda sample: _see(sample, spec))):
            if seen.measured is None or seen.small is None:
                unread.append((position, seen.reason))
            else:
                kept.append(position)
                found.append(seen.measured)
                stream.write(seen.small.data)
            if time.monotonic() - told > _ADVANCE_SECONDS:
                bus.publish(WorkAdvanced(TASK, position + 1))
                told = time.monotonic()
    bus.publish(WorkFinished(TASK))
    shape = (len(kept), spec.size, spec.size, 3)
    # An empty file cannot be mapped.
    small = np.memmap(folder / "small.raw", np.uint8, "r", shape=shape) if kept else np.empty(shape, np.uint8)
    return _gathered(np.array(kept, np.int64), small, found, tuple(unread))


def _see(sample: Sample, spec: ImageSpec) -> _Seen:
    try:
        data, decoded = read_sample(sample)
        decoded = decoded or decode(data, name=sample.path)
        return _Seen(measure(data, decoded, is_file=sample.row is None), spec.apply(decoded))
    except ImageError as error:
        return _Seen(None, None, error.problem)


def _gathered(
    kept: NDArray[np.int64], small: NDArray[np.uint8], found: Sequence[Measured], unread: tuple[tuple[int, str], ...]
) -> Survey:
    numbers = {name: np.array([m.numbers[name] for m in found]) for name in (found[0].numbers if found else ())}
    words = {name: tuple(m.words[name] for m in found) for name in (found[0].words if found else ())}
    return Survey(
        kept=kept,
        small=small,
        numbers=numbers,
        words=words,
        file_digests=tuple(m.file_digest for m in found),
        pixel_digests=tuple(m.pixel_digest for m in found),
        boxes={row: m.boxes for row, m in enumerate(found) if m.boxes},
        headers={row: m.header for row, m in enumerate(found) if m.header},
        unread=unread,
    )
