"""The server of the page: this computer only, read only, nothing from a network."""

from __future__ import annotations

import json
import socket
import threading
import time
from functools import cache, partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any, final
from urllib.parse import parse_qs, urlsplit

from lince.core.addresses import names_this_computer
from lince.core.logs import logger
from lince.core.pages import environment
from lince.training.live.resources import ResourceMonitor
from lince.training.live.shelf import SampleShelf
from lince.training.live.state import LiveState
from lince.training.live.telling import plan_in_words
from lince.training.live.words import Wording, choose

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_OWN_SITE = frozenset({"same-origin", "none"})
_SCRIPTS = frozenset({"live.js", "charts.js", "panels.js"})
# A page asks every second; one that has been silent for so long is closed, or its computer sleeps.
_WATCHED_SECONDS = 5.0

_Answer = tuple[bytes, str]
_Query = dict[str, list[str]]


@final
class PageServer:
    """Serves one run in threads of its own.

    Parameters
    ----------
    listening
        A socket that queues connections already.
    state, shelf, monitor
        What there is to show.
    """

    def __init__(
        self, listening: socket.socket, state: LiveState, shelf: SampleShelf, monitor: ResourceMonitor
    ) -> None:
        self._state, self._shelf, self._monitor = state, shelf, monitor
        self._asked = -_WATCHED_SECONDS
        self._told_end = self._gave_report = False
        self._server = _Server(listening.getsockname(), partial(_Handler, self), bind_and_activate=False)
        self._server.socket.close()
        self._server.socket = listening
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="lince-live", daemon=True
        )
        self.address = f"http://{listening.getsockname()[0]}:{listening.getsockname()[1]}"

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._thread.join()

    @property
    def watched(self) -> bool:
        """Whether a page is open."""
        return time.monotonic() - self._asked < _WATCHED_SECONDS

    @property
    def told(self) -> bool:
        """Whether a page knows the end, and has its report where there is one."""
        return self._told_end and (self._gave_report or self._state.bundle is None)

    def answer(self, path: str, query: _Query, accept_language: str) -> _Answer | None:
        """Content and media type; None where there is nothing at this address."""
        place, _, name = path.strip("/").partition("/")
        match place:
            case "":
                return _html(accept_language), "text/html; charset=utf-8"
            case "state":
                return self._report_state(query, accept_language), "application/json"
            case "static" if name in _SCRIPTS:
                return _script(name), "text/javascript; charset=utf-8"
            case "samples" | "heat" if name.isdecimal() and len(name) < 4:
                made = self._shelf.picture(int(name)) if place == "samples" else self._shelf.heat(int(name))
                return None if made is None else (made, "image/png")
            case "report":
                return self._report()
        return None

    def _report_state(self, query: _Query, accept_language: str) -> bytes:
        wording = Wording(choose(accept_language))
        self._asked = time.monotonic()
        # Whoever remembers another run begins anew.
        same = query.get("run") == [self._state.run]
        given = query.get("since", ["0"])[0]
        since = int(given) if same and given.isdecimal() and len(given) < 10 else 0
        planned, bundle = self._state.plan, self._state.bundle
        ended = self._state.ended
        found = self._state.snapshot(since=since)
        found["plan"] = plan_in_words(planned, wording) if planned else []
        found["samples"] = self._shelf.as_dict()
        found["resources"] = self._monitor.as_dict(self._state.out)
        found["figures"] = bundle.summary() if bundle else None
        found["positive"] = bundle.labels.positive if bundle else None
        self._told_end = self._told_end or ended
        return json.dumps(found, allow_nan=False).encode()

    def _report(self) -> _Answer | None:
        bundle = self._state.bundle
        place = bundle.path / "report" / "report.html" if bundle else None
        if place is None or not place.is_file():
            return None
        page = place.read_bytes()
        self._gave_report = True
        return page, "text/html; charset=utf-8"


@final
class _Server(ThreadingHTTPServer):
    """Threads end with the program, and a browser that hangs up is no news."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: Any) -> None:
        """A connection broke; the terminal belongs to the training."""
        logger.debug("a connection to the live page broke", exc_info=True)


@final
class _Handler(BaseHTTPRequestHandler):
    """GET of what `PageServer.answer` knows, for programs and pages of this computer."""

    # A connection for each answer: one that was kept would be answered on after the server has stopped.
    protocol_version = "HTTP/1.0"
    server_version, sys_version = "lince", ""
    timeout = 30

    def __init__(self, site: PageServer, *arguments: Any) -> None:
        self._site = site
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Answer, or refuse in a line."""
        address = urlsplit(self.path)
        if refusal := self._refusal(address.path):
            self._send(*refusal)
            return
        try:
            found = self._site.answer(address.path, parse_qs(address.query), self.headers.get("Accept-Language", ""))
        except Exception:
            logger.exception("the live page could not answer")
            self._send(HTTPStatus.INTERNAL_SERVER_ERROR, "The page failed here; the training goes on.")
            return
        if found is None:
            self._send(HTTPStatus.NOT_FOUND, "There is nothing here.")
        else:
            self._write(HTTPStatus.OK, *found)

    do_HEAD = do_GET  # noqa: N815

    def _refusal(self, path: str) -> tuple[HTTPStatus, str] | None:
        """A name that was rebound to this computer, or a foreign page that reads along; see `lince.serving.guards`."""
        host = self.headers.get("Host", "")
        if not names_this_computer(host):
            return HTTPStatus.MISDIRECTED_REQUEST, "This page answers to names of this computer only."
        site, origin = self.headers.get("Sec-Fetch-Site"), self.headers.get("Origin")
        foreign = (site is not None and site not in _OWN_SITE) or origin not in (None, f"http://{host}")
        # A link from elsewhere may lead to the page itself: it carries nothing back.
        if foreign and path != "/":
            return HTTPStatus.FORBIDDEN, "Another web site may not read this page."
        return None

    def _send(self, status: HTTPStatus, sentence: str) -> None:
        self._write(status, f"{sentence}\n".encode(), "text/plain; charset=utf-8")

    def _write(self, status: HTTPStatus, content: bytes, media_type: str) -> None:
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """The terminal belongs to the training."""


@cache
def _script(name: str) -> bytes:
    return (files("lince.training.live") / "static" / name).read_bytes()


@cache
def _page(language: str) -> bytes:
    wording = Wording("pt" if language == "pt" else "en")
    template = environment("lince.training.live").get_template("live.html")
    return template.render(say=wording).encode()


def _html(accept_language: str) -> bytes:
    return _page(choose(accept_language))
