"""One phase: history, early stop, best weights, and a loss that is no number."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lince.core.errors import TrainingError
from lince.core.events import EpochFinished, Event, EventBus, Noticed
from lince.models import build, entry_for, precision
from lince.models.network import Network
from lince.training.activations import Activations
from lince.training.checkpoint import NAME
from lince.training.events import ValidationMeasured
from lince.training.fit import PhaseData, PhaseResult, fit, score
from lince.training.losses import Balance, Imbalance
from lince.training.plan import Phase

ENTRY = entry_for("small-cnn")


@pytest.fixture(autouse=True)
def float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums that can be told by hand; which type is faster differs between machines."""
    monkeypatch.setenv("LINCE_PRECISION", "float32")
    precision._chosen.cache_clear()


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
    folder: Path,
    given: PhaseData,
    *,
    epochs: int = 4,
    patience: int = 10,
    poisoned: bool = False,
    kind: str = "none",
    lr: float = 1e-3,
    batch_size: int = 8,
    plain: bool = False,
    hear: Callable[[Event], None] | None = None,
    **choices: Any,
) -> tuple[Network, PhaseResult, list[Event]]:
    torch.manual_seed(0)
    network = build(ENTRY, 2, ENTRY.image_spec(16))
    if plain:
        network.head.dropout.p = 0.0
        for block in network.stages:
            block[1] = torch.nn.Identity()
    if poisoned:
        network.head.shift_logits(torch.tensor([float("nan"), 0.0]))
    phase = Phase(
        name="p", boundary=0, views=1, epochs=epochs, learning_rate=lr, weight_decay=0, patience=patience,
        batch_size=batch_size, **choices,
    )  # fmt: skip
    heard: list[Event] = []
    bus = EventBus()
    bus.subscribe(heard.append)
    if hear is not None:
        bus.subscribe(hear)
    result = fit(
        network,
        phase,
        given,
        balance=Balance.of(Imbalance(kind=kind), given.train_labels, 2),
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


def notices(heard: list[Event]) -> list[str]:
    return [event.message for event in heard if isinstance(event, Noticed)]


def assert_equal(first: Network, second: Network) -> None:
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


@pytest.mark.parametrize(
    "choices",
    [
        {"kind": "sampling", "ema": 0.9},
        {"kind": "focal", "schedule": "cosine", "warmup": 1},
        {"kind": "weights", "accumulate": 2},
    ],
    ids=lambda choices: choices["kind"],
)
def test_killed_after_any_epoch_it_ends_with_the_same_weights(tmp_path: Path, choices: dict[str, Any]) -> None:
    """The checkpoint as it lay on disk after each epoch, taken up in another process's place."""
    whole_folder = tmp_path / "whole"
    kept: list[Path] = []

    def keep(event: Event) -> None:
        # A checkpoint follows the event of its epoch: what lies here now is that of the epoch before.
        if isinstance(event, EpochFinished) and (whole_folder / NAME).exists():
            kept.append(tmp_path / f"after-{event.epoch - 1}")
            kept[-1].mkdir()
            shutil.copy(whole_folder / NAME, kept[-1] / NAME)

    whole, result, _ = run(whole_folder, data(), hear=keep, **choices)
    assert len(kept) == 3
    for folder in kept:
        again, rest, _ = run(folder, data(), **choices)
        assert_equal(whole, again)
        assert rest.history == result.history


def test_a_checkpoint_of_another_plan_is_not_taken_up(tmp_path: Path) -> None:
    run(tmp_path, data(), epochs=2)
    _, result, heard = run(tmp_path, data(), epochs=2, lr=2e-3)
    assert [event.epoch for event in heard if isinstance(event, EpochFinished)] == [1, 2]
    assert result.history[0]["learning_rate"] == pytest.approx(2e-3)


def test_accumulated_batches_are_one_large_batch(tmp_path: Path) -> None:
    """Without dropout and batch normalisation, which see the small ones."""
    _, large, _ = run(tmp_path / "a", data(), plain=True, kind="weights", batch_size=12)
    _, parts, _ = run(tmp_path / "b", data(), plain=True, kind="weights", batch_size=4, accumulate=3)
    for key in ("train_loss", "val_loss"):
        assert [row[key] for row in parts.history] == pytest.approx([row[key] for row in large.history], rel=1e-3)
    _, small, _ = run(tmp_path / "c", data(), plain=True, kind="weights", batch_size=4)
    assert small.history[-1]["val_loss"] != pytest.approx(large.history[-1]["val_loss"], rel=0.05)


def test_validation_sees_the_average_of_the_weights(tmp_path: Path) -> None:
    """One step an epoch. The average forgets its start sooner at first: decays of 2/11, 3/12 and so on."""
    seen: dict[float | None, list[torch.Tensor]] = {None: [], 0.99: [], 0.2: []}
    for ema, weights in seen.items():

        def keep(event: Event, weights: list[torch.Tensor] = weights) -> None:
            if isinstance(event, ValidationMeasured):
                weights.append(event.network.head.linear.weight.detach().clone())

        run(tmp_path / str(ema), data(), epochs=3, batch_size=24, ema=ema, hear=keep)
    first, second, third = seen[None]
    for ema in (0.99, 0.2):
        expected = [first]
        for step, raw in ((1, second), (2, third)):
            decay = min(ema, (1 + step) / (10 + step))
            expected.append(decay * expected[-1] + (1 - decay) * raw)
        for found, wanted in zip(seen[ema], expected, strict=True):
            torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-6)


def test_the_last_epoch_is_kept_whatever_validation_says(tmp_path: Path) -> None:
    """Validation says the opposite of training: stopping by it would keep the first epoch."""
    given = data(learnable=False)
    choices: dict[str, Any] = {"epochs": 6, "patience": 1, "schedule": "cosine"}
    network, result, _ = run(tmp_path / "last", given, keep="last", **choices)
    assert len(result.history) == 6
    assert [row["best"] for row in result.history] == [False] * 5 + [True]
    assert result.best_score == pytest.approx(score(result.history[-1]["val_auc"], result.history[-1]["val_loss"]))
    stopped, best, _ = run(tmp_path / "best", given, **choices)
    assert len(best.history) < 6
    assert not torch.equal(network.head.linear.weight, stopped.head.linear.weight)


@pytest.mark.parametrize("schedule", ["plateau", "cosine"])
def test_a_rate_that_diverges_is_cut_and_told(tmp_path: Path, schedule: str) -> None:
    network, result, heard = run(tmp_path, data(), lr=50.0, schedule=schedule)
    said = [line for line in notices(heard) if "learning rate" in line]
    assert said
    assert re.match(r"The loss (grew|became) .* in phase p, epoch 1; going on from the beginning with a tenth", said[0])
    assert result.history[-1]["learning_rate"] <= 5.0
    assert all(torch.isfinite(value).all() for value in network.state_dict().values())


def test_what_no_rate_mends_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="lower rates did not help"):
        run(tmp_path, data(), lr=1e9)


def test_weights_that_go_wrong_later_go_back_to_the_best_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loss is no number once, in the third epoch."""
    calls = {"count": 0}
    true = Balance.losses

    def losses(self: Balance, logits: torch.Tensor, labels: torch.Tensor, **how: Any) -> torch.Tensor:
        training = not how.get("validation", False)
        calls["count"] += training
        found = true(self, logits, labels, **how)
        return found * torch.nan if calls["count"] == 8 and training else found

    monkeypatch.setattr(Balance, "losses", losses)
    _, result, heard = run(tmp_path, data())
    (said,) = notices(heard)
    assert said == (
        "The loss became nan in phase p, epoch 3; going on from the best epoch with a tenth of the learning rate"
    )
    assert [row["learning_rate"] for row in result.history] == pytest.approx([1e-3, 1e-3, 1e-4, 1e-4])
    assert [row["epoch"] for row in result.history] == [1, 2, 3, 4]


def test_weights_that_lead_astray_again_are_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loss explodes in the second epoch and in its repetition, three steps each."""
    calls = {"count": 0}
    true = Balance.losses

    def losses(self: Balance, logits: torch.Tensor, labels: torch.Tensor, **how: Any) -> torch.Tensor:
        calls["count"] += not how.get("validation", False)
        return true(self, logits, labels, **how) * (1e4 if 3 < calls["count"] <= 9 else 1)

    monkeypatch.setattr(Balance, "losses", losses)
    _, result, heard = run(tmp_path, data())
    assert [line.partition("; ")[2] for line in notices(heard)] == [
        "going on from the best epoch with a tenth of the learning rate",
        "going on from the beginning with a tenth of the learning rate",
    ]
    assert [row["learning_rate"] for row in result.history] == pytest.approx([1e-3, 1e-5, 1e-5, 1e-5])


def short_of_memory(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """A machine on which more than so many images do not fit."""
    true = Network.forward

    def forward(self: Network, pixels: torch.Tensor) -> torch.Tensor:
        if len(pixels) > most:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory: you...")
        return true(self, pixels)

    monkeypatch.setattr(Network, "forward", forward)


def test_a_batch_that_does_not_fit_is_halved_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, usual, _ = run(tmp_path / "a", data(), plain=True)
    short_of_memory(monkeypatch, 3)
    _, result, heard = run(tmp_path / "b", data(), plain=True)
    assert [line.split(";")[0] for line in notices(heard)] == [
        "A batch of 8 images does not fit in memory",
        "A batch of 4 images does not fit in memory",
    ]
    assert [row["val_loss"] for row in result.history] == pytest.approx(
        [row["val_loss"] for row in usual.history], rel=1e-3
    )
    (tmp_path / "b" / NAME).replace(tmp_path / NAME)
    assert notices(run(tmp_path, data(), plain=True, epochs=5)[2]) == [], "a resumed run knows what fits"


def test_not_even_one_image_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short_of_memory(monkeypatch, 0)
    with pytest.raises(TrainingError, match=r"Not even one image at a time fits in memory.*smaller --image-size"):
        run(tmp_path, data())


def test_other_failures_are_not_taken_for_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> torch.Tensor:
        raise RuntimeError("shapes cannot be multiplied")

    monkeypatch.setattr(Network, "forward", broken)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        run(tmp_path, data())


def test_earlier_stages_learn_at_smaller_rates(tmp_path: Path) -> None:
    """AdamW's first step is as long as the rate, whatever the gradient."""
    torch.manual_seed(0)
    start = build(ENTRY, 2, ENTRY.image_spec(16))
    network, _, _ = run(tmp_path, data(), epochs=1, batch_size=24, stage_decay=0.5)
    steps = [
        float((after.weight - before.weight).detach().abs().median())
        for before, after in (
            (start.head.linear, network.head.linear),
            (start.stages[2][0], network.stages[2][0]),
            (start.stages[1][0], network.stages[1][0]),
            (start.stages[0][0], network.stages[0][0]),
        )
    ]
    assert steps == pytest.approx([1e-3, 5e-4, 2.5e-4, 1.25e-4], rel=0.05)


def test_validation_of_one_class_goes_by_the_loss(tmp_path: Path) -> None:
    given = data()
    chosen = np.flatnonzero(given.val_labels == 1)
    one = PhaseData(given.train, given.train_labels, given.val.subset(chosen), given.val_labels[chosen])
    _, result, _ = run(tmp_path, one)
    assert all(math.isnan(row["val_auc"]) for row in result.history)
    losses = [row["val_loss"] for row in result.history]
    assert result.best_score == pytest.approx(-1e-3 * min(losses))


def test_a_class_with_two_images_and_balanced_draws(tmp_path: Path) -> None:
    given = data()
    rows = np.concatenate([np.flatnonzero(given.train_labels == 0), np.flatnonzero(given.train_labels == 1)[:2]])
    few = PhaseData(given.train.subset(rows), given.train_labels[rows], given.val, given.val_labels)
    _, result, _ = run(tmp_path, few, kind="sampling", epochs=6)
    assert max(row["val_auc"] for row in result.history) > 0.9
