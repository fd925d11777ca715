"""Uploads over the limit, uploads that stall, clients that go away; against a real server, over sockets."""

from __future__ import annotations

import asyncio
import json
import select
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from lince.serving.limits import UploadLimit

from .conftest import LIMIT, Site

CHUNK = b"\x00" * 65536
GIGABYTE = 1 << 30
SLACK = 48_000_000  # what is read and thrown away while the client notices, and what two sockets hold
HEAD = b"POST /api/v1/predictions HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"


def connect(site: Site) -> socket.socket:
    host, port = site.address.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def read_answer(connection: socket.socket) -> tuple[int, dict[str, object]]:
    with connection.makefile("rb") as stream:
        status = int(stream.readline().split()[1])
        headers = {}
        while line := stream.readline().strip():
            name, _, value = line.decode().lower().partition(": ")
            headers[name] = value
        assert headers["connection"] == "close"
        return status, json.loads(stream.read(int(headers["content-length"])))


def test_a_gigabyte_in_chunks_is_answered_after_about_the_limit(site: Site) -> None:
    sent = 0
    with connect(site) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        # Like curl: send on until the server says something.
        while sent < GIGABYTE and not select.select([connection], [], [], 0)[0]:
            connection.sendall(b"%x\r\n%s\r\n" % (len(CHUNK), CHUNK))
            sent += len(CHUNK)
        status, body = read_answer(connection)
    assert (status, body["type"]) == (413, "urn:lince:problem:upload-too-large")
    assert sent + len(CHUNK) >= LIMIT
    assert sent < LIMIT + SLACK


def test_a_client_that_never_listens_still_gets_its_413(site: Site) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 3 * LIMIT:
            sent += len(CHUNK)
            yield CHUNK

    answer = site.client.post("/api/v1/predictions", content=endless())
    assert answer.status_code == 413


def test_a_declared_length_over_the_limit_is_refused_before_the_body(site: Site) -> None:
    with connect(site) as connection:
        connection.sendall(HEAD + b"Content-Length: 1073741824\r\n\r\n")
        start = time.perf_counter()
        assert connection.recv(12) == b"HTTP/1.1 413"
        assert time.perf_counter() - start < 1.5


def test_multipart_is_counted_while_it_streams_too(site: Site) -> None:
    edge = b"--x\r\nContent-Disposition: form-data; name=file; filename=a.png\r\n\r\n"

    def form() -> Iterator[bytes]:
        yield edge
        for _ in range(2 * LIMIT // len(CHUNK)):
            yield CHUNK

    kind = {"content-type": "multipart/form-data; boundary=x"}
    answer = site.client.post("/api/v1/predictions", content=form(), headers=kind)
    assert answer.status_code == 413


def test_a_body_of_exactly_the_limit_passes(site: Site) -> None:
    answer = site.client.post("/api/v1/predictions", content=bytes(LIMIT), headers={"content-type": "image/png"})
    assert answer.json()["type"] == "urn:lince:problem:image"


def test_a_client_that_leaves_midway_costs_nothing(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="lince"):
        with connect(site) as connection:
            connection.sendall(HEAD + b"Content-Length: 100000\r\n\r\n" + bytes(1000))
        deadline = time.monotonic() + 5
        while not any(getattr(r, "status", None) in (0, 499) for r in caplog.records) and time.monotonic() < deadline:
            time.sleep(0.02)
    # A request of an earlier test may be logged late: only those that nobody waited for are counted.
    gone = [r for r in caplog.records if r.message == "request" and getattr(r, "status", None) in (0, 499)]
    assert gone
    assert not [r for r in caplog.records if r.levelname == "ERROR"]
    assert site.client.get("/api/v1/health").status_code == 200


def test_a_body_that_stalls_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """In memory: two chunks, then silence."""
    monkeypatch.setattr("lince.serving.limits._LINGER_SECONDS", 0.05)
    messages = [{"type": "http.request", "body": b"12", "more_body": True}]
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        if messages:
            return messages.pop()
        await asyncio.sleep(60)
        raise RuntimeError("nobody waits that long")

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    async def reads_all(scope: object, receive: object, send: object) -> None:
        while (await receive())["more_body"]:  # type: ignore[operator]
            pass

    async def run() -> None:
        limit = UploadLimit(reads_all, 100, idle=0.05)  # type: ignore[arg-type]
        await asyncio.wait_for(limit({"type": "http", "headers": []}, receive, send), 5)  # type: ignore[arg-type]

    asyncio.run(run())
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["type"] == "urn:lince:problem:slow-request"  # type: ignore[arg-type]
    assert sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


def test_connections_are_kept_after_good_answers(site: Site) -> None:
    with httpx.Client(base_url=site.address, trust_env=False) as client:
        assert "connection" not in client.get("/api/v1/health").headers
