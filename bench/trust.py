"""What prediction sets, calibration, abstention and the refusal of other images are worth on images held out.

By grouped 5-fold: in each fold a bundle is trained on the other four by the preset fast, and asked about the fifth, its
test part. For breast ultrasound twice: with limits from one validation part, and from a cross-validation within the
four folds. Each bundle for breast ultrasound is also shown images of other kinds: X-rays, CT, MR, microscopy,
photographs, noise and blanks; and each of a bundle for CT and MR, which are less like one another, the same with breast
ultrasound in the place of CT and MR.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.common import DATA, chest_folder, need, scratch
from lince.data import Collection, load, near_duplicate_groups

Kinds = dict[str, list[Path]]
FOLDS = 5
_EACH = 100
_REFERRED = 0.20
# Limits from out-of-fold predictions.
_CROSSED = {"folds": 5}


def run(*, quick: bool = False) -> dict[str, Any]:
    """Figures over the images of all folds, each by a bundle that did not see it."""
    source = need(DATA / "busi", "the breast ultrasound collection")
    outer = range(1 if quick else FOLDS)
    with scratch() as folder:
        ultrasound = load(source, positive="malignant")
        sections = load(need(DATA / "medpix", "MedPix 2.0"), target="type", positive="MR")
        chest = load(chest_folder(), positive="PNEUMONIA")
        kinds = dict(_kinds(folder / "kinds", ultrasound, sections, chest))
        found = [
            _shown(ultrasound, folder / f"busi-{fold}", fold, _without(kinds, "breast ultrasound")) for fold in outer
        ]
        others = [_shown(sections, folder / f"medpix-{fold}", fold, _without(kinds, "CT and MR")) for fold in outer]
        crossed = [_asked(ultrasound, folder / f"crossed-{fold}", fold, **_CROSSED) for fold in outer]
        return {
            "busi": _told([own for own, _ in found]),
            "busi_cross_validated": _told(crossed),
            "chest": _told([_asked(chest, folder / f"chest-{fold}", fold) for fold in outer]),
            **_refused(kinds, [refused for _, refused in found]),
            "medpix": {**_told([own for own, _ in others]), **_refused(kinds, [refused for _, refused in others])},
        }


def _without(kinds: Kinds, own: str) -> Kinds:
    return {kind: paths for kind, paths in kinds.items() if kind != own}


def _refused(kinds: Kinds, found: list[dict[str, float]]) -> dict[str, Any]:
    """The share of images of other kinds that were refused, over all folds, and by kind."""
    each = {
        kind: {"images": len(kinds[kind]), "refused": statistics.fmean(one[kind] for one in found)} for kind in found[0]
    }
    images = sum(one["images"] for one in each.values())
    return {
        "refused": sum(one["images"] * one["refused"] for one in each.values()) / images,
        "refused_by_kind": each,
    }


def _shown(collection: Collection, out: Path, fold: int, kinds: Kinds) -> tuple[dict[str, Any], dict[str, float]]:
    """As `_asked`; and the share of images of each other kind that the bundle refuses."""
    from lince import Predictor

    own, predictor = _asked(collection, out, fold), Predictor(out)
    refused = {
        kind: float(np.mean([one.refused for one in predictor.predict_many(paths)])) for kind, paths in kinds.items()
    }
    print(f"  {out.name}", {kind: round(share, 3) for kind, share in refused.items()}, flush=True)
    return own, refused


def _asked(collection: Collection, out: Path, fold: int, **choices: Any) -> dict[str, Any]:
    """Train by the preset fast; what the bundle says of each image of its test part, in arrays."""
    from lince import Predictor, train
    from lince.evaluation import decisions
    from lince.imaging import cached_images
    from lince.trust import image_statistics, softmax

    collection = _with_fold(collection, fold)
    # Another seed, another validation part: the limits of all folds must not hang on the same few images.
    bundle = train(collection, seed=fold, out=out, preset="fast", **choices)
    predictor, labels = Predictor(bundle), bundle.labels
    test = collection.subset(collection.indices("test"))
    images = cached_images(test.samples, bundle.spec)
    logits, features = predictor.logits_and_features(images.pixels)
    table, column = bundle.trust.calibration.apply(logits), labels.positive_index
    truth = np.array([labels.index(test.samples[i].label) for i in images.kept])
    novelty, sets, referral = bundle.novelty(), bundle.trust.sets, bundle.trust.referral
    if novelty is None or sets is None or referral is None or column is None:
        raise RuntimeError("too few images to set limits, or no positive class")
    inside, chosen = sets.contains(table), decisions(table, labels, bundle.threshold)
    return {
        "names": np.array(labels.names)[truth],
        "calibrated": table[:, column],
        "plain": softmax(logits)[:, column],
        "ill": truth == column,
        "covered": inside[np.arange(len(truth)), truth],
        "size": inside.sum(axis=1),
        "wrong": chosen != truth,
        "wrong_side": (chosen == column) != (truth == column),
        "referred": table[np.arange(len(truth)), chosen] < referral.limit(_REFERRED),
        "refused": novelty.scores(features, image_statistics(images.pixels)) > 1.0,
    }


def _with_fold(collection: Collection, fold: int) -> Collection:
    """The collection with a grouped fold as its test part; patients and near-duplicates stay together."""
    from sklearn.model_selection import StratifiedGroupKFold

    from lince.imaging import ImageSpec, cached_images

    spec = ImageSpec(size=224, channels=1, mean=(0.0,), std=(1.0,))
    images = cached_images(collection.samples, spec)
    collection = collection.subset(images.kept.tolist())
    known = [sample.group for sample in collection.samples]
    groups = near_duplicate_groups(images.pixels, existing=known)
    labels = [sample.label for sample in collection.samples]
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0).split(labels, labels, groups)
    test = set(list(folds)[fold][1].tolist())
    splits = ["test" if i in test else "train" for i in range(len(labels))]
    return collection.with_groups(groups).with_splits(splits)


def _told(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Figures over the images of all parts."""
    from lince.evaluation.calibration import calibration_error, reliability

    every = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    kept = ~every["referred"]

    def error_of(scores: Any) -> float | None:
        return calibration_error(reliability(scores, every["ill"], confidence=0.95))

    return {
        "images": len(every["ill"]),
        "calibration_error_before": error_of(every["plain"]),
        "calibration_error": error_of(every["calibrated"]),
        "coverage": {str(name): float(every["covered"][every["names"] == name].mean()) for name in set(every["names"])},
        "one_class_in_set": float((every["size"] == 1).mean()),
        "error": float(every["wrong"].mean()),
        "referred": float(every["referred"].mean()),
        "error_of_the_others": float(every["wrong"][kept].mean()),
        "error_positive_or_not": float(every["wrong_side"].mean()),
        "error_positive_or_not_of_the_others": float(every["wrong_side"][kept].mean()),
        "own_images_refused": float(every["refused"].mean()),
    }


def _kinds(
    folder: Path, ultrasound: Collection, sections: Collection, chest: Collection
) -> Iterator[tuple[str, list[Path]]]:
    """Images of several kinds."""
    yield "breast ultrasound", _some(ultrasound)
    yield "chest X-ray", _some(chest)
    yield "CT and MR", _some(sections, 3 * _EACH)
    yield "microscopy", sorted((DATA / "breakhis").rglob("*.png"))
    folder.mkdir(parents=True)
    for kind, make in {"photographs": _photographs, "noise": _noise, "blanks": _blanks, "text": _text}.items():
        places = []
        for number, pixels in enumerate(make()):
            places.append(folder / f"{kind}-{number}.png")
            Image.fromarray(pixels).save(places[-1])
        yield kind, places


def _some(collection: Collection, count: int = _EACH) -> list[Path]:
    paths = sorted(Path(sample.path) for sample in collection.samples)
    return [paths[i] for i in np.random.default_rng(0).choice(len(paths), min(count, len(paths)), replace=False)]


def _photographs() -> Iterator[Any]:
    """Quarters of the photographs that scikit-learn and matplotlib carry, in colour and in grey."""
    from matplotlib.cbook import get_sample_data
    from sklearn.datasets import load_sample_images

    with get_sample_data("grace_hopper.jpg") as stream:
        photographs = [*load_sample_images().images, np.asarray(Image.open(stream).convert("RGB"))]
    for photograph in photographs:
        height, width = photograph.shape[0] // 2, photograph.shape[1] // 2
        for top in (0, height):
            for left in (0, width):
                part = photograph[top : top + height, left : left + width]
                yield part
                yield np.asarray(Image.fromarray(part).convert("L"))


def _noise() -> Iterator[Any]:
    random = np.random.default_rng(0)
    for spread in (8, 20, 40, 80):
        for level in (60, 128, 190):
            yield np.clip(random.normal(level, spread, (240, 240)), 0, 255).astype(np.uint8)
    for _ in range(4):
        yield random.integers(0, 256, (240, 240, 3), np.uint8)


def _blanks() -> Iterator[Any]:
    for level in (0, 30, 100, 128, 200, 255):
        yield np.full((240, 240), level, np.uint8)


def _text() -> Iterator[Any]:
    """Pages of text as a screenshot shows them, dark on light and light on dark."""
    from PIL import ImageDraw

    for number in range(10):
        page = Image.new("L", (400, 300), 255 if number % 2 else 20)
        ink = ImageDraw.Draw(page)
        for line in range(18 - number):
            words = f"{number}{line} Findings: no focal lesion is seen in either breast, BI-RADS 1."
            ink.text((10, 8 + 15 * line), words, fill=0 if number % 2 else 220)
        yield np.asarray(page)
