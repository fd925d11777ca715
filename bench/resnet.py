"""ResNet-50, from JPEG files to features, as a share of what the machine's bf16 matrix products would allow.

The weights are random: what a pass costs does not depend on them. Decoding is in the time, as in a cold training.
"""

from __future__ import annotations

import time
from typing import Any

from bench.common import chest_folder, scratch

# Multiplications and additions of one 224 px image, each counted as one: He et al., CVPR 2016 give 3.8e9 products for
# the first form of the network; this form, with the stride in the 3x3 convolutions, has 4.09e9.
FLOP_PER_IMAGE = 2 * 4.09e9
SIDE, PRODUCT = 224, 4096


def run(*, quick: bool = False) -> dict[str, Any]:
    import os

    import numpy as np
    import torch

    from lince.core.events import EventBus
    from lince.data import load
    from lince.imaging import cached_images
    from lince.models import build, entry_for
    from lince.models.folding import ready_to_run
    from lince.models.precision import best_device
    from lince.training.activations import Frozen, Recipe, compute_activations

    count = 48 if quick else 1_000
    with scratch() as folder:
        os.environ["LINCE_CACHE"] = str(folder / "cache")
        entry = entry_for(f"hf:{_saved(folder / 'resnet')}")
        network = build(entry, 2, entry.image_spec(SIDE))
        device = best_device()
        frozen = Frozen(ready_to_run(network, size=SIDE, device=device), device, SIDE)
        samples = load(chest_folder()).samples[:count]
        recipe = Recipe("bench", "embedding", 1, None, 0, "Computing features")
        frozen.run(torch.zeros(12, SIDE, SIDE, 3, dtype=torch.uint8), "embedding")  # not counted: the first pass
        rate = _product_rate(512 if quick else PRODUCT)
        begun = time.perf_counter()
        images = cached_images(samples, entry.image_spec(SIDE))
        decoded = time.perf_counter()
        compute_activations(
            frozen, images.pixels, np.arange(len(images.kept)), recipe, place=folder / "features", bus=EventBus()
        )
        done = time.perf_counter()
        rate = max(rate, _product_rate(512 if quick else PRODUCT))
    reached = FLOP_PER_IMAGE * count
    return {
        "images": count,
        "type": str(next(frozen.fast.stages.parameters()).dtype).removeprefix("torch."),
        "images_per_s": count / (done - begun),
        "decoding_s": decoded - begun,
        "features_s": done - decoded,
        "bf16_product_gflops": rate / 1e9,
        "share": reached / (done - begun) / rate,
        "share_without_decoding": reached / (done - decoded) / rate,
    }


def _saved(folder: Any) -> Any:
    """A ResNet-50 as transformers saves it."""
    import torch
    from transformers import ResNetConfig, ResNetModel

    torch.manual_seed(0)
    ResNetModel(ResNetConfig()).save_pretrained(folder)
    return folder


def _product_rate(side: int) -> float:
    """Operations a second in the best of several bf16 products of square matrices."""
    import torch

    left, right = (torch.randn(side, side, dtype=torch.bfloat16) for _ in range(2))
    best = float("inf")
    for _ in range(5):
        begun = time.perf_counter()
        left @ right
        best = min(best, time.perf_counter() - begun)
    return 2 * side**3 / best
