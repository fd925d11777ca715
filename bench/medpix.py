"""MedPix by descriptors: what standardising alone does for nearest neighbours, and the classifiers that are chosen.

Everything is chosen by grouped cross-validation on the official training part; the official dev part is opened once,
at the end.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bench.common import DATA, lince, need, scratch

TARGETS = ("type", "location")
NEIGHBOURS = 5


def descriptors(*, quick: bool = False) -> dict[str, Any]:
    """Unscaled and scaled neighbours, and `lince train --model descriptors` with neighbours and with anything."""
    source = need(DATA / "medpix", "MedPix 2.0")
    found = {}
    for target in TARGETS[: 1 if quick else None]:
        with scratch() as folder:
            found[target] = _told(source, target, folder, quick=quick)
        print(" ", target, found[target], flush=True)
    return found


def _told(source: Path, target: str, folder: Path, *, quick: bool) -> dict[str, Any]:
    from sklearn.metrics import accuracy_score, f1_score
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from lince.core.events import EventBus
    from lince.data import load
    from lince.imaging import cached_images
    from lince.inference import Predictor
    from lince.training.descriptors import described

    seconds, predictors = {}, {}
    for classifier in ("knn",) if quick else ("knn", "auto"):
        out = folder / classifier
        words = ["--target", target, "--model", "descriptors", "--classifier", classifier, "--out", out]
        seconds[classifier], _ = lince("train", source, *words, cache=folder / "cache")
        predictors[classifier] = Predictor(out)
    first = predictors["knn"]
    collection = load(source, target=target, classes=first.labels)
    images = cached_images(collection.samples, first.bundle.spec, folder=folder / "cache" / "arrays")
    rows = described(images, EventBus())
    parts = np.array([collection.samples[row].split for row in images.kept])
    truth = np.array([collection.samples[row].label for row in images.kept])
    train, dev = parts == "train", parts == "val"
    plain = KNeighborsClassifier(NEIGHBOURS).fit(rows[train], truth[train])
    scaled = make_pipeline(StandardScaler(), KNeighborsClassifier(NEIGHBOURS)).fit(rows[train], truth[train])
    names = np.array(first.labels.names)
    said = {"unscaled": plain.predict(rows[dev]), "scaled": scaled.predict(rows[dev])}
    for classifier, predictor in predictors.items():
        said[classifier] = names[predictor.probabilities(images.pixels[dev]).argmax(axis=1)]
    return {
        "train_images": int(train.sum()),
        "dev_images": int(dev.sum()),
        "train_seconds": seconds,
        "chosen": {
            name: predictor.bundle.manifest.provenance["classifiers"]["compared"][0]
            for name, predictor in predictors.items()
        },
        "figures": {
            name: {
                "accuracy": float(accuracy_score(truth[dev], own)),
                "macro_f1": float(f1_score(truth[dev], own, average="macro", zero_division=0)),
            }
            for name, own in said.items()
        },
    }
