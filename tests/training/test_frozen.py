"""Heads on frozen networks: what is served is what was weighed, and a bundle can be built again from its record."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lince.core.events import EventBus
from lince.imaging import ImageArray, ImageSpec
from lince.models.ensemble import Ensemble, build_ensemble
from lince.training import frozen as module
from lince.training.blend import Blend
from lince.training.frozen import embed, fit_frozen, members
from lince.training.options import TrainOptions

SIDE, CLASSES = 32, 3
OPTIONS = TrainOptions(preset="fast", image_size=SIDE, text=("caption",))
LABELS = np.arange(45) % CLASSES
FOLD = np.arange(45) % 5


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    """Stripes of a width of its own for each class, under noise."""
    random = np.random.default_rng(0)
    waves = [np.sin(np.arange(SIDE) * (0.4 + 0.5 * label))[None, :, None] for label in LABELS]
    return (
        np.stack([128 + 60 * wave + random.normal(0, 25, (SIDE, SIDE, 3)) for wave in waves]).clip(0, 255).astype("u1")
    )


def fitted(pixels: np.ndarray) -> tuple[Ensemble, dict, np.ndarray]:
    bus, images = EventBus(), ImageArray(pixels, np.arange(len(pixels)), (), ())
    seen = embed(images, members(OPTIONS), OPTIONS, bus)
    rows = np.arange(len(pixels))
    network, record, logits = fit_frozen(
        seen, rows, LABELS, FOLD, classes=CLASSES, channels=3, options=OPTIONS, bus=bus
    )
    assert record.facts is not None
    return network, dict(record.facts), logits


@pytest.mark.parametrize(
    ("shares", "linear"), [((0.3, 0.7), [True, False]), ((0.0, 2.0), [False]), ((2.0, 0.0), [True])]
)
def test_what_is_served_is_the_blend_and_survives_its_record(
    pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch, shares: tuple[float, float], linear: list[bool]
) -> None:
    monkeypatch.setattr(module, "stack", lambda logits, truth, most: Blend(np.array(shares), np.array(shares)))
    network, facts, _ = fitted(pixels)
    (told,) = facts["members"]
    assert [count == 0 for count in told["landmarks"]] == linear
    assert told["branches"] == len(linear)
    assert told["mirrored"]
    again = build_ensemble(facts, CLASSES, ImageSpec(size=SIDE))
    again.load_state_dict(network.state_dict())
    batch = torch.from_numpy(pixels[:7])
    with torch.inference_mode():
        served = network(batch)
        torch.testing.assert_close(again.eval()(batch), served)
        # The group is the mean over views and heads; each head was scaled so that this is the sum of the shares.
        each = network.head.each(*network.maps(batch))[0]
        torch.testing.assert_close(each.mean(dim=(0, 1)) * sum(shares), served)
    assert (served.argmax(1).numpy() == LABELS[:7]).mean() > 0.8


def test_out_of_fold_logits_are_of_heads_that_did_not_see_the_image(pixels: np.ndarray) -> None:
    random = np.random.default_rng(1).permutation(LABELS)
    bus, images = EventBus(), ImageArray(pixels, np.arange(len(pixels)), (), ())
    seen = embed(images, members(OPTIONS), OPTIONS, bus)
    known = {"classes": CLASSES, "channels": 3, "options": OPTIONS, "bus": bus}
    rows, fold = np.arange(len(pixels)), np.where(np.arange(45) < 4, -1, FOLD)
    network, _, logits = fit_frozen(seen, rows, random, fold, **known)
    assert not logits[:4].any(), "what is never held out has no such logits"
    with torch.inference_mode():
        own = network(torch.from_numpy(pixels)).argmax(1).numpy()
    assert (logits[4:].argmax(1) == random[4:]).mean() < 0.6 < (own == random).mean()
    _, _, right = fit_frozen(seen, rows, LABELS, FOLD, **known)
    assert (right.argmax(1) == LABELS).mean() > 0.8
