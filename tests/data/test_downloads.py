"""MedMNIST by name, downloaded from a local server."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lince.core.errors import OutputError, SourceError
from lince.core.events import Event, EventBus, Noticed
from lince.data import catalog as catalog_module
from lince.data import load
from lince.data.catalog import RemoteFile, catalog
from lince.data.sources import download


@dataclass
class Mirror:
    """What the server gives, and what it was asked."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    slow: threading.Event | None = None


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    state = Mirror()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            if state.slow is not None:
                state.slow.wait(10)
            data = state.files.get(self.path.removeprefix("/"))
            if data is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False  # so that closing the server waits for them
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    state.address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv(download.BASE_URL, state.address + "/")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LINCE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "downloads"


@pytest.fixture
def published(make_npz: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A small file whose MD5 stands in the catalogue for breastmnist at 64 px."""
    data = make_npz("published.npz").read_bytes()
    files = catalog()["breastmnist"].files
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    monkeypatch.setitem(files, 64, RemoteFile(files[64].url, md5))  # type: ignore[arg-type]
    return data


def test_downloaded_once_and_then_used_without_a_network(mirror: Mirror, own_cache: Path, published: bytes) -> None:
    mirror.files["breastmnist_64.npz"] = published
    heard: list[Event] = []
    bus = EventBus()
    bus.subscribe(heard.append)
    collection = load("breastmnist", size=64, bus=bus)
    assert collection.labels.positive == "malignant"
    assert collection.source == "medmnist:breastmnist"
    assert collection.name == "breastmnist_64"
    assert (own_cache / "breastmnist_64.npz").read_bytes() == published
    assert load("MedMNIST:BreastMNIST", size=64, bus=bus).digest() == collection.digest()
    assert mirror.asked == ["/breastmnist_64.npz"]
    assert len([event for event in heard if isinstance(event, Noticed)]) == 1


def test_a_file_with_another_md5_does_not_stay(mirror: Mirror, own_cache: Path, published: bytes) -> None:
    mirror.files["breastmnist_64.npz"] = published + b"x"
    with pytest.raises(SourceError, match="another MD5"):
        load("breastmnist", size=64)
    assert list(own_cache.iterdir()) == []
    (own_cache / "breastmnist_64.npz").write_bytes(b"left by something else")
    mirror.files["breastmnist_64.npz"] = published
    load("breastmnist", size=64)
    assert (own_cache / "breastmnist_64.npz").read_bytes() == published


def test_not_there(mirror: Mirror, own_cache: Path) -> None:
    with pytest.raises(SourceError) as caught:
        load("pneumoniamnist")
    sentence = str(caught.value)
    assert "the server answered 404" in sentence
    assert mirror.asked == ["/pneumoniamnist.npz"]
    assert list(own_cache.iterdir()) == []


def test_offline_says_what_to_download_and_where_to_put_it(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(download.BASE_URL, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(SourceError) as caught:
        load("breastmnist")
    sentence = str(caught.value)
    assert "cannot be reached" in sentence
    assert catalog()["breastmnist"].files[28].url in sentence
    assert str(own_cache / "breastmnist.npz") in sentence
    assert "by its path" in sentence
    assert "\n" not in sentence


def test_no_answer(mirror: Mirror, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_TIMEOUT_S", 0.3)
    mirror.slow = threading.Event()
    try:
        with pytest.raises(SourceError, match=r"no answer within 0\.3 seconds"):
            load("breastmnist")
    finally:
        mirror.slow.set()


def test_sizes_that_do_not_exist_are_refused_before_any_network(mirror: Mirror, own_cache: Path) -> None:
    with pytest.raises(SourceError, match="choose one of: 28, 64, 128, 224"):
        load("breastmnist", size=100)
    assert mirror.asked == []


def test_a_cache_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("LINCE_CACHE", str(tmp_path / "file"))
    with pytest.raises(OutputError):
        load("breastmnist")


def test_the_catalogue_is_read_once() -> None:
    assert catalog_module.catalog() is catalog()
