from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from lince.core.errors import ConfigError, ModelUnavailableError
from lince.models.text import SeesImages, TextSide
from lince.models.text.clip import ClipSide


def test_images_and_texts_lie_in_one_space(tiny_clip: Path) -> None:
    side = ClipSide(f"clip:{tiny_clip}")
    assert isinstance(side, TextSide)
    assert isinstance(side, SeesImages)
    pixels = torch.randint(0, 256, (3, 40, 40, 3), dtype=torch.uint8)
    texts, images = side.embed(["left lung", "", "a knee"]), side.embed_images(pixels)
    assert texts.shape == images.shape == (3, 6)
    np.testing.assert_allclose(np.linalg.norm(texts, axis=1), [1, 0, 1], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(images, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(side.embed_images(pixels[1:2])[0], images[1], atol=1e-5)


def test_classes_are_known_by_their_names(tiny_clip: Path) -> None:
    side = ClipSide(f"clip:{tiny_clip}")
    towards = side.embed([f"a medical image of {name}" for name in ("lung", "knee")])
    logits = side.zero_shot(towards, ("lung", "knee"))
    assert logits.shape == (2, 2)
    assert np.argmax(logits - logits.mean(axis=0), axis=1).tolist() == [0, 1]


def test_a_bundle_finds_it_again_by_its_facts(tiny_clip: Path) -> None:
    side = ClipSide(f"clip:{tiny_clip}")
    again = ClipSide.restore(side.facts(), {})
    assert again.name == side.name
    np.testing.assert_allclose(again.embed(["lung"]), side.embed(["lung"]))


def test_offline_it_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lince.models.text.clip.within_reach", lambda: False)
    with pytest.raises(ModelUnavailableError, match="neither on this machine nor within reach"):
        ClipSide("clip:nobody/no-such-model")


def test_a_model_of_another_kind_is_refused(tiny_bert: Path) -> None:
    with pytest.raises(ConfigError, match="one space"):
        ClipSide(f"clip:{tiny_bert}")
    with pytest.raises(ConfigError, match="needs a name"):
        ClipSide("clip:")
