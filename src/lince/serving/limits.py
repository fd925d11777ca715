"""Uploads over the limit are refused while they stream, and uploads that stall are given up."""

from __future__ import annotations

import asyncio
import time
from typing import final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lince.core.errors import LinceError, UploadTooLargeError
from lince.serving.errors import SlowRequestError
from lince.serving.problems import of_error

_LINGER_SECONDS = 2.0
_LINGER_BYTES = 16 << 20  # more than two sockets hold between them


@final
class UploadLimit:
    """Counts a request's bytes as they arrive.

    The answer is 413 at once when ``Content-Length`` is over ``limit``, else as soon as the bytes that came are: the
    body is never held whole. A body that pauses for longer than ``idle`` seconds is answered 408.
    """

    def __init__(self, app: ASGIApp, limit: int, *, idle: float = 30.0) -> None:
        self.app = app
        self.limit = limit
        self.idle = idle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a counted body, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > self.limit:
            await self._refuse(self._too_large(), receive, send)
            return
        refusal = await self._run(scope, receive, send)
        if refusal:
            await self._refuse(refusal, receive, send)

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> LinceError | None:
        """Run the application; the error that stopped its body, when the answer is still to be given."""
        total, complete, answered = 0, False, False
        refusal: LinceError | None = None

        async def counted() -> Message:
            nonlocal total, complete, refusal
            if complete:
                return await receive()
            if refusal:
                raise refusal
            try:
                async with asyncio.timeout(self.idle):
                    message = await receive()
            except TimeoutError:
                refusal = SlowRequestError(
                    f"No more of the upload arrived for {self.idle:g} seconds", fix="send it again"
                )
                raise refusal from None
            total += len(message.get("body", b""))
            complete = message["type"] != "http.request" or not message.get("more_body", False)
            if total > self.limit:
                refusal, complete = self._too_large(), False
                raise refusal
            return message

        async def unless_refused(message: Message) -> None:
            nonlocal answered
            # The application's own answer to the error would leave before the rest of the body was dealt with.
            if refusal is None or answered:
                answered = True
                await send(message)

        try:
            await self.app(scope, counted, unless_refused)
        except LinceError as error:
            if error is not refusal:
                raise
        return None if answered else refusal

    def _too_large(self) -> LinceError:
        return UploadTooLargeError(
            f"An upload may have at most {_readable(self.limit)}",
            fix="send a smaller file, or raise LINCE_UPLOAD_LIMIT",
        )

    async def _refuse(self, error: LinceError, receive: Receive, send: Send) -> None:
        """Answer, then read on for a moment before the connection closes.

        Closing with unread bytes makes the system reset the connection, and the client may never see the answer
        (the lingering close of RFC 9112, section 9.6).
        """
        answer = of_error(error)
        answer.headers["Connection"] = "close"
        await _send_open(answer, send)
        drained, deadline = 0, time.monotonic() + _LINGER_SECONDS
        message: Message = {"type": "http.request", "more_body": True}
        while message.get("more_body") and drained < _LINGER_BYTES and (left := deadline - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(left):
                    message = await receive()
            except TimeoutError:
                break
            drained += len(message.get("body", b""))
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _readable(limit: int) -> str:
    return f"{limit} bytes" if limit % 2**20 else f"{limit >> 20} MiB"


async def _send_open(answer: Response, send: Send) -> None:
    """Send a whole answer without ending it; its Content-Length lets the client read it all."""
    await send({"type": "http.response.start", "status": answer.status_code, "headers": answer.raw_headers})
    await send({"type": "http.response.body", "body": bytes(answer.body), "more_body": True})
