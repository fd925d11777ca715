"""How a bundle came about: facts on its purpose, its collection, its images and its training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lince.inference.bundle import WEIGHTS, BundleManifest
from lince.inference.card.words import Markdown, Words, joined
from lince.models.catalog import CATALOG

Found = Iterator[tuple[str, Markdown]]

_FITS = {
    "pad": "padded with black",
    "crop": "cropped to the largest square in the middle",
    "stretch": "stretched to a square",
}
_REMEDIES = {
    "weights": "images weighed by the inverse frequency of their class",
    "focal": "the focal loss, which looks at images that are still wrong",
    "sampling": "every class drawn equally often",
    "adjust": "logits adjusted by the frequencies of the classes",
    "none": "nothing was done about it",
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
    yield "inputs", words.say("It reads the pixels of one image and nothing else: no age, no history, no other image.")


def model(manifest: BundleManifest, words: Words) -> Found:
    """The network, and how it was trained."""
    known = manifest.model.facts or {}
    members = known.get("members", [])
    if "classifier" in known:
        text = "No neural network. Classifier: {name}, on standardised descriptors of texture, intensity and form."
        yield "model", words.say(text, name=known["classifier"])
        yield "ensemble", words.say("One classifier, no ensemble.")
        text = "Training: {n} settings compared by cross-validation on training images, by log loss."
        yield "training", words.say(text, n=len(manifest.provenance.get("classifiers", {}).get("compared", ())))
    elif members:
        yield "model", words.say("A deep-learning ensemble; its members were weighed on out-of-fold predictions.")
        yield "ensemble", words.say("{n} kinds of network vote, each trained on several folds.", n=len(members))
    else:
        yield "model", words.say("A deep neural network, {name}.", name=manifest.model.name)
        yield "ensemble", words.say("One network, no ensemble.")
    if "classifier" not in known:
        yield from _starts(manifest, words)
        yield from _training(manifest, words)
    software = manifest.provenance.get("software", {})
    told = joined(", ", [f"lince {manifest.lince_version}", *(f"{name} {value}" for name, value in software.items())])
    yield "software", words.say("Trained {created} with {told}.", created=manifest.created, told=told)
    yield "weights", words.say("Weights: SHA-256 {hash}.", hash=manifest.hashes.get(WEIGHTS, "")[:12])


def _starts(manifest: BundleManifest, words: Words) -> Found:
    """Where the weights of every network came from, if it is known of all."""
    known = manifest.model.facts or {}
    kinds = [(one["model"], one["facts"]) for one in known.get("members", [])] or [(manifest.model.name, known or None)]
    starts = [_start(name, facts, manifest, words) for name, facts in kinds]
    if None not in starts:
        told = joined("; ", dict.fromkeys(filter(None, starts)))
        yield "start", words.say("Weights at the start: {starts}.", starts=told)


def _start(name: str, facts: Mapping[str, Any] | None, manifest: BundleManifest, words: Words) -> Markdown | None:
    """Where the weights of a network came from; None where that is not known."""
    if place := manifest.provenance.get("options", {}).get("weights"):
        return words.say("pretrained, from the file {name}", name=place.replace("\\", "/").rsplit("/", 1)[-1])
    if facts and "repository" in facts:
        return words.say(
            "pretrained, {repository} at {revision}", repository=facts["repository"], revision=str(facts["revision"])
        )
    entry = CATALOG.get(name.partition(":")[0])
    if entry is None:
        return None
    return words.say("pretrained on ImageNet" if entry.pretrained else "random")


def _training(manifest: BundleManifest, words: Words) -> Found:
    plan = manifest.provenance.get("plan")
    if plan is None:
        return
    phases = [
        words.say(
            "{name} (at most {epochs} epochs, {batch} images a step, rate {rate} at its peak, weight decay {decay})",
            name=words.say(phase["name"]),
            epochs=phase["epochs"],
            batch=phase["batch_size"] * phase["accumulate"],
            rate=words.short(phase["learning_rate"]),
            decay=words.short(phase["weight_decay"]),
        )
        for phase in plan["phases"]
    ]
    several = "members" in (manifest.model.facts or {})
    text = "Training of the main member: {phases}; seed {seed}." if several else "Training: {phases}; seed {seed}."
    yield "training", words.say(text, phases=joined(", ", phases), seed=plan["seed"])
    yield (
        "imbalance",
        words.say("Classes of unequal size: {remedy}.", remedy=words.say(_REMEDIES[plan["imbalance"]["kind"]])),
    )
    policy = (plan["augmentation"] or {}).get("name")
    text = "Augmentation: the policy {policy}; bundle.json holds its changes." if policy else "Augmentation: none."
    yield "augmentation", words.say(text, policy=policy)
    last = any(phase["keep"] == "last" for phase in plan["phases"])
    text = "Kept was the epoch that did best on validation; a later phase only where it did better there."
    yield "selection", words.say("Kept was the last epoch, whatever validation said." if last else text)
