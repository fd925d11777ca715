"""What figures are held against: other subgroups, another bundle, the bundle's own test images. Data only."""

from __future__ import annotations

from lince.evaluation.estimate import Difference, Estimate, Frozen


class Gap(Frozen):
    """A figure of a subgroup beside that of the rest.

    Attributes
    ----------
    name
        ``auc``, ``sensitivity``, ``specificity``, ``ppv``, ``macro_auc`` or ``accuracy``.
    here, rest
        The figure of the subgroup, and of the other images whose attribute is recorded.
    difference
        ``here`` minus ``rest``.
    p_adjusted
        ``difference.p`` after Holm's correction for every comparison made; ``None`` where none was made.
    flagged
        Whether ``p_adjusted`` is small enough to speak of a difference; the interval of ``difference`` then excludes 0.
    """

    name: str
    here: Estimate
    rest: Estimate
    difference: Difference
    p_adjusted: float | None = None
    flagged: bool = False


class Subgroup(Frozen):
    """The images with one value, or band of values, of an attribute.

    Attributes
    ----------
    n, n_groups
        Images; patients, cases or slides (``None`` when no groups were given).
    n_positive
        Images of the positive class; ``None`` without one.
    small
        Too few images here or in the rest to compare; never flagged.
    """

    attribute: str
    value: str
    n: int
    n_groups: int | None
    n_positive: int | None
    small: bool
    gaps: tuple[Gap, ...]


class Subgroups(Frozen):
    """Figures by attribute and value.

    Attributes
    ----------
    confidence
        Level of the intervals; one minus it is the limit of ``p_adjusted``.
    comparisons
        How many were made, for which ``p_adjusted`` is corrected.
    not_recorded
        Images without a value, by attribute.
    banded
        Attributes whose numbers were cut into bands.
    groups
        In the order of the attributes asked for.
    """

    confidence: float
    comparisons: int
    not_recorded: dict[str, int]
    banded: tuple[str, ...]
    groups: tuple[Subgroup, ...]


class Paired(Frozen):
    """A figure of two bundles on the same images.

    Attributes
    ----------
    name
        ``auc``, ``sensitivity``, ``specificity``, ``macro_auc`` or ``accuracy``.
    difference
        ``second`` minus ``first``.
    gained, lost
        Images that only the second, and only the first, judges rightly; ``None`` for an AUC.
    """

    name: str
    first: Estimate
    second: Estimate
    difference: Difference
    gained: int | None = None
    lost: int | None = None


class Reclassified(Frozen):
    """Images that the second bundle decides otherwise than the first.

    Attributes
    ----------
    of
        ``events`` (the positive class) or ``non-events``.
    up, down
        Called positive by the second alone, and by the first alone.
    net
        Share moved in the right direction minus share moved in the wrong one.
    """

    of: str
    n: int
    up: int
    down: int
    net: Difference


class Reclassification(Frozen):
    """Categorical net reclassification at the two operating points (Pencina et al., Statistics in Medicine 2008)."""

    events: Reclassified
    non_events: Reclassified
    total: Difference


class Comparison(Frozen):
    """Two bundles on the same images; every difference is the second minus the first.

    Attributes
    ----------
    first, second
        Names of the bundles.
    thresholds
        Operating point of each.
    reclassification
        ``None`` without a positive class.
    """

    first: str
    second: str
    n: int
    n_groups: int | None
    positive: str | None
    confidence: float
    thresholds: tuple[float | None, float | None]
    figures: tuple[Paired, ...]
    reclassification: Reclassification | None = None


class Change(Frozen):
    """A figure on these images beside the same on the bundle's own test images; ``difference`` is here minus there."""

    name: str
    here: Estimate
    there: Estimate
    difference: Difference


class InTheLarge(Frozen):
    """Calibration in the large: the mean probability of an event beside the share of images where it came true.

    ``of`` names the positive class, or is ``None`` for "the most likely class is right". ``difference`` is predicted
    minus observed.
    """

    of: str | None
    predicted: float
    observed: Estimate
    difference: Difference


class Recalibration(Frozen):
    """What a recalibration on some local images gives on the others, over repeated draws.

    Attributes
    ----------
    images
        Local images used; 0 for the bundle as it is, on all images.
    draws
        How many draws held both classes, in the part used and in the rest.
    brier, calibration_error, sensitivity, specificity
        Mean over the draws; ``low`` and ``high`` enclose 95 % of them.
    """

    images: int
    draws: int
    brier: Estimate
    calibration_error: Estimate
    sensitivity: Estimate
    specificity: Estimate


class Shift(Frozen):
    """How far these images differ from those of the training in one respect.

    Attributes
    ----------
    what
        What was measured.
    here, training
        Its mean on these images, and on those of the training.
    unusual
        Share of these images outside the range of 95 % of the training images.
    """

    what: str
    here: float
    training: float
    unusual: float


class ExternalValidation(Frozen):
    """Whether a bundle still works on a collection that it does not come from.

    Attributes
    ----------
    trained_on
        The bundle's own collection.
    n_there
        Its test images; ``None`` where the bundle holds no test figures.
    changes
        AUC, sensitivity and specificity beside the bundle's own; without a positive class AUC and accuracy.
    recalibration
        One entry for each number of local images, the first with none.
    recalibration_reason
        Why no recalibration was tried.
    """

    trained_on: str
    n_there: int | None
    changes: tuple[Change, ...]
    in_the_large: InTheLarge
    brier: Estimate
    recalibration: tuple[Recalibration, ...] = ()
    recalibration_reason: str | None = None
    shift: tuple[Shift, ...] = ()
    refused: Estimate | None = None
