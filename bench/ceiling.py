"""What limits a figure: how the AUC grows with the training images, and how far a test part of this size can tell.

Only training and validation images are used. The curve is that of a power law, 1 - AUC = limit + scale * images ^ -rate
(Cortes et al., NIPS 1993), so its end is an extrapolation and no promise.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.common import DATA, need, scratch

FRACTIONS = (0.15, 0.25, 0.4, 0.6, 0.8, 1.0)
FOLDS, REPEATS = 5, 5
# Strength of the penalty, as the command's own head has it on this many images.
_PENALTY = 0.03

Rows = NDArray[np.int64]


def run(*, quick: bool = False) -> dict[str, Any]:
    """BreastMNIST and BUSI by a linear head on the frozen default network, and BreastMNIST by the small CNN."""
    mnist = need(DATA / "medmnist" / "breastmnist.npz", "BreastMNIST")
    ultrasound = need(DATA / "busi", "the breast ultrasound collection")
    repeats = 1 if quick else REPEATS
    return {
        "breastmnist_frozen": {**_frozen(mnist, repeats, 0.94), "test_part": _test_part(mnist, 0.94)},
        "busi_frozen": _frozen(ultrasound, repeats, 0.94, positive="malignant"),
        "breastmnist_small_cnn": _small_cnn(mnist, 1 if quick else 3, 0.90, epochs=1 if quick else None),
    }


def _frozen(source: Path, repeats: int, target: float, **choices: Any) -> dict[str, Any]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from lince.imaging import ImageSpec, cached_images
    from lince.models.embedding import Embedder

    collection = _known(source, **choices)
    images = cached_images(collection.samples, ImageSpec(size=224))
    collection = collection.subset(images.kept.tolist())
    features, ill = Embedder()(images.pixels), _ill(collection)
    groups = _groups(images.pixels, collection)

    def scores(train: Rows, held_out: Rows) -> Any:
        head = LogisticRegression(C=1 / (_PENALTY * len(train)), max_iter=2000, class_weight="balanced")
        fitted = make_pipeline(StandardScaler(), head).fit(features[train], ill[train])
        return fitted.decision_function(features[held_out])

    return _curve(scores, ill, groups, repeats, target, FRACTIONS)


def _small_cnn(source: Path, folds: int, target: float, epochs: int | None) -> dict[str, Any]:
    """Trained by the command's own code, with a fifth of the groups as the test part, which the others do not see."""
    from lince import Predictor, train
    from lince.imaging import ImageSpec, cached_images

    collection = _known(source)
    images = cached_images(collection.samples, ImageSpec(size=28, channels=1, mean=(0.0,), std=(1.0,)))
    collection = collection.subset(images.kept.tolist())
    groups = _groups(images.pixels, collection)
    with scratch() as folder:

        def scores(known: Rows, held_out: Rows) -> Any:
            rows = np.concatenate([known, held_out])
            parts = ["train"] * len(known) + ["test"] * len(held_out)
            some = collection.subset(rows.tolist()).with_groups([f"g{groups[row]}" for row in rows]).with_splits(parts)
            out = folder / f"{len(list(folder.iterdir()))}"
            bundle = train(some, model="small-cnn", out=out, **({"epochs": epochs} if epochs else {}))
            pixels = cached_images([collection.samples[row] for row in held_out], bundle.spec).pixels
            return Predictor(bundle).probabilities(pixels)[:, bundle.labels.positive_index]

        return _curve(scores, _ill(collection), groups, 1, target, (0.25, 0.5, 1.0), folds=folds)


def _known(source: Path, **choices: Any) -> Any:
    """Training and validation images."""
    from lince import load

    collection = load(source, **choices)
    return collection.subset([row for row, sample in enumerate(collection.samples) if sample.split != "test"])


def _ill(collection: Any) -> NDArray[np.bool_]:
    return np.array([sample.label == collection.labels.positive for sample in collection.samples])


def _groups(pixels: NDArray[np.uint8], collection: Any) -> Rows:
    from lince.data import near_duplicate_groups

    known = [sample.group for sample in collection.samples]
    return np.unique(near_duplicate_groups(pixels, existing=known), return_inverse=True)[1]


def _curve(
    scores: Callable[[Rows, Rows], Any],
    ill: NDArray[np.bool_],
    groups: Rows,
    repeats: int,
    target: float,
    fractions: tuple[float, ...],
    *,
    folds: int = FOLDS,
) -> dict[str, Any]:
    """Mean AUC on held-out folds for growing parts of the other folds, and the power law through it."""
    from sklearn.model_selection import StratifiedGroupKFold

    from lince.evaluation import auc

    sizes, found = {fraction: [] for fraction in fractions}, {fraction: [] for fraction in fractions}
    for repeat in range(repeats):
        parts = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=repeat).split(ill, ill, groups)
        for fold, (train, held_out) in enumerate(list(parts)[:folds]):
            shuffled = np.random.default_rng([repeat, fold]).permutation(np.unique(groups[train]))
            for fraction in fractions:
                some = train[np.isin(groups[train], shuffled[: round(fraction * len(shuffled))])]
                sizes[fraction].append(len(some))
                found[fraction].append(auc(ill[held_out], scores(some, held_out)))
        print(f"  { ({k: round(float(np.mean(v)), 4) for k, v in found.items()}) }", flush=True)
    points = [(float(np.mean(sizes[one])), float(np.mean(found[one]))) for one in fractions]
    return {
        "images": [round(count) for count, _ in points],
        "auc": [round(value, 4) for _, value in points],
        "standard_error": [float(np.std(found[one]) / np.sqrt(len(found[one]))) for one in fractions],
        **_law(points, target),
    }


def _law(points: list[tuple[float, float]], target: float) -> dict[str, Any]:
    """The curve through the points, what it gives for ten times the images, and where it meets the target."""
    from scipy.optimize import least_squares

    count, value = np.array(points).T

    def miss(law: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(law[0] + law[1] * (count / count[-1]) ** -law[2] - (1 - value))

    limit, scale, rate = least_squares(miss, [0.02, 0.1, 0.5], bounds=([0, 0, 0.05], [0.5, 1, 1])).x
    short = (1 - target) - limit
    needed = float(count[-1] * (short / scale) ** (-1 / rate)) if short > 0 and scale > 0 else None
    return {
        "limit_auc": float(1 - limit),
        "auc_of_ten_times_the_images": float(1 - limit - scale * 10**-rate),
        "target": target,
        "images_for_the_target": None if needed is None or needed > 1e6 else round(needed),
    }


def _test_part(source: Path, value: float) -> dict[str, Any]:
    """By how much chance moves the AUC of a test part of this size (Hanley and McNeil, Radiology 1982)."""
    from lince import load

    collection = load(source)
    test = collection.subset(collection.indices("test"))
    ill = _ill(test)
    first, second = value / (2 - value), 2 * value**2 / (1 + value)
    many, few = int(ill.sum()), int((~ill).sum())
    variance = value * (1 - value) + (many - 1) * (first - value**2) + (few - 1) * (second - value**2)
    return {"images": len(ill), "positive": many, "auc": value, "standard_error": float(np.sqrt(variance / many / few))}
