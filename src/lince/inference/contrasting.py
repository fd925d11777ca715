"""Holding what was measured against subgroups, another bundle, and the bundle's own test images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lince.core.events import EventBus
from lince.core.types import SPLITS, Skipped
from lince.data import Collection
from lince.evaluation import (
    Aim,
    Assessment,
    attribute_columns,
    by_subgroup,
    compare,
    in_order,
    parse_aim,
    validate_externally,
)
from lince.evaluation.contrasts import Comparison, ExternalValidation
from lince.imaging import cached_images
from lince.inference.aiming import own_figures
from lince.inference.bundle import Bundle
from lince.inference.predictor import Predictor
from lince.inference.relying import Strangeness

# A collection of which a larger share was used in training is the bundle's own.
_HARDLY_ANY = 0.05


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured: the images in the order of the probabilities, and the figures.

    ``seen`` is the share of the images of the part that were used in training, before any were left out.
    """

    collection: Collection
    part: str
    truth: list[str]
    groups: list[str | None] | None
    probabilities: NDArray[np.float64]
    assessment: Assessment
    seen: float
    skipped: tuple[Skipped, ...]
    strange: Strangeness | None


def held_against(
    measured: Measured,
    whole: Collection,
    predictor: Predictor,
    other: Predictor | None,
    by: Sequence[str],
    bus: EventBus,
    *,
    aimed: bool = False,
) -> Measured:
    """The same with the figures by subgroup, beside ``other``, and beside the bundle's own where it is not at home.

    Parameters
    ----------
    whole
        The collection before a part of it was taken.
    aimed
        Whether the operating point is not the one that the bundle's own test images were measured at.

    Raises
    ------
    ConfigError
        No image of ``whole`` has an attribute of ``by``, or every image has a value of its own.
    BundleError
        The predictions of its test images, which are needed at another operating point, are damaged.
    """
    bundle = predictor.bundle
    found: dict[str, Any] = {}
    given: dict[str, Any] = {"groups": measured.groups, "confidence": measured.assessment.confidence}
    if by:
        names = attribute_columns([sample.attributes for sample in whole.samples], by)
        found["subgroups"] = by_subgroup(
            measured.truth,
            measured.probabilities,
            bundle.labels,
            threshold=bundle.threshold,
            attributes={name: [s.attributes.get(name) for s in measured.collection.samples] for name in names},
            **given,
        )
    if other is not None:
        found["comparison"] = _beside(measured, predictor, other, bus)
    if _is_foreign(whole, measured, bundle):
        found["external"] = _abroad(measured, bundle, own_figures(bundle) if aimed else bundle.summary())
    return replace(measured, assessment=measured.assessment.model_copy(update=found))


def _beside(measured: Measured, predictor: Predictor, other: Predictor, bus: EventBus) -> Comparison:
    images = cached_images(measured.collection.samples, other.bundle.spec, bus=bus)
    kept = images.kept.tolist()
    texts = other.texts_of([measured.collection.samples[row] for row in kept])
    probabilities = other.calibrate(other.logits(images.pixels, texts=texts), texts)
    second = in_order(probabilities, other.labels, predictor.labels)
    return compare(
        [measured.truth[row] for row in kept],
        measured.probabilities[kept],
        second,
        predictor.labels,
        names=_names(predictor.bundle, other.bundle),
        thresholds=(predictor.bundle.threshold, other.bundle.threshold),
        groups=None if measured.groups is None else [measured.groups[row] for row in kept],
        confidence=measured.assessment.confidence,
    )


def _names(first: Bundle, second: Bundle) -> tuple[str, str]:
    """The names of the folders, or as much of their paths as tells them apart."""
    one, two = first.path.resolve(), second.path.resolve()
    if one == two:
        return f"{one.name} (A)", f"{two.name} (B)"
    if one.name != two.name:
        return one.name, two.name
    shared = sum(a == b for a, b in zip(one.parts, two.parts, strict=False))
    return "/".join(one.parts[shared:]), "/".join(two.parts[shared:])


def _is_foreign(whole: Collection, measured: Measured, bundle: Bundle) -> bool:
    """Whether the images come from elsewhere than those of the training.

    A collection changes its digest when it is split or a file cannot be read. So the bundle's own is also known by the
    images used in training, or by its name together with its size or with parts of its own.
    """
    home = bundle.manifest.provenance.get("collection", {})
    if measured.seen >= _HARDLY_ANY or whole.digest() == home.get("digest"):
        return False
    if whole.name != home.get("name"):
        return True
    trained = sum(sum(row.values()) for row in home.get("counts", {}).values())
    same_size = trained <= len(whole) <= trained + int(home.get("skipped", 0))
    return not same_size and measured.part not in SPLITS


def _abroad(measured: Measured, bundle: Bundle, reference: Mapping[str, Any]) -> ExternalValidation:
    point = bundle.manifest.operating_point
    return validate_externally(
        measured.assessment,
        measured.truth,
        measured.probabilities,
        bundle.labels,
        trained_on=bundle.name,
        reference=reference,
        aim=Aim() if point is None else parse_aim(point.aim),
        groups=measured.groups,
        shift=() if measured.strange is None else measured.strange.shift(),
        refused=measured.assessment.reliance.refused if measured.assessment.reliance else None,
    )
