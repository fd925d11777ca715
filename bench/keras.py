"""The usual Keras script beside `lince train`, on the same few hundred X-rays, in the same run.

ImageNet weights for Keras are a download. Without them the peer learns from random features, so its best validation AUC
is lower than with them, and says so under ``peer_weights``.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.common import PEERS, Skip, chest_folder, command, need, scratch

EPOCHS, TUNE_EPOCHS = 10, 3
_LINE = re.compile(r"^(\S+) epoch \d+/\d+ .*val AUC ([\d.]+)")


def run(*, quick: bool = False) -> dict[str, Any]:
    script = need(PEERS / "keras_two_phase.py", "the Keras peer's script")
    limit, epochs, tune_epochs = (40, 3, 1) if quick else (300, EPOCHS, TUNE_EPOCHS)
    with scratch() as folder:
        images = _limited(folder / "images", limit)
        python = _environment(folder / "venv")
        peer, moments = _peer(python, script, images, folder, epochs, tune_epochs)
        ours = _lince(images, folder)
    best = max(moments, key=lambda moment: moment["val_auc"])
    reached = next((m["seconds"] for m in ours["moments"] if m["val_auc"] >= best["val_auc"]), None)
    train = peer["images"]["train"]
    return {
        "images": sum(peer["images"].values()),
        "peer_weights": peer["weights"] or "random: ImageNet's cannot be downloaded here",
        "peer_best_val_auc": best["val_auc"],
        "peer_seconds_to_it": best["seconds"],
        "lince_best_val_auc": max(m["val_auc"] for m in ours["moments"]),
        "lince_seconds_to_it": reached,
        "ratio_to_it": best["seconds"] / reached if reached else None,
        "lince_seconds_whole_process": ours["seconds"],
        "peer_frozen_ms_per_image": 1e3 * peer["frozen_s"] / peer["frozen_epochs"] / train,
        "peer_tune_ms_per_image": 1e3 * peer["tune_s"] / peer["tune_epochs"] / train,
        "lince_tune_ms_per_image": ours["tune_ms"],
        "lince_tune_ms_per_image_with_features": ours["tune_ms_with_features"],
        "ratio_tune": 1e3 * peer["tune_s"] / peer["tune_epochs"] / train / ours["tune_ms"],
    }


def _peer(
    python: Path, script: Path, images: Path, folder: Path, epochs: int, tune_epochs: int
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Its own figures, and the validation AUC after each epoch with the seconds since its start."""
    watch = Path(__file__).with_name("keras_watch.py")
    words = [images, "--epochs", epochs, "--tune-epochs", tune_epochs, "--json", folder / "keras.json"]
    # -P: beside the script lies this module, which is called keras too.
    start = [python, "-P", watch, folder / "moments.json", script, *words]
    done = subprocess.run(list(map(str, start)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the Keras peer failed:\n{done.stderr[-2000:]}")
    return _read(folder / "keras.json"), _read(folder / "moments.json")


def _read(place: Path) -> Any:
    return json.loads(place.read_text(encoding="utf-8"))


def _lince(images: Path, folder: Path) -> dict[str, Any]:
    """What `lince train` prints, with the seconds since its process started."""
    words = command("train", images, "--preset", "balanced", "--phases", 2, "--out", folder / "bundle")
    start = time.perf_counter()
    child = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1)
    moments: list[dict[str, Any]] = []
    told = []
    for line in child.stdout or ():
        now = time.perf_counter() - start
        told.append(line)
        if found := _LINE.match(line):
            moments.append({"seconds": now, "phase": found[1], "val_auc": float(found[2])})
    if child.wait():
        raise RuntimeError(f"lince train failed:\n{''.join(told)[-2000:]}")
    begun = max(moment["seconds"] for moment in moments if moment["phase"] == "head")
    tuned = [moment["seconds"] for moment in moments if moment["phase"] == "fine-tuning"]
    count = sum(_read(folder / "bundle" / "bundle.json")["provenance"]["collection"]["counts"]["train"].values())
    return {
        "seconds": time.perf_counter() - start,
        "moments": moments,
        "tune_ms": 1e3 * (tuned[-1] - tuned[0]) / (len(tuned) - 1) / count,
        "tune_ms_with_features": 1e3 * (tuned[-1] - begun) / len(tuned) / count,
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
