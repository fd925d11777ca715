"""A picture of what a training sees: images as the network gets them, and what augmentation makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from lince.core.errors import ImageError, SourceError
from lince.core.events import EventBus, FileSkipped
from lince.core.seeds import derived_seed
from lince.core.types import Sample
from lince.data.collection import Collection
from lince.imaging import ImageSpec, contact_sheet, load_sample
from lince.imaging.augmentation import augment
from lince.imaging.contact_sheet import ContactSheet, SheetRow
from lince.training.augmenting import Choice

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

# How a preview tells that a file with its name is an earlier one.
_MAKER = "lince data preview"
# Files that may fail before it is clear that more would.
_FAILURES = 20


def draw_preview(
    collection: Collection,
    spec: ImageSpec,
    choice: Choice | None,
    *,
    count: int = 6,
    versions: int = 5,
    seed: int = 0,
    bus: EventBus | None = None,
) -> Picture:
    """Draw a few images of every class, and beside each its augmented versions.

    Parameters
    ----------
    collection
        Where the images come from. Classes take turns; which images of a class are shown follows from the seed.
    spec
        The recipe from file to what the network sees.
    choice
        The augmentation; None shows the images alone.
    count, versions
        Images, and versions of each.
    bus
        Hears of files that cannot be read; others are shown in their place.

    Raises
    ------
    SourceError
        No image could be read.
    """
    shown = list(_readable(collection, spec, count, seed, bus or EventBus()))
    if not shown:
        raise SourceError("No image of this collection can be read", received=collection.source)
    side = f"{spec.size} × {spec.size} px, {'grey' if spec.channels == 1 else 'RGB'}"
    title = f"{collection.name}: what the network sees ({side})"
    synthetic = ["SYNTHETIC images."] if collection.synthetic else []
    if choice is None:
        return ContactSheet(title, _plain_rows(shown, collection.counts()), columns=(), notes=synthetic).draw()
    rows = [_augmented_row(sample, pixels, choice, versions, seed) for sample, pixels in shown]
    columns = ("original", *(f"version {number + 1}" for number in range(versions)))
    return ContactSheet(title, rows, columns=columns, notes=[*synthetic, f"{choice.sentence}."]).draw()


def check_place(out: Path) -> None:
    """Refuse to write where something else lies; an earlier preview is replaced.

    Raises
    ------
    OutputError
        The name does not end in ``.png``, or there is a file that is no preview.
    """
    contact_sheet.check_place(out, _MAKER)


def write_preview(picture: Picture, out: Path) -> None:
    """Write the picture as a PNG that `check_place` knows again.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    contact_sheet.write_sheet(picture, out, _MAKER)


def _readable(
    collection: Collection, spec: ImageSpec, count: int, seed: int, bus: EventBus
) -> Iterator[tuple[Sample, NDArray[np.uint8]]]:
    """The first ``count`` samples that can be read, classes in turns, ordered by class in the end."""
    found: list[tuple[Sample, NDArray[np.uint8]]] = []
    failures = 0
    for sample in _in_turns(collection, seed):
        if len(found) == count or failures == _FAILURES:
            break
        try:
            found.append((sample, load_sample(sample, spec)))
        except ImageError as error:
            bus.publish(FileSkipped(sample.path, error.problem))
            failures += 1
    yield from sorted(found, key=lambda pair: collection.labels.index(pair[0].label))


def _in_turns(collection: Collection, seed: int) -> Iterator[Sample]:
    """One of each class, then the next of each, in an order that follows from the seed."""
    random = np.random.default_rng(derived_seed(seed, "preview"))
    by_class: dict[str, list[int]] = {name: [] for name in collection.labels.names}
    for position, sample in enumerate(collection.samples):
        by_class[sample.label].append(position)
    drawn = [random.permutation(positions) for positions in by_class.values() if positions]
    for turn in range(max((len(positions) for positions in drawn), default=0)):
        for positions in drawn:
            if turn < len(positions):
                yield collection.samples[int(positions[turn])]


def _plain_rows(
    shown: Sequence[tuple[Sample, NDArray[np.uint8]]], counts: Mapping[str, int], *, across: int = 6
) -> list[SheetRow]:
    """Images of a class side by side, with how many of it there are."""
    rows: list[SheetRow] = []
    for name in dict.fromkeys(sample.label for sample, _ in shown):
        tiles = tuple(pixels for sample, pixels in shown if sample.label == name)
        detail = f"{counts[name]:,} image{'' if counts[name] == 1 else 's'}"
        rows += [SheetRow(name, detail, tiles[start : start + across]) for start in range(0, len(tiles), across)]
    return rows


def _augmented_row(sample: Sample, pixels: NDArray[np.uint8], choice: Choice, versions: int, seed: int) -> SheetRow:
    changed = torch.from_numpy(pixels).expand(versions, -1, -1, -1)
    if choice.spec is not None:
        changed = augment(changed, choice.spec, seed=derived_seed(seed, "preview", sample.path, sample.row))
    return SheetRow(sample.label, sample.name, (pixels, *changed.numpy()))
