"""What the report says in words: numbers as text, and the plain sentences at its head."""

from __future__ import annotations

from collections.abc import Callable

from lince.evaluation.context import ReportContext
from lince.evaluation.figures import Assessment, Estimate
from lince.evaluation.texts import Translate, translator

# Widest interval, in points of a proportion, up to which figures are called precise, and fairly precise.
_NARROW, _FAIR = 0.10, 0.25


class Wording:
    """Speaks one language: ``say`` translates a sentence, the others turn numbers into text."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.say: Translate = translator(language)

    def number(self, value: float | None, digits: int = 3) -> str:
        """A figure with a decimal point, or the comma of Portuguese; a dash when there is none."""
        return "–" if value is None else self._point(f"{value:.{digits}f}")

    def percent(self, value: float | None) -> str:
        """A proportion in percent, one decimal."""
        return "–" if value is None else self._point(f"{100 * value:.1f}%")

    def interval(self, estimate: Estimate, write: Callable[[float | None], str] | None = None) -> str:
        """Both ends, or nothing."""
        write = write or self.number
        if estimate.low is None or estimate.high is None:
            return ""
        return self.say("{low} to {high}").format(low=write(estimate.low), high=write(estimate.high))

    def _point(self, text: str) -> str:
        return text.replace(".", ",") if self.language == "pt" else text


def plain_words(assessment: Assessment, context: ReportContext, wording: Wording) -> list[str]:
    """What was measured, what came out, and how sure that is, in sentences."""
    found = [_measured(assessment, context, wording)]
    found += (
        _about_positive(assessment, wording) if assessment.positive is not None else _about_all(assessment, wording)
    )
    return [*found, _sure(assessment, wording)]


def _measured(assessment: Assessment, context: ReportContext, wording: Wording) -> str:
    text = wording.say("The model {model} was measured on {n} images ({split}) of {collection}.")
    if assessment.n_groups is not None:
        text = wording.say("The model {model} was measured on {n} images ({split}) of {collection}, from {groups} "
                           "patients or groups.")  # fmt: skip
    return text.format(
        model=context.model,
        n=assessment.n,
        split=wording.say(context.split),
        collection=context.collection,
        groups=assessment.n_groups,
    )


def _about_positive(assessment: Assessment, wording: Wording) -> list[str]:
    say, found = wording.say, []
    level, positive = f"{100 * assessment.confidence:g}%", assessment.positive
    if assessment.sensitivity.value is not None:
        text = say(
            "It found {k} of the {n} images labelled {positive}: sensitivity {value} ({level} interval {interval})."
        )
        found.append(_fill(text, assessment.sensitivity, wording, level=level, positive=positive))
    else:
        found.append(say("There are no images labelled {positive} here: whether it finds them is unknown.").format(
            positive=positive))  # fmt: skip
    if assessment.specificity.value is not None:
        text = say("It gave no false alarm on {k} of the {n} other images: specificity {value} ({level} interval "
                   "{interval}).")  # fmt: skip
        found.append(_fill(text, assessment.specificity, wording, level=level))
    else:
        found.append(say("There are no other images here: how often it raises a false alarm is unknown."))
    if assessment.auc.value is not None:
        meaning = say(
            "Of an image labelled {positive} and one of another class, it scores the first higher {value} of the time."
        )
        area = say("That is an AUC of {auc} ({level} interval {interval}).")
        found.append(
            meaning.format(positive=positive, value=wording.percent(assessment.auc.value))
            + " "
            + area.format(
                auc=wording.number(assessment.auc.value), level=level, interval=wording.interval(assessment.auc)
            )
        )
    return [*found, *_where_stated(assessment, wording)]


def _where_stated(assessment: Assessment, wording: Wording) -> list[str]:
    right = assessment.ppv_at_prevalence
    if assessment.prevalence is None or right.value is None:
        return []
    text = wording.say(
        "Where {share} of the images are {positive}, {value} of its alarms are right ({level} interval {interval})."
    )
    share, level = wording.percent(assessment.prevalence), f"{100 * assessment.confidence:g}%"
    return [_fill(text, right, wording, share=share, positive=assessment.positive, level=level)]


def _about_all(assessment: Assessment, wording: Wording) -> list[str]:
    level = f"{100 * assessment.confidence:g}%"
    text = wording.say(
        "It named the right class for {k} of {n} images: accuracy {value} ({level} interval {interval})."
    )
    found = [_fill(text, assessment.accuracy, wording, level=level)]
    if assessment.macro_auc.value is not None:
        text = wording.say("Averaged over the classes, its AUC is {auc} ({level} interval {interval}).")
        found.append(
            text.format(
                auc=wording.number(assessment.macro_auc.value),
                level=level,
                interval=wording.interval(assessment.macro_auc),
            )
        )
    return found


def _fill(text: str, estimate: Estimate, wording: Wording, **more: object) -> str:
    return text.format(
        k=estimate.numerator,
        n=estimate.denominator,
        value=wording.percent(estimate.value),
        interval=wording.interval(estimate, wording.percent),
        **more,
    )


def _sure(assessment: Assessment, wording: Wording) -> str:
    shown = [assessment.sensitivity, assessment.specificity] if assessment.positive else [assessment.accuracy]
    widths = [e.high - e.low for e in shown if e.low is not None and e.high is not None]
    points = round(100 * max(widths, default=1.0))
    if points <= 100 * _NARROW:
        verdict = wording.say("Another sample like this one would most likely give similar figures.")
    elif points <= 100 * _FAIR:
        verdict = wording.say("The true figures may be several points better or worse.")
    else:
        verdict = wording.say("There are too few images to say more than roughly how good the model is.")
    width = wording.say("How sure: the widest of these intervals spans {points} points.").format(points=points)
    return f"{width} {verdict}"
