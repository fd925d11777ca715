"""Classifiers on descriptors predict what the scikit-learn models predict that they were made from."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.ensemble
import sklearn.linear_model
import torch
from scipy.special import softmax
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info

from lince.core.events import EventBus
from lince.models.descriptors.heads import CLIP, NearestHead
from lince.training.classifiers import Candidate, candidates, compare, fit_decider, fit_scaling, scaled


def problem(classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    values, labels = make_classification(
        240, 12, n_informative=6, n_classes=classes, n_clusters_per_class=1, random_state=3
    )
    return values[:180].astype(np.float32), labels[:180].astype(np.int64), values[180:].astype(np.float32)


def logits(decider: torch.nn.Module, rows: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return np.asarray(decider(torch.from_numpy(rows)).double().numpy())


@pytest.mark.parametrize("classes", [2, 4])
def test_neighbours_vote_like_those_of_scikit_learn(classes: int) -> None:
    rows, labels, others = problem(classes)
    head = fit_decider(Candidate("knn", "standard", {"neighbours": 7}), rows, labels, classes=classes, seed=0)
    assert isinstance(head, NearestHead)
    theirs = KNeighborsClassifier(7, weights="distance").fit(rows, labels)
    others = np.concatenate([others, rows[:3]])  # at no distance from a neighbour
    votes = head.votes(torch.from_numpy(others)).numpy()
    np.testing.assert_allclose(votes, theirs.predict_proba(others), atol=1e-5)
    shares = np.bincount(labels) / len(labels)
    np.testing.assert_allclose(np.exp(logits(head, others)), (7 * votes + shares) / 8, atol=1e-6)


@pytest.mark.parametrize("classes", [2, 4])
def test_a_linear_head_is_the_logistic_regression(classes: int) -> None:
    rows, labels, others = problem(classes)
    head = fit_decider(Candidate("logistic", "standard", {"penalty": 0.1}), rows, labels, classes=classes, seed=0)
    theirs = LogisticRegression(C=1 / (0.1 * len(rows)), max_iter=2000).fit(rows, labels)
    np.testing.assert_allclose(softmax(logits(head, others), axis=1), theirs.predict_proba(others), atol=1e-4)


@pytest.mark.parametrize("classes", [2, 4])
def test_a_forest_is_the_average_of_its_trees(classes: int) -> None:
    rows, labels, others = problem(classes)
    head = fit_decider(Candidate("forest", "standard"), rows, labels, classes=classes, seed=5)
    theirs = RandomForestClassifier(300, min_samples_leaf=2, random_state=5).fit(rows, labels)
    shares = np.bincount(labels) / len(labels)
    expected = (300 * theirs.predict_proba(others) + shares) / 301
    np.testing.assert_allclose(np.exp(logits(head, others)), expected, atol=1e-6)


@pytest.mark.parametrize("classes", [2, 4])
def test_boosting_adds_its_trees_up(classes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, labels, others = problem(classes)
    made: list[HistGradientBoostingClassifier] = []

    def remember(**choices: object) -> HistGradientBoostingClassifier:
        made.append(HistGradientBoostingClassifier(**choices))
        return made[-1]

    monkeypatch.setattr(sklearn.ensemble, "HistGradientBoostingClassifier", remember)
    head = fit_decider(Candidate("boosting", "standard"), rows, labels, classes=classes, seed=0)
    np.testing.assert_allclose(softmax(logits(head, others), axis=1), made[0].predict_proba(others), atol=1e-6)


def test_scaling_is_that_of_scikit_learn_and_ignores_what_never_varies() -> None:
    rows, labels, others = problem(2)
    rows[:, 3] = 0.1
    found = scaled(fit_scaling("standard", None, rows, labels), others)
    expected = StandardScaler().fit(rows.astype(np.float64)).transform(others).clip(-CLIP, CLIP)
    assert (found[:, 3] == 0).all()
    np.testing.assert_allclose(np.delete(found, 3, axis=1), np.delete(expected, 3, axis=1), atol=1e-5)


def test_discriminant_axes_part_the_classes_even_with_a_class_of_one_image() -> None:
    rows, labels, _ = problem(4)
    keep = np.flatnonzero((labels != 3) | (np.arange(len(labels)) == np.flatnonzero(labels == 3)[0]))
    found = scaled(fit_scaling("discriminant", None, rows[keep], labels[keep]), rows[keep])
    assert found.shape == (len(keep), 3)
    means = np.stack([found[labels[keep] == label].mean(axis=0) for label in range(3)])
    within = np.mean([found[labels[keep] == label].var(axis=0).mean() for label in range(3)])
    assert within == pytest.approx(1, abs=0.3)
    assert np.linalg.norm(means[0] - means[1]) > 1


def test_comparing_finds_the_classifier_that_generalises() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 120)
    rows = random.normal(size=(120, 30)).astype(np.float32)
    rows[:, :2] += 2.5 * labels[:, None]
    fold = np.arange(120) % 4
    fold[:5] = -1
    tried = [Candidate("knn", "standard", {"neighbours": 1}), Candidate("logistic", "standard", {"penalty": 0.1})]
    found = compare(tried, rows, labels, fold, classes=2, seed=0, bus=EventBus())
    assert [one.candidate.kind for one in found] == ["logistic", "knn"]
    assert found[0].accuracy > 0.9 > 0.69 > found[0].log_loss
    assert found[0].plain()["classifier"] == "logistic"


def test_every_kind_can_be_asked_for_and_fast_leaves_the_trees_out() -> None:
    kinds = {one.kind for one in candidates("auto")}
    assert kinds == {"knn", "logistic", "forest", "boosting"}
    for kind in kinds:
        assert {one.kind for one in candidates(kind, thorough=False)} == {kind}
    assert {one.kind for one in candidates("auto", thorough=False)} == kinds - {"forest", "boosting"}


def test_candidates_are_fitted_by_one_thread_each(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    class Watched(LogisticRegression):
        def fit(self, *given: object) -> LogisticRegression:
            seen.extend(one["num_threads"] for one in threadpool_info())
            return super().fit(*given)

    monkeypatch.setattr(sklearn.linear_model, "LogisticRegression", Watched)
    rows, labels, _ = problem(2)
    before = [one["num_threads"] for one in threadpool_info()]
    compare(candidates("logistic"), rows, labels, np.arange(len(rows)) % 3, classes=2, seed=0, bus=EventBus())
    assert set(seen) == {1}
    assert [one["num_threads"] for one in threadpool_info()] == before
