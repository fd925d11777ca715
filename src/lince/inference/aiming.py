"""Another operating point for a measurement: chosen on the bundle's own held-out predictions, never on these images.

What hangs on the decisions moves with it: the limits of referral, and the figures of the bundle's own test images.
"""

from __future__ import annotations

import copy
import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lince.core.errors import BundleError, ConfigError
from lince.core.events import EventBus, Noticed
from lince.core.types import LabelSpace
from lince.evaluation import assess, decisions, operating_point, parse_aim
from lince.evaluation.checks import legible
from lince.inference.bundle import WEIGHTS, Bundle
from lince.inference.records import OperatingPointRecord
from lince.trust import Referral

# The reports that a training writes of the images its limits were chosen on.
_HELD_OUT = {"validation": "validation", "out_of_fold": "out-of-fold predictions"}


def at_aim(bundle: Bundle, aim: str, bus: EventBus) -> Bundle:
    """The bundle, deciding at the operating point for another aim; the one on disk keeps its own.

    Parameters
    ----------
    aim
        See `parse_aim`.

    Raises
    ------
    ConfigError
        There is no such aim, the bundle has no positive class, or it keeps no held-out predictions.
    BundleError
        Those predictions are damaged.
    """
    parsed, labels, column = parse_aim(aim), bundle.labels, bundle.labels.positive_index
    if column is None:
        raise ConfigError("An operating point is for a positive class, and this bundle has none", received=bundle.path)
    place, chosen_on = _place(bundle)
    held_out = _read(place, labels)
    point = operating_point(held_out.truth == column, held_out.probabilities[:, column], aim=parsed)
    record = OperatingPointRecord(
        threshold=point.threshold,
        aim=aim,
        chosen_on=chosen_on,
        sensitivity=point.sensitivity,
        specificity=point.specificity,
        fixed=datetime.now(UTC).isoformat(timespec="seconds"),
        weights=bundle.manifest.hashes[WEIGHTS],
    )
    bus.publish(
        Noticed(
            f"Operating point for {aim}: {point.threshold:.3f}, chosen on {len(held_out.truth)} held-out images of the "
            f"training (sensitivity {point.sensitivity:.3f}, specificity {point.specificity:.3f}); the bundle keeps "
            f"its own, {bundle.threshold:.3f}"
        )
    )
    if not point.met:
        bus.publish(Noticed(f"No threshold reaches the aim {aim} on those images", "warning"))
    trust = bundle.trust
    if trust.referral is not None:
        chosen = decisions(held_out.probabilities, labels, point.threshold)
        confidence = held_out.probabilities[np.arange(len(chosen)), chosen]
        trust = trust.model_copy(update={"referral": Referral.fit(confidence, chosen != held_out.truth)})
    aimed = copy.copy(bundle)
    aimed.manifest = bundle.manifest.model_copy(update={"operating_point": record, "trust": trust})
    return aimed


def own_figures(aimed: Bundle) -> dict[str, Any]:
    """Figures on the bundle's own test images, decided at an operating point that it was not measured at.

    Empty where it keeps no predictions of test images.

    Raises
    ------
    BundleError
        Those predictions are damaged.
    """
    place = aimed.path / "report" / "predictions.csv"
    if not aimed.summary() or not place.is_file():
        return {}
    own, labels = _read(place, aimed.labels), aimed.labels
    truth = [labels.names[index] for index in own.truth]
    table = own.probabilities / own.probabilities.sum(axis=1, keepdims=True)  # rounded in the file
    return assess(truth, table, labels, threshold=aimed.threshold, groups=own.groups).model_dump()


def _place(bundle: Bundle) -> tuple[Path, str]:
    for folder, chosen_on in _HELD_OUT.items():
        place = bundle.path / "report" / folder / "predictions.csv"
        if place.is_file():
            return place, chosen_on
    raise ConfigError(
        "This bundle keeps no held-out predictions to choose another operating point on",
        received=bundle.path,
        fix="make a bundle with that aim: lince recalibrate BUNDLE SOURCE --aim AIM --out NEW",
    )


class _Kept(NamedTuple):
    """Predictions as a report keeps them: (N,) class positions, (N, C) calibrated probabilities, and the groups."""

    truth: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    groups: list[str | None] | None


def _read(place: Path, labels: LabelSpace) -> _Kept:
    names = [legible(name) for name in labels.names]
    try:
        with place.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        truth = np.array([names.index(row["truth"]) for row in rows], dtype=np.int64)
        table = np.array([[float(row[f"p_{name}"]) for name in names] for row in rows], dtype=np.float64)
        groups = [row.get("group") or None for row in rows]
        if not len(table) or not np.isfinite(table).all() or table.sum(axis=1).min() <= 0:
            raise ValueError("no probabilities")
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise BundleError("The predictions of this bundle are damaged", received=place) from error
    return _Kept(truth, table, groups if any(groups) else None)
