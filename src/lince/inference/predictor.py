"""`Predictor`: from image files to calibrated, explained predictions."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from lince.core.errors import ImageError
from lince.core.events import EventBus, FileSkipped, ModelLoaded, PredictionMade
from lince.core.files import sha256_bytes
from lince.core.settings import worker_count
from lince.core.types import LabelSpace, Prediction, Skipped, decide
from lince.imaging import Decoded, decode
from lince.inference.bundle import Bundle
from lince.models.capabilities import Differentiable
from lince.models.folding import ready_to_run
from lince.models.precision import best_device
from lince.trust import LOW_CONFIDENCE, calibrated, is_blank

# The C library maps blocks of 32 MiB and more anew for every layer of every batch, which costs a fifth of the time: at
# 224 pixels, the widest layer of the default model stays under that for 13 images.
BATCH = 12
_PREVIEW_SIDE = 640


@final
@dataclass(frozen=True)
class Prepared:
    """An image ready for the network.

    ``pixels`` is (size, size, channels) uint8, made by the bundle's image spec; ``decoded`` is the image as it was.
    """

    name: str
    pixels: NDArray[np.uint8]
    decoded: Decoded

    @property
    def height(self) -> int:
        """Height of the image in pixels."""
        return int(self.decoded.pixels.shape[0])

    @property
    def width(self) -> int:
        """Width of the image in pixels."""
        return int(self.decoded.pixels.shape[1])

    @cached_property
    def input_sha256(self) -> str:
        """SHA-256 of ``pixels``: what exactly the network saw."""
        return sha256_bytes(np.ascontiguousarray(self.pixels).data)

    @cached_property
    def preview(self) -> NDArray[np.uint8]:
        """The whole image for display, (h, w) or (h, w, 3) uint8, at most 640 pixels on the long side."""
        values = self.decoded.pixels
        if values.dtype != np.uint8:
            values = (values >> 8).astype(np.uint8)
        longest = max(self.height, self.width)
        if longest <= _PREVIEW_SIDE:
            return np.asarray(values, dtype=np.uint8)
        ratio = _PREVIEW_SIDE / longest
        size = (max(1, round(self.width * ratio)), max(1, round(self.height * ratio)))
        return np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """A prediction and, when asked for, its heat map.

    ``heat_map`` is (h, w) float32 in 0..1 over the image's own area (padding removed), for the decided class.
    """

    prediction: Prediction
    heat_map: NDArray[np.float32] | None = None


@final
class Predictor:
    """The only way from an image to a `Prediction`.

    Parameters
    ----------
    bundle
        A `Bundle`, or the folder of one.
    bus
        Hears `ModelLoaded`, `PredictionMade` and `FileSkipped`.
    origin
        Where the predictions are made (``cli``, ``api``, ``web``, ...), told in `PredictionMade`.

    Raises
    ------
    BundleError
        The bundle is missing, damaged, or newer than this version.
    """

    def __init__(self, bundle: Bundle | str | Path, *, bus: EventBus | None = None, origin: str = "cli") -> None:
        self.bundle = bundle if isinstance(bundle, Bundle) else Bundle(bundle)
        self.device = best_device()
        self._bus = bus or EventBus()
        self._origin = origin
        loaded = self.bundle.network()
        self._network = (
            ready_to_run(loaded, size=self.bundle.spec.size, device=self.device)
            if isinstance(loaded, Differentiable)
            else loaded
        )
        self._bus.publish(ModelLoaded(self.bundle.model_id, str(self.bundle.path)))

    @property
    def labels(self) -> LabelSpace:
        """Class names in the order of the probabilities."""
        return self.bundle.labels

    @property
    def explains(self) -> bool:
        """Whether there can be heat maps: the model is a network."""
        return isinstance(self._network, Differentiable)

    def prepare(self, source: bytes | str | Path, *, name: str | None = None) -> Prepared:
        """Decode and apply the image spec; safe to call from several threads.

        Raises
        ------
        ImageError
            The bytes are not an image that can be read.
        """
        known = name or (Path(source).name if isinstance(source, str | Path) else "image")
        decoded = decode(source, name=known)
        return Prepared(known, self.bundle.spec.apply(decoded), decoded)

    def predict(self, source: bytes | str | Path, *, name: str | None = None) -> Prediction:
        """Predict one image.

        Raises
        ------
        ImageError
            The image cannot be read.
        """
        return self.run([self.prepare(source, name=name)])[0].prediction

    def explain(self, source: bytes | str | Path, *, name: str | None = None) -> Outcome:
        """Predict one image and say where the network looked.

        Raises
        ------
        ImageError
            The image cannot be read.
        """
        return self.run([self.prepare(source, name=name)], explain=[True])[0]

    def predict_many(self, paths: Iterable[str | Path], *, batch: int = BATCH) -> Iterator[Prediction | Skipped]:
        """Predict files in their order, decoding the next ones while the network runs.

        A file that cannot be read gives a `Skipped`, in its place.
        """
        workers = worker_count()
        with ThreadPoolExecutor(workers, thread_name_prefix="lince-decode") as pool:
            source = iter(paths)
            waiting: deque[Future[Prepared | Skipped]] = deque(
                pool.submit(self._prepare_or_skip, path) for path in islice(source, 4 * batch)
            )
            try:
                while waiting:
                    ready = [waiting.popleft().result() for _ in range(min(batch, len(waiting)))]
                    waiting.extend(pool.submit(self._prepare_or_skip, path) for path in islice(source, len(ready)))
                    outcomes = iter(self.run([item for item in ready if isinstance(item, Prepared)]))
                    for item in ready:
                        if isinstance(item, Skipped):
                            self._bus.publish(FileSkipped(item.path, item.reason))
                            yield item
                        else:
                            yield next(outcomes).prediction
            finally:
                for future in waiting:
                    future.cancel()

    def _prepare_or_skip(self, path: str | Path) -> Prepared | Skipped:
        try:
            return self.prepare(path, name=str(path))
        except ImageError as error:
            return Skipped(str(path), error.sentence)

    def logits(
        self, pixels: NDArray[np.uint8], rows: NDArray[np.int64] | None = None, *, batch: int = BATCH
    ) -> NDArray[np.float32]:
        """(N, classes) logits before calibration of (N, S, S, C) prepared images, or of these ``rows`` of them.

        ``pixels`` may be a memory map larger than memory: a batch of it is read at a time.
        """
        rows = np.arange(len(pixels)) if rows is None else rows
        # Made before the first pass: small results kept between the large blocks of the passes would scatter the heap.
        found = np.empty((len(rows), len(self.labels)), dtype=np.float32)
        with torch.inference_mode():
            for start in range(0, len(rows), batch):
                part = slice(start, start + batch)
                values = torch.from_numpy(np.ascontiguousarray(pixels[rows[part]])).to(self.device)
                found[part] = self._network(values).cpu().numpy()
        return found

    def probabilities(
        self, pixels: NDArray[np.uint8], rows: NDArray[np.int64] | None = None, *, batch: int = BATCH
    ) -> NDArray[np.float64]:
        """(N, classes) calibrated probabilities of (N, S, S, C) prepared images, or of these ``rows`` of them."""
        return calibrated(self.logits(pixels, rows, batch=batch), self.bundle.temperature)

    def warm_up(self, batch: int = 1) -> None:
        """Run a blank batch, so that the first images of a batch of this size wait no longer than the next ones."""
        side, channels = self.bundle.spec.size, self.bundle.spec.channels
        with torch.inference_mode():
            self._network(torch.zeros(batch, side, side, channels, dtype=torch.uint8, device=self.device))

    def run(self, items: Sequence[Prepared], *, explain: Sequence[bool] | None = None) -> list[Outcome]:
        """Predict prepared images as one batch; ``explain`` says for which of them a heat map is wanted.

        There is none where the model does not explain itself (`explains`).
        """
        if not items:
            return []
        start = time.perf_counter()
        with torch.inference_mode():
            pixels = torch.from_numpy(np.stack([item.pixels for item in items])).to(self.device)
            network = self._network
            if isinstance(network, Differentiable):
                maps = network.maps(pixels)
                logits = network.head(*maps).float().cpu().numpy()
            else:
                logits = network(pixels).cpu().numpy()
        rows = calibrated(logits, self.bundle.temperature)
        predictions = [self._prediction(item, row) for item, row in zip(items, rows, strict=True)]
        heat: dict[int, NDArray[np.float32]] = {}
        wanted = [i for i, flag in enumerate(explain or ()) if flag]
        if wanted and isinstance(network, Differentiable):
            from lince.explain import grad_cam

            classes = [self.labels.index(predictions[i].label) for i in wanted]
            found = grad_cam(network.head, [values[wanted] for values in maps], classes)
            heat = {i: self._over_image(found[k], items[i]) for k, i in enumerate(wanted)}
        seconds = (time.perf_counter() - start) / len(items)
        for prediction in predictions:
            self._bus.publish(PredictionMade(prediction, seconds, self._origin))
        return [Outcome(prediction, heat.get(i)) for i, prediction in enumerate(predictions)]

    def _prediction(self, item: Prepared, row: NDArray[np.float64]) -> Prediction:
        labels, threshold = self.labels, self.bundle.threshold
        values = row.tolist()
        chosen, by_threshold = decide(values, labels, threshold)
        confidence = values[chosen]
        return Prediction(
            name=item.name,
            label=labels.names[chosen],
            confidence=confidence,
            probabilities=dict(zip(labels.names, values, strict=True)),
            flags=self._flags(item, confidence),
            positive=labels.positive,
            threshold=threshold,
            decided_by_threshold=by_threshold,
            model_id=self.bundle.model_id,
            input_sha256=item.input_sha256,
        )

    def _flags(self, item: Prepared, confidence: float) -> tuple[str, ...]:
        top, left, bottom, right = self.bundle.spec.content_box(item.height, item.width)
        found = {
            "low_confidence": confidence < LOW_CONFIDENCE,
            "blank": is_blank(item.pixels[top:bottom, left:right]),
        }
        return tuple(flag for flag, raised in found.items() if raised)

    def _over_image(self, heat: NDArray[np.float32], item: Prepared) -> NDArray[np.float32]:
        """A map of the padded square, cut to the part that the image fills."""
        side = self.bundle.spec.size
        top, left, bottom, right = self.bundle.spec.content_box(item.height, item.width)
        smooth = np.asarray(Image.fromarray(heat).resize((side, side), Image.Resampling.BICUBIC))
        cut: NDArray[np.float32] = np.clip(smooth[top:bottom, left:right], 0.0, 1.0).astype(np.float32)
        return cut
