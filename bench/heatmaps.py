"""Where heat maps of phantoms lie, by method, and what the default one adds to a prediction.

A map's share inside the lesion is divided by the lesion's share of the image: 1 is what a map that knows nothing has.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
from PIL import Image

from bench.common import lince, median_ms, scratch

COUNT, SIDE = 600, 128


def run(*, quick: bool = False) -> dict[str, Any]:
    from lince.core.options import HeatMapMethod
    from lince.data import load, write_phantoms
    from lince.inference import Predictor

    with scratch() as folder:
        images = write_phantoms(folder / "phantoms", count=60 if quick else COUNT, size=SIDE)
        lince("train", images, "--preset", "fast", "--out", folder / "bundle", cache=folder / "cache")
        predictor = Predictor(folder / "bundle")
        known = predictor.bundle.seen()
        samples = [Path(sample.path) for sample in load(images).samples]
        tested = [path for path in samples if _digest(path) not in known][: 6 if quick else None]
        figures: dict[str, Any] = {
            "images": len(tested),
            "test_auc": predictor.bundle.summary()["auc"]["value"],
            "methods": {method: _measure(predictor, tested, method) for method in get_args(HeatMapMethod)},
        }
        return figures | _times(predictor, tested[0], 10 if quick else 200)


def _digest(path: Path) -> str:
    from lince.core.files import sha256_file
    from lince.inference.bundle import SEEN_DIGITS

    return sha256_file(path)[:SEEN_DIGITS]


def _measure(predictor: Any, paths: list[Path], method: str) -> dict[str, float]:
    """The mean over images of how much more of the map lies in the lesion than of the image; and seconds."""
    gains, empty = [], 0
    start = time.perf_counter()
    for path in paths:
        outcome = predictor.run([predictor.prepare(path)], explain=[True], method=method)[0]
        if not outcome.heat_map.any():
            empty += 1
            continue
        gains.append(inside(outcome.heat_map, path))
    seconds = (time.perf_counter() - start) / len(paths)
    return {
        "gain": float(np.mean(gains)),
        "worst_tenth": float(np.quantile(gains, 0.1)),
        "empty": empty,
        "ms_per_image": 1e3 * seconds,
    }


def inside(heat: np.ndarray, path: Path) -> float:
    """Share of a map (h, w) inside the lesion of a phantom, as a multiple of the lesion's share of the image."""
    from lince.data import draw_phantom

    _, label, index = path.stem.split("_")
    _, lesion = draw_phantom(int(index), malignant=label == "malignant", size=SIDE)
    sized = np.asarray(Image.fromarray(lesion).resize(heat.shape[::-1], Image.Resampling.NEAREST))
    return float(heat[sized].sum() / heat.sum() / sized.mean())


def _times(predictor: Any, path: Path, repeats: int) -> dict[str, float]:
    """In turns, so that a slow moment of the machine does not choose."""
    item = predictor.prepare(path)
    ways: dict[str, Callable[[], object]] = {
        "forward_ms": lambda: predictor.logits(item.pixels[None]),
        "predicted_ms": lambda: predictor.run([item]),
        "explained_ms": lambda: predictor.run([item], explain=[True]),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, work in ways.items():
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    found = {name: median_ms(values) for name, values in seconds.items()}
    return {**found, "ratio": found["explained_ms"] / found["forward_ms"]}
