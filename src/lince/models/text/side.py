"""What a text side can do, asked for instead of what it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import Tensor

Rows = NDArray[np.float32] | csr_matrix
"""(N, D) rows, dense or sparse; a text without anything to read is a row of zeros."""


@runtime_checkable
class TextSide(Protocol):
    """Texts to rows of numbers, the same in training and at prediction."""

    @property
    def name(self) -> str:
        """As the user names it: ``tfidf``, ``sentence`` or ``clip:NAME``."""
        ...

    def embed(self, texts: Sequence[str]) -> Rows:
        """N texts to (N, D) rows of length 1, or 0 where there is nothing to read."""
        ...

    def knows(self, text: str) -> bool:
        """Whether there is anything in a text that it can go by."""
        ...

    def facts(self) -> dict[str, Any]:
        """Plain data from which, with `arrays`, a bundle makes it again."""
        ...

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Numbers that belong to it; empty where its weights are those of a package or of the hub."""
        ...


@runtime_checkable
class SeesImages(Protocol):
    """A side that brings images and texts into one space, so that it knows classes by their names alone."""

    def embed_images(self, pixels: Tensor) -> NDArray[np.float32]:
        """(N, S, S, C) uint8 to (N, D) rows of length 1, in the space of the texts."""
        ...

    def zero_shot(self, images: NDArray[np.float32], names: Sequence[str]) -> NDArray[np.float32]:
        """(N, D) rows of images to logits (N, C) of classes that it knows by name only."""
        ...


# What tables write where there is nothing.
_NOTHING = frozenset({"", "-", "n/a", "nan", "none", "null", "left blank"})


def joined(attributes: Mapping[str, Any], fields: Sequence[str]) -> str:
    """The text of these attributes, one after the other; empty where there is none."""
    parts = [tidy(str(attributes[name])) for name in fields if attributes.get(name) is not None]
    return " ".join(part for part in parts if not says_nothing(part))


def says_nothing(text: str) -> bool:
    """Whether this is what tables write where there is nothing."""
    return tidy(text).casefold() in _NOTHING


def tidy(text: str | None) -> str:
    """A text on one line, without blanks at its ends; empty for none."""
    return " ".join((text or "").split())
