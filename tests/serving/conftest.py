"""A real server on a free port, in a thread, around the fake predictor."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI
from PIL import Image

from lince.core.events import Event, EventBus
from lince.serving import create_app

from .fakes import FakeBatcher, FakePredictor

LIMIT = 2_000_000


@dataclass
class Site:
    """A running server, a client of it, and the events it published."""

    address: str
    client: httpx.Client
    events: list[Event]
    predictor: Any


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    config = uvicorn.Config(app, port=0, ws="none", log_config=None, access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise RuntimeError("the server did not start")
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


@contextmanager
def site_of(predictor: Any = None, *, batcher: Any = None, **options: Any) -> Iterator[Site]:
    predictor = predictor or FakePredictor()
    events: list[Event] = []
    bus = EventBus()
    bus.subscribe(events.append)
    batcher = batcher or FakeBatcher(predictor)
    app = create_app(predictor, batcher=batcher, bus=bus, **{"upload_limit": LIMIT, **options})
    with running(app) as address, httpx.Client(base_url=address, timeout=20, trust_env=False) as client:
        yield Site(address, client, events, predictor)
    batcher.close()


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    picture("benign-1.png").save(folder / "benign-1.png")
    (folder / "more").mkdir()
    picture("tissue").save(folder / "more" / "threshold é 2.tif")
    (folder / "notes.txt").write_text("not an image")
    (folder / "broken.png").write_bytes(b"not an image either")
    return folder


@pytest.fixture(scope="session")
def site(samples: Path) -> Iterator[Site]:
    with site_of(samples=samples) as found:
        yield found


def picture(name: str = "", *, height: int = 120, width: int = 200) -> Image.Image:
    """Speckle with a dark ellipse: enough like an ultrasound to look at."""
    rng = np.random.default_rng(len(name))
    rows, columns = np.mgrid[0:height, 0:width]
    ground = 120 * rng.rayleigh(0.7, (height, width))
    inside = ((rows / height - 0.5) / 0.22) ** 2 + ((columns / width - 0.45) / 0.18) ** 2 < 1
    return Image.fromarray(np.clip(np.where(inside, ground * 0.25, ground), 0, 255).astype(np.uint8))


def png(name: str = "", **size: int) -> bytes:
    stream = io.BytesIO()
    picture(name, **size).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def post(site: Site) -> Callable[..., httpx.Response]:
    """Send one file to the running server."""

    def send(name: str = "scan.png", data: bytes | None = None, **options: Any) -> httpx.Response:
        files = {"file": (name, png(name) if data is None else data)}
        return site.client.post("/api/v1/predictions", files=files, **options)

    return send
