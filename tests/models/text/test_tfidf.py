from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from lince.core.errors import BundleError, TrainingError
from lince.models.text import TextSide
from lince.models.text.tfidf import TfidfSide

TEXTS = ("Axial CT of the left lung", "left lung opacity, seen on CT", "sagittal T2 of the spine", "")


def test_words_and_pieces_are_those_of_scikit_learn() -> None:
    found = TfidfSide.fit(TEXTS).embed(TEXTS).toarray()
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit_transform(TEXTS).toarray()
    np.testing.assert_allclose(found[:, : words.shape[1]], words * np.sqrt(0.5), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found[:3], axis=1), 1.0, atol=1e-6)
    assert not found[3].any()


def test_it_comes_back_from_json_and_arrays() -> None:
    side = TfidfSide.fit(TEXTS)
    facts = json.loads(json.dumps(side.facts()))
    again = TfidfSide.restore(facts, side.arrays())
    assert isinstance(again, TextSide)
    asked = ["opacity of the SPINE", "words never met: zebra"]
    np.testing.assert_allclose(again.embed(asked).toarray(), side.embed(asked).toarray(), atol=1e-6)
    assert again.facts() == side.facts()


def test_a_vocabulary_that_does_not_fit_is_refused() -> None:
    side = TfidfSide.fit(TEXTS)
    facts = side.facts()
    facts["vocabulary"]["words"].append("more")
    with pytest.raises(BundleError, match="vocabulary"):
        TfidfSide.restore(facts, side.arrays())


def test_texts_without_words_are_no_training() -> None:
    with pytest.raises(TrainingError, match="too few words"):
        TfidfSide.fit(["", "."])
