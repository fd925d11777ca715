"""MedPix by descriptors: what standardising alone does for nearest neighbours, and the classifiers that are chosen.

Everything is chosen by grouped cross-validation on the official training part; the official dev part is opened once,
at the end. `lince train` would keep some training images for a test part, since there is no official one.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.common import DATA, need, scratch

TARGETS = ("type", "location")
NEIGHBOURS = 5


def descriptors(*, quick: bool = False) -> dict[str, Any]:
    """Neighbours as scikit-learn has them, unscaled and scaled, and what `--classifier knn` and `auto` choose."""
    source = need(DATA / "medpix", "MedPix 2.0")
    found = {}
    with scratch() as folder:
        for target in TARGETS[: 1 if quick else None]:
            found[target] = _told(source, target, folder, ("knn",) if quick else ("knn", "auto"))
            print(" ", target, found[target], flush=True)
    return found


def _told(source: Path, target: str, folder: Path, asked: tuple[str, ...]) -> dict[str, Any]:
    import torch
    from sklearn.metrics import accuracy_score, f1_score
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from lince.core.events import EventBus
    from lince.data import load
    from lince.imaging import cached_images
    from lince.models import entry_for
    from lince.training.descriptors import choose, described
    from lince.training.options import TrainOptions
    from lince.training.prepared import Prepared

    bus = EventBus()
    begun = time.perf_counter()
    collection = load(source, target=target)
    images = cached_images(collection.samples, entry_for("descriptors").image_spec(), folder=folder)
    rows = described(images, bus)
    seconds = {"images and descriptors": time.perf_counter() - begun}
    collection = collection.subset(images.kept.tolist())
    labels = np.array([collection.labels.index(sample.label) for sample in collection.samples])
    prepared = Prepared(collection, images, labels, ())
    train, dev = prepared.rows("train"), prepared.rows("val")
    plain = KNeighborsClassifier(NEIGHBOURS).fit(rows[train], labels[train])
    scaled = make_pipeline(StandardScaler(), KNeighborsClassifier(NEIGHBOURS)).fit(rows[train], labels[train])
    said = {"unscaled": plain.predict(rows[dev]), "scaled": scaled.predict(rows[dev])}
    chosen = {}
    for classifier in asked:
        begun = time.perf_counter()
        model, scored = choose(prepared, rows, TrainOptions(classifier=classifier), bus)
        seconds[classifier] = time.perf_counter() - begun
        chosen[classifier] = [one.plain() for one in scored]
        said[classifier] = model.classify(torch.from_numpy(rows[dev])).argmax(dim=1).numpy()
    return {
        "train_images": len(train),
        "dev_images": len(dev),
        "seconds": seconds,
        "compared": chosen,
        "figures": {
            name: {
                "accuracy": float(accuracy_score(labels[dev], own)),
                "macro_f1": float(f1_score(labels[dev], own, average="macro", zero_division=0)),
            }
            for name, own in said.items()
        },
    }
