"""Image alone, text alone and both, side by side: what each of them is worth, and the limits that hold for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from lince.core.events import Event, EventBus, Noticed
from lince.evaluation import EvaluationError
from lince.inference.limits import fit_limits
from lince.inference.predictor import Predictor
from lince.inference.records import AloneRecord, TextRecord
from lince.models.text import SeesImages, TextReader
from lince.training.options import TrainOptions

if TYPE_CHECKING:
    from lince.training.prepared import Prepared
    from lince.training.reporting import Part

Logits = NDArray[np.float64]
_SENTENCES = {
    "en": "Accuracy ({part}, {n} images): {each}",
    "pt": "Exatidão ({part}, {n} imagens): {each}",
}
_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "image": "image alone", "text": "text alone", "both": "image and text", "macro_f1": "macro F1",
        "text_unmasked": "text alone with the class words", "both_unmasked": "both with the class words",
        "zero_shot": "by class names alone", "val": "validation", "test": "test",
    },
    "pt": {
        "image": "só imagem", "text": "só texto", "both": "imagem e texto", "macro_f1": "F1 macro",
        "text_unmasked": "só texto com as palavras das classes", "both_unmasked": "ambos com as palavras das classes",
        "zero_shot": "só pelos nomes das classes", "val": "validação", "test": "teste",
    },
}  # fmt: skip


def text_record(reader: TextReader) -> TextRecord:
    """What the manifest says of the reader, before limits are known."""
    return TextRecord(sides=tuple(side.name for side in reader.sides), fields=reader.fields, mask=reader.mask)


def limits_alone(
    reader: TextReader, predictor: Predictor, prepared: Prepared, part: Part, options: TrainOptions, *, weights: str
) -> TextRecord:
    """The record with the limits for images without text, and for texts without image, from the validation part."""
    image, text, _ = _alone(reader, predictor, prepared, part)
    silent = EventBus()
    found: dict[str, AloneRecord | None] = {}
    read = _read(reader, prepared, part)
    for name, logits, rows in (("image", image, np.ones(len(part.rows), dtype=bool)), ("text", text, read)):
        chosen = part.rows[rows]
        groups = (
            None if part.groups is None else [group for group, there in zip(part.groups, rows, strict=True) if there]
        )
        try:
            limits = fit_limits(
                logits[rows],
                prepared.labels[chosen],
                prepared.collection.labels,
                groups=groups,
                aim=options.aim,
                seed=options.seed,
                bus=silent,
            )
        except EvaluationError:  # no text in one of the classes: the limits for both have to do
            found[name] = None
            continue
        point = limits.record(options.aim, "validation", weights)
        found[name] = AloneRecord(trust=limits.trust, operating_point=point)
    return text_record(reader).model_copy(update=found)


def compare_sides(
    reader: TextReader,
    unmasked: TextReader | None,
    predictor: Predictor,
    prepared: Prepared,
    part: Part,
) -> dict[str, Any]:
    """Accuracy and macro F1 of the most likely class by image, by text and by both, of the same images.

    Images without a text count as wrong for text alone and are decided by the image for both. With ``unmasked``, a
    reader from which no words were hidden, its figures stand beside; with an encoder that knows classes by their
    names, so do those of the names alone.
    """
    truth = prepared.labels[part.rows]
    image, text, network = _alone(reader, predictor, prepared, part)
    tables = {"image": image, **_with_text(reader, image, text, _read(reader, prepared, part))}
    if unmasked is not None:
        image, text, _ = _alone(unmasked, predictor, prepared, part, network)
        more = _with_text(unmasked, image, text, _read(unmasked, prepared, part))
        tables |= {f"{name}_unmasked": table for name, table in more.items()}
    sees = next((side for side in reader.sides if isinstance(side, SeesImages)), None)
    if sees is not None:
        seen = sees.embed_images(torch.from_numpy(np.array(prepared.images.pixels[part.rows])))
        tables["zero_shot"] = np.asarray(sees.zero_shot(seen, prepared.collection.labels.names), dtype=np.float64)
    return {"n": len(truth), **{name: _figures(truth, table) for name, table in tables.items()}}


def sentence(part: str, figures: Mapping[str, Any], language: Literal["en", "pt"]) -> str:
    """The figures of `compare_sides` in words."""
    words = _WORDS[language]
    each = "; ".join(
        f"{words[name]} {100 * own['accuracy']:.1f} % ({words['macro_f1']} {own['macro_f1']:.2f})"
        for name, own in figures.items()
        if name != "n"
    )
    return _SENTENCES[language].format(part=words[part], n=figures["n"], each=each)


def tell(figures: Mapping[str, Mapping[str, Any]], bus: EventBus) -> None:
    """Publish the sentences of all parts."""
    for part, own in figures.items():
        event: Event = Noticed(sentence(part, own, "en"))
        bus.publish(event)


def _texts(reader: TextReader, prepared: Prepared, part: Part) -> list[str | None]:
    return [reader.text_of(prepared.collection.samples[row].attributes) for row in part.rows]


def _read(reader: TextReader, prepared: Prepared, part: Part) -> NDArray[np.bool_]:
    return np.array([reader.reads(text) for text in _texts(reader, prepared, part)], dtype=bool)


def _alone(
    reader: TextReader, predictor: Predictor, prepared: Prepared, part: Part, network: Logits | None = None
) -> tuple[Logits, Logits, Logits]:
    """(N, C) log probabilities by image and by text, and the logits of the network."""
    pixels = prepared.images.pixels
    if network is None:
        network = np.asarray(predictor.network_logits(pixels, part.rows), dtype=np.float64)
    shown = None if reader.seen is None else torch.from_numpy(np.array(pixels[part.rows]))
    images = reader.image_logits(network, shown)
    texts: Sequence[str] = [text or "" for text in _texts(reader, prepared, part)]
    return images, reader.text_logits(texts), network


def _with_text(reader: TextReader, image: Logits, text: Logits, read: NDArray[np.bool_]) -> dict[str, Logits]:
    nothing = np.full_like(text, np.nan)
    return {
        "text": np.where(read[:, None], text, nothing),
        "both": np.where(read[:, None], reader.fuse(image, text), image),
    }


def _figures(truth: NDArray[np.int64], table: Logits) -> dict[str, float]:
    from sklearn.metrics import f1_score

    said = np.where(np.isnan(table).any(axis=1), -1, np.nan_to_num(table).argmax(axis=1))
    return {
        "accuracy": float((said == truth).mean()),
        "macro_f1": float(f1_score(truth, said, average="macro", labels=np.unique(truth), zero_division=0)),
    }
