"""`lince predict` on a folder of JPEGs against bare batched forward passes of the same network."""

from __future__ import annotations

import json
import time
from typing import Any

from bench.common import Bare, bundle, chest_folder, lince


def run(*, quick: bool = False) -> dict[str, Any]:
    place = bundle()
    paths = sorted(chest_folder().rglob("*.jpeg"))[: 320 if quick else None]
    bare = Bare(place)
    # Bare passes before and after, so that a slow spell of the machine does not favour one side.
    per_image = [bare.seconds_per_image(len(paths) // 2)]
    whole = _command(place, paths)
    alone = _predictor(place, paths)
    per_image.append(bare.seconds_per_image(len(paths) // 2))
    forward = len(paths) * sum(per_image) / 2
    return {
        "images": len(paths),
        "bare_dtype": bare.dtype,
        "bare_forward_s": forward,
        "bare_ms_per_image": [1e3 * value for value in per_image],
        "command_s": whole,
        "command_ratio": whole / forward,
        "without_start_s": alone,
        "without_start_ratio": alone / forward,
    }


def _command(place: Any, paths: list[Any]) -> float:
    """The whole process; the files are given by name where there are few of them."""
    chosen = paths if len(paths) < 1000 else [chest_folder()]
    seconds, printed = lince("predict", place, *chosen, "--json")
    lines = printed.splitlines()
    if len(lines) != len(paths) or "probabilities" not in json.loads(lines[-1]):
        raise RuntimeError(f"{len(lines)} predictions of {len(paths)} images")
    return seconds


def _predictor(place: Any, paths: list[Any]) -> float:
    """Without the start of the process: a predictor that is loaded and warm."""
    from lince.inference import Predictor

    predictor = Predictor(place)
    list(predictor.predict_many(paths[:64]))
    start = time.perf_counter()
    count = sum(1 for _ in predictor.predict_many(paths))
    seconds = time.perf_counter() - start
    if count != len(paths):
        raise RuntimeError(f"{count} predictions of {len(paths)} images")
    return seconds
