"""The way of one image through the server: decode in a thread, share a batch, draw in a thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar, final
from uuid import uuid4

from lince.core.errors import ConfigError
from lince.core.events import EventBus, PredictionMade
from lince.core.settings import worker_count
from lince.serving.errors import UploadError
from lince.serving.pictures import heat_map_uri, preview_uri, warm_up
from lince.serving.upload import Upload

if TYPE_CHECKING:
    from lince.inference import MicroBatcher, Outcome, Predictor, Prepared

T = TypeVar("T")
Origin = Literal["api", "web"]


@final
class ReadingRoom:
    """Answers predictions.

    Decoding and drawing run in as many threads as there are processors, so that the event loop stays free and images
    wait here instead of piling up decoded; the network runs in the batcher's thread.
    """

    def __init__(self, predictor: Predictor, batcher: MicroBatcher, bus: EventBus) -> None:
        self.predictor = predictor
        self._batcher = batcher
        self._bus = bus
        self._threads = ThreadPoolExecutor(worker_count(), thread_name_prefix="lince-reading")
        self._threads.submit(warm_up)

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Run ``work`` in one of the room's threads."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def predict(self, upload: Upload, *, explain: bool, origin: Origin) -> dict[str, Any]:
        """Predict one upload: `Prediction.as_dict`, ``id``, ``created`` and, when asked, the pictures.

        Raises
        ------
        ImageError
            The bytes are not an image that can be read.
        UploadError
            A caption for a model that reads none, or one without words and no image.
        """
        start = time.perf_counter()
        prepared = await self.in_thread(lambda: self._prepare(upload))
        waiting = asyncio.wrap_future(self._batcher.submit(prepared, explain=explain))
        pictures: dict[str, Any] = {}
        if explain:
            # Drawn while the network runs.
            outcome, preview = await asyncio.gather(waiting, self.in_thread(lambda: _preview(prepared)))
            pictures = {"preview": preview, "heat_map": await self._heat_map(prepared, outcome)}
        else:
            outcome = await waiting
        self._bus.publish(PredictionMade(outcome.prediction, time.perf_counter() - start, origin))
        return {
            "id": str(uuid4()),
            "created": datetime.now(UTC).isoformat(timespec="milliseconds"),
            **outcome.prediction.as_dict(),
            **pictures,
        }

    def _prepare(self, upload: Upload) -> Prepared:
        if not self.predictor.reads_text and upload.caption is not None:
            raise UploadError("This model sees images alone and reads no caption", fix="send the image alone")
        try:
            return self.predictor.prepare(upload.data, name=upload.name, caption=upload.caption)
        except ConfigError as error:
            raise UploadError(
                "The caption has no words that this model reads", received=upload.caption, fix="send an image with it"
            ) from error

    async def _heat_map(self, prepared: Prepared, outcome: Outcome) -> str | None:
        heat = outcome.heat_map
        if heat is None:
            return None
        return await self.in_thread(lambda: heat_map_uri(heat, height=prepared.height, width=prepared.width))


def _preview(prepared: Prepared) -> str | None:
    return preview_uri(prepared.preview) if prepared.has_image else None
