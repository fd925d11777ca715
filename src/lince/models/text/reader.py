"""What a bundle knows of text: sides with their linear heads, and how image and text are put together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lince.models.text.masking import hide
from lince.models.text.side import Rows, SeesImages, TextSide, joined, says_nothing, tidy
from lince.models.text.table import restore_side

Logits = NDArray[np.float64]
# Of a long text this many different words are tried; the encoders read little more.
_MOST_WORDS = 60
_WORDS_TOLD = 8


@final
@dataclass(frozen=True)
class LinearPart:
    """Rows (N, D) to logits (N, C): ``rows @ weight + bias``."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def apply(self, rows: Rows) -> Logits:
        """Double precision, each row by itself."""
        return np.asarray(rows @ self.weight, dtype=np.float64) + self.bias


@final
@dataclass(frozen=True)
class Fusion:
    """How log probabilities of image and text become one: a product of experts with learned exponents.

    ``image * log p(class | image) + text * log p(class | text) - prior * log p(class)``. With 1, 1, 1 it is Bayes' rule
    for image and text that are independent given the class (Hinton, "Training products of experts by minimizing
    contrastive divergence", Neural Computation 14, 2002). ``network`` and ``seen`` say how the logits of the network
    and those of the encoder that sees images are added up.
    """

    image: float
    text: float
    prior: float
    network: float = 1.0
    seen: float = 0.0


@final
@dataclass(frozen=True)
class TextReader:
    """Texts, or images and texts, to logits.

    Attributes
    ----------
    sides, heads
        Each side with the linear head on its rows.
    seen
        A head on the rows that a dual encoder makes of images; None without one.
    fusion
        How both are put together.
    log_prior
        (C,) logarithms of the class frequencies in training.
    fields
        Attributes of a sample that are read, in this order.
    mask
        Terms that are hidden from every text.
    """

    sides: tuple[TextSide, ...]
    heads: tuple[LinearPart, ...]
    seen: LinearPart | None
    fusion: Fusion
    log_prior: NDArray[np.float64]
    fields: tuple[str, ...]
    mask: tuple[str, ...] = ()

    def text_of(self, attributes: Mapping[str, Any]) -> str | None:
        """What is read of a sample; None where it has none of the fields."""
        return joined(attributes, self.fields) or None

    def reads(self, text: str | None) -> bool:
        """Whether anything that a side knows is left of a text after masking."""
        left = "" if says_nothing(text or "") else hide(tidy(text), self.mask)
        return any(side.knows(left) for side in self.sides)

    def text_logits(self, texts: Sequence[str]) -> Logits:
        """N texts to log probabilities (N, C)."""
        hidden = [hide(tidy(text), self.mask) for text in texts]
        parts = [head.apply(side.embed(hidden)) for side, head in zip(self.sides, self.heads, strict=True)]
        return log_probabilities(np.sum(parts, axis=0))

    def image_logits(self, logits: NDArray[np.floating], pixels: Tensor | None) -> Logits:
        """Logits (N, C) of the network to log probabilities (N, C).

        ``pixels`` are the images (N, S, S, C) uint8 themselves, which only an encoder that sees images looks at.
        """
        found = self.fusion.network * np.asarray(logits, dtype=np.float64)
        sees = next((side for side in self.sides if isinstance(side, SeesImages)), None)
        if self.seen is not None and sees is not None and pixels is not None:
            found = found + self.fusion.seen * self.seen.apply(sees.embed_images(pixels))
        return log_probabilities(found)

    def fuse(self, image: Logits, text: Logits) -> Logits:
        """Log probabilities (N, C) of both to logits (N, C)."""
        own = self.fusion
        return own.image * image + own.text * text - own.prior * self.log_prior

    def words(self, text: str, image: Logits | None, chosen: int) -> tuple[tuple[str, float], ...]:
        """The words of a text that counted most for the class ``chosen``, the strongest first.

        Occlusion (Zeiler and Fergus, ECCV 2014; for words Li, Monroe and Jurafsky, arXiv:1612.08220): by how much the
        log odds of the class fall when every occurrence of the word is left out. Below zero where the word speaks
        against the class. ``image`` is (1, C), None without an image.
        """
        from scipy.special import logsumexp

        hidden = hide(tidy(text), self.mask)
        spoken = list(dict.fromkeys(word.casefold() for word in re.findall(r"\w+", hidden)))[:_MOST_WORDS]
        if not spoken:
            return ()
        without = [re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", " ", hidden, flags=re.IGNORECASE) for word in spoken]
        found = self.text_logits([hidden, *without])
        if image is not None:
            found = self.fuse(np.repeat(image, len(found), axis=0), found)
        own = found[:, chosen] - logsumexp(np.delete(found, chosen, axis=1), axis=1)
        weights = own[0] - own[1:]
        order = np.argsort(-np.abs(weights), kind="stable")[:_WORDS_TOLD]
        return tuple((spoken[number], round(float(weights[number]), 4)) for number in order)

    def facts(self) -> dict[str, Any]:
        """Plain data; with `arrays` it makes the reader again."""
        return {
            "sides": [side.facts() for side in self.sides],
            "fusion": asdict(self.fusion),
            "fields": list(self.fields),
            "mask": list(self.mask),
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Numbers by name."""
        found: dict[str, NDArray[Any]] = {"log_prior": self.log_prior}
        for number, (side, head) in enumerate(zip(self.sides, self.heads, strict=True)):
            found |= {f"{number}.{name}": np.ascontiguousarray(value) for name, value in side.arrays().items()}
            found |= _named(f"{number}.head", head)
        if self.seen is not None:
            found |= _named("seen", self.seen)
        return found

    @classmethod
    def restore(cls, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], *, classes: int) -> TextReader:
        """The reader whose facts and arrays a bundle holds.

        Raises
        ------
        KeyError, TypeError, ValueError
            They do not describe one with so many classes.
        MissingExtraError, ModelUnavailableError, BundleError
            What a side needs is not here, or is another version.
        """
        sides, heads = [], []
        for number, known in enumerate(facts["sides"]):
            own = {name.partition(".")[2]: v for name, v in arrays.items() if name.startswith(f"{number}.")}
            sides.append(restore_side(known, own))
            heads.append(LinearPart(own["head.weight"], own["head.bias"]))
            _check(heads[-1], int(sides[-1].embed(["x"]).shape[1]), classes)
        seen = LinearPart(arrays["seen.weight"], arrays["seen.bias"]) if "seen.weight" in arrays else None
        log_prior = np.asarray(arrays["log_prior"], dtype=np.float64)
        if not sides or log_prior.shape != (classes,):
            raise ValueError("the number of classes is another")
        if not all(np.isfinite(value).all() for value in arrays.values() if value.dtype.kind == "f"):
            raise ValueError("a weight is no finite number")
        fields, mask = tuple(facts["fields"]), tuple(facts["mask"])
        if not all(isinstance(word, str) for word in (*fields, *mask)):
            raise TypeError("a name is no text")
        fusion = {name: float(value) for name, value in facts["fusion"].items()}
        if not np.isfinite([*fusion.values()]).all():
            raise ValueError("an exponent is no finite number")
        return cls(tuple(sides), tuple(heads), seen, Fusion(**fusion), log_prior, fields, mask)


def log_probabilities(logits: NDArray[np.floating]) -> Logits:
    """(N, C) logits to log probabilities (N, C)."""
    from scipy.special import log_softmax

    return np.asarray(log_softmax(np.asarray(logits, dtype=np.float64), axis=1))


def _named(prefix: str, part: LinearPart) -> dict[str, NDArray[Any]]:
    return {f"{prefix}.weight": np.ascontiguousarray(part.weight), f"{prefix}.bias": np.ascontiguousarray(part.bias)}


def _check(head: LinearPart, width: int, classes: int) -> None:
    if head.weight.shape != (width, classes) or head.bias.shape != (classes,):
        raise ValueError("the arrays do not fit one another")
