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

from lince.core.errors import ConfigError, ImageError
from lince.core.events import EventBus, FileSkipped, ModelLoaded, PredictionMade
from lince.core.files import sha256_bytes
from lince.core.options import HeatMapMethod
from lince.core.settings import worker_count
from lince.core.types import LabelSpace, Prediction, Skipped, decide
from lince.imaging import Decoded, decode
from lince.inference.bundle import Bundle
from lince.models.capabilities import Differentiable
from lince.models.ensemble import Ensemble
from lince.models.folding import ready_to_run
from lince.models.network import Network
from lince.models.precision import best_device
from lince.trust import image_statistics, is_blank

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
    def statistics(self) -> NDArray[np.float64]:
        """(S,) what the picture is like; see `lince.trust.image_statistics`."""
        return np.asarray(image_statistics([self.pixels])[0])

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

    ``heat_map`` is (h, w) float32 in 0..1 over the image's own area (padding removed), about as fine as the network saw
    the image; for the decided class, unless another was asked for.
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
    refer
        Share of the images, of 0 to 0.5, whose decision a person should make: the least certain ones carry the flag
        ``refer``. The limit is the one at which that share of the validation images lay.

    Attributes
    ----------
    novelty
        What the training images are like; None when there were too few to say.

    Raises
    ------
    BundleError
        The bundle is missing, damaged, or of another format.
    ConfigError
        A share outside that range, or of a bundle that had no images to learn the limit from.
    """

    def __init__(
        self,
        bundle: Bundle | str | Path,
        *,
        bus: EventBus | None = None,
        origin: str = "cli",
        refer: float | None = None,
    ) -> None:
        self.bundle = bundle if isinstance(bundle, Bundle) else Bundle(bundle)
        self.device = best_device()
        self._bus = bus or EventBus()
        self._origin = origin
        self._referred_below = None if refer is None else _limit(self.bundle, refer)
        self.novelty = self.bundle.novelty()
        loaded = self.bundle.network()
        self._network = (
            ready_to_run(loaded, size=self.bundle.spec.size, device=self.device)
            if isinstance(loaded, Differentiable)
            else loaded
        )
        self._bus.publish(ModelLoaded(self.bundle.model_id, str(self.bundle.path)))

    @property
    def network(self) -> Network | Ensemble:
        """The network as it runs here, for looking inside.

        Raises
        ------
        ConfigError
            The model is no network.
        """
        if not isinstance(self._network, Network | Ensemble):
            raise ConfigError("This model is no network, so it has no layers", received=self.bundle.path)
        return self._network

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
        prepared = Prepared(known, self.bundle.spec.apply(decoded), decoded)
        # Worked out now, in the caller's thread: later the whole batch would wait for it.
        _ = prepared.input_sha256
        if self.novelty is not None:
            _ = prepared.statistics
        return prepared

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
        return self.logits_and_features(pixels, rows, batch=batch)[0]

    def logits_and_features(
        self, pixels: NDArray[np.uint8], rows: NDArray[np.int64] | None = None, *, batch: int = BATCH
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """As `logits`, and the (N, D) features that the head reads of the same images."""
        rows = np.arange(len(pixels)) if rows is None else rows
        # Made before the second pass: small results kept between the large blocks of the passes would scatter the heap.
        logits = np.empty((len(rows), len(self.labels)), dtype=np.float32)
        features = np.empty((len(rows), 0), dtype=np.float32)
        with torch.inference_mode():
            for start in range(0, len(rows), batch):
                part = slice(start, start + batch)
                values = torch.from_numpy(np.ascontiguousarray(pixels[rows[part]])).to(self.device)
                _, found, seen = self._pass(values)
                if not start:  # the first batch says how many there are
                    features = np.empty((len(rows), seen.shape[1]), dtype=np.float32)
                logits[part], features[part] = found.cpu().numpy(), seen.cpu().numpy()
        return logits, features

    def _pass(self, pixels: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor, torch.Tensor]:
        """Maps where the model has them, (N, classes) logits and (N, D) features, float32."""
        network = self._network
        if not isinstance(network, Differentiable):
            features = network.features(pixels)
            return [], network.classify(features), features
        maps = network.maps(pixels)
        features = network.head.embed(*maps).float()
        if isinstance(network, Ensemble):  # its features are those of one member
            return maps, network.head(*maps).float(), features
        return maps, network.head.classify(features).float(), features

    def embeddings(
        self, pixels: NDArray[np.uint8], rows: NDArray[np.int64] | None = None, *, batch: int = BATCH
    ) -> NDArray[np.float32]:
        """(N, D) embeddings of the images, which are given as to `logits`.

        Averages of the feature maps for a linear head, the hidden layer of a dense one; of an ensemble, those of its
        first member.
        """
        return self.logits_and_features(pixels, rows, batch=batch)[1]

    def probabilities(
        self, pixels: NDArray[np.uint8], rows: NDArray[np.int64] | None = None, *, batch: int = BATCH
    ) -> NDArray[np.float64]:
        """(N, classes) calibrated probabilities of (N, S, S, C) prepared images, or of these ``rows`` of them."""
        return self.bundle.trust.calibration.apply(self.logits(pixels, rows, batch=batch))

    def warm_up(self, batch: int = 1) -> None:
        """Run a blank batch, so that the first images of a batch of this size wait no longer than the next ones."""
        side, channels = self.bundle.spec.size, self.bundle.spec.channels
        with torch.inference_mode():
            self._network(torch.zeros(batch, side, side, channels, dtype=torch.uint8, device=self.device))

    def run(
        self,
        items: Sequence[Prepared],
        *,
        explain: Sequence[bool] | None = None,
        method: HeatMapMethod = "grad-cam",
        target: str | None = None,
    ) -> list[Outcome]:
        """Predict prepared images as one batch.

        Parameters
        ----------
        explain
            For which of them a heat map is wanted.
        method
            Of the heat map. Grad-CAM and Grad-CAM++ use the forward pass that is made anyway; the others take seconds.
        target
            The class to explain; by default the decided one.

        Raises
        ------
        ConfigError
            The bundle has no class of the name ``target``.
        """
        if target is not None and target not in self.labels.names:
            raise ConfigError(
                "This bundle has no such class", received=target, fix=f"choose one of: {', '.join(self.labels.names)}"
            )
        if not items:
            return []
        start = time.perf_counter()
        with torch.inference_mode():
            pixels = torch.from_numpy(np.stack([item.pixels for item in items])).to(self.device)
            maps, logits, features = self._pass(pixels)
        rows = self.bundle.trust.calibration.apply(logits.cpu().numpy())
        strange = self._strangeness(items, features.cpu().numpy())
        predictions = [self._prediction(*one) for one in zip(items, rows, strange, strict=True)]
        heat: dict[int, NDArray[np.float32]] = {}
        wanted = [i for i, flag in enumerate(explain or ()) if flag]
        if wanted and isinstance(self._network, Differentiable):
            from lince.explain.methods import METHODS, Pass, over_image

            classes = [self.labels.index(target or predictions[i].label) for i in wanted]
            spec, sizes = self.bundle.spec, [(items[i].height, items[i].width) for i in wanted]
            boxes = [spec.content_box(*size) for size in sizes]
            made = Pass(self._network, pixels[wanted], boxes, [values[wanted] for values in maps])
            found = METHODS[method](made, classes)
            heat = {i: over_image(found[k], spec, *sizes[k]) for k, i in enumerate(wanted)}
        seconds = (time.perf_counter() - start) / len(items)
        for prediction in predictions:
            self._bus.publish(PredictionMade(prediction, seconds, self._origin))
        return [Outcome(prediction, heat.get(i)) for i, prediction in enumerate(predictions)]

    def _strangeness(
        self, items: Sequence[Prepared], features: NDArray[np.float32]
    ) -> list[tuple[float | None, tuple[str, ...]]]:
        """For each image the distance from the training images, and what is unusual where it is too far."""
        if self.novelty is None:
            return [(None, ())] * len(items)
        pictures = np.stack([item.statistics for item in items])
        scores = self.novelty.scores(features, pictures).tolist()
        return [
            (score, self.novelty.reasons(picture) if score > 1.0 else ())
            for score, picture in zip(scores, pictures, strict=True)
        ]

    def _prediction(
        self, item: Prepared, row: NDArray[np.float64], strange: tuple[float | None, tuple[str, ...]]
    ) -> Prediction:
        labels, threshold, trust = self.labels, self.bundle.threshold, self.bundle.trust
        values = row.tolist()
        chosen, by_threshold = decide(values, labels, threshold)
        possible = trust.set_of(values, labels)
        novelty, reasons = strange
        top, left, bottom, right = self.bundle.spec.content_box(item.height, item.width)
        flags = {
            "low_confidence": values[chosen] < trust.low_confidence,
            "cannot_tell": possible is not None and len(possible) != 1,
            "refer": self._referred_below is not None and values[chosen] < self._referred_below,
            "out_of_distribution": novelty is not None and novelty > 1.0,
            "blank": is_blank(item.pixels[top:bottom, left:right]),
        }
        return Prediction(
            name=item.name,
            label=labels.names[chosen],
            confidence=values[chosen],
            probabilities=dict(zip(labels.names, values, strict=True)),
            flags=tuple(flag for flag, raised in flags.items() if raised),
            positive=labels.positive,
            threshold=threshold,
            decided_by_threshold=by_threshold,
            model_id=self.bundle.model_id,
            input_sha256=item.input_sha256,
            prediction_set=possible,
            novelty=novelty,
            reasons=reasons,
        )


def _limit(bundle: Bundle, share: float) -> float:
    """The confidence under which a decision is referred."""
    if bundle.trust.referral is None:
        raise ConfigError(
            "This bundle does not know which of its predictions to refer: it had no validation images",
            received=bundle.path,
        )
    return bundle.trust.referral.limit(share)
