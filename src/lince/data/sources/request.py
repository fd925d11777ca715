"""What every source is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from lince.core.events import EventBus
from lince.core.paths import expanded
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
        """The location as a path, with ``~`` resolved (see `lince.core.paths.expanded`)."""
        return expanded(self.location)

    def label_space(self, names: Sequence[str], *, guess_positive: bool = True) -> LabelSpace:
        """Class names in order: those of the model to be measured where they fit, else the names found.

        Raises
        ------
        ConfigError
            Fewer than two names, or ``positive`` is not among them.
        """
        if self.fits_model(names):
            return cast("LabelSpace", self.classes)
        if guess_positive:
            return LabelSpace.with_default_positive(names, self.positive)
        return LabelSpace(tuple(names), self.positive)

    def fits_model(self, names: Sequence[str]) -> bool:
        """Whether there is a model to be measured and it knows every name, so that one class will do."""
        return self.classes is not None and bool(names) and set(names) <= set(self.classes.names)
