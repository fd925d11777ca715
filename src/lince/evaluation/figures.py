"""What an evaluation found, as frozen data that travels through JSON unchanged."""

from __future__ import annotations

from lince.evaluation.contrasts import Comparison, ExternalValidation, Subgroups
from lince.evaluation.estimate import Estimate as Estimate
from lince.evaluation.estimate import Frozen


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
    truth_counts, predicted_counts
        Images by class name.
    confusion
        Images by true class (row) and decision (column), both in the order of ``labels``.
    auc
        Of the positive class against the rest; without a positive class, the macro AUC.
    macro_auc
        Mean one-vs-rest AUC over the classes with images on both sides; for two classes, the AUC.
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
    truth_counts: dict[str, int]
    predicted_counts: dict[str, int]
    confusion: tuple[tuple[int, ...], ...]
    auc: Estimate
    macro_auc: Estimate
    accuracy: Estimate
    balanced_accuracy: Estimate
    macro_f1: Estimate
    f1: Estimate
    sensitivity: Estimate
    specificity: Estimate
    ppv: Estimate
    npv: Estimate
    brier: Estimate
    calibration_error: Estimate
    log_loss: Estimate
    per_class: tuple[ClassFigures, ...]
    calibration: Calibration
    roc: dict[str, tuple[RocPoint, ...]]
    notes: tuple[str, ...] = ()
    subgroups: Subgroups | None = None
    comparison: Comparison | None = None
    external: ExternalValidation | None = None
