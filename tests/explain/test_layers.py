"""The stages of a network as one picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.explain.conftest import untrained
from tests.explain.test_methods import hub

from lince.explain.layers import CHANNELS, _channels, draw_layers, layers
from lince.models import build, entry_for
from lince.models.ensemble import Ensemble, group_of
from lince.models.network import Network


def image(side: int, channels: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (side, side, channels), np.uint8)


def test_each_stage_with_its_shape_and_what_the_head_reads() -> None:
    entry = entry_for("efficientnet-lite0")
    network = build(entry, 2, entry.image_spec(64), pretrained=False).eval()
    pixels = image(64, 3)
    found = list(layers(network, pixels))
    assert len(found) == len(network.stages)
    assert [layer.name for layer in found][:2] == ["stage 0", "stage 1"]
    assert [number for number, layer in enumerate(found) if layer.read] == list(network.taps)
    with torch.inference_mode():
        maps = network.maps(torch.from_numpy(pixels)[None])
    for layer, expected in zip([layer for layer in found if layer.read], maps, strict=True):
        torch.testing.assert_close(layer.values, expected[0])


def test_the_tokens_of_a_transformer_are_laid_out(tmp_path: Path) -> None:
    network = hub("vit", tmp_path / "tiny")
    assert [tuple(layer.values.shape) for layer in layers(network, image(32, 3))] == [(16, 4, 4)] * len(network.stages)


def test_of_an_ensemble_the_first_member_is_shown_at_its_own_size() -> None:
    group, heads = group_of([untrained(1), untrained(2)], side=32, mirrored=True)
    whole = Ensemble([group], [heads], [1.0], channels=3).eval()
    from lince.models.ensemble import member_pixels

    pixels = image(64, 3)
    own = member_pixels(torch.from_numpy(pixels)[None], 32, 1)[0].numpy()
    for found, expected in zip(layers(whole, pixels), layers(untrained(1), own), strict=True):
        torch.testing.assert_close(found.values, expected.values)
        assert (found.name, found.kind, found.read) == (expected.name, expected.kind, expected.read)


def test_the_most_varied_channels_come_first_each_on_its_own_scale() -> None:
    values = torch.zeros(20, 6, 6)
    for number in range(1, 20):
        values[number, 0, 0] = -float(number)
    tiles = _channels(values)
    assert len(tiles) == CHANNELS
    for tile in tiles:
        assert tile.shape == (6, 6, 1)
        assert tile[0, 0] == 0
        assert (tile[1:] == 255).all()
    assert not _channels(torch.full((1, 3, 3), 7.0))[0].any()


def test_the_picture_has_a_row_for_each_stage(trained: Network) -> None:
    short = draw_layers(trained, image(32, 1), title="short")
    entry = entry_for("efficientnet-lite0")
    deep = draw_layers(build(entry, 2, entry.image_spec(64), pretrained=False).eval(), image(64, 3), title="deep")
    assert short.mode == "RGB"
    rows = len(list(trained.stages)) + 1
    assert deep.height - short.height == pytest.approx((17 + 1 - rows) * 104, abs=60)
    assert deep.width == short.width
