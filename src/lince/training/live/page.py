"""The page of a run: opened before the training begins, told its end, and kept open for whoever looks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import final

from lince.core.events import Event, EventBus
from lince.core.listening import listen
from lince.core.logs import logger
from lince.training.events import RunFinished, RunPlanned, ValidationMeasured
from lince.training.live.resources import ResourceMonitor
from lince.training.live.server import PageServer
from lince.training.live.shelf import SampleShelf
from lince.training.live.state import LiveState

_HOST = "127.0.0.1"
# How long a script waits at the end for pages that are open: they ask every second.
_FAREWELL_SECONDS = 4.0


@final
class LivePage:
    """Listens to a run and shows it; whatever goes wrong here, the training goes on."""

    def __init__(self, server: PageServer, state: LiveState, shelf: SampleShelf) -> None:
        self._server, self._state, self._shelf = server, state, shelf
        self._broken = False

    @property
    def address(self) -> str:
        """Where a browser of this computer finds it."""
        return self._server.address

    def hear(self, event: Event) -> None:
        """Take in an event of the bus. A page that fails is logged and stays as it was; it never stops a training."""
        try:
            self._state.hear(event)
            if isinstance(event, RunPlanned):
                self._shelf.choose(event)
            elif isinstance(event, ValidationMeasured):
                self._shelf.improve(event)
            elif isinstance(event, RunFinished):
                self._shelf.conclude(event.bundle)
        except Exception:
            if not self._broken:
                logger.exception("the live page failed")
            self._broken = True

    def end(self, error: BaseException | None) -> None:
        """Say that the run is over."""
        if error is not None:
            self._state.stop(error)

    def stay(self) -> None:
        """Show the end until Ctrl-C."""
        with suppress(KeyboardInterrupt):
            threading.Event().wait()

    def say_goodbye(self) -> None:
        """Wait a moment for the pages that are open to get the end, and for their copy of the report."""
        deadline = time.monotonic() + _FAREWELL_SECONDS
        while self._server.watched and not self._server.told and time.monotonic() < deadline:
            time.sleep(0.05)


@contextmanager
def live_page(bus: EventBus, port: int) -> Iterator[LivePage]:
    """A page at ``http://127.0.0.1:PORT`` that shows what happens on the bus, until the block ends.

    Parameters
    ----------
    bus
        The bus of the run to be shown.
    port
        Where to listen, on this computer only; 0 takes a free one.

    Raises
    ------
    ConfigError
        The port is taken or not allowed; said before anything is trained.
    """
    state, shelf, monitor = LiveState(), SampleShelf(), ResourceMonitor()
    with listen(_HOST, port) as listening:
        server = PageServer(listening, state, shelf, monitor)
        page = LivePage(server, state, shelf)
        leave = bus.subscribe(page.hear)
        server.start()
        monitor.start()
        try:
            yield page
        except BaseException as error:
            page.end(error)
            page.say_goodbye()
            raise
        finally:
            leave()
            monitor.stop()
            server.stop()
