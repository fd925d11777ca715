"""`lince train` on chest X-rays, fast: the whole process, cold cache of images."""

from __future__ import annotations

from typing import Any

from bench.common import chest_folder, figures_of, lince, scratch


def run(*, quick: bool = False) -> dict[str, Any]:
    extra = ["--epochs", 1] if quick else []
    with scratch() as folder:
        out = folder / "bundle"
        seconds, _ = lince(
            "train", chest_folder(), "--preset", "fast", "--out", out, *extra, cache=folder / "cache"
        )  # fmt: skip
        figures = figures_of(out)
    return {
        "seconds": seconds,
        "validation_auc": figures["val"]["auc"]["value"],
        "test_auc": figures["test"]["auc"]["value"],
        "test_auc_95": [figures["test"]["auc"]["low"], figures["test"]["auc"]["high"]],
        "test_images": figures["test"]["n"],
    }
