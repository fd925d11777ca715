"""Run the Keras peer's script as it is, and note the validation AUC after each of its epochs.

Run by the Python of the peer: it needs neither lince nor the rest of `bench`. The time of measuring is left out.
"""

from __future__ import annotations

import json
import runpy
import sys
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
from sklearn.metrics import roc_auc_score

MOMENTS: list[dict[str, Any]] = []
START, OUTSIDE = time.perf_counter(), [0.0]


class Watch(keras.callbacks.Callback):
    def __init__(self, images: Any) -> None:
        super().__init__()
        self._images = images

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002  Keras passes it
        begun = time.perf_counter()
        truth = np.concatenate([labels.numpy() for _, labels in self._images]).argmax(1)
        scores = self.model.predict(self._images, verbose=0)[:, 1]
        seconds = begun - START - OUTSIDE[0]
        MOMENTS.append({"seconds": seconds, "epoch": epoch + 1, "val_auc": float(roc_auc_score(truth, scores))})
        OUTSIDE[0] += time.perf_counter() - begun


def main() -> None:
    place, script, *words = sys.argv[1:]
    fit = keras.Model.fit

    def watched(self: Any, *args: Any, **options: Any) -> Any:
        options["callbacks"] = [*options["callbacks"], Watch(options["validation_data"])]
        return fit(self, *args, **options)

    keras.Model.fit = watched
    sys.argv = [script, *words]
    runpy.run_path(script, run_name="__main__")
    Path(place).write_text(json.dumps(MOMENTS), encoding="utf-8")


if __name__ == "__main__":
    main()
