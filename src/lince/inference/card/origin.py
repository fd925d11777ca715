"""What a bundle is made from: facts on its purpose, its collection and its images."""

from __future__ import annotations

from collections.abc import Iterator

from lince.inference.bundle import BundleManifest
from lince.inference.card import fused
from lince.inference.card.words import Markdown, Words, joined

Found = Iterator[tuple[str, Markdown]]

_FITS = {
    "pad": "padded with black",
    "crop": "cropped to the largest square in the middle",
    "stretch": "stretched to a square",
}


def use(manifest: BundleManifest, words: Words) -> Found:
    """What it was made for."""
    yield (
        "purpose",
        words.say(
            "Made for research: to tell {classes} apart in images like those of the collection {name}.",
            classes=joined(", ", manifest.classes),
            name=manifest.name,
        ),
    )
    text = "No class stands out as the positive one."
    if manifest.positive is not None:
        text = "Sensitivity, specificity and the operating point speak of one class, positive: {positive}."
    yield "positive", words.say(text, positive=manifest.positive)


def data(manifest: BundleManifest, words: Words) -> Found:
    """The collection and its parts."""
    known = manifest.provenance.get("collection", {})
    counts: dict[str, dict[str, int]] = known.get("counts", {})
    if not counts:
        return
    yield (
        "collection",
        words.say(
            "Collection {name}: {n} images; digest {digest}.",
            name=known["name"],
            n=sum(sum(row.values()) for row in counts.values()),
            digest=known["digest"][:16],
        ),
    )
    each = (Markdown(f"{words.say(part)} {sum(row.values())} ({words.pairs(row)})") for part, row in counts.items())
    yield "counts", words.say("Images by part: {parts}.", parts=joined("; ", each))
    grouping = known.get("grouping")
    if grouping == "source":
        told = words.pairs({words.say(part): sum(row.values()) for part, row in known["groups"].items()})
        yield "patients", words.say("Patients, cases or slides as the source names them: {told}.", told=told)
    if grouping is not None:
        yield "grouping", _grouping(grouping, known["torn"], words)
        yield "split", _split(manifest, known["given_parts"], words)
        notices = known["notices"]
        text = "The quick audit looked for copies, missing groups and the balance of the classes. Notices, below: {n}."
        if not notices:
            text = "The quick audit found nothing to tell: copies, missing groups, balance of the classes."
        yield "audit", words.say(text, n=len(notices))
    if conditions := manifest.provenance.get("options", {}).get("where"):
        yield "subset", words.say("Only images with {conditions} were taken.", conditions=joined(", ", conditions))
    text = "Every file could be read."
    if known["skipped"]:
        text = (
            "Files that could not be used and were left out: {n}; the report of the bundle names them with the reason."
        )
    yield "skipped", words.say(text, n=known["skipped"])


def _grouping(grouping: str, torn: int, words: Words) -> Markdown:
    if torn:
        return words.say(
            "The parts of the source were kept although {n} patients, groups or sets of near-duplicates stand in more "
            "than one of them: the figures may flatter.",
            n=torn,
        )
    if grouping == "source":
        return words.say("No patient or group, as the source names them, stands in more than one part.")
    if grouping == "both":
        return words.say(
            "The source names the patient of some images only. No such patient and no near-duplicates stand in more "
            "than one part."
        )
    return words.say(
        "The source names no patients. No near-duplicates stand in more than one part, but images of one patient that "
        "differ more may."
    )


def _split(manifest: BundleManifest, given: list[str], words: Words) -> Markdown:
    seed = manifest.provenance["options"]["seed"]
    folds = manifest.provenance.get("cross_validation", {}).get("folds")
    if len(given) == 3:
        text = words.say("The parts are those of the source.")
    elif given:
        named = joined(", ", (words.say(part) for part in given))
        text = words.say(
            "The source gives {given}; the rest was drawn from there with seed {seed}.", given=named, seed=seed
        )
    else:
        text = words.say(
            "Drawn with seed {seed}, class by class and whole groups: 70% train, 15% val, 15% test.", seed=seed
        )
    if folds:
        text = joined(" ", (text, words.say("Train and val together made {n} folds; test stayed apart.", n=folds)))
    return text


def preparation(manifest: BundleManifest, words: Words) -> Found:
    """What becomes of an image before the network sees it."""
    spec = manifest.image
    grey = "stretched from the 0.5th to the 99.5th percentile of each image"
    yield (
        "image",
        words.say(
            "Each image becomes {size} × {size} px, {colour}; one that is not square is {fit}; its range is {range}; "
            "then (pixel − mean) / deviation. Training and use share this recipe ({hash}).",
            size=spec.size,
            colour=words.say("grey" if spec.channels == 1 else "RGB"),
            fit=words.say(_FITS[spec.fit]),
            range=words.say("that of the file's number type" if spec.intensity == "nominal" else grey),
            hash=manifest.image_hash[:12],
        ),
    )
    if manifest.text is None:
        text = "It reads the pixels of one image and nothing else: no age, no history, no other image."
        yield "inputs", words.say(text)
    else:
        yield "inputs", fused.inputs(manifest.text, words)
