"""Classifiers on descriptors: scikit-learn fits them, and cross-validation on training images compares them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, final

import numpy as np
import torch
from numpy.typing import NDArray

from lince.core.events import EventBus, WorkAdvanced, WorkFinished, WorkStarted
from lince.core.settings import worker_count
from lince.imaging.ordered import in_order
from lince.models.descriptors.heads import Decider, LinearHead, NearestHead, Scaling, TreesHead
from lince.training.blend import log_loss
from lince.trust import fit_temperature

Rows = NDArray[np.float32]
Labels = NDArray[np.int64]
Kind = Literal["knn", "logistic", "forest", "boosting"]
Axes = Literal["standard", "discriminant"]

TASK = "Comparing classifiers"
# Of the scatter inside classes towards a sphere: by Ledoit and Wolf's estimate, or fixed.
SHRINKAGES = (None, 0.1, 0.3)


@final
@dataclass(frozen=True)
class Candidate:
    """A kind of classifier, the axes that it sees, and its settings."""

    kind: Kind
    axes: Axes
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """``knn, discriminant axes, neighbours 15``."""
        told = [f"{key} {value:g}" for key, value in self.settings.items()]
        return ", ".join([self.kind, *([] if self.axes == "standard" else [f"{self.axes} axes"]), *told])


@final
@dataclass(frozen=True)
class Scored:
    """A candidate on images that it was not fitted to, after a temperature of its own."""

    candidate: Candidate
    log_loss: float
    accuracy: float
    seconds: float

    def plain(self) -> dict[str, Any]:
        """As the bundle keeps it."""
        return {
            "classifier": self.candidate.kind,
            "axes": self.candidate.axes,
            "settings": dict(self.candidate.settings),
            "log_loss": round(self.log_loss, 4),
            "accuracy": round(self.accuracy, 4),
            "seconds": round(self.seconds, 1),
        }


def candidates(asked: str, *, thorough: bool = True) -> tuple[Candidate, ...]:
    """What is compared: all settings of the kind that was asked for, or of all kinds (trees only if ``thorough``)."""
    found = [Candidate("knn", "standard", {"neighbours": count}) for count in (1, 5, 15)]
    for shrinkage in SHRINKAGES:
        settings = {} if shrinkage is None else {"shrinkage": shrinkage}
        found += [Candidate("knn", "discriminant", {"neighbours": count, **settings}) for count in (5, 15, 31)]
    found += [Candidate("logistic", "standard", {"penalty": penalty}) for penalty in (0.03, 0.1, 0.3)]
    found += [Candidate("forest", "standard"), Candidate("boosting", "standard")]
    if asked != "auto":
        return tuple(one for one in found if one.kind == asked)
    return tuple(one for one in found if thorough or one.kind not in ("forest", "boosting"))


def compare(
    tried: Sequence[Candidate], rows: Rows, labels: Labels, fold: Labels, *, classes: int, seed: int, bus: EventBus
) -> list[Scored]:
    """Each candidate on each fold, by models fitted to the others; the best (by log loss) first.

    Parameters
    ----------
    tried
        At least one.
    rows
        (N, D) descriptors.
    labels
        (N,) class positions.
    fold
        (N,) the fold in which an image is held out; -1 for those that are never. The others have every class.
    """
    folds = np.unique(fold[fold >= 0])
    bus.publish(WorkStarted(TASK, len(tried) * len(folds)))
    logits = np.zeros((len(tried), len(labels), classes))
    seconds = np.zeros(len(tried))
    done = 0
    with one_thread_each():
        for number in folds:
            inside, held = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            seen = {}
            for key in dict.fromkeys((one.axes, one.settings.get("shrinkage")) for one in tried):
                scaling = fit_scaling(*key, rows[inside], labels[inside])
                seen[key] = (scaled(scaling, rows[inside]), scaled(scaling, rows[held]))
            trial = _Trial(seen, labels[inside], classes, seed)
            # The slowest come last in the list and are begun first, so that no processor waits for one of them.
            places = range(len(tried))[::-1]
            answers = in_order([tried[place] for place in places], trial.run)
            for place, (held_logits, spent) in zip(places, answers, strict=True):
                logits[place, held] = held_logits
                seconds[place] += spent
                done += 1
                bus.publish(WorkAdvanced(TASK, done))
    bus.publish(WorkFinished(TASK))
    told = fold >= 0
    found = [
        _scored(one, own[told], labels[told], spent) for one, own, spent in zip(tried, logits, seconds, strict=True)
    ]
    return sorted(found, key=lambda one: one.log_loss)


@final
@dataclass(frozen=True)
class _Trial:
    """One fold: what candidates are fitted to and asked about, by axes and shrinkage."""

    seen: Mapping[tuple[Axes, float | None], tuple[Rows, Rows]]
    labels: Labels
    classes: int
    seed: int

    def run(self, one: Candidate) -> tuple[NDArray[np.float32], float]:
        """Logits (held, classes) of a candidate, and the seconds that it took."""
        begun = time.perf_counter()
        inner, outer = self.seen[one.axes, one.settings.get("shrinkage")]
        decider = fit_decider(one, inner, self.labels, classes=self.classes, seed=self.seed)
        with torch.inference_mode():
            found: NDArray[np.float32] = decider(torch.from_numpy(outer)).numpy()
        return found, time.perf_counter() - begun


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Matrix products and trees in the calling thread alone, until the block ends.

    Fits of this size call thousands of short products; where another program wants a processor too, threads wait for
    each other at every one of them, thirty times as long as they work. Candidates run beside each other instead.
    OpenMP keeps its number for each thread, so each thread that fits has to say so.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


def _scored(candidate: Candidate, logits: NDArray[np.float64], labels: Labels, seconds: float) -> Scored:
    loss = log_loss(logits / fit_temperature(logits, labels), labels)
    return Scored(candidate, loss, float((logits.argmax(axis=1) == labels).mean()), float(seconds))


def scaled(scaling: Scaling, rows: Rows) -> Rows:
    """(N, D) descriptors as a classifier sees them, (N, P)."""
    with torch.inference_mode():
        return np.asarray(scaling(torch.from_numpy(rows)).numpy())


def fit_scaling(axes: Axes, shrinkage: float | None, rows: Rows, labels: Labels) -> Scaling:
    """Standardisation, and for ``discriminant`` the axes along which classes differ most for how much they vary inside.

    ``shrinkage`` is of the scatter inside classes, 0 to 1; None estimates it (Ledoit & Wolf, 2004). Neighbours are
    near in these axes where they differ in what tells classes apart, whatever else differs.
    """
    mean, deviation = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
    # A column that never varies tells nothing: divided by infinity, it is zero for every image.
    deviation[deviation <= 1e-6 * np.maximum(np.abs(mean), 1.0)] = np.inf
    plain = Scaling(_tensor(mean), _tensor(deviation))
    if axes == "standard":
        return plain
    turned = _discriminant(scaled(plain, rows).astype(np.float64), labels, shrinkage)
    return Scaling(plain.mean, plain.deviation, _tensor(turned))


def _discriminant(values: NDArray[np.float64], labels: Labels, shrinkage: float | None) -> NDArray[np.float64]:
    """(D, classes - 1) axes of Fisher and Rao; scikit-learn shrinks by class, which one image alone cannot bear."""
    from scipy.linalg import cholesky, solve_triangular
    from sklearn.covariance import ledoit_wolf, shrunk_covariance

    present, own = np.unique(labels, return_inverse=True)
    centres = np.stack([values[own == number].mean(axis=0) for number in range(len(present))])
    left = values - centres[own]
    if shrinkage is None:
        inside = ledoit_wolf(left, assume_centered=True)[0]
    else:
        inside = shrunk_covariance(left.T @ left / len(left), shrinkage)
    # Columns that never vary leave no scatter at all in a direction.
    root = cholesky(inside + 1e-9 * np.eye(len(inside)), lower=True)
    apart = (centres - values.mean(axis=0)) * np.sqrt(np.bincount(own) / len(own))[:, None]
    turns = np.linalg.svd(solve_triangular(root, apart.T, lower=True), full_matrices=False)[0]
    return np.asarray(solve_triangular(root.T, turns[:, : len(present) - 1]))


def fit_decider(candidate: Candidate, rows: Rows, labels: Labels, *, classes: int, seed: int) -> Decider:
    """Fit a classifier to (N, P) scaled descriptors, among which every class has an image."""
    fitters: Mapping[Kind, Callable[[], Decider]] = {
        "knn": lambda: _neighbours(rows, labels, classes, int(candidate.settings["neighbours"])),
        "logistic": lambda: LinearHead(*_logistic(rows, labels, candidate.settings["penalty"])),
        "forest": lambda: _forest(rows, labels, classes, seed),
        "boosting": lambda: _boosting(rows, labels, classes, seed),
    }
    with one_thread_each():
        return fitters[candidate.kind]().eval()


def _tensor(values: NDArray[Any]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))


def _prior(labels: Labels, classes: int) -> NDArray[np.float64]:
    return np.asarray(np.bincount(labels, minlength=classes) / len(labels))


def _neighbours(rows: Rows, labels: Labels, classes: int, neighbours: int) -> NearestHead:
    prior = _tensor(_prior(labels, classes))
    return NearestHead(_tensor(rows), torch.from_numpy(labels), prior, neighbours=neighbours)


def _logistic(rows: Rows, labels: Labels, penalty: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight (classes, P) and bias (classes,) of a softmax, penalised as in `lince.training.linear`."""
    from sklearn.linear_model import LogisticRegression

    solver = LogisticRegression(C=1.0 / (penalty * len(rows)), max_iter=2000, tol=1e-4)
    solver.fit(rows, labels)
    slope, offset = solver.coef_, solver.intercept_
    if len(slope) == 1:
        slope, offset = np.concatenate([-slope, slope]) / 2, np.concatenate([-offset, offset]) / 2
    return _tensor(slope), _tensor(offset)


def _forest(rows: Rows, labels: Labels, classes: int, seed: int) -> TreesHead:
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(300, min_samples_leaf=2, random_state=seed, n_jobs=worker_count())
    forest.fit(rows, labels)
    trees = [
        (
            one.tree_.feature,
            one.tree_.threshold,
            one.tree_.children_left,
            one.tree_.children_right,
            one.tree_.value[:, 0],
        )
        for one in forest.estimators_
    ]
    return TreesHead(_table(trees, _prior(labels, classes)), average=True)


def _boosting(rows: Rows, labels: Labels, classes: int, seed: int) -> TreesHead:
    """Shallow trees of a part of the columns each: a few hundred images with hundreds of columns are soon fitted."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    several = classes > 2
    boosting = HistGradientBoostingClassifier(
        max_iter=40 if several else 150,
        learning_rate=0.15 if several else 0.1,
        max_leaf_nodes=8,
        max_features=0.1,
        # With a tree for every class at each step, finer bins double the time and change nothing that folds can tell.
        max_bins=63 if several else 255,
        min_samples_leaf=min(10, max(1, len(rows) // 20)),
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )
    boosting.fit(rows, labels)
    # scikit-learn gives a fitted booster's trees under private names alone; a test compares the predictions.
    base = np.asarray(boosting._baseline_prediction, dtype=np.float64).ravel()
    base = base if several else np.array([-base[0], base[0]]) / 2
    trees = []
    for step in boosting._predictors:
        for column, predictor in enumerate(step):
            nodes = predictor.nodes
            value = np.zeros((len(nodes), classes))
            if several:
                value[:, column] = nodes["value"]
            else:
                value[:] = np.outer(nodes["value"], [-0.5, 0.5])
            feature = np.where(nodes["is_leaf"], -1, nodes["feature_idx"])
            trees.append((feature, nodes["num_threshold"], nodes["left"], nodes["right"], value))
    return TreesHead(_table(trees, base), average=False)


_Tree = tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any], NDArray[np.float64]]


def _table(trees: Sequence[_Tree], base: NDArray[np.float64]) -> dict[str, torch.Tensor]:
    """The nodes of all trees below one another; what a leaf does not use is zero."""
    sizes = np.array([len(tree[0]) for tree in trees])
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    feature = np.concatenate([tree[0] for tree in trees]).astype(np.int32)
    leaf = feature < 0
    shift = np.repeat(roots, sizes)
    sides = [np.concatenate([tree[part] for tree in trees]).astype(np.int64) + shift for part in (2, 3)]
    return {
        "roots": torch.from_numpy(roots.astype(np.int32)),
        "feature": torch.from_numpy(np.where(leaf, -1, feature).astype(np.int32)),
        "threshold": torch.from_numpy(np.where(leaf, 0.0, np.concatenate([tree[1] for tree in trees]))),
        "left": torch.from_numpy(np.where(leaf, 0, sides[0]).astype(np.int32)),
        "right": torch.from_numpy(np.where(leaf, 0, sides[1]).astype(np.int32)),
        "value": torch.from_numpy(np.where(leaf[:, None], np.concatenate([tree[4] for tree in trees]), 0.0)),
        "base": torch.from_numpy(np.asarray(base, dtype=np.float64)),
    }
