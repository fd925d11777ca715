"""Near-duplicates: images that must not stand on two sides of a split.

Copies and twins (re-encoded, brightened, cropped by a hair, neighbouring frames of one lesion) share fine structure
(see `lince.data.structure`); different patients share only the anatomy and the machine's frame. Measured on 5,216
chest X-rays of one hospital, 29 of 13.6 million pairs are above the threshold, all of them copies, where plain
correlation of thumbnails puts 16,000 pairs above 0.93.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lince.core.errors import ConfigError
from lince.core.events import EventBus, WorkAdvanced, WorkFinished, WorkStarted
from lince.data.neighbours import Index, Pairs
from lince.data.structure import Structure

TASK = "Looking for near-duplicates"

# Correlation above which two images are near-duplicates. The later ones serve where an earlier one chains images into
# groups too large to be copies of one another (frames of one video, or a modality with little structure).
_THRESHOLDS = (0.75, 0.80, 0.90, 0.97)
_LARGEST_GROUP = 32
_MOST_PAIRS = 4_000_000


def near_duplicate_groups(
    images: NDArray[np.uint8],
    *,
    existing: Sequence[str | None] | None = None,
    bus: EventBus | None = None,
) -> list[str]:
    """One group per image: near-duplicates share it, and so do images of one existing group.

    Found are exact and re-encoded copies, changes of brightness and contrast, crops of 1 or 2 %; not rotations,
    mirror images or larger crops. Names depend on pixels and existing groups, not on the order of the images. Time
    grows with the number of images to the power 1.5 (see `lince.data.neighbours`); memory by about 1 kB for each (what
    is larger lies in a file of the cache).

    Parameters
    ----------
    images
        (N, S, S, C) uint8, C of 1 or 3; read in chunks, so a memory map will do.
    existing
        N groups known already (patients); ``None`` where unknown. A near-duplicate merges two patients into one group.
    bus
        Told of the progress.

    Raises
    ------
    ConfigError
        The array has another shape or type, or ``existing`` another length.
    """
    count = len(images)
    if images.ndim != 4 or images.dtype != np.uint8 or images.shape[3] not in (1, 3):
        raise ConfigError("Images must be uint8 of the shape (N, S, S, 1 or 3)", received=(images.shape, images.dtype))
    if existing is not None and len(existing) != count:
        raise ConfigError("There must be one existing group per image", received=f"{len(existing)} for {count} images")
    known: Sequence[str | None] = [None] * count if existing is None else existing
    if count == 0:
        return []
    tell = bus.publish if bus is not None else lambda _event: None
    tell(WorkStarted(TASK, count))
    structure = Structure.of(images)
    pairs = Pairs.none()
    for done, found in Index(structure.vectors()).pairs_within(_THRESHOLDS[0]):
        pairs = _joined(pairs, found)
        tell(WorkAdvanced(TASK, done))
    prints = structure.prints
    components = _components(pairs, _links(prints), count)
    components = _merge(components, _links(known))
    tell(WorkFinished(TASK))
    return _names(components, prints, known)


def _joined(pairs: Pairs, found: Pairs) -> Pairs:
    """Both; where that is more than memory should hold, the closest."""
    both = pairs.joined(found)
    for threshold in _THRESHOLDS[1:]:
        if len(both) > _MOST_PAIRS:
            both = both.above(threshold)
    return both


def _components(pairs: Pairs, copies: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """(N,) component numbers: linked pairs, under a stricter threshold inside components that grow too large.

    ``copies`` (2, L) are always linked.
    """
    kept = pairs
    for threshold in _THRESHOLDS:
        links = np.concatenate([np.stack([kept.first, kept.second]), copies], axis=1)
        components = _connected(links, count)
        large = np.bincount(components, minlength=1) > _LARGEST_GROUP
        if not large.any() or threshold == _THRESHOLDS[-1]:
            break
        stricter = _THRESHOLDS[_THRESHOLDS.index(threshold) + 1]
        keep = ~large[components[kept.first]] | (kept.score >= stricter)
        kept = kept[keep]
    return components


def _connected(links: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ones = np.ones(links.shape[1], np.int8)
    graph = coo_array((ones, (links[0], links[1])), shape=(count, count))
    _, components = connected_components(graph, directed=False)
    numbers: NDArray[np.int64] = components.astype(np.int64)
    return numbers


def _links(keys: Sequence[Any]) -> NDArray[np.int64]:
    """(2, L): each position with the first that has the same key; ``None`` links nothing."""
    first: dict[Any, int] = {}
    links = [(first.setdefault(key, index), index) for index, key in enumerate(keys) if key is not None]
    return np.array(links, np.int64).reshape(-1, 2).T


def _merge(components: NDArray[np.int64], links: NDArray[np.int64]) -> NDArray[np.int64]:
    return _connected(np.concatenate([links, _links(components.tolist())], axis=1), len(components))


def _names(components: NDArray[np.int64], prints: Sequence[str], known: Sequence[str | None]) -> list[str]:
    """A name for each image's component: the known groups in it, else the least fingerprint."""
    groups: dict[int, set[str]] = defaultdict(set)
    looks: dict[int, str] = {}
    numbers = components.tolist()
    for number, look, group in zip(numbers, prints, known, strict=True):
        if group is not None:
            groups[number].add(group)
        looks[number] = min(look, looks.get(number, look))
    names: dict[int, str] = {}
    for number, look in looks.items():
        merged = sorted(groups[number])
        if len(merged) > 3:
            rest = hashlib.blake2b("\0".join(merged).encode(), digest_size=6).hexdigest()
            names[number] = f"{merged[0]}+{len(merged) - 1}-{rest}"
        else:
            names[number] = "+".join(merged) or f"look-{look}"
    return [names[number] for number in numbers]
