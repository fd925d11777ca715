"""Measure a bundle on a labelled source."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lince.core.errors import SourceError
from lince.core.events import EventBus, Noticed
from lince.core.files import atomic_folder
from lince.core.types import SPLITS
from lince.data import Collection, load
from lince.evaluation import (
    Assessment,
    ReportContext,
    assess,
    attribute_columns,
    check_comparable,
    write_report,
)
from lince.evaluation.checks import check_prevalence
from lince.evaluation.wording import Wording
from lince.imaging import cached_images
from lince.inference.aiming import at_aim
from lince.inference.bundle import SEEN_DIGITS, Bundle, BundleManifest
from lince.inference.card import Evaluation, write_card
from lince.inference.contrasting import Measured, held_against
from lince.inference.gallery import take_pictures
from lince.inference.limits import check_classes
from lince.inference.opening import record_opening
from lince.inference.predictor import Predictor
from lince.inference.records import OperatingPointRecord
from lince.inference.relying import relied, strangeness

Part = Literal["auto", "all", "unseen", "train", "val", "test"]


def evaluate(
    bundle: Bundle | Predictor | str | Path,
    source: str | Path | Collection,
    *,
    split: Part = "auto",
    out: str | Path | None = None,
    language: Literal["en", "pt"] = "en",
    prevalence: float | None = None,
    aim: str | None = None,
    by: Sequence[str] = (),
    compare: Bundle | Predictor | str | Path | None = None,
    gallery: bool = True,
    bus: EventBus | None = None,
    **choices: Any,
) -> Assessment:
    """Predict every image of a source and compare with its labels.

    Parameters
    ----------
    bundle
        A bundle, its folder, or a predictor.
    source
        What `lince.load` takes, or a collection. Its class names must be among the bundle's; one of them will do.
    split
        Which part to measure. ``auto`` takes the test part where the source has one, else ``unseen``: the images
        that the bundle was not trained on (known by the hash of their bytes).
    out
        Folder for the report and the model card with these figures; none is written when not given.
    language
        Of the report.
    prevalence
        Share of the positive class where the model will be used; see `assess`.
    aim
        Decide at the operating point for this aim instead of the bundle's own, chosen on the held-out predictions of
        the training; see `parse_aim`.
    by
        Attributes of the images by whose values the figures are told apart, such as ``sex`` and ``age``.
    compare
        Another bundle, of the same classes, to hold beside this one on the same images.
    gallery
        Whether the report shows some of the images with their heat maps.
    bus
        Hears of progress and notices.
    choices
        ``size``, ``target``, ``where`` and ``table``, as `lince.load` takes them.

    Raises
    ------
    SourceError
        The classes are not those of the bundle, or the part is empty.
    ConfigError
        No image has an attribute of ``by``, there is no such aim or nothing to choose it on, or the other bundle knows
        other classes.
    BundleError
        The bundle is missing or damaged.
    EvaluationError
        The prevalence is not one, or the bundle has no positive class.
    OutputError
        ``out`` exists already or cannot be written.
    """
    bus = bus or EventBus()
    predictor = bundle if isinstance(bundle, Predictor) else Predictor(bundle, bus=bus)
    check_prevalence(prevalence, predictor.labels)
    other = compare if isinstance(compare, Predictor) or compare is None else Predictor(compare, bus=bus)
    if other is not None:
        check_comparable(predictor.labels, other.labels)
    own = predictor.bundle.manifest
    if aim is not None:
        predictor = Predictor(at_aim(predictor.bundle, aim, bus), bus=bus)
        other = other and Predictor(at_aim(other.bundle, aim, bus), bus=bus)
    # The folder is opened first: a place that cannot be written is known before the work, not after it.
    with atomic_folder(out) if out is not None else nullcontext() as folder:
        collection = load(source, classes=predictor.labels, bus=bus, **choices)
        # Asked of the whole collection, so that a wrong name is known before the work.
        attribute_columns([sample.attributes for sample in collection.samples], by)
        measured = _measure(
            predictor,
            collection,
            split,
            None if other is None else other.bundle,
            prevalence,
            bus,
            aimed=aim is not None,
        )
        measured = held_against(measured, collection, predictor, other, by, bus, aimed=aim is not None)
        if folder is not None:
            _report(folder, predictor, measured, language, own=own, gallery=gallery)
    return measured.assessment


def _measure(
    predictor: Predictor,
    collection: Collection,
    part: str,
    other: Bundle | None,
    prevalence: float | None,
    bus: EventBus,
    *,
    aimed: bool,
) -> Measured:
    bundle, labels = predictor.bundle, predictor.labels
    check_classes(collection, labels)
    if part == "auto":
        part = "test" if any(sample.split == "test" for sample in collection.samples) else "unseen"
    if part in SPLITS:
        collection = collection.subset(collection.indices(part))
    images = cached_images(collection.samples, bundle.spec, bus=bus)
    # A bundle may be held beside itself: its images are opened once.
    bundles = list({one.path.resolve(): one for one in (bundle, other or bundle)}.values())
    rows, seen = _rows(images.digests, bundles, part, bus)
    collection = collection.subset(images.kept[rows].tolist())
    if not collection.samples:
        raise SourceError(
            f"There is no image to measure (part: {part})", received=collection.source, fix="try --split all"
        )
    for one in bundles:
        digests = (images.digests[row] for row in rows)
        point = one.manifest.operating_point if aimed else None
        record_opening(one.path, digests, part=part, collection=collection.name, bus=bus, point=point)
    texts = predictor.texts_of(collection.samples)
    _tell_missing(texts, bus)
    logits, features = predictor.logits_and_features(images.pixels, rows, texts=texts)
    probabilities = predictor.calibrate(logits, texts)
    strange = strangeness(predictor.novelty, images.pixels, rows, features)
    truth, groups = [s.label for s in collection.samples], None
    if collection.has_groups:
        groups = [s.group for s in collection.samples]
    assessment = assess(truth, probabilities, labels, threshold=bundle.threshold, groups=groups, prevalence=prevalence)
    found = relied(bundle.trust, labels, bundle.threshold, truth, probabilities, strange, groups)
    assessment = assessment.model_copy(update={"reliance": found})
    skipped = (*collection.skipped, *images.skipped)
    return Measured(collection, part, truth, groups, probabilities, assessment, seen, skipped, strange)


def _tell_missing(texts: Sequence[str | None] | None, bus: EventBus) -> None:
    """Say where figures at the operating point are not those of the decisions that `lince predict` makes."""
    without = sum(text is None for text in texts or ())
    if texts and without:
        bus.publish(
            Noticed(
                f"{without} of these {len(texts)} images have no text: they are measured at the operating point and "
                "the limits for image and text together, while a prediction uses those for the image alone",
                "warning",
            )
        )


def _report(
    folder: Path,
    predictor: Predictor,
    measured: Measured,
    language: Literal["en", "pt"],
    *,
    own: BundleManifest,
    gallery: bool,
) -> None:
    """``own`` is the manifest on disk, with the operating point that the bundle keeps."""
    bundle, collection = predictor.bundle, measured.collection
    point = bundle.manifest.operating_point
    aimed = None if point == own.operating_point else point
    context = ReportContext(
        title=collection.name,
        model=_SENTENCES[language][2].format(model=bundle.manifest.model.name, collection=bundle.name),
        collection=collection.name,
        split=measured.part,
        synthetic=collection.synthetic or bundle.synthetic,
        language=language,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        lince_version=bundle.manifest.lince_version,
        skipped=[{"path": item.path, "reason": item.reason} for item in measured.skipped],
        notices=[*_too_good(measured, language), *_otherwise(aimed, own, language), *collection.notices],
        provenance={"weights": bundle.model_id, "collection digest": collection.digest()[:16]},
    )
    write_report(
        folder,
        measured.assessment,
        names=[collection.identity(sample) for sample in collection.samples],
        truth=measured.truth,
        probabilities=measured.probabilities,
        labels=bundle.labels,
        threshold=bundle.threshold,
        groups=measured.groups,
        splits=[sample.split for sample in collection.samples],
        gallery=take_pictures(predictor, collection, measured.truth, measured.probabilities) if gallery else (),
        context=context,
    )
    done = Evaluation(
        assessment=measured.assessment,
        collection=collection.name,
        part=measured.part,
        created=context.created,
        synthetic=collection.synthetic,
        seen=measured.seen,
        skipped=len(measured.skipped),
        pictured=gallery,
        aimed=aimed,
    )
    write_card(folder, own, language=language, evaluation=done)


_SENTENCES = {
    "en": (
        "{share:.0%} of these images were used in training: the figures are too good",
        "Decided from a probability of {threshold}, the point for {aim} that was chosen for this evaluation on "
        "held-out predictions of the training; the bundle's own is {own}",
        "{model} trained on {collection}",
    ),
    "pt": (
        "{share:.0%} destas imagens foram usadas no treino: os números são bons demais",
        "Decidido a partir de uma probabilidade de {threshold}, o ponto para {aim} escolhido para esta avaliação "
        "em previsões reservadas do treino; o do próprio modelo é {own}",
        "{model}, treinado com {collection},",
    ),
}


def _too_good(measured: Measured, language: Literal["en", "pt"]) -> list[str]:
    """The sentence that a report on images of the training must not be without."""
    if not measured.seen or measured.part == "unseen":
        return []
    return [_SENTENCES[language][0].format(share=measured.seen)]


def _otherwise(aimed: OperatingPointRecord | None, own: BundleManifest, language: Literal["en", "pt"]) -> list[str]:
    """That decisions are not those of the bundle."""
    if aimed is None or own.operating_point is None:
        return []
    say = Wording(language).number
    before = own.operating_point.threshold
    return [_SENTENCES[language][1].format(threshold=say(aimed.threshold), aim=aimed.aim, own=say(before))]


def _rows(
    digests: Sequence[str], bundles: Sequence[Bundle], split: str, bus: EventBus
) -> tuple[NDArray[np.int64], float]:
    """Rows to measure, and the share of images that a bundle was trained on; says how many those are."""
    known = frozenset[str]().union(*(bundle.seen() for bundle in bundles))
    seen = np.array([digest[:SEEN_DIGITS] in known for digest in digests], dtype=bool)
    everything = np.arange(len(digests), dtype=np.int64)
    if not seen.any():
        return everything, 0.0
    share = float(seen.mean())
    if split == "unseen":
        bus.publish(
            Noticed(f"{seen.sum()} of {len(seen)} images were used in training; the other {(~seen).sum()} are measured")
        )
        unseen: NDArray[np.int64] = everything[~seen]
        return unseen, share
    bus.publish(
        Noticed(f"{seen.sum()} of {len(seen)} images were used in training: these figures are too good", "warning")
    )
    return everything, share
