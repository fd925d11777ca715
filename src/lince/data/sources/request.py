"""What every source is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lince.core.events import EventBus


@dataclass(frozen=True, slots=True)
class Request:
    """A location, and what the user asked of it."""

    location: str
    positive: str | None = None
    size: int | None = None
    bus: EventBus | None = None

    @property
    def path(self) -> Path:
        """The location as a path, with ``~`` resolved."""
        try:
            return Path(self.location).expanduser()
        except RuntimeError:  # ~name, and there is no such user
            return Path(self.location)
