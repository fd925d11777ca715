"""What a bundle promises: facts on its decisions, its limits of trust and its figures."""

from __future__ import annotations

from collections.abc import Iterator

from lince.evaluation import parse_aim
from lince.inference.bundle import NOVELTY, BundleManifest
from lince.inference.card.words import Markdown, Words, joined

Found = Iterator[tuple[str, Markdown]]

# The figures of the card, with their names in the report.
FIGURES = {
    "auc": "AUC",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ppv": "PPV",
    "npv": "NPV",
    "f1": "F1",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
}
_OF_POSITIVE = ("sensitivity", "specificity", "ppv", "npv", "f1")
# Shares of the images, in percent, for which the card says what referring them leaves wrong.
_REFERRED = (0, 10, 20)


def held_out(manifest: BundleManifest) -> str:
    """What calibration and threshold were chosen on."""
    if "recalibrated" in manifest.provenance:
        return "local"
    return "out of fold" if "folds" in manifest.figures else "validation"


# The same in a sentence.
_IMAGES = {
    "local": "local images",
    "out of fold": "the images of each fold by a model that did not see them",
    "validation": "the validation images",
}


def shown_figures(manifest: BundleManifest) -> dict[str, str]:
    """Figures that mean something for the classes of a bundle, with their names."""
    if manifest.positive is not None:
        return FIGURES
    names = {key: name for key, name in FIGURES.items() if key not in _OF_POSITIVE}
    return names | {"auc": "AUC" if len(manifest.classes) == 2 else "Macro AUC"}


def decision(manifest: BundleManifest, words: Words) -> Found:
    """From logits to a decision."""
    calibration, point = manifest.trust.calibration, manifest.operating_point
    on = words.say(_IMAGES[held_out(manifest)])
    how = None
    if calibration.kind == "temperature":
        how = words.say("temperature {value}", value=words.number(calibration.temperature))
    elif calibration.kind == "vector":
        how = words.say("a scale and a shift for each class")
    text = "Calibration: {how}, fitted on {on}." if how else ("Calibration: none; on {on} it would not have helped.")
    yield "calibration", words.say(text, how=how, on=on)
    if point is None:
        yield "output", words.say("Output: a probability for each class; decided is the most likely one.")
        return
    threshold = words.number(point.threshold)
    yield (
        "output",
        words.say(
            "Output: a probability for each class; decided is {positive} from a probability of {threshold} on, else "
            "the most likely other class.",
            positive=manifest.positive,
            threshold=threshold,
        ),
    )
    text = (
        "Operating point: {threshold}. Aim: {aim} ({given}). Fixed on {on} with the bundle, before the test "
        "images were looked at; there it had sensitivity {sensitivity} and specificity {specificity}."
    )
    if "recalibrated" in manifest.provenance:  # whoever recalibrates may have looked at the test images
        text = (
            "Operating point: {threshold}. Aim: {aim} ({given}). Fixed on {on}; there it had sensitivity "
            "{sensitivity} and specificity {specificity}."
        )
    yield (
        "point",
        words.say(
            text,
            threshold=threshold,
            aim=_aim(point.aim, words),
            given=point.aim,
            on=on,
            sensitivity=words.number(point.sensitivity),
            specificity=words.number(point.specificity),
        ),
    )


def _aim(text: str, words: Words) -> Markdown:
    aim = parse_aim(text)
    if aim.kind == "youden":
        return words.say("the largest sum of sensitivity and specificity")
    if aim.fn is not None and aim.fp is not None:
        text = "the lowest cost, {fn} for a missed case and {fp} for a false alarm"
        return words.say(text, fn=words.short(aim.fn), fp=words.short(aim.fp))
    reach = "a sensitivity of at least {target}, then the best specificity"
    if aim.kind == "specificity":
        reach = "a specificity of at least {target}, then the best sensitivity"
    return words.say(reach, target=words.percent(aim.target))


def updated(manifest: BundleManifest, words: Words) -> Found:
    """What was fitted anew after the training, where anything was."""
    known = manifest.provenance.get("recalibrated")
    if known is None:
        return
    text = (
        "Recalibrated {time} with lince {version} on {n} images of {collection}: calibration, operating point and "
        "limits of trust were fitted anew on them; the weights are as trained."
    )
    told = words.say(
        text,
        time=known["time"],
        version=known.get("lince_version", manifest.lince_version),
        n=known["images"],
        collection=known["collection"],
    )
    if known.get("admit"):
        told = joined(" ", (told, words.say("What counts as a known kind of image was widened to these images.")))
    yield "updated", told


def trust(manifest: BundleManifest, words: Words) -> Found:
    """When an answer may be relied on."""
    limits = manifest.trust
    if limits.sets is None:
        yield "sets", words.say("No prediction sets: no class had enough held-out images for them.")
    else:
        each = words.pairs(dict(zip(manifest.classes, limits.sets.counts, strict=True)))
        text = (
            "Prediction sets hold the true class for {share} of the images of each class, as long as new images come "
            "as these did; held-out images they were found from: {each}."
        )
        yield "sets", words.say(text, share=words.percent(limits.sets.coverage), each=each)
        if few := joined(", ", (manifest.classes[index] for index in limits.sets.without_guarantee)):
            yield "few", words.say("Too few images for a prediction set: {few}; always part of the set.", few=few)
    share = words.percent(limits.low_confidence)
    yield "doubt", words.say("A decision with a probability under {share} is flagged.", share=share)
    if limits.referral is not None:
        errors = {at: words.percent(limits.referral.error[at]) for at in _REFERRED}
        left = joined(
            "; ",
            (
                words.say("{share} referred: {error} wrong", share=words.percent(at / 100), error=error)
                for at, error in errors.items()
            ),
        )
        text = "If the least certain decisions are referred to a person, on {on}: {left}."
        yield "referral", words.say(text, on=words.say(_IMAGES[held_out(manifest)]), left=left)
    if NOVELTY in manifest.hashes:
        yield (
            "novelty",
            words.say("Images unlike the training images are refused; it is no proof that the others are suitable."),
        )
    else:
        yield "novelty", words.say("It answers for every image it is given, also for images of something else.")
    yield "poor", words.say("A file that cannot be read gets a reason in place of an answer; a blank image is flagged.")


def figures(manifest: BundleManifest, words: Words) -> Found:
    """What was measured after the training."""
    test = manifest.figures.get("test")
    if test:
        told = joined(", ", (
            joined(" ", (words.inside(name), words.estimate(test.get(key, {}))))
            for key, name in shown_figures(manifest).items()
        ))  # fmt: skip
        yield "test", words.say("On the {n} test images: {told}.", n=test["n"], told=told)
        methods = dict.fromkeys(test.get(key, {}).get("method") for key in shown_figures(manifest))
        text = (
            "Measures: AUC of each class against the rest; accuracy, macro F1 and MCC of the decisions; Brier score, "
            "log loss and calibration error of the probabilities. The report says what each means."
        )
        if manifest.positive is not None:
            text = (
                "Measures: AUC; sensitivity, specificity, PPV, NPV, F1, accuracy and MCC of the decisions; Brier "
                "score, log loss, calibration error and slope of the probabilities; net benefit. The report says what "
                "each means."
            )
        yield "metrics", words.say(text)
        names = joined("; ", (words.say(method) for method in methods if method))
        yield "intervals", words.say("Intervals at 95%: {names}.", names=names)
    folds = manifest.figures.get("folds")
    if folds and folds["mean"] is not None:
        mean = words.estimate({"value": folds["mean"], "low": folds["low"], "high": folds["high"]})
        yield "folds", words.say("AUC over {n} folds, mean: {mean}.", n=folds["count"], mean=mean)


def limits(manifest: BundleManifest, words: Words) -> Found:
    """What the figures cannot say."""
    test = manifest.figures.get("test", {})
    text = (
        "The test images come from the same collection as the training images; other devices, populations and "
        "protocols may give worse figures. Measure on your own images before relying on it: `lince evaluate`."
    )
    if not test:
        text = "Not measured yet with these limits: `lince evaluate`, on images that they were not fitted on."
    yield "home", words.say(text)
    if absent := [name for name, count in test.get("counts", {}).items() if not count]:
        yield "absent", words.say("No test image of: {names}.", names=joined(", ", absent))
