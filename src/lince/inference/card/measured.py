"""What an evaluation adds to the facts of a bundle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from lince.evaluation import Assessment
from lince.inference.bundle import BundleManifest
from lince.inference.card.facts import Facts
from lince.inference.card.promises import shown_figures
from lince.inference.card.words import Markdown, Words, joined
from lince.inference.records import OperatingPointRecord


@final
@dataclass(frozen=True, slots=True)
class Evaluation:
    """An evaluation as the card tells of it.

    ``seen`` is the share of the images of the part that were used in training, before any were left out; ``pictured``
    whether the report shows images with heat maps; ``aimed`` the operating point, where it was not the bundle's own.
    """

    assessment: Assessment
    collection: str
    part: str
    created: str
    synthetic: bool
    seen: float
    skipped: int
    pictured: bool
    aimed: OperatingPointRecord | None = None


def of_evaluation(done: Evaluation, manifest: BundleManifest, words: Words) -> Facts:
    """Every fact that an evaluation adds, by its name."""
    return dict(_facts(done, manifest, words))


def _facts(done: Evaluation, manifest: BundleManifest, words: Words) -> Iterator[tuple[str, Markdown]]:
    found = done.assessment
    units = "Measured on {n} images ({part}) of {name}, {created}. Files that could not be used: {skipped}."
    if found.n_groups is not None:
        units = (
            "Measured on {n} images ({part}) of {name}, from {groups} patients or groups, {created}. Files that could "
            "not be used: {skipped}."
        )
    yield (
        "measured",
        words.say(
            units, n=found.n, part=words.say(done.part), name=done.collection, groups=found.n_groups,
            created=done.created, skipped=done.skipped,
        ),
    )  # fmt: skip
    if done.seen and done.part != "unseen":
        text = "{share} of these images were used in training: the figures are too good."
        yield "familiar", words.say(text, share=words.percent(done.seen))
    told = joined(", ", (
        joined(" ", (words.inside(name), words.estimate(getattr(found, key).model_dump())))
        for key, name in shown_figures(manifest).items()
    ))  # fmt: skip
    if done.aimed is None:
        yield "here", words.say("On these images: {told}.", told=told)
    else:
        text = (
            "On these images, decided from a probability of {threshold} (the point for {aim}, chosen for this "
            "evaluation on held-out predictions of the training; the bundle keeps its own): {told}."
        )
        yield "here", words.say(text, told=told, threshold=words.number(done.aimed.threshold), aim=done.aimed.aim)
    methods = dict.fromkeys(getattr(found, key).method for key in shown_figures(manifest))
    names = joined("; ", (words.say(method) for method in methods if method))
    yield "intervals", words.say("Intervals at 95%: {names}.", names=names)
    yield (
        "unchanged",
        words.say("The evaluation changed nothing in the model: weights, calibration and limits are as before."),
    )
    yield from _trust(done, words)
    yield from _contrasts(found, words)
    if done.pictured:
        text = "report.html shows the surest errors, the surest hits and the least sure decisions with their heat maps."
        yield "pictures", words.say(text)
        yield "maps", words.say("Heat maps by Grad-CAM; nobody has validated them for these images.")


def _trust(done: Evaluation, words: Words) -> Iterator[tuple[str, Markdown]]:
    reliance = done.assessment.reliance
    if reliance is None:
        return
    if reliance.coverage:
        each = words.pairs({name: words.percent(estimate.value) for name, estimate in reliance.coverage.items()})
        yield (
            "covered",
            words.say("The prediction sets held the true class for this share of its images: {each}.", each=each),
        )
    if reliance.refused is not None:
        share = words.percent(reliance.refused.value)
        yield "refused", words.say("{share} of the images would be refused as unlike the training images.", share=share)


def _contrasts(found: Assessment, words: Words) -> Iterator[tuple[str, Markdown]]:
    if found.subgroups is not None and found.subgroups.groups:
        names = joined(", ", dict.fromkeys(group.attribute for group in found.subgroups.groups))
        marked = sum(gap.flagged for group in found.subgroups.groups for gap in group.gaps)
        text = "Figures by {names} are in report.html; differences that hold after correction: {n}."
        yield "subgroups", words.say(text, names=names, n=marked)
    if found.external is not None:
        text = "This collection is not the one of the training: report.html holds the figures against those of {name}."
        yield "external", words.say(text, name=found.external.trained_on)
        if found.external.shift:
            yield (
                "shift",
                words.say("report.html compares the pictures with those of the training by their statistics."),
            )
