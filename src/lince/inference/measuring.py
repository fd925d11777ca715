"""Measure a bundle on a labelled source."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lince.core.errors import SourceError
from lince.core.events import EventBus, Noticed
from lince.core.files import atomic_folder
from lince.core.types import SPLITS
from lince.data import Collection, load
from lince.evaluation import Assessment, ReportContext, assess, write_report
from lince.imaging import cached_images
from lince.inference.bundle import SEEN_DIGITS, Bundle
from lince.inference.predictor import Predictor

Part = Literal["auto", "all", "unseen", "train", "val", "test"]


def evaluate(
    bundle: Bundle | Predictor | str | Path,
    source: str | Path | Collection,
    *,
    split: Part = "auto",
    out: str | Path | None = None,
    language: Literal["en", "pt"] = "en",
    bus: EventBus | None = None,
    **choices: Any,
) -> Assessment:
    """Predict every image of a source and compare with its labels.

    Parameters
    ----------
    bundle
        A bundle, its folder, or a predictor.
    source
        What `lince.load` takes, or a collection. Its class names must be among the bundle's.
    split
        Which part to measure. ``auto`` takes the test part where the source has one, else ``unseen``: the images
        that the bundle was not trained on (known by the hash of their bytes).
    out
        Folder for the report; none is written when not given.
    language
        Of the report.
    bus
        Hears of progress and notices.
    choices
        ``size``, ``target``, ``where`` and ``table``, as `lince.load` takes them.

    Raises
    ------
    SourceError
        The classes are not those of the bundle, or the part is empty.
    BundleError
        The bundle is missing or damaged.
    """
    bus = bus or EventBus()
    predictor = bundle if isinstance(bundle, Predictor) else Predictor(bundle, bus=bus)
    labels = predictor.labels
    collection = source if isinstance(source, Collection) else load(source, bus=bus, **choices)
    unknown = sorted({sample.label for sample in collection.samples} - set(labels.names))
    if unknown:
        raise SourceError(
            "The source has classes that this bundle does not know",
            received=", ".join(unknown),
            fix=f"rename or remove them; the bundle knows: {', '.join(labels.names)}",
        )
    if split == "auto":
        split = "test" if any(sample.split == "test" for sample in collection.samples) else "unseen"
    if split in SPLITS:
        collection = collection.subset(collection.indices(split))
    images = cached_images(collection.samples, predictor.bundle.spec, bus=bus)
    rows = _rows(images.digests, predictor.bundle, split, bus)
    collection = collection.subset(images.kept[rows].tolist())
    if not collection.samples:
        raise SourceError(
            f"There is no image to measure (part: {split})", received=collection.source, fix="try --split all"
        )
    probabilities = predictor.probabilities(images.pixels[rows])
    truth = [sample.label for sample in collection.samples]
    groups = [sample.group for sample in collection.samples] if collection.has_groups else None
    threshold = predictor.bundle.threshold
    assessment = assess(truth, probabilities, labels, threshold=threshold, groups=groups)
    if out is not None:
        context = ReportContext(
            title=collection.name,
            model=f"{predictor.bundle.manifest.model.name} trained on {predictor.bundle.name}",
            collection=collection.name,
            split=split,
            synthetic=collection.synthetic or predictor.bundle.synthetic,
            language=language,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            lince_version=predictor.bundle.manifest.lince_version,
            skipped=[{"path": item.path, "reason": item.reason} for item in (*collection.skipped, *images.skipped)],
            notices=list(collection.notices),
            provenance={"weights": predictor.bundle.model_id, "collection digest": collection.digest()[:16]},
        )
        with atomic_folder(out) as folder:
            write_report(
                folder,
                assessment,
                names=[collection.identity(sample) for sample in collection.samples],
                truth=truth,
                probabilities=probabilities,
                labels=labels,
                threshold=threshold,
                groups=groups,
                splits=[sample.split for sample in collection.samples],
                context=context,
            )
    return assessment


def _rows(digests: Sequence[str], bundle: Bundle, split: str, bus: EventBus) -> NDArray[np.int64]:
    """Rows to measure; says how many of the images the bundle was trained on."""
    known = bundle.seen()
    seen = np.array([digest[:SEEN_DIGITS] in known for digest in digests], dtype=bool)
    everything = np.arange(len(digests), dtype=np.int64)
    if not seen.any():
        return everything
    if split == "unseen":
        bus.publish(
            Noticed(f"{seen.sum()} of {len(seen)} images were used in training; the other {(~seen).sum()} are measured")
        )
        unseen: NDArray[np.int64] = everything[~seen]
        return unseen
    bus.publish(
        Noticed(f"{seen.sum()} of {len(seen)} images were used in training: these figures are too good", "warning")
    )
    return everything
