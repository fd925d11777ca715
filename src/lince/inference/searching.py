"""Images of a collection found by words, by an example, or by both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from lince.core.errors import ConfigError, ImageError, SourceError
from lince.core.events import EventBus, FileSkipped
from lince.core.files import sha256_bytes
from lince.core.types import SPLITS, Sample
from lince.core.wording import quoted
from lince.data import Collection
from lince.data.search import TextHit, search_text
from lince.imaging import ImageSpec, decode, load_sample
from lince.imaging.cache import cached_images, cached_rows
from lince.imaging.contact_sheet import ContactSheet, SheetRow
from lince.imaging.load import read_bytes

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MAKER = "lince data search"
# At this side the default network embeds three times as many images a second as at its own 224 px.
_SPEC = ImageSpec(size=128, channels=3)
_ACROSS = 5
_TILE = ImageSpec(size=224, channels=3)


@final
@dataclass(frozen=True, slots=True)
class Hit:
    """An image that was found.

    Attributes
    ----------
    rank
        From 1.
    score
        By words the share of the query found, 0 to 1; by an example the cosine similarity, -1 to 1.
    name
        Inside the collection.
    text
        What matched, where words were asked for.
    same_file
        It is the example itself: its bytes are the same.
    """

    rank: int
    score: float
    name: str
    sample: Sample
    text: TextHit | None = None
    same_file: bool = False

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        text = self.text
        return {
            "rank": self.rank,
            "score": round(self.score, 4),
            "label": self.sample.label,
            "name": self.name,
            "group": self.sample.group,
            "split": self.sample.split,
            "field": None if text is None else text.field,
            "excerpt": None if text is None else text.excerpt,
            "words": None if text is None else list(text.words),
            "same_file": self.same_file,
        }


@final
@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    Attributes
    ----------
    hits
        The best ones.
    total
        How many images there are to choose from: all that match, or with an example alone all that can be read.
    complete
        How many of them have every word of the query.
    unknown
        Words of the query that no text has.
    absent
        Whether these are all of them.
    has_text
        Whether the collection has text beside labels, names and groups.
    """

    hits: tuple[Hit, ...]
    total: int
    complete: int = 0
    unknown: tuple[str, ...] = ()
    absent: bool = False
    has_text: bool = False


def search(
    collection: Collection,
    text: str | None = None,
    *,
    like: Path | None = None,
    label: str | None = None,
    split: str | None = None,
    top: int = 10,
    bus: EventBus | None = None,
) -> Found:
    """Find images by what is written about them, or by how much they look like an example.

    With both, the images whose text matches are ordered by their likeness. Likeness is the cosine between the default
    network's embeddings, standardised over the collection; they are computed once and kept in the cache.

    Parameters
    ----------
    text
        Words; see `lince.data.search.search_text`.
    like
        An image file; it need not be in the collection.
    label, split
        Only images of this class, or of this part.
    top
        How many, at most.
    bus
        Hears of progress and of files that cannot be read.

    Raises
    ------
    ConfigError
        Neither text nor an example, a query without words, or no such class or part.
    ImageError
        The example cannot be read.
    SourceError
        No image of the collection can be read.
    OutputError
        The cache folder cannot be written.
    """
    if text is None and like is None:
        raise ConfigError("There is nothing to search for", fix='give words, as in "femur fracture", or --like IMAGE')
    keep = _kept(collection, label, split)
    found = None if text is None else search_text(collection.samples, text)
    matches = {} if found is None else {hit.row: hit for hit in found.hits if keep[hit.row]}
    order = [(row, hit.score) for row, hit in matches.items()]
    same: frozenset[int] = frozenset()
    if like is not None:
        allowed = keep if found is None else keep & np.isin(np.arange(len(keep)), list(matches))
        order, same = _by_likeness(collection, like, allowed, bus or EventBus())
    names = collection.identities(collection.samples[row] for row, _ in order[:top])
    hits = tuple(
        Hit(rank, score, name, collection.samples[row], matches.get(row), row in same)
        for rank, ((row, score), name) in enumerate(zip(order[:top], names, strict=True), 1)
    )
    if found is None:
        return Found(hits, len(order))
    most = max((len(hit.words) for hit in found.hits), default=0) + len(found.unknown)
    complete = sum(len(matches[row].words) == most for row, _ in order)
    return Found(hits, len(order), complete, found.unknown, not found.hits, found.has_text)


def draw_hits(title: str, hits: Sequence[Hit], *, bus: EventBus | None = None, synthetic: bool = False) -> Picture:
    """Hits as tiles with rank, class and name, best first; one that cannot be read is left out and told of.

    Raises
    ------
    SourceError
        None of them can be read.
    """
    bus = bus or EventBus()
    shown: list[tuple[Hit, NDArray[np.uint8]]] = []
    for hit in hits:
        try:
            shown.append((hit, load_sample(hit.sample, _TILE)))
        except ImageError as error:
            bus.publish(FileSkipped(hit.sample.path, error.problem))
    if not shown:
        raise SourceError("None of the images that were found can be read")
    rows = []
    for start in range(0, len(shown), _ACROSS):
        part = shown[start : start + _ACROSS]
        captions = tuple((f"{hit.rank}. {hit.sample.label}  {hit.score:.2f}", hit.sample.name) for hit, _ in part)
        first, last = part[0][0].rank, part[-1][0].rank
        rows.append(
            SheetRow(
                f"{first} to {last}" if last > first else f"{first}", "", tuple(pixels for _, pixels in part), captions
            )
        )
    return ContactSheet(title, rows, columns=(), notes=["SYNTHETIC images."] if synthetic else []).draw()


def _kept(collection: Collection, label: str | None, split: str | None) -> NDArray[np.bool_]:
    """(N,) which samples are of the class and the part asked for."""
    if label is not None:
        named = {name.casefold(): name for name in collection.labels.names}
        known = ", ".join(map(quoted, collection.labels.names))
        if label not in named.values() and label.casefold() not in named:
            raise ConfigError("There is no class of this name", received=label, fix=f"choose from {known}")
        label = label if label in named.values() else named[label.casefold()]
    if split is not None and split not in SPLITS:
        raise ConfigError("There is no part of this name", received=split, fix=f"choose from {', '.join(SPLITS)}")
    if split is not None and not any(sample.split for sample in collection.samples):
        raise ConfigError("This collection is not divided into parts", received=split, fix="leave out --split")
    return np.array(
        [label in (None, sample.label) and split in (None, sample.split) for sample in collection.samples], bool
    )


def _by_likeness(
    collection: Collection, like: Path, allowed: NDArray[np.bool_], bus: EventBus
) -> tuple[list[tuple[int, float]], frozenset[int]]:
    """Allowed samples and their similarity, the most similar first; and those that are the example itself."""
    data = read_bytes(like)
    example = _SPEC.apply(decode(data, name=str(like)))
    if not allowed.any():
        return [], frozenset()
    from lince.explain.similar import similarities
    from lince.models.embedding import DEFAULT_BACKBONE, Embedder

    images = cached_images(collection.samples, _SPEC, bus=bus)
    if not len(images.kept):
        raise SourceError("No image of this collection can be read", received=collection.source)
    known = cached_rows(images, f"embedding-{DEFAULT_BACKBONE}", lambda pixels: Embedder(bus=bus)(pixels))
    found = similarities(Embedder()(example[None])[0], known)
    order = np.argsort(-found, kind="stable")
    digest = sha256_bytes(data)
    ranked = [(int(images.kept[place]), float(found[place])) for place in order if allowed[images.kept[place]]]
    return ranked, frozenset(int(row) for row, own in zip(images.kept, images.digests, strict=True) if own == digest)


def summary(found: Found, collection: Collection, *, by_words: bool) -> str:
    """How much was found, as a sentence; where there is nothing, what to try instead."""
    if not found.hits:
        if found.absent and not found.has_text:
            return (
                "This collection has no text beside labels, names and groups, and none of them matches; "
                "--like IMAGE finds images that look alike."
            )
        if found.absent:
            return f"No image matches: {collection.name} has none of these words."
        return "No image of this class and part matches."
    shown = len(found.hits)
    which = "it" if found.total == 1 else "all of them" if shown == found.total else f"the best {shown}"
    if not by_words:
        return f"{found.total:,} {'image' if found.total == 1 else 'images'} compared; {which}:"
    having = f"{found.total:,} of {len(collection):,} images {'matches' if found.total == 1 else 'match'}"
    return f"{having}, {found.complete:,} with every word; {which}:"
