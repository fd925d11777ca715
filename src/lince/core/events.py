"""Typed events and the bus they travel on: rooms tell, they do not call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lince.core.types import Prediction


@dataclass(frozen=True, slots=True)
class Event:
    """Anything that happened."""


@dataclass(frozen=True, slots=True)
class WorkStarted(Event):
    """A countable piece of work begins: reading files, computing features."""

    task: str
    total: int


@dataclass(frozen=True, slots=True)
class WorkAdvanced(Event):
    """``done`` of the units announced by `WorkStarted`."""

    task: str
    done: int


@dataclass(frozen=True, slots=True)
class WorkFinished(Event):
    """The piece of work is over."""

    task: str


@dataclass(frozen=True, slots=True)
class Noticed(Event):
    """Something the user should know, in a sentence."""

    message: str
    level: str = "info"


@dataclass(frozen=True, slots=True)
class FileSkipped(Event):
    """A file that was reported and left out."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class PhaseStarted(Event):
    """A training phase begins."""

    name: str
    epochs: int


@dataclass(frozen=True, slots=True)
class EpochFinished(Event):
    """One pass over the training images; ``seconds_left`` assumes that the phase runs to its end."""

    phase: str
    epoch: int
    epochs: int
    train_loss: float
    val_loss: float
    val_auc: float
    learning_rate: float
    seconds_left: float
    best: bool


@dataclass(frozen=True, slots=True)
class ModelLoaded(Event):
    """A bundle is ready to predict."""

    model_id: str
    path: str


@dataclass(frozen=True, slots=True)
class PredictionMade(Event):
    """One image was classified."""

    prediction: Prediction
    seconds: float
    origin: str = "cli"


Subscriber = Callable[[Event], None]


@dataclass(slots=True)
class EventBus:
    """Hands each event to every subscriber, in the order they came, on the caller's thread."""

    _subscribers: list[Subscriber] = field(default_factory=list)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Add a subscriber; the returned function removes it."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    def publish(self, event: Event) -> None:
        """Tell every subscriber."""
        for subscriber in tuple(self._subscribers):
            subscriber(event)
