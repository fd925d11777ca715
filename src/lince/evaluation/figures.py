"""What an evaluation found, as frozen data that travels through JSON unchanged."""

from __future__ import annotations

from lince.evaluation.contrasts import Comparison, ExternalValidation, Subgroups
from lince.evaluation.estimate import Estimate as Estimate
from lince.evaluation.estimate import Frozen
from lince.evaluation.relying import Reliance


class ClassFigures(Frozen):
    """One class against the rest, at the decisions made; ``None`` for a figure with nothing to count."""

    name: str
    support: int
    predicted: int
    precision: float | None
    sensitivity: float | None
    specificity: float | None
    f1: float | None
    auc: Estimate
    average_precision: float | None


class DecisionCurve(Frozen):
    """Net benefit of acting on the model, on everybody and on nobody, by threshold.

    Attributes
    ----------
    of, prevalence
        The positive class, and the share of it among these images: the curve holds where it is as common.
    thresholds, model, treat_all
        Of one length: from which probability on one would act, and the net benefit of either policy, in cases found
        for each image, less false alarms at their price.
    treat_none
        The net benefit of acting on nobody, at every threshold.
    useful
        First and last threshold of the longest stretch where the model is worth more than both.
    reason
        Why there is no curve.
    """

    of: str | None
    prevalence: float | None = None
    thresholds: tuple[float, ...] = ()
    model: tuple[float, ...] = ()
    treat_all: tuple[float, ...] = ()
    treat_none: float = 0.0
    useful: tuple[float, float] | None = None
    reason: str | None = None


class Bin(Frozen):
    """One bar of the reliability diagram: images whose probability lies in [lower, upper)."""

    lower: float
    upper: float
    count: int
    predicted: float | None
    observed: float | None
    low: float | None
    high: float | None


class Calibration(Frozen):
    """The reliability diagram; ``of`` names the positive class, or is ``None`` for the most likely class."""

    of: str | None
    bins: tuple[Bin, ...]


class RocPoint(Frozen):
    """A corner of the ROC curve; no threshold at (0, 0), where nothing is called positive."""

    threshold: float | None
    false_positive_rate: float
    true_positive_rate: float


class Assessment(Frozen):
    """Everything measured on one set of images.

    Attributes
    ----------
    n, n_groups
        Images; patients, cases or slides (``None`` when no groups were given).
    labels, positive, threshold
        Class names in order, the positive one, and the operating point at which decisions were made.
    confidence
        Level of every interval.
    prevalence
        Share of the positive class where the model will be used, as it was stated; ``None`` where it was not.
    truth_counts, predicted_counts
        Images by class name.
    absent
        Classes of the model without images here.
    confusion
        Images by true class (row) and decision (column), both in the order of ``labels``.
    auc
        Of the positive class against the rest; without a positive class, the macro AUC.
    macro_auc
        Mean one-vs-rest AUC over the classes with images on both sides; for two classes, the AUC.
    micro_auc
        Of all pairs of an image and a class put in one list, for more than two classes.
    average_precision
        Of the positive class against the rest; without a positive class, the mean over the classes with images.
    top_2_accuracy, top_3_accuracy
        Share of images whose class is among the two or three likeliest, where the model has more classes than that.
    mcc
        Matthews correlation of truth and decision over all classes, -1 to 1 (Gorodkin 2004).
    lr_positive, lr_negative
        Likelihood ratios of a positive and a negative answer.
    ppv_at_prevalence, npv_at_prevalence
        PPV and NPV at the stated ``prevalence``.
    calibration_slope, calibration_intercept
        Of the logit of the positive class: 1 and 0 are best; see `lince.evaluation.recalibration`.
    f1, sensitivity, specificity, ppv, npv
        Of the positive class against the rest.
    brier
        Mean squared error of the probabilities (Brier 1950): of the positive column for two classes (0 to 1), summed
        over the classes for more (0 to 2).
    calibration_error
        Expected calibration error over the bins of ``calibration``: mean distance of predicted and observed, weighted
        by images.
    log_loss
        Mean negative logarithm of the probability of the true class, in nats.
    decision_curve
        Net benefit by threshold.
    roc
        Curve by class name: of the positive class where there is one, else of each class.
    notes
        What a reader must know before trusting the figures.
    subgroups, comparison, external
        The figures by subgroup, beside another bundle, and beside the bundle's own test figures, where they were asked
        for or apply.
    """

    n: int
    n_groups: int | None
    labels: tuple[str, ...]
    positive: str | None
    threshold: float | None
    confidence: float
    prevalence: float | None
    truth_counts: dict[str, int]
    predicted_counts: dict[str, int]
    absent: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    auc: Estimate
    macro_auc: Estimate
    micro_auc: Estimate
    average_precision: Estimate
    accuracy: Estimate
    top_2_accuracy: Estimate
    top_3_accuracy: Estimate
    balanced_accuracy: Estimate
    macro_f1: Estimate
    mcc: Estimate
    f1: Estimate
    sensitivity: Estimate
    specificity: Estimate
    ppv: Estimate
    npv: Estimate
    lr_positive: Estimate
    lr_negative: Estimate
    ppv_at_prevalence: Estimate
    npv_at_prevalence: Estimate
    brier: Estimate
    calibration_error: Estimate
    log_loss: Estimate
    calibration_slope: Estimate
    calibration_intercept: Estimate
    per_class: tuple[ClassFigures, ...]
    calibration: Calibration
    decision_curve: DecisionCurve
    roc: dict[str, tuple[RocPoint, ...]]
    notes: tuple[str, ...] = ()
    subgroups: Subgroups | None = None
    comparison: Comparison | None = None
    external: ExternalValidation | None = None
    reliance: Reliance | None = None
