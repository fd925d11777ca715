"""What every source is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lince.core.events import EventBus
from lince.core.types import LabelSpace
from lince.data.where import Condition


@dataclass(frozen=True, slots=True)
class Request:
    """A location, and what the user asked of it.

    Attributes
    ----------
    location
        Without the ``kind:`` in front.
    positive
        Class that sensitivity speaks of; chosen by name when None.
    size
        Resolution of a MedMNIST set.
    target
        What to classify by, where a source offers several (``type`` or ``location`` of MedPix).
    where
        Conditions on attributes. Every one is applied to what the source returns; a source may use them earlier to
        read less.
    table
        A file of labels to join, for images that carry none.
    classes
        Those of a model that is to be measured: then images of one class will do.
    bus
        Told of the progress.
    """

    location: str
    positive: str | None = None
    size: int | None = None
    target: str | None = None
    where: tuple[Condition, ...] = ()
    table: Path | None = None
    classes: LabelSpace | None = None
    bus: EventBus | None = None

    @property
    def path(self) -> Path:
        """The location as a path, with ``~`` resolved."""
        try:
            return Path(self.location).expanduser()
        except RuntimeError:  # ~name, and there is no such user
            return Path(self.location)
