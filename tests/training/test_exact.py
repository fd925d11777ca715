"""The head that is solved: the minimum itself, the penalty that does best on validation, a start for fine-tuning."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from lince.core.errors import TrainingError
from lince.core.events import EpochFinished, Event, EventBus
from lince.models import build, entry_for
from lince.models.heads import LinearHead
from lince.models.network import Network
from lince.training.activations import Activations
from lince.training.exact import solve
from lince.training.fit import PhaseData, PhaseResult
from lince.training.linear import FIRST_PENALTY, solve_head
from lince.training.losses import Balance, Imbalance
from lince.training.options import TrainOptions
from lince.training.plan import PENALTIES, Plan, make_plan

FEATURES = 6


@pytest.fixture
def network() -> Network:
    entry = entry_for("efficientnet-lite0")
    whole = build(entry, 3, entry.image_spec(32), pretrained=False)
    whole.head = LinearHead(FEATURES, 3)
    return whole


def part(count: int, seed: int, *, views: int = 1) -> tuple[Activations, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = random.choice(3, count, p=[0.7, 0.2, 0.1])
    labels[:3] = [0, 1, 2]
    values = random.normal(size=(views, count, FEATURES)) + 0.7 * np.eye(3, FEATURES)[labels]
    return Activations(values.astype(np.float32), np.arange(count)), labels


def data(*, views: int = 1) -> PhaseData:
    return PhaseData(*part(200, 0, views=views), *part(80, 1))


def plan(images: int = 200, **choices: Any) -> Plan:
    return make_plan(
        TrainOptions(preset="fast", **choices), entry_for("efficientnet-lite0"), thaw_from=4, images=images
    )


def solved(network: Network, given: PhaseData, kind: Any = "none") -> tuple[PhaseResult, list[Event]]:
    bus = EventBus()
    heard: list[Event] = []
    bus.subscribe(heard.append)
    balance = Balance.of(Imbalance(kind=kind), given.train_labels, 3)
    return solve(network, plan().phases[0], given, balance=balance, bus=bus), heard


def slope_of(head: LinearHead, given: PhaseData, weights: np.ndarray, penalty: float) -> float:
    """The largest entry of the gradient of the penalised loss."""
    values = torch.cat(list(given.train.blocks()))
    labels = torch.from_numpy(np.tile(given.train_labels, given.train.views))
    head.eval().requires_grad_(True)
    losses = torch.nn.functional.cross_entropy(head.classify(values), labels, reduction="none")
    shares = torch.from_numpy(np.tile(weights, given.train.views)).float()
    loss = (shares * losses).mean() + penalty / 2 * head.linear.weight.square().sum()
    torch.autograd.backward(loss)
    gradients = [head.linear.weight.grad, head.linear.bias.grad]
    return max(float(one.abs().max()) for one in gradients if one is not None)


def kept(result: PhaseResult) -> int:
    """Which penalty did best."""
    return int(np.argmax([row["val_auc"] - 1e-3 * row["val_loss"] for row in result.history]))


@pytest.mark.parametrize("kind", ["none", "weights", "sampling"])
@pytest.mark.parametrize("views", [1, 3])
def test_it_is_the_minimum(network: Network, kind: Any, views: int) -> None:
    given = data(views=views)
    result, _ = solved(network, given, kind)
    weights = np.ones(200) if kind == "none" else (200 / (3 * np.bincount(given.train_labels)))[given.train_labels]
    assert slope_of(network.head, given, weights, PENALTIES[kept(result)]) < 2e-3  # type: ignore[arg-type]
    stronger = 10 * PENALTIES[kept(result)]
    assert slope_of(network.head, given, weights, stronger) > 2e-2  # type: ignore[arg-type]


def test_each_penalty_is_an_epoch_and_the_best_on_validation_is_kept(network: Network) -> None:
    given = data()
    result, heard = solved(network, given)
    ends = [event for event in heard if isinstance(event, EpochFinished)]
    assert [end.epoch for end in ends] == [1, 2, 3, 4]
    assert [row["val_auc"] for row in result.history] == [end.val_auc for end in ends]
    losses = [row["train_loss"] for row in result.history]
    assert losses == sorted(losses, reverse=True), "a weaker penalty fits the training images more closely"
    best = result.history[kept(result)]
    assert result.best_score == pytest.approx(best["val_auc"] - 1e-3 * best["val_loss"])
    left = {name: value.clone() for name, value in network.head.state_dict().items()}
    solve_head(network.head, given.train, given.train_labels, penalty=PENALTIES[kept(result)])  # type: ignore[arg-type]
    for name, value in network.head.state_dict().items():
        torch.testing.assert_close(left[name], value, atol=5e-3, rtol=0)


def test_fine_tuning_begins_with_a_strong_penalty(network: Network) -> None:
    given = data()
    result, _ = solved(network, given)
    solve_head(network.head, given.train, given.train_labels, penalty=FIRST_PENALTY)  # type: ignore[arg-type]
    for name, value in network.head.state_dict().items():
        assert result.first is not None
        torch.testing.assert_close(result.first[name], value, atol=5e-3, rtol=0)


def test_features_that_are_no_numbers_are_an_error(network: Network) -> None:
    train, labels = part(50, 0)
    train.values[0, 7, 2] = np.nan  # type: ignore[index]
    with pytest.raises(TrainingError, match="no numbers of some images"):
        solved(network, PhaseData(train, labels, *part(20, 1)))


@pytest.mark.parametrize(
    "choices", [{"epochs": 5}, {"lr": 1e-3}, {"ema": 0.9}, {"imbalance": "focal"}, {"imbalance": "adjust"}]
)
def test_who_asks_for_steps_gets_them(choices: dict[str, Any]) -> None:
    assert plan().phases[0].exact
    assert not plan(**choices).phases[0].exact


def test_more_features_than_fit_in_memory_are_stepped_through() -> None:
    assert plan(20_000).phases[0].exact
    assert not plan(20_001).phases[0].exact
