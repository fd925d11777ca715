"""After training: calibration and operating point on validation, then the test split once, then the bundle."""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import lince
from lince.core.events import EventBus, WorkFinished, WorkStarted
from lince.core.files import atomic_folder
from lince.core.types import Skipped
from lince.data import Collection
from lince.evaluation import Assessment, ReportContext, assess, write_report
from lince.inference.bundle import (
    SEEN,
    WEIGHTS,
    Bundle,
    BundleManifest,
    ModelRecord,
    write_manifest,
    write_seen,
    write_weights,
)
from lince.inference.card import write_card
from lince.inference.limits import Limits, fit_limits
from lince.inference.opening import record_opening
from lince.inference.predictor import Predictor
from lince.inference.relying import relied
from lince.training.familiar import remember
from lince.training.fold_figures import OutOfFold, fold_figures, folds_in_words, write_out_of_fold
from lince.training.options import TrainOptions
from lince.training.plan import Plan
from lince.training.provenance import collection_record
from lince.trust import Calibration, Trust

if TYPE_CHECKING:
    from torch import nn

    from lince.training.prepared import Prepared

_TASK = "Measuring"


@dataclass(frozen=True)
class _Part:
    """One split, in row order."""

    split: str
    rows: NDArray[np.int64]
    names: list[str]
    truth: list[str]
    groups: list[str | None] | None


def _part(prepared: Prepared, split: str, rows: NDArray[np.int64] | None = None) -> _Part:
    rows = prepared.rows(split) if rows is None else rows
    samples = [prepared.collection.samples[i] for i in rows]
    groups = [sample.group for sample in samples]
    return _Part(
        split,
        rows,
        [prepared.collection.identity(sample) for sample in samples],
        [sample.label for sample in samples],
        groups if any(group is not None for group in groups) else None,
    )


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
) -> Bundle:
    """Write the bundle to ``out``, whole or not at all.

    The figures come from the bundle itself, loaded from disk: what is measured is what will be served. After a
    cross-validation, out-of-fold predictions take the place of those on validation images, all of which the ensemble
    has seen. ``told`` is added to the provenance.

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
        manifest = _manifest(record, plan, prepared, options, hashes)
        manifest = manifest.model_copy(update={"provenance": {**manifest.provenance, **(told or {})}})
        write_manifest(folder, manifest)
        predictor = Predictor(Bundle(folder))
        val = _part(prepared, "val", held_out.rows if held_out else None)
        logits = held_out.logits if held_out else predictor.logits(prepared.images.pixels, val.rows)
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
        update = {"trust": limits.trust, "operating_point": point, "hashes": hashes}
        manifest = manifest.model_copy(update=update)
        write_manifest(folder, manifest)
        # Everything is decided and written: from here on the test split may be looked at, once.
        test = _part(prepared, "test")
        test_logits = predictor.logits(prepared.images.pixels, test.rows)
        calibration = limits.trust.calibration
        if held_out:
            table = calibration.apply(logits)
            manifest = _with_cross_validation(manifest, held_out, table, prepared, predictor)
            place = folder / "report" / "out_of_fold.csv"
            write_out_of_fold(place, val.names, val.groups, val.truth, table, held_out.fold, manifest.classes)
        figures = dict(manifest.figures)
        for part, scores in ((val, logits), (test, test_logits)):
            inner = "" if part is test else "out_of_fold" if held_out else "validation"
            likely = calibration.apply(scores)
            found = _report(folder / "report" / inner, part, likely, limits, manifest, prepared, options, history)
            figures[part.split] = short_figures(found)
        manifest = manifest.model_copy(update={"figures": figures})
        write_manifest(folder, manifest)
        tested = (prepared.images.digests[row] for row in test.rows)
        record_opening(folder, tested, part="test", collection=prepared.collection.name, bus=bus)
        write_card(folder, manifest, language=options.language)
    bus.publish(WorkFinished(_TASK))
    return Bundle(out)


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


def _report(
    place: Path,
    part: _Part,
    probabilities: NDArray[np.float64],
    limits: Limits,
    manifest: BundleManifest,
    prepared: Prepared,
    options: TrainOptions,
    history: Sequence[Mapping[str, Any]],
) -> Assessment:
    collection = prepared.collection
    threshold = limits.threshold
    assessment = assess(
        part.truth, probabilities, collection.labels, threshold=threshold, groups=part.groups, seed=options.seed
    )
    if part.split == "test":
        found = relied(limits.trust, collection.labels, threshold, part.truth, probabilities)
        assessment = assessment.model_copy(update={"reliance": found})
    context = ReportContext(
        title=collection.name,
        model=manifest.model.name,
        collection=collection.name,
        split={"val": "out of fold" if "folds" in manifest.figures else "validation"}.get(part.split, part.split),
        synthetic=collection.synthetic,
        language=options.language,
        created=manifest.created,
        lince_version=manifest.lince_version,
        skipped=_skipped_rows(prepared.skipped),
        notices=list(collection.notices),
        provenance=_provenance_lines(manifest, collection, options),
    )
    write_report(
        place,
        assessment,
        names=part.names,
        truth=part.truth,
        probabilities=probabilities,
        labels=collection.labels,
        threshold=threshold,
        groups=part.groups,
        splits=[part.split] * len(part.names),
        history=history,
        context=context,
    )
    return assessment


def _skipped_rows(skipped: Sequence[Skipped]) -> list[dict[str, str]]:
    return [{"path": item.path, "reason": item.reason} for item in skipped]


def _provenance_lines(manifest: BundleManifest, collection: Collection, options: TrainOptions) -> dict[str, str]:
    counts = collection.counts_by_split()
    images = ", ".join(f"{split or 'unassigned'} {sum(row.values())}" for split, row in counts.items())
    return {
        "images": images,
        "preset": options.preset,
        "seed": str(options.seed),
        "image": f"{manifest.image.size} px, {'grey' if manifest.image.channels == 1 else 'RGB'}, {manifest.image.fit}",
        "collection digest": collection.digest()[:16],
        "weights": manifest.hashes[WEIGHTS][:12],
        **({"AUC over folds": folds_in_words(manifest.figures["folds"])} if "folds" in manifest.figures else {}),
    }


def short_figures(assessment: Assessment) -> dict[str, Any]:
    """The figures that travel in the bundle: one line of the report."""
    keys = ("auc", "accuracy", "balanced_accuracy", "sensitivity", "specificity", "ppv", "npv", "f1")
    estimates = {
        key: getattr(assessment, key).model_dump(include={"value", "low", "high", "method", "reason"}) for key in keys
    }
    return {"n": assessment.n, "n_groups": assessment.n_groups, "counts": assessment.truth_counts, **estimates}


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
