"""What a positive and a negative answer say of a patient: likelihood ratios, and PPV and NPV at a stated prevalence."""

from __future__ import annotations

from lince.evaluation import intervals, sentences
from lince.evaluation.estimator import Estimator
from lince.evaluation.figures import Estimate


def likelihood_ratios(data: Estimator, sensitivity: Estimate, specificity: Estimate) -> dict[str, Estimate]:
    """``lr_positive``, sensitivity over the rate of false alarms, and ``lr_negative``, missed over cleared."""
    names = ("lr_positive", "lr_negative")
    reason = data.no_contrast()
    if reason is not None:
        return dict.fromkeys(names, Estimate(value=None, reason=reason))
    missed, alarms = _complement(sensitivity), _complement(specificity)
    return {
        names[0]: _ratio(data, names[0], (sensitivity, alarms),
                         (sentences.NONE_CALLED_POSITIVE, sentences.NO_FALSE_ALARM)),
        names[1]: _ratio(data, names[1], (missed, specificity),
                         (sentences.NONE_CALLED_NEGATIVE, sentences.NONE_CLEARED)),
    }  # fmt: skip


def _ratio(data: Estimator, name: str, rates: tuple[Estimate, Estimate], reasons: tuple[str, str]) -> Estimate:
    """One rate over another; ``reasons`` say why there is none: nobody got this answer, or the lower rate is 0."""
    (hits, ill), (alarms, well) = ((rate.numerator or 0, rate.denominator or 0) for rate in rates)
    if alarms == 0:
        return Estimate(value=None, reason=reasons[1] if hits else reasons[0])
    value = hits / ill * well / alarms
    ends, method = None, data.resampling if data.clustered else intervals.SIMEL
    # A rate of exactly 0 or 1 does not vary, neither in resamples nor by Simel's formula: both would be too sure.
    if 0 < hits < ill and alarms < well:
        ends = (
            intervals.percentile(value, data.replicates[name], data.confidence)
            if data.clustered
            else intervals.simel(value, (hits, ill), (alarms, well), data.confidence)
        )
    if ends is None:
        ends, method = _quotient(*rates), intervals.BOTH_ENDS
    if ends is None:
        return Estimate(value=value, reason=sentences.NO_RATIO_INTERVAL)
    return Estimate(value=value, low=ends[0], high=ends[1], method=method)


def _quotient(upper: Estimate, lower: Estimate) -> tuple[float, float] | None:
    """The least and the most that one rate over another may be, given the interval of each."""
    if upper.low is None or upper.high is None or not lower.low or lower.high is None:
        return None
    return upper.low / lower.high, upper.high / lower.low


def at_prevalence(
    prevalence: float | None, sensitivity: Estimate, specificity: Estimate, ratios: dict[str, Estimate]
) -> dict[str, Estimate]:
    """PPV and NPV where a share ``prevalence`` of the images is positive, by Bayes' rule.

    The odds of a disease after a positive answer are those before it times the likelihood ratio, so that the interval
    is that of the ratio (Mercaldo, Lau and Zhou, Statistics in Medicine 26:2170, 2007). Where the ratio has none, the
    ends of the intervals of sensitivity and specificity are taken together, which is too wide.
    """
    names = ("ppv_at_prevalence", "npv_at_prevalence")
    reason = sensitivity.reason or specificity.reason
    if prevalence is None or sensitivity.value is None or specificity.value is None:
        return dict.fromkeys(names, Estimate(value=None, reason=reason or sentences.NO_PREVALENCE))
    odds = prevalence / (1.0 - prevalence)
    missed, alarms = _complement(sensitivity), _complement(specificity)
    return {
        names[0]: _after(odds, sensitivity, alarms, ratios["lr_positive"], sentences.NONE_CALLED_POSITIVE),
        # An NPV is the PPV of the negative answer: cleared against missed.
        names[1]: _after(1.0 / odds, specificity, missed, _inverse(ratios["lr_negative"]),
                         sentences.NONE_CALLED_NEGATIVE),
    }  # fmt: skip


def _after(odds: float, right: Estimate, wrong: Estimate, ratio: Estimate, neither: str) -> Estimate:
    """Share of right answers among those given, from the rates of right and wrong ones."""
    value = _share(odds, right.value, wrong.value)
    if value is None:
        return Estimate(value=None, reason=neither)
    if ratio.low is not None and ratio.high is not None:
        low, high = (odds * end / (1.0 + odds * end) for end in (ratio.low, ratio.high))
        method = intervals.MERCALDO if ratio.method == intervals.SIMEL else ratio.method
        return Estimate(value=value, low=min(low, value), high=max(high, value), method=method)
    low, high = _share(odds, right.low, wrong.high) or 0.0, _share(odds, right.high, wrong.low) or 1.0
    return Estimate(value=value, low=low, high=high, method=intervals.BOTH_ENDS)


def _share(odds: float, right: float | None, wrong: float | None) -> float | None:
    whole = odds * (right or 0.0) + (wrong or 0.0)
    return odds * (right or 0.0) / whole if whole > 0.0 else None


def _complement(rate: Estimate) -> Estimate:
    def rest(end: float | None) -> float | None:
        return None if end is None else 1.0 - end

    return Estimate(
        value=rest(rate.value),
        low=rest(rate.high),
        high=rest(rate.low),
        method=rate.method,
        numerator=(rate.denominator or 0) - (rate.numerator or 0),
        denominator=rate.denominator,
    )


def _inverse(ratio: Estimate) -> Estimate:
    """One over a ratio, ends swapped; without an interval where an end is 0."""
    if not ratio.value or not ratio.low or ratio.high is None:
        return Estimate(value=None, reason=ratio.reason)
    return Estimate(value=1.0 / ratio.value, low=1.0 / ratio.high, high=1.0 / ratio.low, method=ratio.method)
