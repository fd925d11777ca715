"""Weights of an ensemble, and the exact head."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lince.evaluation import auc
from lince.models.heads import LinearHead
from lince.training.activations import Activations
from lince.training.blend import cross_fitted, log_loss, stack
from lince.training.linear import solve_head, solve_kernel

RANDOM = np.random.default_rng(0)
TRUTH = RANDOM.integers(0, 2, 600)


def member(strength: float, seed: int, scale: float = 1.0) -> NDArray[np.float64]:
    """Logits of a model that knows the truth this well."""
    noise = np.random.default_rng(seed).normal(size=len(TRUTH))
    margin = scale * (strength * (2 * TRUTH - 1) + noise)
    return np.stack([-margin / 2, margin / 2], axis=1)


def test_a_useless_member_is_left_out_and_independent_ones_share() -> None:
    good, other, noise = member(1.0, 1), member(1.0, 2, scale=5.0), member(0.0, 3)
    blend = stack([good, other, noise], TRUTH, most=3)
    assert blend.shares[2] == 0
    # The second is five times as loud and no better: its share is smaller so that both say as much.
    assert blend.shares[0] / blend.shares[1] == pytest.approx(5.0, rel=0.4)
    assert blend.say == pytest.approx([0.5, 0.5, 0.0], abs=0.1)
    assert blend.say.sum() == pytest.approx(1.0)
    assert blend.say[2] == 0
    mixed = blend.apply([good, other, noise])
    assert log_loss(mixed, TRUTH) < min(log_loss(good, TRUTH), log_loss(other, TRUTH)) - 0.03


def test_weights_are_never_negative_and_members_are_bounded() -> None:
    members = [member(0.8, seed) for seed in range(6)]
    blend = stack([*members, -members[0]], TRUTH, most=3)
    assert (blend.shares >= 0).all()
    assert int((blend.shares > 0).sum()) <= 3
    assert blend.shares[6] == 0


def test_one_member_is_only_scaled() -> None:
    alone = member(1.0, 1)
    mixed = stack([alone], TRUTH, most=3).apply([alone])
    margin, before = mixed[:, 1] - mixed[:, 0], alone[:, 1] - alone[:, 0]
    np.testing.assert_array_equal(np.argsort(margin), np.argsort(before))


def test_figures_come_from_weights_that_did_not_see_the_fold() -> None:
    """A member that cheats in one fold only: weights learned there would follow it, cross-fitted ones cannot."""
    fold = np.arange(len(TRUTH)) % 3
    honest, cheat = member(0.7, 1), member(0.0, 2)
    cheat[fold == 0] = member(30.0, 3)[fold == 0]
    inside = fold == 0
    expected = stack([honest[~inside], cheat[~inside]], TRUTH[~inside], most=2)
    assert expected.shares[1] == 0
    found = cross_fitted([honest, cheat], TRUTH, fold, most=2)
    np.testing.assert_allclose(found[inside], expected.apply([honest, cheat])[inside])
    assert auc(TRUTH[inside] == 1, found[inside, 1] - found[inside, 0]) < 0.95


@pytest.mark.parametrize("classes", [2, 3])
def test_the_exact_head_is_at_the_minimum(classes: int) -> None:
    random = np.random.default_rng(1)
    values = random.normal(3.0, 2.0, (2, 90, 6)).astype(np.float32)
    labels = random.integers(0, classes, 90)
    values[:, np.arange(90), labels] += 2.0
    head, penalty = LinearHead(6, classes).eval(), 0.1
    solve_head(head, Activations(values, np.arange(90)), labels, penalty=penalty)

    def loss() -> float:
        logits = head.classify(torch.from_numpy(values.reshape(-1, 6)))
        fitted = torch.nn.functional.cross_entropy(logits, torch.from_numpy(np.tile(labels, 2)))
        # Two classes are solved as one row of weights, which is the difference of the two here.
        weight = head.linear.weight[1] - head.linear.weight[0] if classes == 2 else head.linear.weight
        return float(fitted + penalty / 2 * weight.square().sum())

    with torch.no_grad():
        reached = loss()
        for _ in range(20):
            change = 0.02 * torch.randn_like(head.linear.weight)
            head.linear.weight += change
            assert loss() > reached - 1e-5
            head.linear.weight -= change
    assert float((head.classify(torch.from_numpy(values[0])).argmax(1).numpy() == labels).mean()) > 0.6


def clouds(classes: int) -> tuple[Activations, np.ndarray]:
    """Two views of 60 embeddings by a kernel head with three channels; the border between the classes is curved."""
    random = np.random.default_rng(2)
    values = random.normal(5.0, 2.0, (2, 60, 6)).astype(np.float32)
    radius = np.linalg.norm(values[0] - 5.0, axis=1)
    labels = np.digitize(radius, np.quantile(radius, np.arange(1, classes) / classes))
    return Activations(values, np.arange(60)), labels


@pytest.mark.parametrize("classes", [2, 3])
def test_the_head_of_support_vectors_is_that_of_scikit_learn(classes: int) -> None:
    from sklearn.svm import SVC

    features, labels = clouds(classes)
    _, head = solve_kernel(features, labels, classes=classes, costs=[1.0, 3.0])
    head.eval()
    embedded = features.values.reshape(-1, 6)
    with torch.inference_mode():
        logits = head.classify(torch.from_numpy(embedded)).numpy()
    standard = (embedded - head.feature_mean.numpy()) / head.feature_std.numpy()
    np.testing.assert_allclose(standard.mean(0), 0, atol=1e-5)
    for position in range(1, classes) if classes == 2 else range(classes):
        machine = SVC(C=3.0, gamma=1 / 6).fit(standard, np.tile(labels, 2) == position)
        against = logits[:, position] - logits[:, 0] if classes == 2 else logits[:, position]
        np.testing.assert_allclose(against, machine.decision_function(standard), atol=3e-3)
    assert (logits.argmax(1) == np.tile(labels, 2)).mean() > 0.8
    with torch.inference_mode():
        same = head.padded(len(head.landmarks) + 7).classify(torch.from_numpy(embedded)).numpy()
    np.testing.assert_allclose(same, logits, atol=1e-5)


def test_images_that_weigh_more_cost_more_on_the_wrong_side() -> None:
    from sklearn.svm import SVC

    features, labels = clouds(3)
    weights = np.where(labels == 2, 4.0, 0.5)
    (head,) = solve_kernel(features, labels, classes=3, costs=[1.0], weights=weights)
    embedded = features.values.reshape(-1, 6)
    with torch.inference_mode():
        logits = head.eval().classify(torch.from_numpy(embedded)).numpy()
    standard = (embedded - head.feature_mean.numpy()) / head.feature_std.numpy()
    truth, shares = np.tile(labels, 2), np.tile(weights, 2)
    for position in range(3):
        machine = SVC(C=1.0, gamma=1 / 6).fit(standard, truth == position, shares)
        np.testing.assert_allclose(logits[:, position], machine.decision_function(standard), atol=3e-3)


def test_a_class_without_images_is_never_chosen_by_support_vectors() -> None:
    features, labels = clouds(2)
    (head,) = solve_kernel(features, labels, classes=4, costs=[1.0])
    head.eval()
    with torch.inference_mode():
        logits = head.classify(torch.from_numpy(features.values[0])).numpy()
    assert set(logits.argmax(1)) <= {0, 1}


def test_of_many_images_only_some_are_searched_for_support_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lince.training.linear._MOST_VECTORS", 30)
    features, labels = clouds(3)
    (head,) = solve_kernel(features, labels, classes=3, costs=[1.0])
    assert len(head.landmarks) <= 30
