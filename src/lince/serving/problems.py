"""Every error leaves as one shape: problem details for HTTP (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast
from uuid import uuid4

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from lince.core.errors import LinceError
from lince.core.logs import logger

MEDIA_TYPE = "application/problem+json"
_CLIENT_GONE = 499  # what nginx logs when nobody is left to read the answer

TITLES: Mapping[str, str] = {
    "image": "The image cannot be read",
    "upload": "The request does not carry what is needed",
    "media-type": "This kind of body is not accepted",
    "upload-too-large": "The upload is too large",
    "slow-request": "The upload stopped arriving",
    "host": "This host name is not served here",
    "origin": "Requests from other sites are refused",
    "request": "The request is not valid",
    "internal": "Something went wrong on the server",
    "bundle": "The model cannot be used",
    "output": "The server cannot write",
    "missing-extra": "An optional package is missing",
    "model-unavailable": "The model is not available",
}


def problem(
    kind: str,
    status: int,
    detail: str,
    *,
    logged: str | None = None,
    headers: Mapping[str, str] | None = None,
    instance: str | None = None,
) -> JSONResponse:
    """Build the answer for one error.

    ``instance`` is a fresh URN that is also logged, so that a report from a user finds its line in the log.
    """
    title = TITLES.get(kind) or _phrase(status)
    instance = instance or uuid4().urn
    logger.log(
        logging.ERROR if status >= 500 else logging.INFO,
        "problem",
        extra={"kind": kind, "status": status, "problem": logged, "instance": instance},
        exc_info=status >= 500,
    )
    body = {
        "type": f"urn:lince:problem:{kind}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": instance,
    }
    return JSONResponse(body, status, headers, MEDIA_TYPE)


def of_error(error: LinceError) -> JSONResponse:
    """The answer for an error that names its fix."""
    return problem(error.kind, error.status, error.sentence, logged=error.problem)


def unexpected() -> JSONResponse:
    """The answer for the exception being handled, a fault of ours: its traceback goes to the log, not to the client."""
    instance = uuid4().urn
    detail = f"The server met an error that it did not expect; its log has the details under {instance}."
    return problem("internal", 500, detail, instance=instance)


def install(app: FastAPI) -> None:
    """Answer every error of the application with `problem`."""
    app.add_exception_handler(LinceError, _lince)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _gone)


async def _lince(_: Request, error: Exception) -> Response:
    return of_error(cast("LinceError", error))


async def _validation(_: Request, error: Exception) -> Response:
    return problem("request", 422, _sentence(cast("RequestValidationError", error).errors()))


async def _http(request: Request, error: Exception) -> Response:
    raised = cast("HTTPException", error)
    if raised.status_code == HTTPStatus.NOT_FOUND:
        detail = f"There is nothing at {request.url.path}; the interface is described at /api/docs."
    elif raised.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (raised.headers or {}).get("Allow", "another method")
        detail = f"{request.url.path} does not answer {request.method}; use {allowed}."
    else:
        detail = str(raised.detail).rstrip(".") + "."
    kind = HTTPStatus(raised.status_code).phrase.lower().replace(" ", "-")
    return problem(kind, raised.status_code, detail, headers=raised.headers)


async def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=_CLIENT_GONE)


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase


def _sentence(errors: Any) -> str:
    parts = []
    for error in errors:
        place = ".".join(str(part) for part in error["loc"])
        parts.append(f"{place}: {error['msg'].rstrip('.')} (received: {error.get('input')!r})")
    return "; ".join(parts) + "."
