"""A run with image and text: frozen embeddings of both, and a head that also works where one of them is missing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray

from lince.core.errors import ConfigError, TrainingError
from lince.core.events import EventBus, Noticed, WorkAdvanced, WorkFinished, WorkStarted
from lince.core.types import Sample
from lince.data import Collection
from lince.inference.bundle import Bundle
from lince.models import check_side
from lince.models.text import Fusion, SeesImages, TextReader, check_sides, hidden_terms, hide, side_names
from lince.models.text.reader import LinearPart, log_probabilities
from lince.models.text.side import Rows as TextRows
from lince.models.text.side import TextSide, joined
from lince.models.text.table import make_side
from lince.models.text.tfidf import NAME as TFIDF
from lince.training.blend import stack
from lince.training.events import RunPlanned
from lince.training.finish import finish
from lince.training.folder import RunFolder
from lince.training.folds import train_folds
from lince.training.frozen import embed, fit_frozen, members
from lince.training.losses import Imbalance
from lince.training.options import TrainOptions
from lince.training.plan import Plan
from lince.training.prepared import Prepared, check_positive, prepare
from lince.trust import fit_temperature

Indices = NDArray[np.int64]
Logits = NDArray[np.float64]

# Facts that state the answer, by what is asked: to read them would be to copy it.
_ANSWERS = {
    "type": ("type", "modality", "plane"),
    "location": ("location", "location_category", "acr_codes", "topic_acr_code", "category"),
}  # as `_plain` writes them
# Facts by which images of MedPix are known, whatever file they come from.
_MEDPIX = frozenset({"acr_codes", "location_category"})
# Images of a value, on average, from which on it is a code and no text.
_REPEATS = 5
# Strengths found by grouped cross-validation on MedPix; a text of a few words hardly tells others apart.
_SPARSE, _DENSE, _SMOOTHING = 10.0, 5.0, 0.3


def check_fields(collection: Collection, options: TrainOptions) -> tuple[str, ...]:
    """The attributes to read, spelled as the images have them; without regard to case, as everywhere.

    Raises
    ------
    ConfigError
        One states the class, or no image has it.
    """
    samples = collection.samples
    spelled = {name.casefold(): name for sample in samples for name in sample.attributes}
    target = (options.target or "").lower()
    answers = _ANSWERS.get(target, ())
    if not answers and _MEDPIX & set(map(_plain, spelled)):
        # A table of MedPix does not say what its labels were: no fact that states some answer is then read.
        answers = tuple(name for names in _ANSWERS.values() for name in names)
    stated = {"label", _plain(target), *answers}
    asked = [spelled.get(name.casefold(), name) for name in options.text]
    told = [name for name in asked if _plain(name) in stated or _determines(samples, name)]
    if told:
        raise ConfigError(
            "This attribute states the class, so reading it would be copying the answer",
            received=", ".join(told),
            fix="name others, such as --text caption",
        )
    missing = [name for name in asked if not any(joined(sample.attributes, [name]) for sample in samples)]
    if missing:
        known = sorted({name for name in spelled.values() if _plain(name) not in stated})
        raise ConfigError(
            "No image has this attribute",
            received=", ".join(missing),
            fix=f"choose of: {', '.join(known)}" if known else "join a table with the text: --table FILE",
        )
    return tuple(dict.fromkeys(asked))


def _plain(name: str) -> str:
    """The name of an attribute however a table spells it: ``ACR Codes`` is ``acr_codes``."""
    return re.sub(r"[\W_]+", "_", name.casefold()).strip("_")


def _determines(samples: Sequence[Sample], name: str) -> bool:
    """Whether the attribute is a code of the label: few values, each of one class alone."""
    values = [(joined(sample.attributes, [name]).casefold(), sample.label) for sample in samples]
    values = [(text, label) for text, label in values if text]
    pairs, texts, labels = set(values), {text for text, _ in values}, {label for _, label in values}
    # Of a code there are few values, and they repeat throughout their class.
    few = len(texts) <= 2 * len(labels) and len(values) >= _REPEATS * len(texts)
    return len(labels) > 1 and few and len(pairs) == len(texts)


def train_texts(collection: Collection, options: TrainOptions, folder: RunFolder, bus: EventBus) -> Bundle:
    """Fit image, text and both on the training part, and write the bundle.

    Raises
    ------
    ConfigError
        An attribute that states the class, or a side or model that does not exist.
    MissingExtraError, ModelUnavailableError
        An encoder is not here.
    SourceError
        Too few images are left to train on.
    TrainingError
        A class has no training image, or the texts have no words.
    """
    options = options.model_copy(update={"text": check_fields(collection, options)})
    check_sides(options.text_side)
    if options.text_side == TFIDF:
        bus.publish(
            Noticed(
                "Captions are read word by word (TF-IDF). A sentence encoder beside it usually reads them better: "
                "--text-side tfidf,sentence (pip install 'lince-med[text]')"
            )
        )
    entries = members(options)
    for entry in entries:
        check_side(entry, options.image_size)
    plan = text_plan(options)
    prepared = prepare(collection, plan, bus)
    check_positive(prepared)
    folder.same_collection(prepared.collection.digest())
    bus.publish(RunPlanned(options, plan, prepared))
    train = prepared.rows("train")
    fold = train_folds(prepared, train, options.seed, bus)
    frozen = embed(prepared.images, entries, options, bus)
    labels, classes = prepared.labels[train], len(prepared.collection.labels)
    network, record, logits = fit_frozen(
        frozen,
        train,
        labels,
        fold,
        classes=classes,
        channels=prepared.images.pixels.shape[3],
        options=options,
        bus=bus,
    )
    given = Given(prepared, train, fold, logits, options)
    reader = fit_reader(given, mask=options.mask_terms, bus=bus)
    unmasked = fit_reader(given, mask=False, bus=bus) if options.mask_terms else None
    return finish(
        network, record, plan, prepared, options, [], out=folder.out, bus=bus, reader=reader, unmasked=unmasked
    )


def text_plan(options: TrainOptions) -> Plan:
    """A plan without phases: nothing is learned by steps. Images are decoded at the largest side that is wanted."""
    entries = members(options)
    largest = max(entries, key=lambda entry: options.image_size or entry.size)
    spec = largest.image_spec(options.image_size)
    return Plan(
        model=largest.name,
        image=spec.model_copy(update={"fit": options.fit, "intensity": options.intensity}),
        phases=(),
        augmentation=None,
        imbalance=Imbalance(kind="none"),
        seed=options.seed,
    )


@final
@dataclass(frozen=True)
class Given:
    """What a reader is fitted to: the training rows (N,), their folds, and out-of-fold logits (N, C) of the network."""

    prepared: Prepared
    train: Indices
    fold: Indices
    network: Logits
    options: TrainOptions

    @property
    def labels(self) -> Indices:
        """(N,) class positions."""
        return np.asarray(self.prepared.labels[self.train])

    @property
    def classes(self) -> int:
        """How many there are."""
        return len(self.prepared.collection.labels)


@final
@dataclass(frozen=True)
class _Head:
    """A linear classifier on one side: which, of what kind, and its out-of-fold logits (N, C)."""

    side: int
    kind: str
    logits: Logits


def fit_reader(given: Given, *, mask: bool, bus: EventBus) -> TextReader:
    """Sides, heads and their fusion, each learned on predictions of images whose case was held out.

    The head for both is fitted on all three patterns at once, image, text and both, so that it does not matter which
    of them is missing: image and text alone keep their own calibrated heads, and both together are weighed by what
    each adds (modality dropout with every pattern in place of a random one; Neverova et al., "ModDrop", TPAMI 2016).

    Raises
    ------
    TrainingError
        Too few texts.
    """
    names = given.prepared.collection.labels.names
    terms = hidden_terms(names) if mask else ()
    texts = read_texts(given, terms)
    known = np.array([bool(text) for text in texts])
    scored = known & (given.fold >= 0)
    parts = [known & (given.fold != one) for one in range(int(given.fold.max()) + 1)]
    if min(len(np.unique(given.labels[part])) for part in (scored, *parts)) < 2:
        raise TrainingError("Too few images have a text to learn from", fix="name other attributes with --text")
    sides = side_names(given.options.text_side)
    heads = _cross_validated(given, sides, texts, known, bus)
    blend = stack([head.logits[scored] for head in heads], given.labels[scored], most=len(heads))
    text = blend.apply([head.logits for head in heads])
    warmth = 1.0 / fit_temperature(text[scored], given.labels[scored])
    made = [make_side(name, [one for one in texts if one]) for name in sides]
    finals = _final_heads(given, made, heads, warmth * blend.shares, texts, known)
    fusion, seen, image = _image_side(given, made)
    counts = np.bincount(given.labels, minlength=given.classes)
    log_prior = np.log((counts + 0.5) / (counts + 0.5).sum())
    both = fit_fusion(fusion, image[scored], log_probabilities(warmth * text)[scored], given.labels[scored], log_prior)
    reader = TextReader(tuple(made), finals, seen, both, log_prior, tuple(given.options.text), terms)
    fused = reader.fuse(image, log_probabilities(warmth * text))
    right = [float((one[scored].argmax(axis=1) == given.labels[scored]).mean()) for one in (text, fused)]
    hidden = ", class words hidden" if mask else ""
    bus.publish(Noticed(f"Out of fold{hidden}: text alone, accuracy {right[0]:.3f}; image and text {right[1]:.3f}"))
    return reader


def read_texts(given: Given, terms: Sequence[str]) -> list[str]:
    """What is read of each training image, the terms hidden; empty where there is nothing."""
    found = []
    for row in given.train:
        attributes = given.prepared.collection.samples[row].attributes
        found.append(hide(joined(attributes, given.options.text), terms))
    return found


def _cross_validated(
    given: Given, sides: Sequence[str], texts: Sequence[str], known: NDArray[np.bool_], bus: EventBus
) -> list[_Head]:
    """Every kind of head on every side, with out-of-fold logits."""
    kinds = [(number, kind) for number, name in enumerate(sides) for kind in kinds_of(name)]
    found = [_Head(number, kind, np.zeros((len(texts), given.classes))) for number, kind in kinds]
    count = int(given.fold.max()) + 1
    fixed = {n: make_side(name, ()).embed(list(texts)) for n, name in enumerate(sides) if name != TFIDF}
    task = "Fitting the heads on the texts"
    bus.publish(WorkStarted(task, count))
    for one in range(count):
        inside, held = np.flatnonzero((given.fold != one) & known), np.flatnonzero(given.fold == one)
        for number, name in enumerate(sides):
            if name == TFIDF:
                side = make_side(name, [texts[int(row)] for row in inside])
                learn, judge = (side.embed([texts[int(row)] for row in rows]) for rows in (inside, held))
            else:
                learn, judge = fixed[number][inside], fixed[number][held]
            for head in (head for head in found if head.side == number):
                part = fit_head(head.kind, learn, given.labels[inside], given.classes)
                head.logits[held] = log_probabilities(part.apply(judge))
        bus.publish(WorkAdvanced(task, one + 1))
    bus.publish(WorkFinished(task))
    return found


def kinds_of(side: str) -> tuple[str, ...]:
    """The classifiers on a side: rare words are better counted than weighed, and common ones the other way round."""
    return ("logistic", "bayes") if side == TFIDF else ("logistic",)


def fit_head(kind: str, rows: TextRows, labels: Indices, classes: int) -> LinearPart:
    """A linear head on (N, D) rows.

    Parameters
    ----------
    kind
        ``logistic`` regression, or complement naive ``bayes`` (Rennie et al., "Tackling the poor assumptions of naive
        Bayes text classifiers", ICML 2003), which is linear in the rows too.
    labels
        (N,) class positions.
    """
    if kind == "bayes":
        from sklearn.naive_bayes import ComplementNB

        bayes = ComplementNB(alpha=_SMOOTHING).fit(rows, labels)
        offset = np.zeros(len(bayes.classes_))
        slope = bayes.feature_log_prob_
        weight, bias = np.zeros((slope.shape[1], classes)), np.full(classes, -9.0)
        weight[:, bayes.classes_], bias[bayes.classes_] = slope.T, offset
        return LinearPart(weight.astype(np.float32), bias.astype(np.float32))
    from sklearn.linear_model import LogisticRegression

    if isinstance(rows, np.ndarray):
        mean = rows.mean(axis=0, dtype=np.float64)
        scale = float(np.sqrt(((rows - mean) ** 2).sum(axis=1).mean())) or 1.0
        solver = LogisticRegression(C=_DENSE, max_iter=300).fit((rows - mean) / scale, labels)
        weight, bias = _spread(solver.coef_ / scale, solver.intercept_, solver.classes_, classes)
        return LinearPart(weight.astype(np.float32), (bias - mean @ weight).astype(np.float32))
    solver = LogisticRegression(C=_SPARSE, max_iter=200).fit(rows, labels)
    weight, bias = _spread(solver.coef_, solver.intercept_, solver.classes_, classes)
    return LinearPart(weight.astype(np.float32), bias.astype(np.float32))


def _spread(slope: Logits, offset: Logits, known: Indices, classes: int) -> tuple[Logits, Logits]:
    """scikit-learn's coefficients for the classes it met as weights (D, C) and bias (C,) for all."""
    if len(slope) == 1:
        slope, offset = np.concatenate([-slope, slope]) / 2, np.concatenate([-offset, offset]) / 2
    weight, bias = np.zeros((slope.shape[1], classes)), np.full(classes, float(offset.min()) - 9.0)
    weight[:, known], bias[known] = slope.T, offset
    return weight, bias


def _final_heads(
    given: Given,
    made: Sequence[TextSide],
    heads: Sequence[_Head],
    shares: Logits,
    texts: Sequence[str],
    known: NDArray[np.bool_],
) -> tuple[LinearPart, ...]:
    """For each side one head: the heads on it, fitted to all training texts and added up in their shares."""
    rows = np.flatnonzero(known)
    finals = []
    for number, side in enumerate(made):
        values = side.embed([texts[int(row)] for row in rows])
        weight, bias = np.zeros((values.shape[1], given.classes)), np.zeros(given.classes)
        for head, share in zip(heads, shares, strict=True):
            if head.side == number and share > 0:
                part = fit_head(head.kind, values, given.labels[rows], given.classes)
                weight, bias = weight + share * part.weight, bias + share * part.bias
        finals.append(LinearPart(weight.astype(np.float32), bias.astype(np.float32)))
    return tuple(finals)


def _image_side(given: Given, made: Sequence[TextSide]) -> tuple[Fusion, LinearPart | None, Logits]:
    """How the network and an encoder that sees images are added up, a head for the latter, and log probabilities."""
    scored = given.fold >= 0
    labels = given.labels
    sees = next((side for side in made if isinstance(side, SeesImages)), None)
    plain = Fusion(1.0, 1.0, 1.0, network=1.0 / fit_temperature(given.network[scored], labels[scored]))
    if sees is None:
        return plain, None, log_probabilities(plain.network * given.network)
    values = sees.embed_images(torch.from_numpy(np.array(given.prepared.images.pixels[given.train])))
    logits = np.zeros_like(given.network)
    for one in range(int(given.fold.max()) + 1):
        inside, held = given.fold != one, given.fold == one
        logits[held] = fit_head("logistic", values[inside], labels[inside], given.classes).apply(values[held])
    blend = stack([given.network[scored], logits[scored]], labels[scored], most=2)
    mixed = blend.apply([given.network, logits])
    shares = blend.shares / fit_temperature(mixed[scored], labels[scored])
    fusion = replace(plain, network=float(shares[0]), seen=float(shares[1]))
    final = fit_head("logistic", values, labels, given.classes)
    return fusion, final, log_probabilities(shares[0] * given.network + shares[1] * logits)


def fit_fusion(fusion: Fusion, image: Logits, text: Logits, labels: Indices, log_prior: Logits) -> Fusion:
    """The exponents that minimise the log loss of out-of-fold log probabilities (N, C), none below zero."""
    from scipy.optimize import minimize

    parts = np.stack([image, text, -np.broadcast_to(log_prior, image.shape)])
    rows = np.arange(len(labels))

    def loss(exponents: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logs = log_probabilities(np.tensordot(exponents, parts, axes=1))
        gap = np.exp(logs)
        gap[rows, labels] -= 1.0
        return -float(logs[rows, labels].mean()), np.einsum("gnc,nc->g", parts, gap) / len(labels)

    start = np.array([0.7, 0.7, 0.4])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0.0, 2.0)] * 3).x
    return replace(fusion, image=float(found[0]), text=float(found[1]), prior=float(found[2]))
