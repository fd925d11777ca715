"""Runs for the page, with and without a training behind them."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from lince.core.events import EpochFinished, Event, EventBus
from lince.core.types import LabelSpace
from lince.training.events import RunPlanned, ValidationMeasured
from lince.training.live import LivePage, live_page
from lince.training.run import train

QUICK: dict[str, Any] = {"model": "small-cnn", "image_size": 16, "preset": "fast", "epochs": 4, "batch_size": 8}


def epoch(number: int, *, phase: str = "head", auc: float = 0.8, loss: float = 0.5, best: bool = True) -> EpochFinished:
    return EpochFinished(phase, number, 10, 0.4, loss, auc, 1e-3, 12.0, best)


def measured(
    truth: Sequence[int], likely: Sequence[Sequence[float]], *, score: float = 0.8, number: int = 1
) -> ValidationMeasured:
    labels = np.array(truth, dtype=np.int64)
    table = np.array(likely, dtype=np.float32)
    nothing: Any = None
    return ValidationMeasured("head", number, labels, table, np.arange(len(labels)), score, nothing)


def planned(names: tuple[str, ...] = ("benign", "malignant"), positive: str | None = "malignant") -> RunPlanned:
    """A plan of which only the classes matter."""
    prepared: Any = SimpleNamespace(collection=SimpleNamespace(labels=LabelSpace(names, positive)))
    nothing: Any = None
    return RunPlanned(nothing, nothing, prepared)


@dataclass
class Watched:
    """A training that waits after its second epoch, and its page."""

    page: LivePage
    bus: EventBus
    reached: threading.Event
    go_on: threading.Event
    thread: threading.Thread

    def finish(self) -> None:
        self.go_on.set()
        self.thread.join(60)
        assert not self.thread.is_alive()


@contextmanager
def watched_training(source: Path, out: Path, **options: Any) -> Iterator[Watched]:
    """Train in a thread, with a page; the training stands still after epoch 2 until `Watched.finish`."""
    bus = EventBus()
    with live_page(bus, 0) as page:
        watched = Watched(page, bus, threading.Event(), threading.Event(), threading.Thread())

        def wait(event: Event) -> None:
            if isinstance(event, EpochFinished) and event.epoch == 2:
                watched.reached.set()
                watched.go_on.wait(60)

        bus.subscribe(wait)
        watched.thread = threading.Thread(target=lambda: train(source, out=out, bus=bus, **{**QUICK, **options}))
        watched.thread.start()
        assert watched.reached.wait(60)
        try:
            yield watched
        finally:
            watched.finish()


def ask(address: str, **headers: str) -> tuple[int, Any, bytes]:
    """Status, headers and content of an answer."""
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=10) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def state_of(address: str, query: str = "", **headers: str) -> dict[str, Any]:
    status, _, content = ask(f"{address}/state{query}", **headers)
    assert status == 200, content
    found: dict[str, Any] = json.loads(content)
    return found
