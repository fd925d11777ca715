"""Every text side there is, in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lince.core.errors import ConfigError
from lince.models.text.clip import PREFIX, ClipSide
from lince.models.text.sentence import NAME as SENTENCE
from lince.models.text.sentence import SentenceSide
from lince.models.text.side import TextSide
from lince.models.text.tfidf import NAME as TFIDF
from lince.models.text.tfidf import TfidfSide

Restore = Callable[[Mapping[str, Any], Mapping[str, NDArray[np.float32]]], TextSide]
_RESTORE: Mapping[str, Restore] = {
    TFIDF: TfidfSide.restore,
    SENTENCE: SentenceSide.restore,
    "clip": ClipSide.restore,
}


def side_names(text: str) -> tuple[str, ...]:
    """The sides of ``--text-side``: names with commas between them.

    Raises
    ------
    ConfigError
        There is no such side, none, or one twice.
    """
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    for name in names:
        if name not in (TFIDF, SENTENCE) and not name.startswith(PREFIX):
            raise ConfigError(
                "There is no text side of this name",
                received=name,
                fix=f"choose {TFIDF}, {SENTENCE} or {PREFIX}OWNER/NAME, or several with commas between them",
            )
    if not names or len(set(names)) != len(names):
        raise ConfigError("A text side is missing or named twice", received=text, fix=f"for example {TFIDF},{SENTENCE}")
    return names


def check_sides(text: str) -> None:
    """Refuse sides that cannot be had, before any work.

    Raises
    ------
    ConfigError
        See `side_names`.
    MissingExtraError, ModelUnavailableError
        The package or the model is not here.
    """
    for name in side_names(text):
        if name != TFIDF:
            make_side(name, ())


def make_side(name: str, texts: Sequence[str]) -> TextSide:
    """A side by its name, fitted to the texts of the training part where it learns from them.

    Raises
    ------
    MissingExtraError, ModelUnavailableError, ConfigError
        The package or the model is not here, or it is none of the kind.
    TrainingError
        The texts have no words.
    """
    if name == TFIDF:
        return TfidfSide.fit(texts)
    return SentenceSide.of_package() if name == SENTENCE else ClipSide(name)


def restore_side(facts: Mapping[str, Any], arrays: Mapping[str, NDArray[np.float32]]) -> TextSide:
    """The side whose facts and arrays a bundle holds.

    Raises
    ------
    KeyError, TypeError, ValueError
        They do not describe one.
    MissingExtraError, ModelUnavailableError, BundleError
        What it needs is not here, or is another version.
    """
    return _RESTORE[facts["side"]](facts, arrays)
