"""Writes the model card: facts section by section, tables, checklists."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from lince.core.files import atomic_file
from lince.inference.bundle import CARD, BundleManifest
from lince.inference.card.claim import CLAIM
from lince.inference.card.facts import Facts, of_bundle
from lince.inference.card.learning import members
from lince.inference.card.measured import Evaluation, of_evaluation
from lince.inference.card.tables import figures_here, own_figures, parts
from lince.inference.card.tripod import TRIPOD
from lince.inference.card.words import Markdown, Words, escaped

RESEARCH_ONLY = "For research use. Not a medical device: not for diagnosis, treatment or triage."
SYNTHETIC = "Trained on SYNTHETIC images (computer-made phantoms): it knows nothing of real patients."
SYNTHETIC_HERE = "Measured on SYNTHETIC images (computer-made phantoms): the figures say nothing of real patients."

# Where the facts stand that have a table in place of a sentence.
_IN_TABLES = {"counts": "Data", "test": "Figures", "metrics": "Figures", "here": "This evaluation"}

# Facts of each section, in the order of the card; what only a person can say stands at its end.
_SECTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "What it is for": (
        ("purpose", "positive"),
        ("Needs a human: who is to use it, on which patients, and at which point of their care.",),
    ),
    "What it is not for": (
        (),
        (
            "Diagnosis, treatment or triage: it is not a medical device.",
            "Images of another kind, and findings other than its classes: it has no word for them.",
            "Other devices, populations or protocols before it has been measured there: `lince evaluate`.",
        ),
    ),
    "Data": (
        ("collection", "patients", "grouping", "split", "subset", "skipped", "audit"),
        (
            "Needs a human: where, when and with which devices the images were taken, from whom, and who set the "
            "labels how.",
        ),
    ),
    "Preparation of images": (("image", "inputs"), ()),
    "Model and training": (
        (
            *("model", "ensemble", "tried", "start", "training", "imbalance", "augmentation", "selection", "software"),
            "weights",
        ),
        (),
    ),
    "Probabilities and decisions": (("updated", "output", "calibration", "point", "alone"), ()),
    "When to rely on it": (("sets", "few", "doubt", "referral", "novelty", "poor"), ()),
    "Figures": (("folds", "sides", "intervals"), ()),
    "This evaluation": (
        (
            *("measured", "familiar", "covered", "refused", "subgroups", "external", "shift", "pictures", "maps"),
            "unchanged",
        ),
        (),
    ),
    "Limits": (("home", "absent"), ()),
}  # fmt: skip

_TABLES: dict[str, Callable[[BundleManifest, Evaluation | None, Words], Iterator[str]]] = {
    "Data": parts,
    "Figures": own_figures,
    "This evaluation": figures_here,
}


def write_card(
    folder: Path, manifest: BundleManifest, *, language: str = "en", evaluation: Evaluation | None = None
) -> None:
    """Write ``card.md``, with the figures of an evaluation where one is given.

    Raises
    ------
    OutputError
        The card cannot be written.
    """
    words = Words(language)
    facts = of_bundle(manifest, words)
    if evaluation is not None:
        facts = {**facts, **of_evaluation(evaluation, manifest, words)}
    lines = [*_head(manifest, evaluation, words)]
    for title, (names, fixed) in _SECTIONS.items():
        bullets = [*(facts[name] for name in names if name in facts), *(words.say(sentence) for sentence in fixed)]
        bullets += _more(title, manifest, words)
        if bullets:
            table = _TABLES[title](manifest, evaluation, words) if title in _TABLES else ()
            lines += [f"## {words.say(title)}", "", *table, *(f"- {bullet}" for bullet in bullets), ""]
    lines += _checklists(facts, words)
    with atomic_file(folder / CARD, "w") as stream:
        stream.write("\n".join(lines))


def _head(manifest: BundleManifest, evaluation: Evaluation | None, words: Words) -> Iterator[str]:
    yield from (f"# {escaped(manifest.name)}", "", f"**{words.say(RESEARCH_ONLY)}**", "")
    if manifest.synthetic:
        yield from (f"**{words.say(SYNTHETIC)}**", "")
    if evaluation is not None and evaluation.synthetic:
        yield from (f"**{words.say(SYNTHETIC_HERE)}**", "")


def _more(title: str, manifest: BundleManifest, words: Words) -> list[Markdown]:
    """What a section lists one by one: notices about the collection, members of an ensemble."""
    if title == "Data":
        return [escaped(notice) for notice in manifest.provenance.get("collection", {}).get("notices", [])]
    return members(manifest, words) if title == "Model and training" else []


def _checklists(facts: Facts, words: Words) -> Iterator[str]:
    yield from (f"## {words.say('Checklists')}", "")
    yield words.say(
        "Numbers follow the published checklists; what the items ask for is said in our words, so read the original "
        "before you submit. An item is filled only where lince knows the answer."
    )
    yield from ("", words.say("An item that repeats another points to it; in brackets, where the card says it."), "")
    places = _IN_TABLES | {name: title for title, (names, _) in _SECTIONS.items() for name in names}
    for checklist in (CLAIM, TRIPOD):
        yield from checklist.lines(facts, places, words)
