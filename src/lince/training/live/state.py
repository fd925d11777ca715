"""What a training has told so far, kept so that a page opened at any moment shows all of it."""

from __future__ import annotations

import math
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from lince.core.errors import LinceError
from lince.core.events import (
    EpochFinished,
    Event,
    FileSkipped,
    Noticed,
    PhaseStarted,
    WorkAdvanced,
    WorkFinished,
    WorkStarted,
)
from lince.core.pages import legible
from lince.inference.bundle import Bundle
from lince.training.events import EpochsRecalled, RunFinished, RunPlanned, RunStarted, ValidationMeasured
from lince.training.live.validation import Validation

Status = Literal["preparing", "training", "finished", "interrupted", "failed"]

_ROW = ("train_loss", "val_loss", "val_auc", "learning_rate")
# Notices and skipped files shown at most; the report has them all.
_SHOWN = 100


@final
@dataclass(slots=True)
class _Work:
    """A countable piece of work under way; ``since`` is when it began."""

    total: int
    done: int = 0
    since: float = field(default_factory=time.monotonic)

    def as_dict(self, task: str) -> dict[str, Any]:
        passed = time.monotonic() - self.since
        left = passed * (self.total - self.done) / self.done if self.done else None
        return {"task": task, "done": self.done, "total": self.total, "seconds_left": left}


@final
@dataclass(slots=True)
class _Stretch:
    """One phase as it runs, maybe one of several of its name; ``first`` is its first row among all epochs."""

    name: str
    epochs: int
    first: int

    def as_dict(self) -> dict[str, Any]:
        return {"name": legible(self.name), "epochs": self.epochs, "first": self.first}


@final
class LiveState:
    """Hears the bus and answers with all it has heard; safe to ask from any thread.

    Epochs only ever grow: who has seen ``n`` of them asks for those since ``n``.
    """

    def __init__(self) -> None:
        self.run = uuid.uuid4().hex
        self.plan: RunPlanned | None = None
        self.bundle: Bundle | None = None
        self.out: Path | None = None
        self._lock = threading.Lock()
        self._status: Status = "preparing"
        self._error: str | None = None
        self._began, self._ended = time.monotonic(), math.nan
        self._about: dict[str, Any] = {"name": None, "synthetic": False, "resumed": False}
        self._works: dict[str, _Work] = {}
        self._stretches: list[_Stretch] = []
        self._epochs: list[dict[str, Any]] = []
        self._epoch_at, self._epoch_left = time.monotonic(), math.nan
        self._validation: Validation | None = None
        self._measured: NDArray[np.int64] | None = None
        self._score = -math.inf
        self._notices: list[dict[str, str]] = []
        self._skipped: list[dict[str, str]] = []
        self._skipped_count = 0

    def hear(self, event: Event) -> None:
        """Take in an event."""
        with self._lock:
            match event:
                case RunStarted():
                    self.out = event.out
                    self._about = {
                        "name": legible(event.name),
                        "synthetic": event.synthetic,
                        "resumed": event.resumed,
                    }
                case RunPlanned():
                    self.plan = event
                case WorkStarted():
                    self._works[event.task] = _Work(event.total)
                    self._epoch_left = math.nan  # whatever phase ran is over
                case WorkAdvanced():
                    if event.task in self._works:
                        self._works[event.task].done = event.done
                case WorkFinished():
                    self._works.pop(event.task, None)
                case PhaseStarted():
                    self._start(event.name, event.epochs)
                case EpochsRecalled():
                    self._recall(event)
                case ValidationMeasured():
                    self._measure(event)
                case EpochFinished():
                    self._add(_row(event))
                    self._epoch_at, self._epoch_left = time.monotonic(), event.seconds_left
                case Noticed():
                    self._notices.append({"message": legible(event.message), "level": event.level})
                case FileSkipped():
                    self._skip(event)
                case RunFinished():
                    self.bundle = event.bundle
                    self._end("finished")

    def stop(self, error: BaseException) -> None:
        """The run ended before its bundle was written."""
        with self._lock:
            if self._status == "finished":
                return
            if isinstance(error, KeyboardInterrupt):
                self._end("interrupted")
            else:
                self._end("failed")
                known = error if isinstance(error, LinceError) else None
                self._error = legible(known.sentence) if known else type(error).__name__

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return not math.isnan(self._ended)

    def snapshot(self, *, since: int = 0) -> dict[str, Any]:
        """All that is known, ready for JSON, with the epochs after the first ``since``."""
        now = time.monotonic()
        with self._lock:
            validation = self._validation
            found = {
                "run": self.run,
                "status": self._status,
                "error": self._error,
                **self._about,
                "elapsed": (self._ended if self.ended else now) - self._began,
                "works": [work.as_dict(legible(task)) for task, work in self._works.items()],
                "phases": [stretch.as_dict() for stretch in self._stretches],
                "epochs": self._epochs[since:],
                "since": since,
                "seconds_left": self._seconds_left(now),
                "notices": self._notices[-_SHOWN:],
                "skipped": {"count": self._skipped_count, "files": list(self._skipped)},
            }
        # Curves are only drawn when somebody looks, outside the lock: the training never waits for them.
        found["validation"] = validation.as_dict() if validation else None
        return found

    def _seconds_left(self, now: float) -> float | None:
        if self._status != "training" or not math.isfinite(self._epoch_left):
            return None
        return max(0.0, self._epoch_left - (now - self._epoch_at))

    def _start(self, name: str, epochs: int) -> None:
        self._status = "training"
        self._epoch_left = math.nan
        last = self._stretches[-1] if self._stretches else None
        if last is None or last.name != name or len(self._epochs) - last.first >= last.epochs:
            self._stretches.append(_Stretch(name, epochs, len(self._epochs)))

    def _recall(self, event: EpochsRecalled) -> None:
        self._start(event.phase, len(event.rows))
        last = self._stretches[-1]
        if len(self._epochs) == last.first:
            for row in event.rows:
                self._add(_row(row))

    def _add(self, row: dict[str, Any]) -> None:
        self._epochs.append({**row, "stretch": max(0, len(self._stretches) - 1)})

    def _measure(self, event: ValidationMeasured) -> None:
        if self.plan is None:
            return
        # Scores on other images, as in the next fold, cannot be compared: there the best is looked for anew.
        same = self._measured is not None and np.array_equal(self._measured, event.rows)
        if same and not event.score >= self._score:
            return
        self._score, self._measured = event.score, event.rows
        labels = self.plan.prepared.collection.labels
        self._validation = Validation(labels, event.labels, event.probabilities, event.phase, event.epoch)

    def _skip(self, event: FileSkipped) -> None:
        self._skipped_count += 1
        if len(self._skipped) < _SHOWN:
            name = event.path.replace("\\", "/").rsplit("/", 1)[-1]
            self._skipped.append({"name": legible(name), "reason": legible(event.reason)})

    def _end(self, status: Status) -> None:
        self._status, self._ended = status, time.monotonic()
        self._works.clear()


def _row(source: EpochFinished | Mapping[str, Any]) -> dict[str, Any]:
    """One epoch for JSON; what is no number becomes None."""
    row = source if isinstance(source, Mapping) else {key: getattr(source, key) for key in ("epoch", "best", *_ROW)}
    numbers = {key: float(row[key]) for key in _ROW}
    return {
        "epoch": row["epoch"],
        "best": bool(row["best"]),
        **{key: value if math.isfinite(value) else None for key, value in numbers.items()},
    }
