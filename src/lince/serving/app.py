"""The application: what stands before it, its routes, its end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI

from lince.core.events import EventBus
from lince.core.settings import upload_limit as default_limit
from lince.serving import api, pages, problems
from lince.serving.describing import describe
from lince.serving.guards import Doorkeeper, Journal, SecurityHeaders
from lince.serving.limits import UploadLimit
from lince.serving.reading import ReadingRoom
from lince.serving.samples import SampleShelf
from lince.serving.schemas import VERSION

if TYPE_CHECKING:
    from lince.inference import MicroBatcher, Predictor


def create_app(
    predictor: Predictor,
    *,
    batcher: MicroBatcher | None = None,
    bus: EventBus | None = None,
    samples: Path | None = None,
    upload_limit: int | None = None,
) -> FastAPI:
    """Build the web service around a predictor.

    Parameters
    ----------
    predictor
        Answers every image. Its own bus tells `PredictionMade` too; give it another one than ``bus``.
    batcher
        Groups images that arrive together; by default a new one, closed with the application.
    bus
        Hears one `PredictionMade` per answer, with the origin ``web`` (the page) or ``api`` (programs) and the whole
        time from the upload to the answer.
    samples
        A folder of images to try.
    upload_limit
        Bytes of one request body; by default `lince.core.settings.upload_limit`.

    Raises
    ------
    ConfigError
        The folder of samples does not exist.
    """
    shelf = SampleShelf.of(samples)
    own_batcher = None
    if batcher is None:
        from lince.inference import MicroBatcher

        batcher = own_batcher = MicroBatcher(predictor)
    room = ReadingRoom(predictor, batcher, bus or EventBus())
    limit = upload_limit or default_limit()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        room.close()
        if own_batcher:
            own_batcher.close()

    app = FastAPI(
        title="lince",
        version=VERSION,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    problems.install(app)
    app.include_router(api.build_router(room))
    app.include_router(pages.build_router(app, room, shelf, limit))
    pages.mount_static(app)
    # The last added stands outermost: every answer gets the headers, a refused request never reaches the limit.
    app.add_middleware(UploadLimit, limit=limit)
    app.add_middleware(Doorkeeper)
    app.add_middleware(Journal)
    app.add_middleware(SecurityHeaders)
    return app
