"""A predictor without a network: quick, and its answers are chosen by the file's name."""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lince.core.errors import ConfigError
from lince.core.types import LabelSpace, Prediction, decide
from lince.imaging import ImageSpec
from lince.inference import Outcome, Prepared
from lince.trust import Calibration, Trust

SUMMARY = {
    "n": 1156,
    "counts": {"benign": 1016, "malignant": 140},
    "auc": {"value": 0.912, "low": 0.861, "high": 0.949, "method": "DeLong"},
    "sensitivity": {"value": 0.87, "low": 0.75, "high": 0.94, "numerator": 40, "denominator": 46},
    "specificity": {"value": 0.81, "low": 0.72, "high": 0.88, "numerator": 77, "denominator": 95},
    "accuracy": {"value": 0.83, "low": None, "high": None},
    "npv": None,
}

# First of these found in a file's name: probability of "malignant".
BY_NAME = {"low": 0.42, "threshold": 0.34, "benign": 0.031, "certain": 0.99991}
# First of these found in a file's name: the prediction set; else the decided class alone.
SETS: dict[str, tuple[str, ...]] = {
    "unsure": ("malignant", "benign"),
    "nofit": (),
    "many": ("malignant", "benign", "cyst", "scar", "normal"),
}


@dataclass
class FakeBundle:
    labels: LabelSpace = field(default_factory=lambda: LabelSpace(("benign", "malignant"), "malignant"))
    spec: ImageSpec = field(default_factory=lambda: ImageSpec(size=64, channels=1))
    name: str = "breast ultrasound"
    model_id: str = "3f786850e387"
    synthetic: bool = False
    knows_its_kind: bool = True
    threshold: float | None = 0.22
    trust: Trust = field(default_factory=lambda: Trust(calibration=Calibration.of_temperature(1.3, 2)))
    path: Path = Path("bundle")
    created: str = "2026-03-14T09:26:53+00:00"
    figures: dict[str, Any] = field(default_factory=lambda: dict(SUMMARY))

    def summary(self) -> dict[str, Any]:
        return self.figures


class FakePredictor:
    """Real decoding, invented probabilities."""

    def __init__(self, **changes: Any) -> None:
        self.bundle = FakeBundle(**changes)
        self.heat = True
        self.reads_text = False

    def prepare(self, source: bytes | Path | None, *, name: str | None = None, caption: str | None = None) -> Prepared:
        from lince.imaging import decode

        if source is None:
            if "..." in (caption or ""):
                raise ConfigError("There is neither an image nor a caption with words that count")
            side = self.bundle.spec.size
            return Prepared(name or "caption", np.zeros((side, side, 1), np.uint8), None, caption)
        decoded = decode(source, name=name)
        return Prepared(name or "image", self.bundle.spec.apply(decoded), decoded, caption)

    def run(self, items: list[Prepared], *, explain: list[bool]) -> list[Outcome]:
        return [self._outcome(item, wanted) for item, wanted in zip(items, explain, strict=True)]

    def _outcome(self, item: Prepared, wanted: bool) -> Outcome:
        if "crash" in item.name:
            raise RuntimeError("secret detail of the network")
        labels, threshold = self.bundle.labels, self.bundle.threshold
        positive = next((value for word, value in BY_NAME.items() if word in item.name), 0.91)
        rest = (1 - positive) / (len(labels) - 1)
        row = [positive if name == labels.positive else rest for name in labels.names]
        chosen, by_threshold = decide(row, labels, threshold)
        return Outcome(
            Prediction(
                name=item.name,
                label=labels.names[chosen],
                confidence=row[chosen],
                probabilities=dict(zip(labels.names, row, strict=True)),
                flags=_flags(item.name, row[chosen]),
                prediction_set=next(
                    (found for word, found in SETS.items() if word in item.name), (labels.names[chosen],)
                ),
                novelty=3.4 if "strange" in item.name else 0.6,
                reasons=("It is brighter than the training images.",) if "strange" in item.name else (),
                positive=labels.positive,
                threshold=threshold,
                decided_by_threshold=by_threshold,
                model_id=self.bundle.model_id,
                input_sha256=item.input_sha256,
                inputs=(*(["image"] if item.has_image else []), *(["caption"] if item.caption else [])),
                words=(("nodule", 1.2), ("no", -0.4)) if item.caption and wanted else None,
                image_alone=("benign", 0.9) if item.caption and item.has_image else None,
            ),
            _blob() if wanted and self.heat and item.has_image else None,
        )


def _flags(name: str, confidence: float) -> tuple[str, ...]:
    told = ("unsure", "nofit", "many")
    words = dict.fromkeys(told, "cannot_tell") | {
        "refer": "refer", "strange": "out_of_distribution", "blank": "blank", "conflict": "conflict",
    }  # fmt: skip
    low = ("low_confidence",) if confidence < 0.7 else ()
    return (*low, *(flag for word, flag in words.items() if word in name))


def _blob() -> NDArray[np.float32]:
    rows, columns = np.mgrid[0:40, 0:64] / 64.0
    bump = np.exp(-((rows - 0.3) ** 2 + (columns - 0.45) ** 2) / 0.03)
    return np.asarray(bump, dtype=np.float32)


class FakeBatcher:
    """One thread that answers in turn, like the real one, with a pause that stands for the network."""

    def __init__(self, predictor: FakePredictor, *, pause: float = 0.0) -> None:
        self.predictor = predictor
        self._pause = pause
        self._jobs: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    def submit(self, prepared: Prepared, *, explain: bool = False) -> Future[Outcome]:
        future: Future[Outcome] = Future()
        self._jobs.put((prepared, explain, future))
        return future

    def _work(self) -> None:
        while job := self._jobs.get():
            prepared, explain, future = job
            time.sleep(self._pause)
            try:
                future.set_result(self.predictor.run([prepared], explain=[explain])[0])
            except RuntimeError as error:
                future.set_exception(error)

    def close(self) -> None:
        self._jobs.put(None)
