from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from lince.core.errors import BundleError, MissingExtraError
from lince.models.text import TextSide
from lince.models.text.sentence import PACKAGE, SentenceSide


@pytest.fixture
def installed(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = ModuleType(PACKAGE)
    package.__file__ = str(tiny_bert.parent / "__init__.py")
    monkeypatch.setitem(sys.modules, PACKAGE, package)


@pytest.mark.usefixtures("installed")
def test_rows_have_length_one_and_do_not_depend_on_the_batch() -> None:
    side = SentenceSide.of_package()
    texts = ["lung", "the left lobe of the knee", "", "a knee"]
    found = side.embed(texts)
    assert isinstance(side, TextSide)
    assert found.shape == (4, 8)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), [1, 1, 0, 1], atol=1e-6)
    for number, text in enumerate(texts):
        np.testing.assert_allclose(side.embed([text])[0], found[number], atol=1e-5)
    assert np.abs(found[0] - found[3]).max() > 1e-3


@pytest.mark.usefixtures("installed")
def test_a_bundle_is_read_with_the_weights_it_was_trained_with() -> None:
    side = SentenceSide.of_package()
    again = SentenceSide.restore(side.facts(), side.arrays())
    np.testing.assert_allclose(again.embed(["lung"]), side.embed(["lung"]))
    with pytest.raises(BundleError, match="another version"):
        SentenceSide.restore({**side.facts(), "weights": "0" * 64}, {})


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, PACKAGE, None)
    with pytest.raises(MissingExtraError, match=r"lince-med\[text\]"):
        SentenceSide.of_package()
