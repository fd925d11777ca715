"""Source ``medmnist``: a MedMNIST set by name, or an ``.npz`` in its form by path."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lince.core.errors import ConfigError, SourceError
from lince.core.types import SPLITS, LabelSpace, Sample, Split
from lince.data.catalog import MedMnist, by_stem, catalog
from lince.data.collection import Collection
from lince.data.sources.download import fetch
from lince.data.sources.npz import Npz
from lince.data.sources.request import Request


def recognises(location: str) -> bool:
    """An ``.npz`` path, or one of the twelve names where no file or folder is called so."""
    return is_file(location) or (location.strip().lower() in catalog() and not Path(location).exists())


def is_file(location: str) -> bool:
    """Whether a location is a file of one size rather than a name."""
    return Path(location.strip()).suffix.lower() == ".npz"


def read(request: Request) -> Collection:
    """Read a MedMNIST set; its official parts are kept.

    A set given by name is downloaded once, its MD5 checked; a file given by path is taken as it is. Images are
    unpacked beside the cache as ``.npy`` files and stay on disk. Numbers become names here and nowhere else: in
    BreastMNIST, 0 is malignant.

    Raises
    ------
    SourceError
        An unknown name, no network, a damaged file, or a set with several findings per image.
    ConfigError
        ``size`` is asked of a file, which has its own.
    """
    name = request.location.strip().lower()
    if is_file(name):
        if request.size is not None:
            raise ConfigError(
                "--size chooses a file of a MedMNIST set, and this is a file already",
                received=request.size,
                fix="leave it out, or give the set by its name; --image-size sets the side that the network sees",
            )
        path = request.path
        facts = by_stem(path.stem)
        if facts is not None:
            _refuse_multi_label(facts)
        source, title = str(path), path.stem
    else:
        if name not in catalog():
            raise SourceError(
                "This is neither a MedMNIST name nor an .npz file",
                received=request.location,
                fix=f"choose one of: {', '.join(catalog())}",
            )
        facts = catalog()[name]
        _refuse_multi_label(facts)
        path = fetch(facts, request.size, request.bus)
        source, title = f"medmnist:{name}", path.stem
    return _collection(request, Npz(path), facts, source, title)


def _refuse_multi_label(facts: MedMnist) -> None:
    if facts.multi_label:
        raise SourceError(
            f"{facts.name} has several findings per image, which lince does not train on",
            received=facts.task,
            fix="choose a set with one label per image, such as pneumoniamnist",
        )


def _collection(request: Request, npz: Npz, facts: MedMnist | None, source: str, title: str) -> Collection:
    parts = [split for split in SPLITS if npz.has(f"{split}_images") or npz.has(f"{split}_labels")]
    if not parts:
        raise SourceError(
            "This .npz is not in MedMNIST form",
            received=", ".join(npz.members[:8]) or "an empty archive",
            fix="it needs train_images and train_labels (and the same for val and test)",
        )
    labels = {split: npz.labels(f"{split}_labels") for split in parts}
    names, notices = _class_names(facts, labels, npz.path)
    samples: list[Sample] = []
    for split in parts:
        array = npz.images(f"{split}_images")
        if array.count != len(labels[split]):
            raise SourceError(
                f"The {split} part has {array.count} images but {len(labels[split])} labels",
                received=npz.path,
                fix="get the file again",
            )
        path = str(array.path)
        samples.extend(
            Sample(path, names[number], split=split, row=row) for row, number in enumerate(labels[split].tolist())
        )
        if facts is not None and facts.samples[split] != array.count:
            notices.append(
                f"{npz.path.name} has {array.count} {split} images where {facts.name} has {facts.samples[split]}: "
                "class names are those of the set whose name the file bears."
            )
    return Collection(
        name=title,
        samples=tuple(samples),
        labels=LabelSpace.with_default_positive(names, request.positive),
        source=source,
        notices=tuple(notices),
    )


def _class_names(
    facts: MedMnist | None, labels: Mapping[Split, NDArray[np.int64]], path: Path
) -> tuple[tuple[str, ...], list[str]]:
    """Names in the order of their numbers, and what to tell of them."""
    numbers = np.unique(np.concatenate(list(labels.values())))
    highest = int(numbers[-1]) if len(numbers) else -1
    if len(numbers) < 2:
        raise SourceError("The labels name only one class", received=path, fix="a classifier needs at least two")
    if facts is None:
        names = tuple(str(number) for number in range(highest + 1))
        return names, [
            f"The classes of {path.name} have no names, only numbers: 0 to {highest}. Name the file as its MedMNIST "
            "set (breastmnist.npz) to get the names."
        ]
    if highest >= len(facts.classes):
        raise SourceError(
            f"A label is out of range: {facts.name} has classes 0 to {len(facts.classes) - 1}",
            received=highest,
            fix="rename the file if it is another set",
        )
    return facts.classes, []
