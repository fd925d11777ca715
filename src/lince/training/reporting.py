"""The reports of a training: on the images that its limits were chosen on, and on the test part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from lince.core.types import Skipped
from lince.data import Collection
from lince.evaluation import Assessment, ReportContext, assess, write_report
from lince.inference.bundle import WEIGHTS, BundleManifest
from lince.inference.limits import Limits
from lince.inference.relying import Strangeness, relied
from lince.training.fold_figures import folds_in_words
from lince.training.options import TrainOptions
from lince.training.sides import sentence

if TYPE_CHECKING:
    from lince.training.prepared import Prepared


@final
@dataclass(frozen=True)
class Part:
    """One split, in row order."""

    split: str
    rows: NDArray[np.int64]
    names: list[str]
    truth: list[str]
    groups: list[str | None] | None


def part_of(prepared: Prepared, split: str, rows: NDArray[np.int64] | None = None) -> Part:
    """The rows of a split, or these, with what a report says of each."""
    rows = prepared.rows(split) if rows is None else rows
    samples = [prepared.collection.samples[i] for i in rows]
    groups = [sample.group for sample in samples]
    return Part(
        split,
        rows,
        [prepared.collection.identity(sample) for sample in samples],
        [sample.label for sample in samples],
        groups if any(group is not None for group in groups) else None,
    )


@final
@dataclass(frozen=True)
class Report:
    """What the reports of one run have in common; ``place`` is the folder that they go to."""

    place: Path
    manifest: BundleManifest
    limits: Limits
    prepared: Prepared
    options: TrainOptions
    history: Sequence[Mapping[str, Any]]

    def write(
        self, part: Part, logits: NDArray[np.floating], *, strange: Strangeness | None = None, inside: str = ""
    ) -> dict[str, Any]:
        """Measure a part by its (N, C) logits, write its report ``inside`` a folder of the place, give short figures.

        ``strange`` says how unlike the training images each image is.

        Raises
        ------
        OutputError
            The folder cannot be written.
        """
        labels, threshold = self.prepared.collection.labels, self.limits.threshold
        probabilities = self.limits.trust.calibration.apply(logits)
        found = assess(
            part.truth, probabilities, labels, threshold=threshold, groups=part.groups, seed=self.options.seed
        )
        if part.split == "test":
            worked = relied(self.limits.trust, labels, threshold, part.truth, probabilities, strange, part.groups)
            found = found.model_copy(update={"reliance": worked})
        write_report(
            self.place / inside,
            found,
            names=part.names,
            truth=part.truth,
            probabilities=probabilities,
            labels=labels,
            threshold=threshold,
            groups=part.groups,
            splits=[part.split] * len(part.names),
            history=self.history,
            context=self._context(part),
        )
        return _short_figures(found)

    def _context(self, part: Part) -> ReportContext:
        collection, manifest = self.prepared.collection, self.manifest
        held_out = "out of fold" if "folds" in manifest.figures else "validation"
        return ReportContext(
            title=collection.name,
            model=manifest.model.name,
            collection=collection.name,
            split=held_out if part.split == "val" else part.split,
            synthetic=collection.synthetic,
            language=self.options.language,
            created=manifest.created,
            lince_version=manifest.lince_version,
            skipped=_skipped_rows(self.prepared.skipped),
            notices=[*_sides(manifest, part, self.options), *collection.notices],
            provenance=_provenance_lines(manifest, collection, self.options),
        )


def _sides(manifest: BundleManifest, part: Part, options: TrainOptions) -> list[str]:
    """Image alone, text alone and both, where text is read."""
    figures = manifest.figures.get("sides", {}).get(part.split)
    return [] if figures is None else [sentence(part.split, figures, options.language)]


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


def _short_figures(assessment: Assessment) -> dict[str, Any]:
    """The figures that travel in the bundle: one line of the report."""
    keys = ("auc", "accuracy", "balanced_accuracy", "sensitivity", "specificity", "ppv", "npv", "f1")
    estimates = {
        key: getattr(assessment, key).model_dump(include={"value", "low", "high", "method", "reason"}) for key in keys
    }
    return {"n": assessment.n, "n_groups": assessment.n_groups, "counts": assessment.truth_counts, **estimates}
