"""Facts on a bundle that reads text beside images: what it reads, by what, and how both are put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lince.inference.bundle import BundleManifest
from lince.inference.card.words import Markdown, Words, joined
from lince.inference.records import TextRecord

Found = Iterator[tuple[str, Markdown]]

_SIDES = {
    "tfidf": (
        "words, pairs of words and pieces of words, weighed by TF-IDF, with logistic regression and complement naive "
        "Bayes"
    ),
    "sentence": "a frozen sentence encoder with logistic regression",
}
_DUAL = "clip:"
# By whether a head has support vectors.
_HEADS = {False: "logistic regression", True: "support vectors"}
_BOTH_HEADS = "logistic regression and support vectors"


def inputs(text: TextRecord, words: Words) -> Markdown:
    """What is read, and what is hidden of it."""
    read = words.say(
        "It reads the pixels of one image and, as text, these fields of its record, one after the other: {fields}. "
        "Either may be missing; it reads nothing else.",
        fields=joined(", ", text.fields),
    )
    hidden = "No words are hidden: a text that names its class gives it away."
    if text.mask:
        hidden = "Words that name a class are hidden from every text, {n} terms, listed in bundle.json."
    return joined(" ", (read, words.say(hidden, n=len(text.mask))))


def model(manifest: BundleManifest, text: TextRecord, words: Words) -> Found:
    """The heads on image and text, and how they were found."""
    known = (manifest.model.facts or {}).get("members", [])
    told = (
        "Image and text together. The image: a frozen deep neural network, {names}, read by {heads}. The text: {sides}."
    )
    votes = "One frozen network; its answer and that of the text are put together by learned weights."
    if len(known) > 1:
        told = (
            "Image and text together. The image: frozen deep neural networks, {names}, read by {heads}. The text: "
            "{sides}."
        )
        votes = "{n} frozen networks; their answers and that of the text are put together by learned weights."
    names = joined(", ", (one["model"] for one in known)) or manifest.model.name
    sees = next((name for name in text.sides if name.startswith(_DUAL)), None)
    sides = joined("; ", (_side(name, words, sees=name == sees) for name in text.sides))
    kinds = {_HEADS[count > 0] for one in known for count in _landmarks(one)} or {_HEADS[False]}
    heads = words.say(_BOTH_HEADS if len(kinds) > 1 else kinds.pop())
    yield "model", words.say(told, names=names, sides=sides, heads=heads)
    yield "ensemble", words.say(votes, n=len(known))
    plan = manifest.provenance.get("plan")
    if plan is None:
        return
    learned = (
        "Training: nothing learns by steps. On the images every head is solved for several strengths of its penalty; "
        "on the texts each head has one fixed setting. All are cross-validated in folds of the training part, with "
        "groups whole, and then fitted to all of it; seed {seed}."
    )
    yield "training", words.say(learned, seed=plan["seed"])
    yield (
        "imbalance",
        words.say("Classes of unequal size: {remedy}.", remedy=words.say("nothing was done about it")),
    )
    yield "augmentation", words.say("Augmentation: none.")
    kept = (
        "Kept was for each head the penalty with the lowest log loss in these folds. How much the heads, image, text "
        "and the frequencies of the classes count was learned on cases of the training part that were held out."
    )
    yield "selection", words.say(kept)


def _side(name: str, words: Words, *, sees: bool) -> Markdown:
    if name in _SIDES:
        return words.say(_SIDES[name])
    text = "the frozen encoder {name} with logistic regression"
    if sees:  # the first that can: the others are asked for texts alone
        text = "the frozen dual encoder {name}, which also looks at the image, with logistic regression"
    return words.say(text, name=name.removeprefix(_DUAL))


def networks(manifest: BundleManifest, words: Words) -> list[Markdown]:
    """The frozen networks one by one."""
    found = []
    for one in (manifest.model.facts or {}).get("members", []):
        text = "Frozen network: {model}, {size} px, and the mirror image"
        if count := max(_landmarks(one)):
            text = "Frozen network: {model}, {size} px, and the mirror image; {n} support vectors"
        found.append(words.say(text, model=one["model"], size=one["size"], n=count))
    return found


def _landmarks(member: Mapping[str, Any]) -> Sequence[int]:
    """How many support vectors each head of a network has; none: a linear one."""
    known = member.get("landmarks", 0)
    return [known] if isinstance(known, int) else known


def alone(manifest: BundleManifest, words: Words) -> Found:
    """What holds where only one of image and text is there, and what each is worth."""
    text = manifest.text
    if text is None:
        return
    told = [words.say("What is said of decisions and limits holds for image and text together.")]
    for record, own in (
        (text.image, "An image without text has limits of its own."),
        (text.text, "A text without image has limits of its own."),
    ):
        if record is not None:
            told.append(words.say(own))
            if point := record.operating_point:
                told.append(words.say("Its operating point: {threshold}.", threshold=words.number(point.threshold)))
    told.append(words.say("A text without image is never refused as being of another kind."))
    yield "alone", joined(" ", told)
    if sides := manifest.figures.get("sides", {}).get("test"):
        each = {name: words.percent(sides[name]["accuracy"]) for name in ("image", "text", "both")}
        measured = (
            "Most likely class right on the {n} test images: by image alone {image}, by text alone {text}, by both "
            "{both}. An image without text counts as wrong for text alone, and is decided by the image for both."
        )
        yield "sides", words.say(measured, n=sides["n"], **each)
