"""A MongoDB server to test with.

Without more, SecantusDB in process: it speaks the wire protocol on a socket. With ``LINCE_TEST_MONGODB=mongodb://HOST``,
the same tests use that server; each has a database of its own, dropped at the end.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from medpix_maker import write_medpix

pymongo = pytest.importorskip("pymongo")

REAL = os.environ.get("LINCE_TEST_MONGODB", "")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``mongodb://HOST:PORT`` of a server that is up."""
    if REAL:
        yield REAL.rstrip("/")
        return
    secantus = pytest.importorskip("secantus")
    with secantus.SecantusDBServer(storage_path=str(tmp_path_factory.mktemp("mongodb")), cache_size="64M") as running:
        yield str(running.uri).rstrip("/")


@pytest.fixture
def address(server: str) -> Iterator[str]:
    """Address of an empty database."""
    name = f"lince_test_{uuid.uuid4().hex[:8]}"
    yield f"{server}/{name}"
    with pymongo.MongoClient(server) as client:
        client.drop_database(name)


@pytest.fixture
def base(address: str) -> Iterator[Any]:
    """That database, as pymongo sees it."""
    with pymongo.MongoClient(address) as client:
        yield client.get_default_database()


@pytest.fixture
def medpix(tmp_path: Path) -> Path:
    """Seven images of six cases."""
    return write_medpix(tmp_path / "MedPix")


class Wire:
    """What went over the wire: commands sent, and how many documents ``find`` brought back."""

    def __init__(self) -> None:
        self.commands: list[tuple[str, dict[str, Any]]] = []
        self.found: dict[str, int] = {}

    def filters(self, collection: str) -> list[dict[str, Any]]:
        return [c.get("filter", {}) for name, c in self.commands if name == "find" and c["find"] == collection]

    def names(self) -> set[str]:
        return {name for name, _ in self.commands}


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """Listen to every connection that lince opens from now on."""
    heard = Wire()

    class Listener(pymongo.monitoring.CommandListener):  # type: ignore[name-defined, misc]
        def started(self, event: Any) -> None:
            heard.commands.append((event.command_name, dict(event.command)))

        def succeeded(self, event: Any) -> None:
            if event.command_name == "find":
                cursor = event.reply["cursor"]
                name = cursor["ns"].partition(".")[2]
                heard.found[name] = heard.found.get(name, 0) + len(cursor["firstBatch"])

        def failed(self, event: Any) -> None:
            heard.commands.append(("failed", {"name": event.command_name}))

    client: Callable[..., Any] = pymongo.MongoClient
    monkeypatch.setattr(
        pymongo, "MongoClient", lambda *given, **options: client(*given, event_listeners=[Listener()], **options)
    )
    return heard
