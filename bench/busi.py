"""`lince train` on breast ultrasound, fast and balanced: the whole process, cold cache of images, several seeds.

The split keeps near-duplicates together, so the figures differ from seed to seed with the images that fall into the
test part; the mean and every one of them are told.
"""

from __future__ import annotations

import statistics
from typing import Any

from bench.common import DATA, figures_of, lince, need, scratch

SEEDS = {"fast": range(3), "balanced": range(2)}


def run(*, quick: bool = False) -> dict[str, Any]:
    source = need(DATA / "busi", "the breast ultrasound collection")
    if quick:
        return {"fast": _summary([_train(source, "fast", 0)])}
    return {preset: _summary([_train(source, preset, seed) for seed in seeds]) for preset, seeds in SEEDS.items()}


def _train(source: Any, preset: str, seed: int) -> dict[str, float]:
    with scratch() as folder:
        out = folder / "bundle"
        words = ("train", source, "--preset", preset, "--positive", "malignant", "--seed", seed, "--out", out)
        seconds, _ = lince(*words, cache=folder / "cache")
        figures = figures_of(out)
    found = {
        "seed": seed,
        "seconds": seconds,
        "test_auc": figures["test"]["auc"]["value"],
        "validation_auc": figures["val"]["auc"]["value"],
    }
    print(f"  {preset}", found, flush=True)
    return found


def _summary(runs: list[dict[str, float]]) -> dict[str, Any]:
    means = {f"mean_{key}": statistics.fmean(run[key] for run in runs) for key in runs[0] if key != "seed"}
    return {**means, "slowest_s": max(run["seconds"] for run in runs), "runs": runs}
