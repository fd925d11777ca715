"""`serve`: the application on this computer, until Ctrl-C."""

from __future__ import annotations

import logging
import webbrowser
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from lince.core.addresses import is_loopback
from lince.core.errors import ConfigError
from lince.core.events import Event, EventBus, PredictionMade
from lince.core.listening import listen
from lince.core.logs import log_to, logger
from lince.serving.app import create_app

if TYPE_CHECKING:
    from lince.inference import Predictor

_GRACE_SECONDS = 5


def serve(
    bundle: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    samples: Path | None = None,
    refer: float | None = None,
    log_dir: Path | None = None,
    open_browser: bool = False,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve a bundle on this computer until Ctrl-C.

    Parameters
    ----------
    host
        A loopback name or address.
    port
        Where to listen; 0 takes a free one.
    samples
        A folder of images to try.
    refer
        Share of the images, of 0 to 0.5, whose decision a person should make: the least certain are marked.
    log_dir
        Where ``serve.jsonl`` is written: requests, predictions and errors, without file names.
    open_browser
        Open the page when it is ready.
    on_ready
        Called with the page's address when connections are accepted.

    Raises
    ------
    ConfigError
        The host is not this computer, the port is taken or not allowed, there is no folder of samples, or a share is
        not between 0 and 0.5.
    BundleError
        The bundle is missing, damaged, or newer than this version.
    """
    if not is_loopback(host):
        raise ConfigError(
            "lince listens on this computer only until accounts exist", received=host, fix="use --host 127.0.0.1"
        )
    with listen(host, port) as listening, _logged(log_dir):
        bus = EventBus()
        bus.subscribe(_log_prediction)
        app = create_app(_load(bundle, refer), bus=bus, samples=samples)
        config = uvicorn.Config(
            app,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        name = f"[{host}]" if ":" in host else host
        address = f"http://{name}:{listening.getsockname()[1]}"
        # The socket queues connections already, so whoever is told now may connect now.
        if on_ready:
            on_ready(address)
        if open_browser:
            webbrowser.open(address)
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])


def _load(bundle: Path, refer: float | None = None) -> Predictor:
    """Load the predictor in a thread that ends with it.

    Each thread that runs the network gets its own team of OpenMP threads, and as soon as there are more of them than
    processors, GNU OpenMP stops spinning between layers: a forward pass takes twice as long (measured on two cores: 17
    instead of 10 ms). So the batcher's thread has to be the only one; the team of this one goes with it.
    """
    from lince.inference import Predictor

    with ThreadPoolExecutor(1, thread_name_prefix="lince-loading") as thread:
        return thread.submit(Predictor, bundle, refer=refer).result()


@contextmanager
def _logged(folder: Path | None) -> Iterator[None]:
    """Errors always to the terminal; everything to ``serve.jsonl`` when there is a folder for it."""
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.ERROR)
    logger.addHandler(terminal)
    handlers: list[logging.Handler] = [terminal]
    try:
        if folder:
            handlers.append(log_to(folder, "serve"))
        yield
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
            handler.close()


def _log_prediction(event: Event) -> None:
    if isinstance(event, PredictionMade):
        fields = event.prediction.as_dict()
        # A file's name can carry a patient's name; a log keeps neither. "name" is also taken by logging itself.
        del fields["name"]
        logger.info("prediction", extra={**fields, "seconds": round(event.seconds, 4), "origin": event.origin})
