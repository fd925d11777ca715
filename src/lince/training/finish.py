"""After training: calibration and operating point on validation, then the test split once, then the bundle."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import lince
from lince.core.events import EventBus, WorkFinished, WorkStarted
from lince.core.files import atomic_folder
from lince.data.places import note_places
from lince.inference.bundle import (
    SEEN,
    WEIGHTS,
    Bundle,
    BundleManifest,
    write_manifest,
    write_seen,
    write_text_reader,
    write_weights,
)
from lince.inference.card import write_card
from lince.inference.limits import fit_limits
from lince.inference.neighbours import stratified
from lince.inference.opening import record_opening
from lince.inference.predictor import Predictor
from lince.inference.records import ModelRecord
from lince.inference.relying import strangeness
from lince.training.familiar import remember
from lince.training.fold_figures import OutOfFold, fold_figures, write_out_of_fold
from lince.training.options import TrainOptions
from lince.training.plan import Plan
from lince.training.provenance import collection_record
from lince.training.reporting import Part, Report, part_of
from lince.training.sides import compare_sides, limits_alone, tell, text_record
from lince.trust import Calibration, Trust

if TYPE_CHECKING:
    from torch import nn

    from lince.models.text import TextReader
    from lince.training.prepared import Prepared

_TASK = "Measuring"
# Images whose places are noted on this machine: as many as an export is compared on.
_NOTED = 64


def finish(
    network: nn.Module,
    record: ModelRecord,
    plan: Plan,
    prepared: Prepared,
    options: TrainOptions,
    history: Sequence[Mapping[str, Any]],
    *,
    out: Path,
    bus: EventBus,
    held_out: OutOfFold | None = None,
    told: Mapping[str, Any] | None = None,
    reader: TextReader | None = None,
    unmasked: TextReader | None = None,
) -> Bundle:
    """Write the bundle to ``out``, whole or not at all.

    The figures come from the bundle itself, loaded from disk: what is measured is what will be served. After a
    cross-validation, out-of-fold predictions take the place of those on validation images, all of which the ensemble
    has seen. ``told`` is added to the provenance. With a ``reader``, image and text are measured together,
    and each alone; with one that hides no words, ``unmasked``, its figures stand beside.

    Raises
    ------
    OutputError
        ``out`` exists or cannot be written; the disk is full.
    """
    bus.publish(WorkStarted(_TASK, 1))
    with atomic_folder(out) as folder:
        used = np.concatenate([prepared.rows("train"), prepared.rows("val")])
        hashes = {
            WEIGHTS: write_weights(folder, network),
            SEEN: write_seen(folder, (prepared.images.digests[row] for row in used)),
        }
        hashes |= write_text_reader(folder, reader) if reader else {}
        manifest = _manifest(record, plan, prepared, options, hashes)
        text = text_record(reader) if reader else None
        manifest = manifest.model_copy(update={"provenance": {**manifest.provenance, **(told or {})}, "text": text})
        write_manifest(folder, manifest)
        predictor = Predictor(Bundle(folder))
        val = part_of(prepared, "val", held_out.rows if held_out else None)
        logits = held_out.logits if held_out else _logits(predictor, prepared, val)
        limits = fit_limits(
            logits,
            prepared.labels[val.rows],
            prepared.collection.labels,
            groups=val.groups,
            aim=options.aim,
            seed=options.seed,
            bus=bus,
        )
        hashes |= remember(folder, predictor, prepared, held_out, seed=options.seed)
        chosen_on = "out-of-fold predictions" if held_out else "validation"
        point = limits.record(options.aim, chosen_on, hashes[WEIGHTS])
        if reader:
            text = limits_alone(reader, predictor, prepared, val, options, weights=hashes[WEIGHTS])
        update = {"trust": limits.trust, "operating_point": point, "hashes": hashes, "text": text}
        manifest = manifest.model_copy(update=update)
        write_manifest(folder, manifest)
        # Everything is decided and written: from here on the test split may be looked at, once.
        if held_out:
            table = limits.trust.calibration.apply(logits)
            manifest = _with_cross_validation(manifest, held_out, table, prepared, predictor)
            place = folder / "report" / "out_of_fold.csv"
            write_out_of_fold(place, val.names, val.groups, val.truth, table, held_out.fold, manifest.classes)
        if reader:
            parts = (val, part_of(prepared, "test"))
            manifest = _with_sides(manifest, reader, unmasked, predictor, prepared, parts, bus)
        report = Report(folder / "report", manifest, limits, prepared, options, history)
        figures = {
            "val": report.write(val, logits, inside="out_of_fold" if held_out else "validation"),
            "test": _tested(report, folder, predictor),
        }
        manifest = manifest.model_copy(update={"figures": {**manifest.figures, **figures}})
        write_manifest(folder, manifest)
        _note_opening(folder, prepared, bus)
        _note_places(manifest, prepared)
        write_card(folder, manifest, language=options.language)
    bus.publish(WorkFinished(_TASK))
    return Bundle(out)


def _logits(predictor: Predictor, prepared: Prepared, part: Part) -> NDArray[np.float32]:
    """(N, C) logits of a part, with what is read of each image."""
    texts = predictor.texts_of([prepared.collection.samples[row] for row in part.rows])
    return predictor.logits(prepared.images.pixels, part.rows, texts=texts)


def _with_sides(
    manifest: BundleManifest,
    reader: TextReader,
    unmasked: TextReader | None,
    predictor: Predictor,
    prepared: Prepared,
    parts: Sequence[Part],
    bus: EventBus,
) -> BundleManifest:
    """The manifest with the figures by image, by text and by both."""
    sides = {part.split: compare_sides(reader, unmasked, predictor, prepared, part) for part in parts}
    tell(sides, bus)
    return manifest.model_copy(update={"figures": {**manifest.figures, "sides": sides}})


def _tested(report: Report, folder: Path, predictor: Predictor) -> dict[str, Any]:
    """Write the report of the test part, and give its short figures."""
    prepared = report.prepared
    test, pixels = part_of(prepared, "test"), prepared.images.pixels
    texts = predictor.texts_of([prepared.collection.samples[row] for row in test.rows])
    logits, features = predictor.logits_and_features(pixels, test.rows, texts=texts)
    strange = strangeness(Bundle(folder).novelty(), pixels, test.rows, features)
    return report.write(test, logits, strange=strange)


def _note_opening(folder: Path, prepared: Prepared, bus: EventBus) -> None:
    digests = (prepared.images.digests[row] for row in prepared.rows("test"))
    record_opening(folder, digests, part="test", collection=prepared.collection.name, bus=bus)


def _note_places(manifest: BundleManifest, prepared: Prepared) -> None:
    """So that an export can be compared on images of the collection, here where it lies."""
    samples = prepared.collection.samples
    rows = stratified([sample.label for sample in samples], _NOTED)
    note_places(manifest.provenance["collection"]["digest"], (samples[row] for row in rows))


def _with_cross_validation(
    manifest: BundleManifest,
    held_out: OutOfFold,
    probabilities: NDArray[np.float64],
    prepared: Prepared,
    predictor: Predictor,
) -> BundleManifest:
    """The manifest with the figures over folds, and how long the ensemble takes for one image."""
    truth = prepared.labels[held_out.rows]
    figures = fold_figures(probabilities, truth, held_out.fold, prepared.collection.labels)
    facts = {**held_out.facts, "milliseconds_per_image": _milliseconds(predictor, prepared.images.pixels[:1])}
    return manifest.model_copy(
        update={"figures": {"folds": figures}, "provenance": {**manifest.provenance, "cross_validation": facts}}
    )


def _milliseconds(predictor: Predictor, image: NDArray[np.uint8]) -> float:
    """The best of a few forward passes of one image."""
    best = math.inf
    for _ in range(5):
        begun = time.perf_counter()
        predictor.logits(image)
        best = min(best, time.perf_counter() - begun)
    return round(1000 * best, 1)


def _manifest(
    record: ModelRecord,
    plan: Plan,
    prepared: Prepared,
    options: TrainOptions,
    hashes: dict[str, str],
) -> BundleManifest:
    import torch

    collection = prepared.collection
    return BundleManifest(
        name=collection.name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        lince_version=lince.__version__,
        synthetic=collection.synthetic,
        classes=collection.labels.names,
        positive=collection.labels.positive,
        image=plan.image,
        image_hash=plan.image.hash,
        model=record,
        trust=Trust(calibration=Calibration.none(len(collection.labels))),
        operating_point=None,
        provenance={
            "collection": collection_record(prepared),
            "options": options.model_dump(mode="json"),
            "plan": plan.model_dump(mode="json"),
            "software": {
                "python": platform.python_version(),
                "torch": torch.__version__,
                "machine": platform.machine(),
            },
        },
        hashes=hashes,
    )
