"""External validation: whether a bundle still works on a collection that it does not come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lince.core.types import LabelSpace
from lince.evaluation import lacking, sentences
from lince.evaluation.checks import check_groups, check_probabilities, check_truth, legible
from lince.evaluation.contrasts import Change, ExternalValidation, InTheLarge, Shift
from lince.evaluation.differences import recovered, resampled
from lince.evaluation.estimate import Difference, Estimate
from lince.evaluation.estimator import Estimator
from lince.evaluation.figures import Assessment
from lince.evaluation.intervals import WILSON, WILSON_GROUPS, wilson
from lince.evaluation.local_recalibration import recalibrations
from lince.evaluation.operating import Aim
from lince.evaluation.resampling import bootstrap


def validate_externally(
    assessment: Assessment,
    truth: Sequence[str],
    probabilities: ArrayLike,
    labels: LabelSpace,
    *,
    trained_on: str,
    reference: Mapping[str, Any],
    aim: Aim,
    groups: Sequence[str | None] | None = None,
    seed: int = 0,
    shift: Sequence[Shift] = (),
    refused: Estimate | None = None,
) -> ExternalValidation:
    """Hold the figures of an assessment against those of the bundle's own test images.

    Parameters
    ----------
    assessment, truth, probabilities, labels, groups
        What was measured here, and what `assess` was given.
    trained_on
        Name of the bundle's collection.
    reference
        The bundle's test figures: ``n``, and ``value``, ``low`` and ``high`` by figure. May be empty.
    aim
        Of the operating point, which a recalibration chooses anew.
    shift
        How far the images differ from those of the training, where that is known.

    Raises
    ------
    EvaluationError
        Data that `assess` would refuse.
    """
    table = check_probabilities(probabilities, labels)
    true, grouping = check_truth(truth, labels, len(table)), check_groups(groups, len(table))
    estimator = Estimator.of(true, table, labels, assessment.threshold, grouping, seed, assessment.confidence)
    names = ("auc", "accuracy") if labels.positive is None else ("auc", "sensitivity", "specificity")
    found, reason = recalibrations(estimator, assessment, aim, seed)
    return ExternalValidation(
        trained_on=legible(trained_on),
        n_there=reference.get("n"),
        changes=tuple(_change(name, getattr(assessment, name), reference, assessment.confidence) for name in names),
        in_the_large=_in_the_large(estimator, assessment.positive, seed),
        brier=assessment.brier,
        recalibration=found,
        recalibration_reason=reason,
        shift=tuple(shift),
        refused=refused,
    )


def _change(name: str, here: Estimate, reference: Mapping[str, Any], confidence: float) -> Change:
    told = reference.get(name) or {}
    there = Estimate(
        value=told.get("value"),
        low=told.get("low"),
        high=told.get("high"),
        method=told.get("method"),
        reason=None if told.get("value") is not None else lacking.NO_OWN_FIGURES,
    )
    return Change(name=name, here=here, there=there, difference=recovered(here, there, confidence))


def _in_the_large(estimator: Estimator, of: str | None, seed: int) -> InTheLarge:
    """Mean prediction against observed share (Van Calster et al., BMC Medicine 17:230, 2019)."""
    score, happened = estimator.event()
    share, predicted = float(happened.mean()), float(score.mean())
    low, high = wilson(share, estimator.n_groups, estimator.confidence)
    observed = Estimate(
        value=share,
        low=low,
        high=high,
        method=WILSON_GROUPS if estimator.clustered else WILSON,
        numerator=int(happened.sum()),
        denominator=int(happened.size),
    )
    columns = np.stack([score - happened, np.ones(score.size)], axis=1)
    sums, _ = bootstrap(estimator.group, estimator.n_groups, columns, [], seed=seed)
    value = predicted - share
    difference = resampled(value, sums[0] / sums[1], estimator.confidence, estimator.resampling)
    return InTheLarge(
        of=of,
        predicted=predicted,
        observed=observed,
        difference=difference or Difference(value=value, reason=sentences.NO_INTERVAL),
    )
