"""How long augmentation takes, per image, beside kornia's flip and affine transform alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from bench.common import DATA, need

SIDE, IMAGES = 224, 64


def run(*, quick: bool = False) -> dict[str, Any]:
    import torch

    from lince.imaging.augmentation import POLICIES, AugmentationSpec, augment
    from lince.imaging.augmentation.effects import Brightness, Contrast, Flip, Rotation, Translation, Zoom
    from lince.models.memory import keep_freed_memory

    keep_freed_memory()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    moved = AugmentationSpec(effects=(Flip(), Rotation(degrees=10), Translation(share=0.05), Zoom(share=0.1)))
    toned = AugmentationSpec(effects=(*moved.effects, Brightness(share=0.1), Contrast(share=0.15)))
    figures: dict[str, Any] = {"device": str(device), "side": SIDE, "images": 8 if quick else IMAGES}
    for title, pixels in _batches(8 if quick else IMAGES).items():
        pixels = pixels.to(device)
        ways: dict[str, Callable[[], object]] = {
            "kornia, flip and affine": _kornia(pixels, tones=False),
            "flip and affine": lambda pixels=pixels: augment(pixels, moved, seed=1),
            "kornia, and brightness and contrast": _kornia(pixels, tones=True),
            "and brightness and contrast": lambda pixels=pixels: augment(pixels, toned, seed=1),
        }
        for name, spec in POLICIES.items():
            ways[f"policy {name}"] = lambda pixels=pixels, spec=spec: augment(pixels, spec, seed=1)
        figures[f"{title}, ms per image"] = _times(ways, len(pixels), 2 if quick else 8)
    return figures


def _batches(count: int) -> dict[str, Any]:
    """Real images where there are some: grey ones in three channels, and slides."""
    import numpy as np
    import torch

    from lince.data import load
    from lince.imaging import ImageSpec, load_sample

    found = {}
    for title, folder in (("chest X-rays", "chest_xray"), ("slides", "breakhis")):
        samples = load(need(DATA / folder, title)).samples
        pixels = [load_sample(samples[number % len(samples)], ImageSpec(size=SIDE)) for number in range(count)]
        found[title] = torch.from_numpy(np.stack(pixels))
    return found


def _kornia(pixels: Any, *, tones: bool) -> Callable[[], object]:
    from kornia.augmentation import AugmentationSequential, ColorJiggle, RandomAffine, RandomHorizontalFlip

    steps = AugmentationSequential(
        RandomHorizontalFlip(p=0.5),
        RandomAffine(degrees=10, translate=(0.05, 0.05), scale=(0.9, 1.1), p=1.0),
        *([ColorJiggle(brightness=0.1, contrast=0.15, p=1.0)] if tones else []),
        data_keys=["input"],
    )

    def change() -> object:
        changed = steps(pixels.permute(0, 3, 1, 2).float() / 255)
        return changed.mul(255).round_().clamp_(0, 255).byte().permute(0, 2, 3, 1)

    return change


def _times(ways: dict[str, Callable[[], object]], images: int, repeats: int) -> dict[str, float]:
    """Milliseconds per image: the best of several, taken in turns, so that a busy moment decides nothing."""
    import torch

    best = dict.fromkeys(ways, float("inf"))
    with torch.no_grad():
        for _ in range(repeats):
            for name, way in ways.items():
                start = time.perf_counter()
                way()
                if torch.cuda.is_available():
                    torch.cuda.synchronize()
                best[name] = min(best[name], (time.perf_counter() - start) / images)
    return {name: round(1e3 * seconds, 3) for name, seconds in best.items()}
