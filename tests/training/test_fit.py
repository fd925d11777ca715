"""One phase: history, early stop, best weights, and a loss that is no number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from lince.core.errors import TrainingError
from lince.core.events import EpochFinished, Event, EventBus
from lince.models import build, entry_for
from lince.models.network import Network
from lince.training.activations import Activations
from lince.training.fit import PhaseData, PhaseResult, fit
from lince.training.losses import Balance, Imbalance
from lince.training.plan import Phase

ENTRY = entry_for("small-cnn")


class Array:
    """Pixels as one view."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels
        self.shape = (1, *pixels.shape)

    def __getitem__(self, key: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        return self.pixels[key[1]]


def data(*, learnable: bool = True) -> PhaseData:
    """Bright and dark images; otherwise validation says the opposite of training."""
    random = np.random.default_rng(0)
    parts = []
    for count, sign in ((24, 1), (12, 1 if learnable else -1)):
        labels = np.arange(count) % 2
        pixels = random.integers(0, 60, (count, 16, 16, 1)) + 120 + sign * 60 * (2 * labels - 1)[:, None, None, None]
        parts.append((Activations(Array(pixels.astype(np.uint8)), np.arange(count)), labels.astype(np.int64)))
    return PhaseData(*parts[0], *parts[1])


def run(
    folder: Path, given: PhaseData, *, epochs: int = 4, patience: int = 10, poisoned: bool = False
) -> tuple[Network, PhaseResult, list[Event]]:
    torch.manual_seed(0)
    network = build(ENTRY, 2, ENTRY.image_spec(16))
    if poisoned:
        network.head.shift_logits(torch.tensor([float("nan"), 0.0]))
    phase = Phase(
        name="p", boundary=0, views=1, epochs=epochs, learning_rate=1e-3, weight_decay=0, patience=patience,
        batch_size=8,
    )  # fmt: skip
    heard: list[Event] = []
    bus = EventBus()
    bus.subscribe(heard.append)
    result = fit(
        network,
        phase,
        given,
        balance=Balance.of(Imbalance(kind="none"), given.train_labels, 2),
        seed=0,
        folder=folder,
        device=torch.device("cpu"),
        bus=bus,
    )
    return network, result, heard


def loss_of(network: Network, given: PhaseData) -> float:
    values = given.val.take(np.zeros(12, np.int64), np.arange(12))
    with torch.inference_mode():
        return float(torch.nn.functional.cross_entropy(network(values), torch.from_numpy(given.val_labels)))


def test_it_learns_and_tells_each_epoch(tmp_path: Path) -> None:
    network, result, heard = run(tmp_path, data())
    told = [event for event in heard if isinstance(event, EpochFinished)]
    assert [row["epoch"] for row in result.history] == [event.epoch for event in told] == [1, 2, 3, 4]
    assert [row["val_loss"] for row in result.history] == [event.val_loss for event in told]
    assert max(row["val_auc"] for row in result.history) == 1.0
    assert told[-1].seconds_left == 0
    assert told[0].seconds_left > 0
    assert result.history[-1]["train_loss"] < result.history[0]["train_loss"]
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_the_best_weights_are_left_in_the_network_and_it_stops_early(tmp_path: Path) -> None:
    given = data(learnable=False)  # training makes validation worse
    network, result, _ = run(tmp_path, given, epochs=12, patience=2)
    best = [row["epoch"] for row in result.history if row["best"]][-1]
    losses = [row["val_loss"] for row in result.history]
    assert len(losses) == best + 2 < 12
    assert loss_of(network, given) == pytest.approx(losses[best - 1], rel=0.03)
    assert losses[best - 1] != pytest.approx(losses[-1], rel=0.1)


def test_a_loss_that_is_no_number_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"loss became nan in phase p, epoch 1"):
        run(tmp_path, data(), poisoned=True)


def test_stopped_and_taken_up_again_it_ends_with_the_same_weights(tmp_path: Path) -> None:
    straight, whole, _ = run(tmp_path / "a", data(), epochs=4)
    run(tmp_path / "b", data(), epochs=2)
    again, rest, heard = run(tmp_path / "b", data(), epochs=4)
    assert [event.epoch for event in heard if isinstance(event, EpochFinished)] == [3, 4]
    assert [row["val_loss"] for row in rest.history] == [row["val_loss"] for row in whole.history]
    for name, value in straight.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
