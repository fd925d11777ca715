"""Imbalance: what auto chooses, losses against formulas, orders, and probabilities that stay right."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from lince.training.losses import Balance, Imbalance, choose_imbalance, class_weights
from lince.trust import softmax

KINDS = ("weights", "focal", "sampling", "none")


def balance(kind: str, counts: tuple[int, ...] = (30, 10), gamma: float = 2.0) -> Balance:
    return Balance(Imbalance(kind=kind, gamma=gamma), counts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("counts", "chosen"),
    [
        ([100, 100], "none"),
        ([100, 70], "none"),
        ([300, 100], "weights"),
        ([1000, 10], "sampling"),
        ([500, 400, 2], "sampling"),
        ([1] * 21, "none"),
        ([], "none"),
        ([5, 0], "none"),
    ],
)
def test_auto_goes_by_the_sizes_of_the_classes_and_says_why(counts: list[int], chosen: str) -> None:
    found = choose_imbalance("auto", counts, batch_size=32)
    assert found.kind == chosen
    assert found.why.startswith("Class imbalance: ")
    if chosen == "sampling":
        assert f"{max(counts) / min(counts):.1f} times" in found.why
        assert "batches of 32" in found.why


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_asked_for_is_done(kind: str) -> None:
    assert choose_imbalance(kind, [1000, 1]).kind == kind  # type: ignore[arg-type]


def test_adjusted_logits_decide_for_the_rare_class_as_often_as_its_images_look_like_it() -> None:
    """An image that both classes would give equally often is even, though one class has three times the images."""
    labels = np.array([0] * 30 + [1] * 10)
    remedy = Balance.of(Imbalance(kind="adjust"), labels, 2)
    logits = torch.zeros(2, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=100, line_search_fn="strong_wolfe")

    def step() -> torch.Tensor:
        optimizer.zero_grad()
        loss = remedy.losses(logits.expand(40, 2), torch.from_numpy(labels)).mean()
        loss.backward()
        return loss

    optimizer.step(step)
    assert float((logits[0] - logits[1]).detach()) == pytest.approx(0.0, abs=1e-3)
    assert remedy.logit_shift() is None
    assert choose_imbalance("adjust", [30, 10]).kind == "adjust"


def test_weighted_loss_is_that_of_torch() -> None:
    logits, labels = torch.randn(40, 3), torch.arange(40) % 3
    remedy = balance("weights", (30, 10, 2))
    weights = torch.tensor(class_weights((30, 10, 2)), dtype=torch.float32)
    expected = cross_entropy(logits, labels, weight=weights)
    assert float(remedy.losses(logits, labels).sum() / remedy.mass(labels)) == pytest.approx(float(expected), rel=1e-5)


def test_softened_labels_count_in_training_alone_and_not_with_the_focal_loss() -> None:
    logits, labels = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, 1.0]]), torch.tensor([0, 2])
    plain = Balance.of(Imbalance(kind="none"), labels.numpy(), 3)
    logs = logits.log_softmax(1)
    by_hand = -(0.7 * logs[torch.arange(2), labels] + 0.3 * logs.mean(1))
    torch.testing.assert_close(plain.losses(logits, labels, smoothing=0.3), by_hand)
    assert not torch.equal(plain.losses(logits, labels), by_hand)
    focal = Balance.of(Imbalance(kind="focal"), labels.numpy(), 3)
    torch.testing.assert_close(focal.losses(logits, labels, smoothing=0.3), focal.losses(logits, labels))


def test_focal_loss_of_two_classes_is_the_published_formula() -> None:
    """Lin et al. (2017), equation 4, on the logit of the second class."""
    logits, labels = torch.randn(50, 2) * 3, torch.arange(50) % 2
    single = logits[:, 1] - logits[:, 0]
    right = torch.where(labels == 1, single.sigmoid(), 1 - single.sigmoid())
    expected = (1 - right) ** 2 * binary_cross_entropy_with_logits(single, labels.float(), reduction="none")
    torch.testing.assert_close(balance("focal").losses(logits, labels), expected, rtol=1e-4, atol=1e-6)


def test_focal_loss_of_three_classes_by_hand() -> None:
    logits = torch.log(torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]))
    found = balance("focal", (1, 1, 1), gamma=1.5).losses(logits, torch.tensor([0, 1]))
    expected = [-(0.3**1.5) * np.log(0.7), -(0.9**1.5) * np.log(0.1)]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)
    plain = balance("focal", (1, 1, 1), gamma=0.0).losses(logits, torch.tensor([0, 1]))
    torch.testing.assert_close(plain, cross_entropy(logits, torch.tensor([0, 1]), reduction="none"))


def test_the_focal_loss_of_a_sure_image_has_a_finite_gradient() -> None:
    logits = torch.tensor([[200.0, 0.0], [0.0, 200.0]], requires_grad=True)
    balance("focal", gamma=0.5).losses(logits, torch.tensor([0, 0])).sum().backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


@settings(max_examples=40)
@given(st.lists(st.integers(0, 30), min_size=2, max_size=6).filter(any), st.integers(0, 99))
def test_balanced_orders_take_every_class_equally_and_use_all_images_first(counts: list[int], seed: int) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    order = balance("sampling", tuple(counts)).order(np.random.default_rng(seed), labels)
    assert len(order) == len(labels)
    drawn = Counter(labels[order].tolist())
    present = [label for label, count in enumerate(counts) if count]
    assert max(drawn[label] for label in present) - min(drawn[label] for label in present) <= 1
    for label in present:
        times = Counter(order[labels[order] == label].tolist())
        complete = drawn[label] >= counts[label]
        assert len(times) == (counts[label] if complete else drawn[label])
        assert max(times.values(), default=0) - (min(times.values()) if complete else 1 if times else 0) <= 1


@pytest.mark.parametrize("kind", ["weights", "focal", "none"])
def test_other_orders_take_every_image_once(kind: str) -> None:
    labels = np.array([0] * 9 + [1])
    assert sorted(balance(kind).order(np.random.default_rng(0), labels)) == list(range(10))


@pytest.mark.parametrize("kind", KINDS)
def test_probabilities_speak_of_the_collections_frequencies_whatever_the_remedy(kind: str) -> None:
    """Nine tenths of one class; four kinds of image with known odds. A free logit each finds the odds again."""
    kinds = np.repeat(np.arange(4), 500)
    rare = np.concatenate([np.arange(500) < share * 500 for share in (0.01, 0.05, 0.1, 0.24)])
    labels = rare.astype(np.int64)
    remedy = Balance.of(Imbalance(kind=kind), labels, 2)  # type: ignore[arg-type]
    table = torch.zeros(4, 2, requires_grad=True)
    optimizer = torch.optim.LBFGS([table], max_iter=100, line_search_fn="strong_wolfe")
    # Every image as often as an endless row of epochs would draw it.
    share = torch.from_numpy(class_weights(remedy.counts)).float()[torch.from_numpy(labels)]
    drawn = share if kind == "sampling" else torch.ones(len(labels))

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = (drawn * remedy.losses(table[torch.from_numpy(kinds)], torch.from_numpy(labels))).mean()
        value.backward()
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    shift = remedy.logit_shift()
    logits = table.detach().numpy()[kinds] * remedy.logit_scale() + (0 if shift is None else shift)
    found = softmax(logits)[:, 1].reshape(4, 500)[:, 0]
    np.testing.assert_allclose(found, [0.01, 0.05, 0.1, 0.24], atol=0.003)
    assert (shift is None) == (kind in ("focal", "none"))


def test_with_sampling_both_losses_mean_the_same() -> None:
    """A classifier that guesses has the loss of guessing on validation too, and errors on rare images weigh more."""
    remedy = balance("sampling", (90, 10))
    labels = torch.tensor([0] * 9 + [1])
    logits = torch.tensor([[4.0, 0.0]]).expand(10, 2)
    value = float(remedy.losses(logits, labels, validation=True).sum()) / remedy.mass(labels, validation=True)
    plain = cross_entropy(logits, labels, reduction="none")
    assert value == pytest.approx(float((plain[0] + plain[-1]) / 2), rel=1e-5)


def test_a_class_without_images_has_no_say() -> None:
    remedy = balance("weights", (30, 0, 10))
    shift = remedy.logit_shift()
    assert shift is not None
    assert np.isfinite(shift).all()
    assert shift[1] == 0
    np.testing.assert_allclose(class_weights((30, 0, 10))[[0, 2]], [40 / 60, 40 / 20])
