"""What stands before the application: pure ASGI, because each layer is paid on every request.

Sources: OWASP Cheat Sheets on Cross-Site Request Forgery (Fetch Metadata, origin check) and HTTP Security Headers;
Jackson et al., "Protecting browsers from DNS rebinding attacks", CCS 2007 (host check).
"""

from __future__ import annotations

import time
from typing import final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lince.core.addresses import names_this_computer
from lince.core.errors import LinceError
from lince.core.logs import logger
from lince.serving.errors import HostError, OriginError
from lince.serving.problems import of_error, unexpected

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITE = frozenset({"same-origin", "none"})
_CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


@final
class Doorkeeper:
    """Serves loopback host names only, and no request that another site makes in the user's browser."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 421 or 403."""
        if scope["type"] == "http" and (refusal := _refusal(scope)):
            await of_error(refusal)(scope, receive, send)
        elif scope["type"] != "websocket":
            await self.app(scope, receive, send)


def _refusal(scope: Scope) -> LinceError | None:
    headers = Headers(scope=scope)
    host = headers.get("host", "")
    if not names_this_computer(host):
        return HostError(
            "This server answers to names of this computer only",
            received=host or "no Host header",
            fix="open it as http://127.0.0.1 or http://localhost, with its port",
        )
    if scope["method"] in _SAFE_METHODS:
        return None
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if (site is not None and site not in _OWN_SITE) or (origin is not None and origin != f"{scope['scheme']}://{host}"):
        return OriginError(
            "Another web site may not send images here",
            received=origin or site,
            fix="use the page of this server, or a program instead of a browser",
        )
    return None


@final
class SecurityHeaders:
    """Adds the security headers and says how long an answer may be kept."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, adding headers to the answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        keeping = _cache_control(scope["path"], scope["query_string"])

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers["Cache-Control"] = keeping if message["status"] < 400 else "no-store"
            await send(message)

        await self.app(scope, receive, with_headers)


def _cache_control(path: str, query: bytes) -> str:
    if path.startswith("/static/"):
        # An address with the file's hash can never mean another content.
        return "public, max-age=31536000, immutable" if query.startswith(b"v=") else "no-cache"
    return "private, max-age=3600" if path.startswith("/samples/") else "no-store"


@final
class Journal:
    """Logs each request as one line, and turns an exception that nobody expected into a 500 without a traceback.

    Neither query strings nor file names are logged: they can carry a patient's name.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and log how it went."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = time.perf_counter()
        status = 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except Exception:
            answer = unexpected()
            if not status:
                await answer(scope, receive, noted)
        finally:
            path = "/samples/..." if scope["path"].startswith("/samples/") else scope["path"]
            milliseconds = round(1000 * (time.perf_counter() - start), 2)
            logger.info(
                "request",
                extra={"method": scope["method"], "path": path, "status": status, "milliseconds": milliseconds},
            )
