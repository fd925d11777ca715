"""Peak anonymous memory of `lince train` for a quarter of a large collection and for all of it.

RssAnon leaves out the memory-mapped arrays, whose pages the system takes back when it needs them.
"""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.common import BATCH, Skip, chest_folder, command, scratch

ORIGINALS = 300


def run(*, quick: bool = False) -> dict[str, Any]:
    if not Path("/proc/self/status").exists():
        raise Skip("peak memory is read from /proc, which is not here")
    small, large = (1_000, 400) if quick else (100_000, 20_000)
    return {
        "28 px": [_measure(count, _npz, ["--model", "small-cnn", "--epochs", 1]) for count in (small // 4, small)],
        "224 px": [_measure(count, _folder, ["--epochs", 2]) for count in (large // 4, large)],
    }


def _measure(count: int, make: Any, flags: list[Any]) -> dict[str, Any]:
    with scratch() as folder:
        source = make(folder, count)
        words = command("train", source, "--preset", "fast", "--out", folder / "bundle", *flags)
        environment = {**os.environ, "LINCE_CACHE": str(folder / "cache")}
        start = time.perf_counter()
        with (folder / "log").open("w+") as log:
            child = subprocess.Popen(words, env=environment, stdout=log, stderr=subprocess.STDOUT)
            peak = 0
            while child.poll() is None:
                peak = max(peak, _anonymous_kib(child.pid))
                time.sleep(0.05)
            if child.returncode:
                log.seek(0)
                raise RuntimeError(f"training on {count} images failed:\n{log.read()[-2000:]}")
    found = {"images": count, "peak_mib": peak / 1024, "seconds": time.perf_counter() - start}
    print(" ", found, flush=True)
    return found


def _anonymous_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("RssAnon")), 0)


def _npz(folder: Path, count: int) -> Path:
    """Noise with a mean that tells the class, split 70/15/15."""
    random = np.random.default_rng(0)
    arrays, ends = {}, [0, int(0.7 * count), int(0.85 * count), count]
    for part, begin, end in zip(("train", "val", "test"), ends[:-1], ends[1:], strict=True):
        labels = random.integers(0, 2, (end - begin, 1), dtype=np.uint8)
        noise = random.integers(0, 200, (end - begin, 28, 28), dtype=np.uint8)
        arrays |= {f"{part}_images": noise + 40 * labels[:, :, None], f"{part}_labels": labels}
    place = folder / "large.npz"
    np.savez(place, **arrays)
    return place


def _folder(folder: Path, count: int) -> Path:
    """JPEG files made from a few hundred X-rays: mirrored, shifted, and with another contrast."""
    random = np.random.default_rng(0)
    classes = sorted(path for path in chest_folder().iterdir() if path.is_dir())
    originals = []
    for label in classes:
        paths = sorted(label.glob("*.jpeg"))[: ORIGINALS // len(classes)]
        originals.append([np.asarray(Image.open(path).convert("L")) for path in paths])
        (folder / "images" / label.name).mkdir(parents=True)
    for number in range(count):
        which = number % len(classes)
        values = originals[which][random.integers(len(originals[which]))]
        values = np.roll(values, random.integers(-40, 41, 2), axis=(0, 1))[:, :: random.choice([-1, 1])]
        values = (values * random.uniform(0.6, 1.0) + random.uniform(0, 40)).clip(0, 255).astype(np.uint8)
        values[:BATCH] = random.integers(0, 256, values[:BATCH].shape, dtype=np.uint8)  # no two are near-duplicates
        place = folder / "images" / classes[which].name / f"{number:06d}.jpeg"
        Image.fromarray(values).save(place, quality=85)
    return folder / "images"
