"""What an evaluation found, as frozen data that travels through JSON unchanged."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Estimate(_Frozen):
    """A figure, its confidence interval, and how the interval was made.

    Attributes
    ----------
    value
        ``None`` where the figure does not exist; ``reason`` then says why.
    low, high
        Ends of the interval; ``None`` where there is none.
    method
        Name of the interval's method.
    numerator, denominator
        Images counted, for a proportion.
    reason
        Why the value or its interval is missing.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    method: str | None = None
    numerator: int | None = None
    denominator: int | None = None
    reason: str | None = None


class ClassFigures(_Frozen):
    """One class against the rest, at the decisions made; ``None`` for a figure with nothing to count."""

    name: str
    support: int
    predicted: int
    precision: float | None
    sensitivity: float | None
    specificity: float | None
    f1: float | None
    auc: Estimate


class Bin(_Frozen):
    """One bar of the reliability diagram: images whose probability lies in [lower, upper)."""

    lower: float
    upper: float
    count: int
    predicted: float | None
    observed: float | None
    low: float | None
    high: float | None


class Calibration(_Frozen):
    """The reliability diagram; ``of`` names the positive class, or is ``None`` for the most likely class."""

    of: str | None
    bins: tuple[Bin, ...]


class RocPoint(_Frozen):
    """A corner of the ROC curve; no threshold at (0, 0), where nothing is called positive."""

    threshold: float | None
    false_positive_rate: float
    true_positive_rate: float


class Assessment(_Frozen):
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
