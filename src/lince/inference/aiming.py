"""Another operating point for a measurement: chosen on the bundle's own held-out predictions, never on these images."""

from __future__ import annotations

import copy
import csv
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lince.core.errors import BundleError, ConfigError
from lince.core.events import EventBus, Noticed
from lince.evaluation import operating_point, parse_aim
from lince.evaluation.checks import legible
from lince.inference.bundle import WEIGHTS, Bundle
from lince.inference.records import OperatingPointRecord

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
    parsed, positive = parse_aim(aim), bundle.labels.positive
    if positive is None:
        raise ConfigError("An operating point is for a positive class, and this bundle has none", received=bundle.path)
    place, chosen_on = _place(bundle)
    ill, score = _held_out(place, positive)
    point = operating_point(ill, score, aim=parsed)
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
            f"Operating point for {aim}: {point.threshold:.3f}, chosen on {len(ill)} held-out images of the training "
            f"(sensitivity {point.sensitivity:.3f}, specificity {point.specificity:.3f}); the bundle keeps its own, "
            f"{bundle.threshold:.3f}"
        )
    )
    if not point.met:
        bus.publish(Noticed(f"No threshold reaches the aim {aim} on those images", "warning"))
    aimed = copy.copy(bundle)
    aimed.manifest = bundle.manifest.model_copy(update={"operating_point": record})
    return aimed


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


def _held_out(place: Path, positive: str) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Whether each image (N,) is of the positive class, and its calibrated probability (N,)."""
    column = f"p_{legible(positive)}"
    try:
        with place.open(encoding="utf-8", newline="") as stream:
            rows = [(row["truth"], float(row[column])) for row in csv.DictReader(stream)]
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise BundleError("The held-out predictions of this bundle are damaged", received=place) from error
    if not rows:
        raise BundleError("The held-out predictions of this bundle are damaged", received=place)
    ill = np.array([truth == legible(positive) for truth, _ in rows], dtype=bool)
    return ill, np.array([value for _, value in rows], dtype=np.float64)
