"""Figures on real images by the command line: BUSI out of fold, BreastMNIST's official test, chest X-rays of others.

All that is chosen is chosen on training and validation images; each test part is opened once, by the finished bundle.
BreastMNIST's official split puts near-twins on both sides, so its test images without a twin are told apart.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from bench.common import DATA, chest_folder, figures_of, lince, need, scratch

SEEDS = range(3)


def busi(*, quick: bool = False) -> dict[str, Any]:
    """AUC for malignant over grouped folds of the training and validation parts; the test part beside it."""
    source = need(DATA / "busi", "the breast ultrasound collection")
    words = ["--preset", "fast", "--folds", 2] if quick else ["--preset", "best"]
    with scratch() as folder:
        seconds, out = _trained(source, folder, "--positive", "malignant", *words)
        return {**_cross_validation(out), **_told(figures_of(out)), "seconds": seconds}


def breastmnist(*, quick: bool = False) -> list[dict[str, Any]]:
    """The official test part by the preset ``best``."""
    words = ["--model", "efficientnet-lite0", "--image-size", 32] if quick else []
    return [_breastmnist(seed, "--preset", "best", *words) for seed in list(SEEDS)[: 1 if quick else None]]


def small_cnn(*, quick: bool = False) -> list[dict[str, Any]]:
    """The same part by the small CNN."""
    words = ["--epochs", 1] if quick else []
    return [_breastmnist(seed, "--model", "small-cnn", *words) for seed in list(SEEDS)[: 1 if quick else None]]


def chest(*, quick: bool = False) -> dict[str, Any]:
    """Patients are in the file names: the test part has other patients."""
    with scratch() as folder:
        words = ["--preset", "fast"] if quick else []
        seconds, out = _trained(chest_folder(), folder, "--positive", "PNEUMONIA", *words)
        return {**_told(figures_of(out)), "seconds": seconds}


def _trained(source: Path, folder: Path, *words: object) -> tuple[float, Path]:
    out = folder / "bundle"
    seconds, _ = lince("train", source, *words, "--out", out, cache=folder / "cache")
    return seconds, out


def _cross_validation(out: Path) -> dict[str, Any]:
    manifest = json.loads((out / "bundle.json").read_text(encoding="utf-8"))
    pooled, about = manifest["figures"]["val"]["auc"], manifest["provenance"]["cross_validation"]
    return {
        "out_of_fold_auc": pooled["value"],
        "out_of_fold_auc_95": [pooled["low"], pooled["high"]],
        "auc_by_fold": manifest["figures"]["folds"]["auc"],
        "members": {one["name"]: round(one["share"], 3) for one in about["candidates"]},
        "left_out": about["left_out"],
        "milliseconds_per_image": about["milliseconds_per_image"],
    }


def _told(figures: dict[str, Any]) -> dict[str, Any]:
    test = figures["test"]
    return {
        "test_images": test["n"],
        "test_auc": test["auc"]["value"],
        "test_auc_95": [test["auc"]["low"], test["auc"]["high"]],
        "test_accuracy": test["accuracy"]["value"],
        "test_balanced_accuracy": test["balanced_accuracy"]["value"],
    }


def _breastmnist(seed: int, *words: object) -> dict[str, Any]:
    source = need(DATA / "medmnist" / "breastmnist.npz", "BreastMNIST")
    with scratch() as folder:
        seconds, out = _trained(source, folder, "--seed", seed, *words)
        cross = _cross_validation(out) if "best" in words else {}
        found = {"seed": seed, **cross, **_told(figures_of(out)), **_without_twins(source, out), "seconds": seconds}
    print("  breastmnist", found, flush=True)
    return found


def _without_twins(source: Path, out: Path) -> dict[str, Any]:
    """Figures decided by the likelier class, with and without the test images that have a twin in training."""
    from lince.data import load, near_duplicate_groups
    from lince.evaluation import auc
    from lince.imaging import cached_images
    from lince.inference import Predictor

    predictor = Predictor(out)
    collection = load(source, classes=predictor.labels)
    images = cached_images(collection.samples, predictor.bundle.spec)
    groups = np.array(near_duplicate_groups(images.pixels))
    parts = np.array([collection.samples[row].split for row in images.kept])
    truth = np.array([collection.labels.index(collection.samples[row].label) for row in images.kept])
    test = np.flatnonzero(parts == "test")
    table = predictor.probabilities(images.pixels[test])
    alone = ~np.isin(groups[test], groups[parts != "test"])
    found = {}
    for name, chosen in (("", np.ones(len(test), bool)), ("_without_twin", alone)):
        rows, right = table[chosen], truth[test][chosen]
        found[f"accuracy_likelier_class{name}"] = float((rows.argmax(1) == right).mean())
        found[f"auc{name}"] = auc(right == 1, rows[:, 1])
    return {"images_without_twin": int(alone.sum()), **found}
