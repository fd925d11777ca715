"""What the comparisons found, in plain sentences for the report and the terminal."""

from __future__ import annotations

from lince.evaluation.contrasts import Change, Comparison, ExternalValidation, Gap, Paired, Subgroup, Subgroups
from lince.evaluation.wording import Wording

# Name of each figure as the page writes it.
TITLES = {
    "auc": "AUC",
    "macro_auc": "Macro AUC",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ppv": "PPV",
    "accuracy": "Accuracy",
}
_AREAS = ("auc", "macro_auc")
# A fall of fewer points than this would hardly be noticed in practice.
_SLIGHT = 0.10
# A recalibration is called a help where it lowers the mean Brier score by this share.
_HELPS = 0.02


def p_text(p: float | None, wording: Wording) -> str:
    """``p = 0.21``, or nothing where there is none."""
    if p is None:
        return ""
    return f"p < {wording.number(0.001)}" if p < 0.001 else f"p = {wording.number(p, 3 if p < 0.1 else 2)}"


def figure_text(name: str, value: float | None, wording: Wording) -> str:
    """An AUC with three decimals, a proportion in percent."""
    return wording.number(value) if name in _AREAS else wording.percent(value)


def gap_text(name: str, value: float | None, wording: Wording) -> str:
    """A difference with its sign; of proportions in points of percent."""
    if value is None:
        return "–"
    digits = wording.number(abs(value)) if name in _AREAS else wording.number(100 * abs(value), 1)
    sign = "" if value == 0 else ("−" if value < 0 else "+")
    return f"{sign}{digits}"


def subgroup_words(found: Subgroups, wording: Wording) -> list[str]:
    """Which subgroups differ, how many comparisons that took, and what is not known."""
    say = wording.say
    told = _once(found)
    words = [_flagged(one, gap, wording) for one in told for gap in one.gaps if gap.flagged]
    if not found.comparisons:
        words.append(say("No subgroup is large enough to be compared with the rest."))
    elif not words:
        words.append(
            say("No subgroup differs from the rest by more than chance can explain ({n} comparisons, Holm's "
                "correction). That is no proof that they are alike.").format(n=found.comparisons)
        )  # fmt: skip
    small = sum(one.small for one in found.groups)
    if small:
        text = "Too small to compare, fewer than 10 images of a class there or in the rest: {n} of {total} subgroups."
        if found.groups[0].n_positive is None:
            text = "Too small to compare, fewer than 20 images there or in the rest: {n} of {total} subgroups."
        words.append(say(text).format(n=small, total=len(found.groups)))
    for attribute, missing in found.not_recorded.items():
        if missing:
            total = missing + sum(one.n for one in found.groups if one.attribute == attribute)
            words.append(
                say("{attribute} is not recorded for {n} of {total} images.").format(
                    attribute=attribute, n=missing, total=total
                )
            )
    return words


def _once(found: Subgroups) -> list[Subgroup]:
    """The subgroups without the second of a pair: what holds of one holds of the other, turned round."""
    attributes = [one.attribute for one in found.groups]
    return [
        one
        for place, one in enumerate(found.groups)
        if attributes.count(one.attribute) != 2 or one.attribute not in attributes[:place]
    ]


def _flagged(one: Subgroup, gap: Gap, wording: Wording) -> str:
    text = wording.say("{attribute} {value} ({n} images): {figure} {here}, in the rest {rest} ({p}, corrected).")
    return text.format(
        attribute=one.attribute,
        value=one.value,
        n=one.n,
        figure=_inside(gap.name, wording),
        here=figure_text(gap.name, gap.here.value, wording),
        rest=figure_text(gap.name, gap.rest.value, wording),
        p=p_text(gap.p_adjusted, wording),
    )


def _inside(name: str, wording: Wording) -> str:
    """The name of a figure inside a sentence: an abbreviation stays in capitals."""
    title = wording.say(TITLES[name])
    return title if title.isupper() or title.startswith("AUC") else title[0].lower() + title[1:]


def comparison_words(found: Comparison, wording: Wording) -> list[str]:
    """What the second bundle does better or worse than the first, and whether that may be chance."""
    figures = {figure.name: figure for figure in found.figures}
    if found.positive is None:
        first = _counted(
            figures["accuracy"], found, wording,
            more="On these {n} images, {second} names the right class for {k} more than {first}; {verdict}.",
            fewer="On these {n} images, {second} names the right class for {k} fewer than {first}; {verdict}.",
            same="On these {n} images, {second} and {first} name the right class equally often.",
        )  # fmt: skip
    else:
        first = _counted(
            figures["sensitivity"], found, wording,
            more="On these {n} images, {second} finds {k} more of the {m} labelled {positive} than {first}; {verdict}.",
            fewer="On these {n} images, {second} finds {k} fewer of the {m} labelled {positive} than {first}; "
            "{verdict}.",
            same="On these {n} images, {second} and {first} find equally many of the {m} labelled {positive}.",
        )  # fmt: skip
    words = [first]
    if "specificity" in figures:
        words.append(
            _counted(
                figures["specificity"], found, wording,
                fewer="{second} raises {k} more false alarms on the {m} others; {verdict}.",
                more="{second} raises {k} fewer false alarms on the {m} others; {verdict}.",
                same="Both raise equally many false alarms on the {m} others.",
            )
        )  # fmt: skip
    area = figures.get("auc") or figures["macro_auc"]
    if area.difference.value is not None:
        alike = area.difference.value == 0
        text = wording.say("Both have an AUC of {a}." if alike else "AUC of {second}: {b}, of {first}: {a}; {verdict}.")
        a, b = wording.number(area.first.value), wording.number(area.second.value)
        words.append(
            text.format(first=found.first, second=found.second, a=a, b=b, verdict=_verdict(area, found, wording))
        )
    return [word for word in words if word]


def _counted(figure: Paired, found: Comparison, wording: Wording, *, more: str, fewer: str, same: str) -> str:
    if figure.gained is None or figure.lost is None:
        return ""
    surplus = figure.gained - figure.lost
    text = more if surplus > 0 else (fewer if surplus < 0 else same)
    return wording.say(text).format(
        n=found.n,
        first=found.first,
        second=found.second,
        positive=found.positive,
        k=abs(surplus),
        m=figure.first.denominator,
        verdict=_verdict(figure, found, wording),
    )


def _verdict(figure: Paired, found: Comparison, wording: Wording) -> str:
    p = figure.difference.p
    if p is None:
        return wording.say("whether that is chance cannot be said")
    text = "that is hardly chance ({p})" if p < 1 - found.confidence else "the difference may be chance ({p})"
    return wording.say(text).format(p=p_text(p, wording))


# Of a bundle's own kind of image, a small share is refused as well.
_OWN_REFUSED = 0.05


def external_words(found: ExternalValidation, wording: Wording) -> list[str]:
    """Whether the bundle still works here, whether its probabilities hold, and whether recalibrating would help."""
    told = [_still_works(found, wording), _probabilities(found, wording), *_recalibrating(found, wording)]
    return [*_strangers(found, wording), *told]


def _strangers(found: ExternalValidation, wording: Wording) -> list[str]:
    """Images of another kind come first: figures on them mean little, however good they are."""
    refused = found.refused
    if refused is None or (refused.low or 0.0) <= _OWN_REFUSED:
        return []
    text = (
        "{n} of the {total} images are refused as another kind of image: figures on them say little about the images "
        "that the model was made for."
    )
    return [wording.say(text).format(n=refused.numerator, total=refused.denominator)]


def _still_works(found: ExternalValidation, wording: Wording) -> str:
    say = wording.say
    known = [change for change in found.changes if change.difference.low is not None]
    if not known:
        return say("Whether it works as well as on its own test images cannot be said: the figures to compare are "
                   "missing.")  # fmt: skip
    fallen = [change for change in known if (change.difference.high or 0.0) < 0]
    if fallen:
        listed = "; ".join(_moved(change, wording) for change in fallen)
        return say("Not as well as on its own test images: {figures}.").format(figures=listed)
    worst = min(known, key=lambda change: change.difference.low or 0.0)
    low = worst.difference.low or 0.0
    text = (
        "Yes, as far as these images tell: no figure fell by more than chance can explain, and a fall of {points} "
        "points or more is unlikely."
        if low > -_SLIGHT
        else "No fall is proven, but there are too few images to rule one out: {figure} may be up to {points} points "
        "lower than on the bundle's own test images."
    )
    return say(text).format(points=max(1, round(-100 * low)), figure=_inside(worst.name, wording))


def _moved(change: Change, wording: Wording) -> str:
    return wording.say("{figure} {here} instead of {there}").format(
        figure=_inside(change.name, wording),
        here=figure_text(change.name, change.here.value, wording),
        there=figure_text(change.name, change.there.value, wording),
    )


def _probabilities(found: ExternalValidation, wording: Wording) -> str:
    large = found.in_the_large
    low, high = large.difference.low, large.difference.high
    if low is None or high is None or (low <= 0 <= high and high - low > 2 * _SLIGHT):
        text = (
            "Its probabilities are {predicted} on average, and {observed} was observed; there are too few images to "
            "judge."
        )
    elif low > 0:
        text = "Its probabilities are too high here: {predicted} on average, and {observed} was observed."
    elif high < 0:
        text = "Its probabilities are too low here: {predicted} on average, and {observed} was observed."
    else:
        text = "Its probabilities fit on average: {predicted} predicted, {observed} observed."
    return wording.say(text).format(
        predicted=wording.percent(large.predicted), observed=wording.percent(large.observed.value)
    )


def _recalibrating(found: ExternalValidation, wording: Wording) -> list[str]:
    if not found.recalibration:
        return []
    before, after = found.recalibration[0].brier.value, found.recalibration[-1].brier.value
    if before is None or after is None:
        return []
    images = found.recalibration[-1].images
    if after < (1 - _HELPS) * before:
        text = (
            "Recalibrated on {k} local images, its probabilities would be better: Brier score {after} instead of "
            "{before}."
        )
    else:
        text = "Recalibrating on {k} local images would not make its probabilities better."
    return [wording.say(text).format(k=images, after=wording.number(after), before=wording.number(before))]
