"""How a bundle learned: facts on its model and its training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from lince.inference.bundle import WEIGHTS, BundleManifest
from lince.inference.card import fused
from lince.inference.card.words import Markdown, Words, joined
from lince.models.catalog import CATALOG

Found = Iterator[tuple[str, Markdown]]

_REMEDIES = {
    "weights": "images weighed by the inverse frequency of their class",
    "focal": "the focal loss, which looks at images that are still wrong",
    "sampling": "every class drawn equally often",
    "adjust": "logits adjusted by the frequencies of the classes",
    "none": "nothing was done about it",
}
# How a candidate of the preset best is trained, by the last word of its name.
_WAYS = {
    "head": "logistic regression on the frozen network, solved for several strengths of the penalty",
    "kernel": "support vectors on what the frozen network sees, solved for several costs of an error",
    "tuned": "fine-tuned from a head that was solved for one strength of the penalty",
    "scratch": "trained from random weights",
}
# Of the ways without steps: what was kept.
_SOLVED = {
    "head": "Of a head solved for several strengths, the one with the lowest out-of-fold log loss was kept.",
    "kernel": "Of support vectors for several costs, those with the lowest out-of-fold log loss were kept.",
}


class _Member(NamedTuple):
    """A member of an ensemble: its record, how it was trained (None: by the plan), and its weight."""

    record: Mapping[str, Any]
    way: str | None
    weight: float


def _members(manifest: BundleManifest) -> list[_Member]:
    records = (manifest.model.facts or {}).get("members", [])
    used = [one for one in _candidates(manifest) if one["share"] > 0]
    if len(used) != len(records):
        return [_Member(one, "kernel" if one.get("landmarks") else None, one["share"]) for one in records]
    return [_Member(one, _way(own["name"]), own["share"]) for one, own in zip(records, used, strict=True)]


def _candidates(manifest: BundleManifest) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = manifest.provenance.get("cross_validation", {}).get("candidates", ())
    return found


def _way(name: str) -> str | None:
    last = name.rpartition("-")[2]
    return last if last in _WAYS else None


def members(manifest: BundleManifest, words: Words) -> list[Markdown]:
    """The members one by one, with how they were trained."""
    if manifest.text is not None:
        return fused.networks(manifest, words)
    found = []
    for record, way, weight in _members(manifest):
        text = "Member: {model}, {size} px, weight {share}"
        if record["mirrored"]:
            text = "Member: {model}, {size} px, weight {share}, and the mirror image"
        told = [
            words.say(text, model=record["model"], size=record["size"], share=words.number(weight, 2)),
            *([words.say(_WAYS[way])] if way else []),
        ]
        if count := record.get("landmarks"):
            told.append(words.say("at most {n} support vectors a fold", n=count))
        found.append(joined("; ", told))
    return found


def model(manifest: BundleManifest, words: Words) -> Found:
    """The network, and how it was trained."""
    known = manifest.model.facts or {}
    if "classifier" in known:
        text = "No neural network. Classifier: {name}, on standardised descriptors of texture, intensity and form."
        yield "model", words.say(text, name=known["classifier"])
        yield "ensemble", words.say("One classifier, no ensemble.")
        text = "Training: {n} settings compared by cross-validation on training images, by log loss."
        yield "training", words.say(text, n=len(manifest.provenance.get("classifiers", {}).get("compared", ())))
    else:
        yield from _starts(manifest, words)
        if manifest.text is not None:
            yield from fused.model(manifest, manifest.text, words)
        else:
            yield from _networks(manifest, words)
            yield from _training(manifest, words)
    software = manifest.provenance.get("software", {})
    told = joined(", ", [f"lince {manifest.lince_version}", *(f"{name} {value}" for name, value in software.items())])
    yield "software", words.say("Trained {created} with {told}.", created=manifest.created, told=told)
    yield "weights", words.say("Weights: SHA-256 {hash}.", hash=manifest.hashes.get(WEIGHTS, "")[:12])


def _networks(manifest: BundleManifest, words: Words) -> Found:
    """Which networks, how many of them vote, and what else was tried."""
    found = _members(manifest)
    if not found:
        yield "model", words.say("A deep neural network, {name}.", name=manifest.model.name)
        yield "ensemble", words.say("One network, no ensemble.")
        return
    folds = manifest.provenance.get("cross_validation", {}).get("folds")
    if len(found) == 1:
        yield "model", words.say("A deep neural network, {name}.", name=found[0].record["model"])
        if folds:
            yield "ensemble", words.say("One member, which averages what was learned in {n} folds.", n=folds)
    else:
        yield "model", words.say("A deep-learning ensemble; its members were weighed on out-of-fold predictions.")
        text = "{n} members vote; each averages what was learned in {folds} folds."
        if folds:
            yield "ensemble", words.say(text, n=len(found), folds=folds)
    if len(tried := _candidates(manifest)) > 1:
        each = joined("; ", (_tried(one, words) for one in tried))
        yield "tried", words.say("Cross-validated, with the log loss out of fold: {each}.", each=each)


def _tried(one: Mapping[str, Any], words: Words) -> Markdown:
    way = _way(one["name"])
    text = "{name} ({way}) {loss}, weight {share}" if way else "{name} {loss}, weight {share}"
    return words.say(
        text,
        name=one["name"],
        way=words.say(_WAYS[way]) if way else None,
        loss=words.number(one["log_loss"]),
        share=words.number(one["share"], 2),
    )


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
    found = _members(manifest)
    main = max(found, key=lambda member: member.weight).way if found else None
    steps = [] if main in _SOLVED else [_phase(phase, words) for phase in plan["phases"]]
    if main in _SOLVED or main == "tuned":
        steps.insert(0, words.say(_WAYS[main]))
    text = (
        "Training of the main member: {phases}; seed {seed}." if len(found) > 1 else "Training: {phases}; seed {seed}."
    )
    yield "training", words.say(text, phases=joined(", ", steps), seed=plan["seed"])
    # Heads that are solved weigh their images only where that was asked for (`members.Trainer`).
    weighed = manifest.provenance.get("options", {}).get("imbalance") in ("weights", "sampling")
    solved = [member.way in _SOLVED and not weighed for member in found]
    remedy = "none" if solved and all(solved) else plan["imbalance"]["kind"]
    text = "Classes of unequal size: {remedy}."
    if any(solved) and remedy != "none":
        text = "Classes of unequal size: {remedy}; where a head was solved, nothing."
    # What steps take may differ from one kind of member to the next: told is only what is known.
    if weighed or remedy == "none" or main not in _SOLVED:
        yield "imbalance", words.say(text, remedy=words.say(_REMEDIES[remedy]))
    # A head on one version of each image never sees an augmented one.
    heads = all(phase.get("boundary") == "embedding" and phase.get("views") == 1 for phase in plan["phases"])
    plain = heads and all(one.way in (*_SOLVED, None) for one in found)
    policy = None if plain else (plan["augmentation"] or {}).get("name")
    text = "Augmentation: the policy {policy}; bundle.json holds its changes." if policy else "Augmentation: none."
    yield "augmentation", words.say(text, policy=policy)
    kept = [_SOLVED[way] for way in dict.fromkeys(member.way for member in found) if way in _SOLVED]
    if main not in _SOLVED:
        kept.append(_kept(plan["phases"]))
    yield "selection", joined(" ", (words.say(sentence) for sentence in kept))


def _phase(phase: Mapping[str, Any], words: Words) -> Markdown:
    name = words.say(phase["name"])
    if phase.get("exact"):
        text = (
            "{name} (logistic regression on the frozen network, solved for {n} strengths of the penalty, the best on "
            "validation kept)"
        )
        return words.say(text, name=name, n=phase["epochs"])
    return words.say(
        "{name} (at most {epochs} epochs, {batch} images a step, rate {rate} at its peak, weight decay {decay})",
        name=name,
        epochs=phase["epochs"],
        batch=phase["batch_size"] * phase["accumulate"],
        rate=words.short(phase["learning_rate"]),
        decay=words.short(phase["weight_decay"]),
    )


def _kept(phases: Sequence[Mapping[str, Any]]) -> str:
    """What of the phases of a plan was kept."""
    exact = [bool(phase.get("exact")) for phase in phases]
    if any(phase["keep"] == "last" for phase in phases):
        return "Kept was the last epoch, whatever validation said."
    if exact and all(exact):
        return "Kept was the strength of the penalty that did best on validation."
    if any(exact):
        return (
            "Kept was the strength of the penalty, then the epoch, that did best on validation; a later phase only "
            "where it did better there."
        )
    return "Kept was the epoch that did best on validation; a later phase only where it did better there."
