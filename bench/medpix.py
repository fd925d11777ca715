"""MedPix by descriptors: what standardising alone does for nearest neighbours, and the classifier that is chosen.

Everything is chosen by grouped cross-validation on the official training part; the official dev part is opened once,
at the end, by each of the three models.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from bench.common import DATA, lince, need, scratch

TARGETS = ("type", "location")
NEIGHBOURS = 5


def descriptors(*, quick: bool = False) -> dict[str, Any]:
    """Unscaled and scaled nearest neighbours, and `lince train --model descriptors`, for both targets."""
    source = need(DATA / "medpix", "MedPix 2.0")
    found = {}
    for target in TARGETS[: 1 if quick else None]:
        with scratch() as folder:
            found[target] = _told(source, target, folder, *(["--classifier", "knn"] if quick else []))
        print(" ", target, found[target], flush=True)
    return found


def _told(source: Any, target: str, folder: Any, *words: object) -> dict[str, Any]:
    from sklearn.metrics import accuracy_score, f1_score
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    import lince as package
    from lince.imaging import cached_images
    from lince.inference import Predictor
    from lince.models.descriptors import describe_all

    out = folder / "bundle"
    seconds, _ = lince(
        "train", source, "--target", target, "--model", "descriptors", *words, "--out", out, cache=folder / "cache"
    )
    predictor = Predictor(out)
    collection = package.load(source, target=target, classes=predictor.labels)
    begun = time.perf_counter()
    images = cached_images(collection.samples, predictor.bundle.spec, folder=folder / "cache" / "arrays")
    rows = describe_all(images.pixels)
    described = time.perf_counter() - begun
    parts = np.array([collection.samples[row].split for row in images.kept])
    truth = np.array([collection.samples[row].label for row in images.kept])
    train, dev = parts == "train", parts == "val"
    plain = KNeighborsClassifier(NEIGHBOURS).fit(rows[train], truth[train])
    scaled = make_pipeline(StandardScaler(), KNeighborsClassifier(NEIGHBOURS)).fit(rows[train], truth[train])
    names = np.array(predictor.labels.names)
    said = {
        "unscaled": plain.predict(rows[dev]),
        "scaled": scaled.predict(rows[dev]),
        "chosen": names[predictor.probabilities(images.pixels[dev]).argmax(axis=1)],
    }
    manifest = predictor.bundle.manifest
    return {
        "train_images": int(train.sum()),
        "dev_images": int(dev.sum()),
        "train_seconds": seconds,
        "descriptors_seconds": described,
        "compared": manifest.provenance["classifiers"]["compared"],
        "figures": {
            name: {
                "accuracy": float(accuracy_score(truth[dev], own)),
                "macro_f1": float(f1_score(truth[dev], own, average="macro", zero_division=0)),
            }
            for name, own in said.items()
        },
    }
