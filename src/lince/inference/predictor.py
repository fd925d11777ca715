"""`Predictor`: from image files to calibrated, explained predictions."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice, repeat
from pathlib import Path
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from numpy.typing import NDArray

from lince.core.errors import ConfigError, ImageError
from lince.core.events import EventBus, FileSkipped, ModelLoaded, PredictionMade
from lince.core.options import HeatMapMethod
from lince.core.settings import worker_count
from lince.core.types import LabelSpace, Prediction, Sample, Skipped
from lince.imaging import Decoded, decode
from lince.inference.answering import Answering, strangeness
from lince.inference.bundle import Bundle
from lince.inference.prepared import Outcome, Prepared
from lince.models.capabilities import Differentiable
from lince.models.ensemble import Ensemble
from lince.models.folding import ready_to_run
from lince.models.network import Network
from lince.models.precision import best_device

if TYPE_CHECKING:
    from lince.models.text import TextReader

# The C library maps blocks of 32 MiB and more anew for every layer of every batch, which costs a fifth of the time: at
# 224 pixels, the widest layer of the default model stays under that for 13 images.
BATCH = 12


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
        self._answering = Answering.of(self.bundle, refer)
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

    @property
    def reads_text(self) -> bool:
        """Whether it takes a caption beside an image, or instead of one."""
        return self._answering.reader is not None

    def prepare(
        self, source: bytes | str | Path | None, *, name: str | None = None, caption: str | None = None
    ) -> Prepared:
        """Decode and apply the image spec; safe to call from several threads.

        Parameters
        ----------
        source
            The image; None for a caption alone.
        name
            What to call it.
        caption
            What is said of the image; the attributes that the bundle reads, one after the other.

        Raises
        ------
        ImageError
            The bytes are not an image that can be read.
        ConfigError
            A caption for a bundle that sees images alone; or no image, and no caption that has words.
        """
        text = self._answering.check_caption(caption, alone=source is None)
        if source is None:
            side, channels = self.bundle.spec.size, self.bundle.spec.channels
            return Prepared(name or "caption", np.zeros((side, side, channels), np.uint8), None, text)
        known = name or (Path(source).name if isinstance(source, str | Path) else "image")
        decoded = decode(source, name=known)
        prepared = Prepared(known, self.bundle.spec.apply(decoded), decoded, text)
        # Worked out now, in the caller's thread: later the whole batch would wait for it.
        _ = prepared.input_sha256
        if self.novelty is not None:
            _ = prepared.statistics
        return prepared

    def prepare_pixels(self, pixels: NDArray[np.uint8], *, name: str, caption: str | None = None) -> Prepared:
        """As `prepare`, of an image (S, S, C) that the bundle's image spec has made already.

        Raises
        ------
        ConfigError
            See `prepare`.
        """
        text = self._answering.check_caption(caption, alone=False)
        return Prepared(name, pixels, Decoded(pixels[..., 0] if pixels.shape[2] == 1 else pixels, "ARRAY"), text)

    def predict(
        self, source: bytes | str | Path | None, *, name: str | None = None, caption: str | None = None
    ) -> Prediction:
        """Predict one image, or a caption, or both.

        Raises
        ------
        ImageError
            The image cannot be read.
        ConfigError
            See `prepare`.
        """
        return self.run([self.prepare(source, name=name, caption=caption)])[0].prediction

    def texts_of(self, samples: Sequence[Sample]) -> list[str | None] | None:
        """What is read of each sample, None where there is nothing; None for a bundle that sees images alone."""
        reader = self._answering.reader
        return None if reader is None else [reader.text_of(sample.attributes) for sample in samples]

    @property
    def reader(self) -> TextReader:
        """What reads the captions.

        Raises
        ------
        ConfigError
            The bundle sees images alone.
        """
        return self._answering.known_reader()

    def explain(
        self, source: bytes | str | Path | None, *, name: str | None = None, caption: str | None = None
    ) -> Outcome:
        """Predict as `predict` does, and say where the network looked and which words of the caption counted.

        A caption alone has no heat map.

        Raises
        ------
        ImageError
            The image cannot be read.
        ConfigError
            See `prepare`.
        """
        return self.run([self.prepare(source, name=name, caption=caption)], explain=[True])[0]

    def predict_many(
        self, paths: Iterable[str | Path], *, batch: int = BATCH, captions: Iterable[str | None] | None = None
    ) -> Iterator[Prediction | Skipped]:
        """Predict files in their order, decoding the next ones while the network runs.

        A file that cannot be read gives a `Skipped`, in its place. ``captions`` has one for each path, or none at all.

        Raises
        ------
        ConfigError
            A caption for a bundle that sees images alone.
        ValueError
            There are more captions than paths, or fewer.
        """
        workers = worker_count()
        with ThreadPoolExecutor(workers, thread_name_prefix="lince-decode") as pool:
            source = zip(paths, repeat(None)) if captions is None else zip(paths, captions, strict=True)
            waiting: deque[Future[Prepared | Skipped]] = deque(
                pool.submit(self._prepare_or_skip, *item) for item in islice(source, 4 * batch)
            )
            try:
                while waiting:
                    ready = [waiting.popleft().result() for _ in range(min(batch, len(waiting)))]
                    more = islice(source, len(ready))
                    waiting.extend(pool.submit(self._prepare_or_skip, *item) for item in more)
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

    def _prepare_or_skip(self, path: str | Path, caption: str | None) -> Prepared | Skipped:
        try:
            return self.prepare(path, name=str(path), caption=caption)
        except ImageError as error:
            return Skipped(str(path), error.sentence)

    def logits(
        self,
        pixels: NDArray[np.uint8],
        rows: NDArray[np.int64] | None = None,
        *,
        texts: Sequence[str | None] | None = None,
        batch: int = BATCH,
    ) -> NDArray[np.float32]:
        """(N, classes) logits before calibration of (N, S, S, C) prepared images, or of these ``rows`` of them.

        ``pixels`` may be a memory map larger than memory: a batch of it is read at a time. ``texts`` are what
        `texts_of` gives for the same images; without them a bundle that reads text goes by the images alone.
        """
        return self.logits_and_features(pixels, rows, texts=texts, batch=batch)[0]

    def network_logits(self, pixels: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """(N, classes) logits of the network by itself, before anything that is learned from text."""
        found = []
        with torch.inference_mode():
            for start in range(0, len(rows), BATCH):
                values = torch.from_numpy(np.ascontiguousarray(pixels[rows[start : start + BATCH]])).to(self.device)
                found.append(self._pass(values)[1].cpu().numpy())
        return np.concatenate([np.empty((0, len(self.labels)), np.float32), *found])

    def logits_and_features(
        self,
        pixels: NDArray[np.uint8],
        rows: NDArray[np.int64] | None = None,
        *,
        texts: Sequence[str | None] | None = None,
        batch: int = BATCH,
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
                read = [None] * len(values) if texts is None else texts[part]
                logits[part] = self._answering.logits(found.cpu().numpy(), values, [True] * len(values), read)
                features[part] = seen.cpu().numpy()
        return logits, features

    def calibrate(self, logits: NDArray[np.floating], texts: Sequence[str | None] | None = None) -> NDArray[np.float64]:
        """(N, classes) logits of images with these texts, as `logits` gives them, to calibrated probabilities."""
        read = [None] * len(logits) if texts is None else texts
        return self._answering.probabilities(logits, [True] * len(logits), read)

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
        return self.calibrate(self.logits(pixels, rows, batch=batch))

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
            known, texts = [item.has_image for item in items], [item.caption for item in items]
            own = logits.cpu().numpy()
            rows = self._answering.probabilities(self._answering.logits(own, pixels, known, texts), known, texts)
            words = self._answering.words(own, pixels, items, rows, explain)
            alone = self._answering.image_alone(own, pixels, items)
        strange = strangeness(self.novelty, items, features.cpu().numpy())
        predictions = [self._answering.prediction(*one) for one in zip(items, rows, strange, words, alone, strict=True)]
        heat: dict[int, NDArray[np.float32]] = {}
        wanted = [i for i, flag in enumerate(explain or ()) if flag and items[i].has_image]
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
