"""A frozen network as a function: order, shapes, and sizes it was not made for."""

from __future__ import annotations

import numpy as np
import pytest

from lince.core.errors import ConfigError
from lince.models.embedding import Embedder


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder()


def test_embeddings_follow_the_images_whatever_the_batch(embedder: Embedder) -> None:
    images = np.random.default_rng(0).integers(0, 256, (70, 64, 64, 3), np.uint8)
    whole = embedder(images)
    assert whole.shape == (70, embedder.width)
    assert whole.dtype == np.float32
    np.testing.assert_allclose(embedder(images[65:67]), whole[65:67], atol=0.05)
    assert np.abs(whole[0] - whole[1]).max() > 0.05


@pytest.mark.parametrize("shape", [(2, 28, 28, 1), (2, 100, 100, 3)])
def test_other_sizes_and_grey_images_are_made_to_fit(embedder: Embedder, shape: tuple[int, ...]) -> None:
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    assert np.isfinite(embedder(images)).all()


def test_no_images_give_no_embeddings(embedder: Embedder) -> None:
    assert embedder(np.empty((0, 64, 64, 3), np.uint8)).shape == (0, embedder.width)


def test_a_model_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="no model of this name"):
        Embedder("resnet-9000")
