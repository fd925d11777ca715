"""From logits to answers: image and text put together, the limits that hold for what there was, the decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, final

import numpy as np
from numpy.typing import NDArray

from lince.core.errors import ConfigError
from lince.core.types import Prediction, decide
from lince.inference.bundle import Bundle
from lince.inference.prepared import Prepared
from lince.trust import Novelty, Trust, is_blank

if TYPE_CHECKING:
    from torch import Tensor

    from lince.models.text import TextReader

Words = tuple[tuple[str, float], ...]


@final
@dataclass(frozen=True)
class Answering:
    """What a bundle decides by.

    Attributes
    ----------
    bundle, reader
        The bundle, and what it reads text with; None where it sees images alone.
    referred
        Share of the images that a person should decide; None for none.
    """

    bundle: Bundle
    reader: TextReader | None
    referred: float | None

    @classmethod
    def of(cls, bundle: Bundle, referred: float | None) -> Self:
        """With the reader of the bundle.

        Raises
        ------
        ConfigError
            The bundle had no images to learn a limit for that share from, or the share is none.
        """
        if referred is not None:
            _limit_of(bundle, bundle.trust, referred)
        return cls(bundle, bundle.text_reader(), referred)

    def known_reader(self) -> TextReader:
        """What reads the captions.

        Raises
        ------
        ConfigError
            The bundle sees images alone.
        """
        if self.reader is None:
            raise ConfigError(
                "This bundle sees images alone and reads no caption",
                received=self.bundle.path,
                fix="leave the caption out, or train with --text caption",
            )
        return self.reader

    def check_caption(self, caption: str | None, *, alone: bool) -> str | None:
        """The caption if it has words that are read, else None.

        Raises
        ------
        ConfigError
            The bundle sees images alone; or nothing is left to go by.
        """
        text = " ".join((caption or "").split()) or None
        if text is not None:
            self.known_reader()
        if self.reader is None and alone:
            raise ConfigError("There is no image", received=self.bundle.path, fix="give an image")
        if self.reader is not None and not self.reader.reads(text):
            if alone:
                hidden = " (the words of its classes are hidden from it)" if self.reader.mask else ""
                raise ConfigError(
                    f"There is neither an image nor a caption with words that this model knows{hidden}",
                    received=text,
                    fix="give an image, a caption or both",
                )
            return None
        return text

    def logits(
        self, network: NDArray[np.floating], pixels: Tensor, images: Sequence[bool], texts: Sequence[str | None]
    ) -> NDArray[np.floating]:
        """(N, C) logits for what there is of each.

        Parameters
        ----------
        network
            (N, C) logits of the network.
        pixels
            (N, S, S, C) uint8 images.
        images
            Whether there is an image, not a caption alone.
        texts
            What is read; None where there is nothing.
        """
        reader = self.reader
        if reader is None:
            return network
        found = reader.image_logits(network, pixels)
        read = self._read(texts)
        if not read.any():
            return found
        seen = np.asarray(images, dtype=bool)
        words = reader.text_logits([text or "" for text, known in zip(texts, read, strict=True) if known])
        both = np.where(seen[read, None], reader.fuse(found[read], words), words)
        found[read] = both
        return found

    def probabilities(
        self, logits: NDArray[np.floating], images: Sequence[bool], texts: Sequence[str | None]
    ) -> NDArray[np.float64]:
        """(N, C) calibrated by the limits that hold for each."""
        found = self.bundle.trust.calibration.apply(logits)
        if self.reader is None:
            return found
        for row, (seen, read) in enumerate(zip(images, self._read(texts), strict=True)):
            trust = self._limits(seen, bool(read))[0]
            if trust is not self.bundle.trust:
                found[row] = trust.calibration.apply(logits[row : row + 1])[0]
        return found

    def image_alone(
        self, network: NDArray[np.floating], pixels: Tensor, items: Sequence[Prepared]
    ) -> list[tuple[str, float] | None]:
        """Class and confidence that each image would have without its caption; None where it has none."""
        reader, labels = self.reader, self.bundle.labels
        found: list[tuple[str, float] | None] = [None] * len(items)
        if reader is None:
            return found
        trust, threshold = self._limits(True, False)
        for row, item in enumerate(items):
            if item.has_image and item.caption is not None:
                part = slice(row, row + 1)
                values = trust.calibration.apply(reader.image_logits(network[part], pixels[part]))[0].tolist()
                chosen = decide(values, labels, threshold)[0]
                found[row] = (labels.names[chosen], values[chosen])
        return found

    def words(
        self,
        network: NDArray[np.floating],
        pixels: Tensor,
        items: Sequence[Prepared],
        rows: NDArray[np.float64],
        wanted: Sequence[bool] | None,
    ) -> list[Words | None]:
        """For each item the words that counted for its most likely class; None where it is not asked for."""
        reader = self.reader
        found: list[Words | None] = [None] * len(items)
        if reader is None:
            return found
        for row, item in enumerate(items):
            if wanted is not None and wanted[row] and item.caption is not None:
                part = slice(row, row + 1)
                image = reader.image_logits(network[part], pixels[part]) if item.has_image else None
                chosen = decide(rows[row].tolist(), self.bundle.labels, self._limits(item.has_image, True)[1])[0]
                found[row] = reader.words(item.caption, image, chosen)
        return found

    def prediction(
        self,
        item: Prepared,
        row: NDArray[np.float64],
        strange: tuple[float | None, tuple[str, ...]],
        words: Words | None,
        image_alone: tuple[str, float] | None,
    ) -> Prediction:
        """What is said of one item by its (C,) calibrated probabilities."""
        labels, spec = self.bundle.labels, self.bundle.spec
        trust, threshold = self._limits(item.has_image, item.caption is not None)
        values = row.tolist()
        chosen, by_threshold = decide(values, labels, threshold)
        possible = trust.set_of(values, labels)
        novelty, reasons = strange
        top, left, bottom, right = spec.content_box(item.height, item.width)
        flags = {
            "low_confidence": values[chosen] < trust.low_confidence,
            "cannot_tell": trust.undecided(possible, labels.names[chosen], labels),
            "refer": self._refers(trust, values[chosen]),
            "conflict": self._conflict(image_alone, labels.names[chosen]),
            "out_of_distribution": novelty is not None and novelty > 1.0,
            "blank": item.has_image and is_blank(item.pixels[top:bottom, left:right]),
        }
        return Prediction(
            name=item.name,
            label=labels.names[chosen],
            confidence=values[chosen],
            probabilities=dict(zip(labels.names, values, strict=True)),
            flags=tuple(flag for flag, raised in flags.items() if raised),
            positive=labels.positive,
            threshold=threshold,
            decided_by_threshold=by_threshold,
            model_id=self.bundle.model_id,
            input_sha256=item.input_sha256,
            prediction_set=possible,
            novelty=novelty,
            reasons=reasons,
            inputs=(*(["image"] if item.has_image else []), *(["caption"] if item.caption is not None else [])),
            words=words,
            image_alone=image_alone,
        )

    def _refers(self, trust: Trust, confidence: float) -> bool:
        return self.referred is not None and confidence < _limit_of(self.bundle, trust, self.referred)

    def _conflict(self, image_alone: tuple[str, float] | None, label: str) -> bool:
        """Whether the image by itself is surely something else: the caption may be another image's."""
        if image_alone is None:
            return False
        own, confidence = image_alone
        return own != label and confidence >= self._limits(True, False)[0].low_confidence

    def _read(self, texts: Sequence[str | None]) -> NDArray[np.bool_]:
        reader = self.reader
        return np.array([reader is not None and reader.reads(text) for text in texts], dtype=bool)

    def _limits(self, seen: bool, read: bool) -> tuple[Trust, float | None]:
        """The limits and the operating point for an image, a text or both."""
        text = self.bundle.manifest.text
        alone = None if text is None or (seen and read) else text.image if seen else text.text
        if alone is None:
            return self.bundle.trust, self.bundle.threshold
        return alone.trust, alone.operating_point.threshold if alone.operating_point else None


def _limit_of(bundle: Bundle, trust: Trust, share: float) -> float:
    """The confidence under which a decision by these limits is referred, so that this share of the images is."""
    referral = trust.referral or bundle.trust.referral
    if referral is None:
        raise ConfigError(
            "This bundle does not know which of its predictions to refer: it had no validation images",
            received=bundle.path,
        )
    return referral.limit(share)


def strangeness(
    novelty: Novelty | None, items: Sequence[Prepared], features: NDArray[np.float32]
) -> list[tuple[float | None, tuple[str, ...]]]:
    """For each image the distance from the training images, and what is unusual where it is too far.

    ``features`` are (N, D), of the network.
    """
    if novelty is None:
        return [(None, ())] * len(items)
    pictures = np.stack([item.statistics for item in items])
    scores = novelty.scores(features, pictures).tolist()
    return [
        (score, novelty.reasons(picture) if score > 1.0 else ()) if item.has_image else (None, ())
        for item, score, picture in zip(items, scores, pictures, strict=True)
    ]
