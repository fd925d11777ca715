"""A new bundle of the same weights, whose limits are fitted on other images: those of the clinic that uses it."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lince.core.errors import ConfigError, SourceError
from lince.core.events import EventBus, Noticed
from lince.core.files import atomic_folder
from lince.core.wording import quoted
from lince.data import Collection, load
from lince.imaging import cached_images
from lince.inference.bundle import (
    NOVELTY,
    SEEN,
    SEEN_DIGITS,
    WEIGHTS,
    Bundle,
    write_manifest,
    write_novelty,
    write_seen,
)
from lince.inference.card import write_card
from lince.inference.limits import check_classes, fit_limits
from lince.inference.neighbours import EMBEDDINGS, NAMES
from lince.inference.opening import MEASURED, OPENED, opened_before
from lince.inference.predictor import Predictor
from lince.trust import COVERAGE, LOW_CONFIDENCE, image_statistics

_KEPT = (WEIGHTS, EMBEDDINGS, NAMES)
# Images of each class without which a threshold or a calibration is a guess.
_LEAST = 10


def recalibrate(
    bundle: Bundle | str | Path,
    source: str | Path | Collection,
    *,
    out: str | Path,
    aim: str | None = None,
    coverage: float = COVERAGE,
    low_confidence: float = LOW_CONFIDENCE,
    admit: bool = False,
    language: Literal["en", "pt"] = "en",
    bus: EventBus | None = None,
    **choices: Any,
) -> Bundle:
    """Fit calibration, operating point and limits of trust on labelled local images, and write a new bundle.

    Images that the bundle was trained on are left out. Figures of the old bundle do not hold for the new one and are
    not kept: measure it with `evaluate`, on yet other images.

    Parameters
    ----------
    source
        What `lince.load` takes, or a collection; its classes must be the bundle's.
    out
        Folder of the new bundle.
    aim
        Of the operating point; that of the old bundle when not given.
    coverage, low_confidence
        See `Trust`.
    admit
        Widen what counts as a known kind of image until 98 % of these images pass.
    language
        Of the card.
    choices
        As `lince.load` takes them.

    Raises
    ------
    ConfigError
        There is no such aim, no positive class that it could be for, or a limit is not between 0 and 1.
    SourceError
        A class is unknown, or has under 10 images that were not used in training.
    OutputError
        ``out`` exists or cannot be written.
    """
    bus = bus or EventBus()
    for name, value in (("coverage", coverage), ("low_confidence", low_confidence)):
        if not 0.0 < value < 1.0:
            raise ConfigError(f"The {name.replace('_', ' ')} lies between 0 and 1", received=value)
    bundle = bundle if isinstance(bundle, Bundle) else Bundle(bundle)
    old, labels = bundle.manifest, bundle.labels
    if aim is not None and labels.positive is None:
        raise ConfigError(
            "An operating point is for a positive class, and this bundle has none",
            received=f"--aim {aim}",
            fix="leave --aim out",
        )
    with atomic_folder(out) as folder:
        collection = load(source, classes=labels, bus=bus, **choices)
        check_classes(collection, labels)
        local = _look(Predictor(bundle, bus=bus), collection, bus, admit=admit)
        aim = aim or (old.operating_point.aim if old.operating_point else "youden")
        limits = fit_limits(
            local.logits,
            np.array([labels.index(sample.label) for sample in local.collection.samples], dtype=np.int64),
            labels,
            groups=[sample.group for sample in local.collection.samples],
            aim=aim,
            seed=0,
            bus=bus,
            coverage=coverage,
            low_confidence=low_confidence,
        )
        now = datetime.now(UTC).isoformat(timespec="seconds")
        facts = {
            "collection": local.collection.name,
            "counts": dict(Counter(sample.label for sample in local.collection.samples)),
            "images": len(local.digests),
            "admit": admit,
            "time": now,
            "lince_version": version("lince-med"),
        }
        chosen_on = f"local images ({local.collection.name})"
        manifest = old.model_copy(
            update={
                "trust": limits.trust,
                "operating_point": limits.record(aim, chosen_on, old.hashes[WEIGHTS]),
                "figures": {},
                "hashes": _files(bundle, folder, local, admit=admit),
                "provenance": {**old.provenance, "recalibrated": facts},
            }
        )
        write_manifest(folder, manifest)
        write_card(folder, manifest, language=language)
    return Bundle(out)


@dataclass(frozen=True, slots=True)
class _Local:
    """The images that the bundle was not trained on, and what its network makes of them; rows in one order."""

    collection: Collection
    digests: list[str]
    logits: NDArray[np.float32]
    features: NDArray[np.float32]
    statistics: NDArray[np.float64]


def _look(predictor: Predictor, collection: Collection, bus: EventBus, *, admit: bool) -> _Local:
    bundle = predictor.bundle
    if bundle.manifest.text is not None:
        raise ConfigError(
            "A bundle that reads text has limits for image, text and both, which cannot be learned anew yet",
            received=bundle.path,
            fix="train again with images of this place",
        )
    images = cached_images(collection.samples, bundle.spec, bus=bus)
    known = bundle.seen()
    rows = np.array([i for i, one in enumerate(images.digests) if one[:SEEN_DIGITS] not in known], dtype=np.int64)
    if len(rows) < len(images.digests):
        bus.publish(Noticed(f"{len(images.digests) - len(rows)} images were used in training and are left out"))
    chosen = collection.subset(images.kept[rows].tolist())
    _every_class(chosen, bundle)
    digests = [images.digests[row] for row in rows]
    if opened_before(bundle.path, digests):
        bus.publish(
            Noticed(
                "Some of these images were measured with this bundle before: figures on them are too good", "warning"
            )
        )
    logits, features = predictor.logits_and_features(images.pixels, rows)
    statistics = image_statistics(images.pixels[row] for row in rows)
    novelty = bundle.novelty()
    if novelty is not None and not admit:
        refused = int((novelty.scores(features, statistics) > 1.0).sum())
        if refused:
            bus.publish(
                Noticed(f"{refused} of these {len(rows)} images are refused as another kind; --admit lets them pass")
            )
    return _Local(chosen, digests, logits, features, statistics)


def _files(bundle: Bundle, folder: Path, local: _Local, *, admit: bool) -> dict[str, str]:
    """Everything beside the manifest, and its hashes."""
    places = {name: place for name in _KEPT if (place := bundle.checked(name)) is not None}
    hashes = {name: bundle.manifest.hashes[name] for name in places}
    for name, place in places.items():
        shutil.copyfile(place, folder / name)
    for name in (OPENED, MEASURED):
        if (bundle.path / name).is_file():
            shutil.copyfile(bundle.path / name, folder / name)
    hashes[SEEN] = write_seen(folder, [*bundle.seen(), *local.digests])
    novelty = bundle.novelty()
    if novelty is not None:
        known = novelty.admitting(local.features, local.statistics) if admit else novelty
        hashes[NOVELTY] = write_novelty(folder, known)
    return hashes


def _every_class(collection: Collection, bundle: Bundle) -> None:
    present = Counter(sample.label for sample in collection.samples)
    counts = {name: present[name] for name in bundle.labels.names}
    few = {name: count for name, count in counts.items() if count < _LEAST}
    if few:
        raise SourceError(
            f"Limits need {_LEAST} images of every class that were not used in training",
            received=", ".join(f"{quoted(name)} {count}" for name, count in few.items()),
            fix="add images",
        )
