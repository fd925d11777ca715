"""Every error has one shape, whatever went wrong."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from .conftest import LIMIT, Site, png

PATH = "/api/v1/predictions"
IMAGE = {"file": ("a.png", png())}
Send = Callable[[httpx.Client], httpx.Response]

CASES: dict[str, tuple[int, str, str, Send]] = {
    "text named png": (422, "image", "a.png", lambda c: c.post(PATH, files={"file": ("a.png", b"hello there")})),
    "truncated": (422, "image", "a.png", lambda c: c.post(PATH, files={"file": ("a.png", png()[:500])})),
    "empty file": (422, "upload", "empty", lambda c: c.post(PATH, files={"file": ("a.png", b"")})),
    "empty body": (422, "upload", "no body", lambda c: c.post(PATH, headers={"content-type": "image/png"})),
    "two files": (422, "upload", "2 files", lambda c: c.post(PATH, files=[("file", IMAGE["file"])] * 2)),
    "file and image": (422, "upload", "2 files", lambda c: c.post(PATH, files=IMAGE | {"image": IMAGE["file"]})),
    "other field": (422, "upload", "'scan'", lambda c: c.post(PATH, files={"scan": IMAGE["file"]})),
    "text field": (422, "upload", "@", lambda c: c.post(PATH, files={"file": (None, "scan.png")})),
    "too many parts": (
        400,
        "bad-request",
        "Too many files",
        lambda c: c.post(PATH, files=[("file", IMAGE["file"])] * 40),
    ),
    "no boundary": (
        400,
        "bad-request",
        "boundary",
        lambda c: c.post(PATH, content=b"x", headers={"content-type": "multipart/form-data"}),
    ),
    "curl -d": (415, "media-type", "curl -F", lambda c: c.post(PATH, data={"file": "x"})),
    "json": (415, "media-type", "application/json", lambda c: c.post(PATH, json={})),
    "bad query": (422, "request", "query.explain", lambda c: c.post(PATH, params={"explain": "maybe"}, files=IMAGE)),
    "too large": (413, "upload-too-large", "2000000 bytes", lambda c: c.post(PATH, files={"file": bytes(LIMIT + 1)})),
    "no such page": (404, "not-found", "/nowhere", lambda c: c.get("/nowhere")),
    "no such sample": (404, "not-found", "/samples/x", lambda c: c.get("/samples/x")),
    "no such static": (404, "not-found", "/static/x", lambda c: c.get("/static/x.js")),
    "wrong method": (405, "method-not-allowed", "POST", lambda c: c.get(PATH)),
    "other host": (421, "host", "evil.example", lambda c: c.get("/", headers={"host": "evil.example"})),
    "other origin": (
        403,
        "origin",
        "evil.example",
        lambda c: c.post(PATH, files=IMAGE, headers={"origin": "https://evil.example"}),
    ),
    "our fault": (500, "internal", "log", lambda c: c.post(PATH, files={"file": ("crash.png", png())})),
}


@pytest.mark.parametrize("case", CASES)
def test_every_error_is_a_problem(site: Site, case: str) -> None:
    status, kind, words, send = CASES[case]
    answer = send(site.client)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    body = answer.json()
    assert set(body) == {"type", "title", "status", "detail", "instance"}
    assert body["type"] == f"urn:lince:problem:{kind}"
    assert body["status"] == status
    assert words in body["detail"]
    assert body["detail"].endswith(".")
    assert body["title"]
    assert body["instance"].startswith("urn:uuid:")


def test_an_unexpected_error_tells_the_client_nothing(site: Site) -> None:
    answer = site.client.post(PATH, files={"file": ("crash.png", png())})
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_an_unexpected_error_is_logged_under_its_instance(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="lince"):
        body = site.client.post(PATH, files={"file": ("crash.png", png())}).json()
    (record,) = [r for r in caplog.records if getattr(r, "instance", None) == body["instance"]]
    assert record.exc_info is not None
    assert "secret detail" in str(record.exc_info[1])


def test_a_refusal_is_logged_without_the_file_name(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="lince"):
        body = site.client.post(PATH, files={"file": ("Maria.png", b"")}).json()
    assert "Maria.png" in body["detail"]
    (record,) = [r for r in caplog.records if getattr(r, "instance", None) == body["instance"]]
    assert record.__dict__["problem"] == "The file is empty"
    assert not any("Maria" in str(r.__dict__) for r in caplog.records if r.name == "lince")


def test_two_errors_have_two_instances(site: Site) -> None:
    assert site.client.get("/nowhere").json()["instance"] != site.client.get("/nowhere").json()["instance"]


def test_a_wrong_method_names_the_right_one(site: Site) -> None:
    assert site.client.put(PATH).headers["allow"] == "POST"
