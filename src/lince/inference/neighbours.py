"""The training images that a bundle remembers: what its network made of them, their names and labels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from lince.core.errors import BundleError
from lince.core.files import sha256_file, write_error, write_json
from lince.explain.similar import nearest
from lince.inference.bundle import Bundle
from lince.inference.predictor import Predictor
from lince.inference.prepared import Prepared

EMBEDDINGS = "neighbours.safetensors"
NAMES = "neighbours.json"


@final
@dataclass(frozen=True, slots=True)
class SimilarCase:
    """A training image like the one that was asked about; ``similarity`` is a cosine, from -1 to 1."""

    rank: int
    similarity: float
    label: str
    name: str

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"rank": self.rank, "similarity": self.similarity, "label": self.label, "name": self.name}


@final
@dataclass(frozen=True)
class Neighbours:
    """Training images: embeddings (N, D) float16, and for each its name inside the collection and its label."""

    embeddings: NDArray[np.float16]
    names: tuple[str, ...]
    labels: tuple[str, ...]

    def most_like(self, embedding: NDArray[np.float32], count: int) -> list[SimilarCase]:
        """The images most like one with this embedding (D,), most similar first."""
        rows, similarities = nearest(embedding, self.embeddings, count)
        return [
            SimilarCase(rank, float(value), self.labels[row], self.names[row])
            for rank, (row, value) in enumerate(zip(rows, similarities, strict=True), 1)
        ]


def similar_cases(predictor: Predictor, image: Prepared, count: int) -> list[SimilarCase]:
    """The training images that the network sees as most like this one.

    Raises
    ------
    BundleError
        See `read_neighbours`.
    """
    known = read_neighbours(predictor.bundle)
    return known.most_like(predictor.embeddings(image.pixels[None])[0], count)


def write_neighbours(
    folder: Path, embeddings: NDArray[np.float32], names: Sequence[str], labels: Sequence[str]
) -> dict[str, str]:
    """Write training images into the folder of a bundle.

    Parameters
    ----------
    embeddings
        (N, D) of the network.
    names, labels
        (N,) each. Names are relative to the collection: no path of this machine.

    Returns
    -------
    dict[str, str]
        SHA-256 of both files.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    # What is beyond float16 is held at its ends: infinity would make every similarity NaN.
    most = float(np.finfo(np.float16).max)
    halves = embeddings.clip(-most, most).astype(np.float16)
    try:
        save_file({"embeddings": halves}, folder / EMBEDDINGS)
    except OSError as error:
        raise write_error(folder / EMBEDDINGS, error) from error
    except SafetensorError as error:
        raise write_error(folder / EMBEDDINGS, OSError(str(error))) from error
    write_json(folder / NAMES, {"names": list(names), "labels": list(labels)})
    return {name: sha256_file(folder / name) for name in (EMBEDDINGS, NAMES)}


def stratified(labels: Sequence[str], limit: int) -> NDArray[np.int64]:
    """Ascending positions of at most ``limit`` labels, evenly through each class, in the shares that classes have."""
    everything = np.arange(len(labels), dtype=np.int64)
    if len(labels) <= limit:
        return everything
    names = np.asarray(labels)
    grouped = everything[np.argsort(names, kind="stable")]
    # Equal steps through images ordered by class: no class is off its share by more than one.
    chosen: NDArray[np.int64] = np.sort(grouped[np.arange(limit) * len(labels) // limit])
    return chosen


def read_neighbours(bundle: Bundle) -> Neighbours:
    """The training images that a bundle remembers.

    Raises
    ------
    BundleError
        It remembers none, or its files are missing or not those that it was saved with.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    places = [bundle.checked(name) for name in (EMBEDDINGS, NAMES)]
    if None in places:
        raise BundleError(
            "This bundle does not remember its training images, so none can be shown as similar",
            received=bundle.path,
            fix="train again: bundles of this version do",
        )
    try:
        embeddings = load_file(bundle.path / EMBEDDINGS)["embeddings"]
        words = json.loads((bundle.path / NAMES).read_text(encoding="utf-8"))
        found = Neighbours(embeddings, tuple(words["names"]), tuple(words["labels"]))
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(bundle) from error
    if embeddings.ndim != 2 or not len(embeddings) == len(found.names) == len(found.labels):
        raise _damaged(bundle)
    return found


def _damaged(bundle: Bundle) -> BundleError:
    return BundleError(
        "The training images that this bundle remembers cannot be read",
        received=bundle.path,
        fix="copy the whole folder again",
    )
