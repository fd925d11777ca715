"""TF-IDF: the words and parts of words of a text, weighed by how few texts have them. No download, no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from lince.core.errors import BundleError, TrainingError

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import TfidfVectorizer

NAME = "tfidf"
# Words and pairs of words know what is said; pieces of words bridge endings, spelling and rare compounds.
_PARTS: Mapping[str, Mapping[str, Any]] = {
    "words": {"analyzer": "word", "ngram_range": (1, 2), "sublinear_tf": True},
    "pieces": {"analyzer": "char_wb", "ngram_range": (2, 5), "sublinear_tf": True, "min_df": 2},
}
# Shorter pieces are in nearly every text of any language.
_LEAST_PIECE = 4
# Both parts have length 1; together they have, too.
_HALF = float(np.sqrt(0.5))


@final
class TfidfSide:
    """Words and pairs of words (1 to 2), and pieces of 2 to 5 letters, each with its inverse document frequency.

    Term counts are dampened by a logarithm (Salton and Buckley, "Term-weighting approaches in automatic text
    retrieval", Information Processing and Management 24, 1988).
    """

    def __init__(self, parts: Mapping[str, TfidfVectorizer]) -> None:
        self._parts = dict(parts)

    @classmethod
    def fit(cls, texts: Sequence[str]) -> TfidfSide:
        """Learn the vocabulary from the texts of the training part, once each.

        Raises
        ------
        TrainingError
            The texts have no words.
        """
        from sklearn.feature_extraction.text import TfidfVectorizer

        made = {}
        for part, settings in _PARTS.items():
            try:
                made[part] = TfidfVectorizer(**settings).fit(texts)
            except ValueError as error:
                raise TrainingError(
                    "The texts of the training part have too few words to learn from",
                    received=f"{len(texts)} texts",
                    fix="name other attributes with --text, or train on the images alone",
                ) from error
        return cls(made)

    @classmethod
    def restore(cls, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[np.float32]]) -> TfidfSide:
        """The side whose `facts` and `arrays` a bundle holds.

        Raises
        ------
        BundleError
            They do not fit one another.
        """
        from sklearn.feature_extraction.text import TfidfVectorizer

        made = {}
        for part, settings in _PARTS.items():
            words, weights = list(facts["vocabulary"][part]), np.asarray(arrays[f"{part}.idf"], dtype=np.float64)
            if not words or len(set(words)) != len(words) or weights.shape != (len(words),):
                raise BundleError("The vocabulary of this bundle does not fit its weights", fix="train again")
            own = {name: value for name, value in settings.items() if name != "min_df"}
            made[part] = TfidfVectorizer(**own, vocabulary={word: number for number, word in enumerate(words)})
            made[part].idf_ = weights
        return cls(made)

    @property
    def name(self) -> str:
        """As the user names it."""
        return NAME

    def embed(self, texts: Sequence[str]) -> csr_matrix:
        """N texts to sparse (N, D) float32 rows."""
        found = hstack([part.transform(texts) for part in self._parts.values()])
        return csr_matrix(found * _HALF, dtype=np.float32)

    def knows(self, text: str) -> bool:
        """Whether it met a word of the text in training, or a piece that is long enough to be of one."""
        return any(
            telling[self._parts[part].transform([text]).indices].any() for part, telling in self._telling.items()
        )

    @cached_property
    def _telling(self) -> dict[str, NDArray[np.bool_]]:
        """For each part (D,) which of its columns are words, or pieces of `_LEAST_PIECE` letters and more."""
        return {
            part: np.array(
                [part == "words" or len(one.strip()) >= _LEAST_PIECE for one in made.get_feature_names_out()]
            )
            for part, made in self._parts.items()
        }

    def facts(self) -> dict[str, Any]:
        """The vocabulary of each part, in the order of its columns."""
        words = {part: [str(one) for one in made.get_feature_names_out()] for part, made in self._parts.items()}
        return {"side": NAME, "vocabulary": words}

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Inverse document frequencies (D,) of each part."""
        return {f"{part}.idf": made.idf_.astype(np.float32) for part, made in self._parts.items()}
