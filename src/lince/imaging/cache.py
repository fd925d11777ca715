"""Images decoded once into a memory-mapped array, kept for the next run."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from lince.core.errors import ImageError, OutputError
from lince.core.events import EventBus, FileSkipped, WorkAdvanced, WorkFinished, WorkStarted
from lince.core.files import atomic_file, make_folder, sha256_bytes, write_error, write_json
from lince.core.settings import cache_dir
from lince.core.types import Sample, Skipped
from lince.imaging.load import decode, read_sample
from lince.imaging.ordered import in_order
from lince.imaging.spec import ImageSpec

TASK = "Reading images"
_LAYOUT = 1  # of the folder on disk
_PART = ".building-"
_STALE_SECONDS = 24 * 3600
_ADVANCE_SECONDS = 0.1


@dataclass(frozen=True)
class ImageArray:
    """Decoded images, on disk.

    Attributes
    ----------
    pixels
        (N, size, size, channels) uint8, a read-only memory map.
    kept
        (N,) int64, positions in the samples given.
    digests
        For each kept sample the SHA-256 of its file's bytes; of its pixels, where it is a row or a frame of a file.
    skipped
        What could not be read, and why.
    home
        The folder that they are kept in, named after their content; None where they are kept nowhere.
    """

    pixels: NDArray[np.uint8]
    kept: NDArray[np.int64]
    digests: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    home: Path | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    """One sample after decoding: its digest, and its pixels or the reason why there are none."""

    digest: str
    pixels: NDArray[np.uint8] | None
    reason: str = ""


def cached_images(
    samples: Sequence[Sample], spec: ImageSpec, *, folder: Path | None = None, bus: EventBus | None = None
) -> ImageArray:
    """Decode samples into one array, or find the array of an earlier run.

    Every file is read once (a file of many frames by each worker process). An array is kept under the digest of its
    content and of the spec; a table of paths, sizes and times spares reading files that have not changed. Memory stays
    bounded whatever the number of samples.

    Parameters
    ----------
    samples
        In the order wanted.
    spec
        The recipe.
    folder
        Where arrays are kept; by default ``arrays`` in the cache folder.
    bus
        Hears the progress (task "Reading images") and of every file that was skipped.

    Raises
    ------
    OutputError
        The folder cannot be written, or the disk has too little room.
    """
    bus = bus or EventBus()
    folder = make_folder(folder or cache_dir() / "arrays")
    _sweep(folder)
    ticket = folder / f"{_fingerprint(samples, spec)}.json"
    found = _find(ticket, folder, samples)
    if found is None:
        found = _build(samples, spec, folder, ticket, bus)
    for skipped in found.skipped:
        bus.publish(FileSkipped(skipped.path, skipped.reason))
    return found


def cached_rows(
    images: ImageArray, name: str, measure: Callable[[NDArray[np.uint8]], NDArray[np.float32]]
) -> NDArray[np.float32]:
    """What is measured on each image, kept beside the images it was measured on, so that it goes when they go.

    Parameters
    ----------
    images
        As `cached_images` gives them.
    name
        Of what is measured, with all that decides the numbers; letters, digits and dashes.
    measure
        (N, size, size, channels) uint8 to (N, D) float32.

    Returns
    -------
    NDArray[np.float32]
        (N, D), in memory.

    Raises
    ------
    OutputError
        The disk is full.
    """
    if images.home is None:
        return measure(images.pixels)
    place = images.home / f"{name}.npy"
    try:
        known = np.load(place, allow_pickle=False)
        if known.dtype == np.float32 and known.ndim == 2 and len(known) == len(images.pixels):
            return np.asarray(known)
    except (OSError, ValueError):  # absent, or damaged: made again
        pass
    found = measure(images.pixels)
    with atomic_file(place) as stream:
        np.save(stream, found, allow_pickle=False)
    return found


def _fingerprint(samples: Sequence[Sample], spec: ImageSpec) -> str:
    """What the samples look like from outside. The change time notices a rewrite that set the old times back."""
    total = hashlib.sha256(f"{_LAYOUT} {spec.pixel_hash}\n".encode())
    facts: dict[str, str] = {}
    for sample in samples:
        if sample.path not in facts:
            try:
                s = os.stat(sample.path)  # noqa: PTH116  100,000 Path objects would cost a second
                facts[sample.path] = f"{s.st_size} {s.st_mtime_ns} {s.st_ctime_ns}"
            except (OSError, ValueError):
                facts[sample.path] = "absent"
        path = os.path.abspath(sample.path)  # noqa: PTH100  likewise
        total.update(f"{path}\0{sample.row}\0{facts[sample.path]}\n".encode(errors="surrogateescape"))
    return total.hexdigest()


def _find(ticket: Path, folder: Path, samples: Sequence[Sample]) -> ImageArray | None:
    try:
        key = json.loads(ticket.read_text())["array"]
        return _open(folder / key, samples)
    except (OSError, ValueError, KeyError, TypeError):  # absent, or damaged: made again
        return None


def _open(home: Path, samples: Sequence[Sample]) -> ImageArray:
    facts = json.loads((home / "facts.json").read_text())
    pixels = np.load(home / "pixels.npy", mmap_mode="r", allow_pickle=False)
    kept = np.array(facts["kept"], np.int64)
    digests = tuple(facts["digests"])
    if not len(kept) == len(pixels) == len(digests) == len(samples) - len(facts["skipped"]):
        raise ValueError("the array and its facts do not agree")
    skipped = tuple(Skipped(samples[position].path, reason) for position, reason in facts["skipped"])
    return ImageArray(pixels, kept, digests, skipped, home)


def _build(samples: Sequence[Sample], spec: ImageSpec, folder: Path, ticket: Path, bus: EventBus) -> ImageArray:
    _check_room(len(samples), spec, folder)
    bus.publish(WorkStarted(TASK, len(samples)))
    try:
        part = Path(tempfile.mkdtemp(prefix=_PART, dir=folder))
    except OSError as error:
        raise write_error(folder, error) from error
    try:
        key = _fill(part, samples, spec, bus)
        home = folder / key
        try:
            part.chmod(0o755)
            part.rename(home)
        except OSError:
            # Another process, or another path to the same content, was first: its array serves, if it is whole.
            try:
                _open(home, samples)
            except (OSError, ValueError, KeyError, TypeError):
                shutil.rmtree(home, ignore_errors=True)
                part.rename(home)
        write_json(ticket, {"array": key})
        found = _open(home, samples)
    except OSError as error:
        raise write_error(folder, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    bus.publish(WorkFinished(TASK))
    return found


def _fill(part: Path, samples: Sequence[Sample], spec: ImageSpec, bus: EventBus) -> str:
    """Write ``pixels.npy`` and ``facts.json``; return the key of their content."""
    kept: list[int] = []
    digests: list[str] = []
    skipped: list[tuple[int, str]] = []
    total = hashlib.sha256(f"{_LAYOUT} {spec.pixel_hash}\n".encode())
    told = time.monotonic()
    with (part / "pixels.npy").open("wb") as stream:
        _write_header(stream, 0, spec)
        for position, read in enumerate(in_order(samples, lambda sample: _read(sample, spec))):
            total.update(f"{read.digest} {read.reason}\n".encode())
            if read.pixels is None:
                skipped.append((position, read.reason))
            else:
                stream.write(read.pixels.data)
                kept.append(position)
                digests.append(read.digest)
            if time.monotonic() - told > _ADVANCE_SECONDS:
                bus.publish(WorkAdvanced(TASK, position + 1))
                told = time.monotonic()
        stream.seek(0)
        _write_header(stream, len(kept), spec)
        stream.flush()
        os.fsync(stream.fileno())
    bus.publish(WorkAdvanced(TASK, len(samples)))
    with (part / "facts.json").open("w") as facts:
        json.dump({"kept": kept, "digests": digests, "skipped": skipped}, facts)
    return total.hexdigest()


def _write_header(stream: IO[bytes], count: int, spec: ImageSpec) -> None:
    """A ``.npy`` header; NumPy leaves room in it for the first axis to grow, so it can be written again at the end."""
    shape = (count, spec.size, spec.size, spec.channels)
    np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})


def _read(sample: Sample, spec: ImageSpec) -> _Read:
    digest = ""
    try:
        data, decoded = read_sample(sample)
        digest = sha256_bytes(data)
        return _Read(digest, spec.apply(decoded or decode(data, name=sample.path)))
    except ImageError as error:
        return _Read(digest, None, error.problem)


def _check_room(count: int, spec: ImageSpec, folder: Path) -> None:
    needed = count * (spec.size * spec.size * spec.channels + 100)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OutputError(
            f"The decoded images need {needed / 1e9:.2f} GB and this disk has {free / 1e9:.2f} GB free",
            received=folder,
            fix="free some space, or point LINCE_CACHE to another disk",
        )


def _sweep(folder: Path) -> None:
    """Remove what killed runs left; a living run writes to its part all the time."""
    for part in folder.glob(f"{_PART}*"):
        try:
            newest = max(p.stat().st_mtime for p in (part, *part.iterdir()))
        except OSError:
            continue
        if time.time() - newest > _STALE_SECONDS:
            shutil.rmtree(part, ignore_errors=True)
