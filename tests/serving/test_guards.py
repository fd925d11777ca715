"""Who may ask, and what every answer carries."""

from __future__ import annotations

import time

import pytest

from lince.core.addresses import is_loopback

from .conftest import Site, png

PATH = "/api/v1/predictions"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.1", "::1", "[::1]"])
def test_loopback_names(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "0.0.0.0", "192.168.1.2", "localhost.evil.example", "127.0.0.1.nip.io", "::", "x"]
)
def test_other_names(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["localhost:1234", "127.0.0.1", "[::1]:80", "LocalHost"])
def test_loopback_hosts_are_served_with_any_port(site: Site, host: str) -> None:
    assert site.client.get("/api/v1/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.nip.io:80", "192.168.0.9", "localhost@evil.example", "[::1", ""]
)
def test_rebound_names_are_refused(site: Site, host: str) -> None:
    assert site.client.get("/", headers={"host": host}).status_code in (400, 421)
    assert site.client.get("/samples/benign-1.png", headers={"host": host}).status_code in (400, 421)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_posts_of_other_sites_are_refused(site: Site, headers: dict[str, str]) -> None:
    answer = site.client.post(PATH, files={"file": png()}, headers=headers)
    assert answer.json()["type"] == "urn:lince:problem:origin"


def test_posts_of_the_page_and_of_programs_pass(site: Site) -> None:
    own = {"origin": site.address, "sec-fetch-site": "same-origin"}
    assert site.client.post(PATH, files={"file": png()}, headers=own).status_code == 200
    assert site.client.post(PATH, files={"file": png()}, headers={"origin": site.address}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/api/docs", "/api/v1/model", "/static/style.css", "/samples/benign-1.png", "/x"]
)
def test_every_answer_carries_the_security_headers(site: Site, path: str) -> None:
    headers = site.client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers


def test_how_long_answers_are_kept(site: Site) -> None:
    def keeping(path: str) -> str:
        return site.client.get(path).headers["cache-control"]

    assert keeping("/") == keeping("/api/v1/model") == keeping("/static/none.js?v=1") == "no-store"
    assert keeping("/static/page.js") == "no-cache"
    assert "immutable" in keeping("/static/page.js?v=0123")


def test_static_files_are_not_sent_twice(site: Site) -> None:
    first = site.client.get("/static/words.js")
    again = site.client.get("/static/words.js", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_requests_are_logged_without_names(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="lince"):
        site.client.post(PATH, params={"name": "Maria-Silva.png"}, content=png())
        site.client.get("/samples/benign-1.png")
        deadline = time.monotonic() + 5
        # A request is logged when it is over, a moment after its answer.
        while len(lines := [r for r in caplog.records if r.message == "request"]) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert [(r.method, r.path, r.status) for r in lines] == [  # type: ignore[attr-defined]
        ("POST", PATH, 200),
        ("GET", "/samples/...", 200),
    ]
    assert all(r.milliseconds > 0 for r in lines)  # type: ignore[attr-defined]
    assert "Maria" not in str([vars(r) for r in caplog.records])
