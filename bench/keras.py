"""The usual Keras script beside `lince train`, on the same few hundred X-rays.

ImageNet weights for Keras are a download; without them its accuracy means nothing, so only times are compared.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.common import PEERS, Skip, chest_folder, lince, need, scratch

EPOCHS, TUNE_EPOCHS = 3, 1


def run(*, quick: bool = False) -> dict[str, Any]:
    script = need(PEERS / "keras_two_phase.py", "the Keras peer's script")
    limit = 40 if quick else 300
    with scratch() as folder:
        images = _limited(folder / "images", limit)
        python = _environment(folder / "venv")
        theirs = folder / "keras.json"
        words = [script, images, "--epochs", EPOCHS, "--tune-epochs", TUNE_EPOCHS, "--limit", limit, "--json", theirs]
        done = subprocess.run([str(python), *map(str, words)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"the Keras peer failed:\n{done.stderr[-2000:]}")
        peer = json.loads(theirs.read_text(encoding="utf-8"))
        words = ["train", images, "--preset", "balanced", "--epochs", EPOCHS, "--tune-epochs", TUNE_EPOCHS]
        seconds, _ = lince(*words, "--out", folder / "bundle", cache=folder / "cache")
    return {
        "images": sum(peer["images"].values()),
        "epochs": [EPOCHS, TUNE_EPOCHS],
        "note": "times only: without a network the peer has no pretrained weights",
        "keras_frozen_s_per_epoch": peer["frozen_s"] / peer["frozen_epochs"],
        "keras_tune_s_per_epoch": peer["tune_s"] / peer["tune_epochs"],
        "keras_fit_s": peer["total_s"],
        "lince_whole_process_s": seconds,
        "lince_whole_process_s_per_epoch": seconds / (EPOCHS + TUNE_EPOCHS),
    }


def _limited(folder: Path, limit: int) -> Path:
    """As many images of each class, chosen as the peer chooses them."""
    for label in sorted(path for path in chest_folder().iterdir() if path.is_dir()):
        paths = sorted(path for path in label.iterdir() if path.is_file())
        random.Random(42).shuffle(paths)
        (folder / label.name).mkdir(parents=True)
        for path in paths[:limit]:
            shutil.copy(path, folder / label.name)
    return folder


def _environment(folder: Path) -> Path:
    python = folder / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "tensorflow-cpu", "scikit-learn"]
    if subprocess.run(install, capture_output=True, check=False).returncode:
        raise Skip("tensorflow-cpu cannot be installed here")
    return python
