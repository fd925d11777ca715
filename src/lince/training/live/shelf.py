"""A few validation images, with where the network looks in them."""

from __future__ import annotations

import copy
import io
import threading
import time
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from lince.core.pages import legible
from lince.core.seeds import derived_seed
from lince.inference.bundle import Bundle
from lince.inference.predictor import Predictor
from lince.models.ensemble import Ensemble
from lince.models.network import Network
from lince.training.events import RunPlanned, ValidationMeasured

_SHOWN = 8
# Heat maps take at most this share of the time of a training.
_SHARE = 0.02
_SIDE = 320


@final
@dataclass(frozen=True, slots=True)
class _Shown:
    """One image: its row, its picture, and what the network says of it."""

    row: int
    truth: str
    name: str
    picture: bytes


@final
class SampleShelf:
    """Validation images of every class, the same ones through the whole run.

    Folds of a cross-validation do not hold all of them: there the finished model is the first that looks at them.

    Heat maps are made on the thread that trains, since a second team of threads would slow it down, from a copy of the
    network: looking at it changes nothing of the training.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plan: RunPlanned | None = None
        self._shown: list[_Shown] = []
        self._said: list[dict[str, Any]] = []
        self._heat: list[bytes] = []
        self._version = 0
        self._score, self._next = -np.inf, 0.0

    def choose(self, plan: RunPlanned) -> None:
        """Take images of the validation split, classes in turn, drawn by the seed of the run."""
        prepared = plan.prepared
        rows = prepared.rows("val")
        random = np.random.default_rng(derived_seed(plan.plan.seed, "live samples"))
        chosen = _in_turn(rows[random.permutation(len(rows))], prepared.labels)
        samples = [prepared.collection.samples[row] for row in chosen]
        shown = [
            _Shown(int(row), legible(sample.label), legible(sample.name), _png(prepared.images.pixels[row]))
            for row, sample in zip(chosen, samples, strict=True)
        ]
        with self._lock:
            self._plan, self._shown, self._said, self._heat = plan, shown, [], []

    def improve(self, event: ValidationMeasured) -> None:
        """Look again, where the model got better and the last look is long enough ago."""
        if self._plan is None or not event.score >= self._score or time.monotonic() < self._next:
            return
        place = {int(row): i for i, row in enumerate(event.rows)}
        if not all(shown.row in place for shown in self._shown):
            return
        began = time.monotonic()
        self._score = event.score
        rows = event.probabilities[[place[shown.row] for shown in self._shown]].astype(np.float64)
        with torch.inference_mode(mode=False):  # a copy made inside it could not be differentiated
            network = copy.deepcopy(event.network).eval().requires_grad_(False)
        self._look(network, rows, rows.argmax(1).tolist())
        spent = time.monotonic() - began
        self._next = time.monotonic() + spent / _SHARE

    def conclude(self, bundle: Bundle) -> None:
        """Look with the finished model, and say what its `Predictor` says, of images with their texts."""
        if self._plan is None:
            return
        predictor = Predictor(bundle)
        if not predictor.explains:
            return
        prepared = self._plan.prepared
        texts = predictor.texts_of([prepared.collection.samples[shown.row] for shown in self._shown])
        items = [
            predictor.prepare_pixels(np.array(prepared.images.pixels[shown.row]), name=shown.name, caption=text)
            for shown, text in zip(self._shown, texts or [None] * len(self._shown), strict=True)
        ]
        said = [outcome.prediction for outcome in predictor.run(items)]
        rows = np.array([[one.probabilities[name] for name in bundle.labels.names] for one in said])
        self._look(predictor.network, rows, [bundle.labels.index(one.label) for one in said])

    def as_dict(self) -> list[dict[str, Any]]:
        """Ready for JSON: one entry an image, in the order of `picture` and `heat`."""
        with self._lock:
            said = self._said or [{} for _ in self._shown]
            return [
                {"name": shown.name, "truth": shown.truth, "version": self._version, **about}
                for shown, about in zip(self._shown, said, strict=True)
            ]

    def picture(self, number: int) -> bytes | None:
        """PNG of an image as the network sees it."""
        with self._lock:
            return self._shown[number].picture if 0 <= number < len(self._shown) else None

    def heat(self, number: int) -> bytes | None:
        """PNG, transparent where the network found nothing, to lie over the picture."""
        with self._lock:
            return self._heat[number] if 0 <= number < len(self._heat) else None

    def _pixels(self, network: Network | Ensemble) -> torch.Tensor:
        plan = self._plan
        rows = [shown.row for shown in self._shown]
        pixels = plan.prepared.images.pixels[rows] if plan else np.empty((0,))
        return torch.from_numpy(np.ascontiguousarray(pixels)).to(next(network.parameters()).device)

    def _look(self, network: Network | Ensemble, rows: NDArray[np.float64], decided: list[int]) -> None:
        from lince.explain import grad_cam, heat_rgba

        if not self._shown or self._plan is None:
            return
        with torch.inference_mode():
            maps = network.maps(self._pixels(network))
        found = grad_cam(network.head, maps, decided)
        names = [legible(name) for name in self._plan.prepared.collection.labels.names]
        heat = [_encoded(heat_rgba(one, (_SIDE, _SIDE))) for one in found]
        said = [
            {"decision": names[k], "probability": round(float(row[k]), 4)} for row, k in zip(rows, decided, strict=True)
        ]
        with self._lock:
            self._heat, self._said, self._version = heat, said, self._version + 1


def _in_turn(rows: NDArray[np.int64], labels: NDArray[np.int64]) -> list[int]:
    """At most `_SHOWN` of the rows: the first of each class, then the second of each, and so on."""
    classes = [rows[labels[rows] == label] for label in np.unique(labels[rows])]
    depth = max((len(one) for one in classes), default=0)
    chosen = [int(one[k]) for k in range(depth) for one in classes if k < len(one)][:_SHOWN]
    return sorted(chosen, key=lambda row: int(labels[row]))


def _png(pixels: NDArray[np.uint8]) -> bytes:
    """An (S, S, C) image as the page shows it; small ones stay small, and the browser enlarges them."""
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    picture.thumbnail((_SIDE, _SIDE))
    return _encoded(picture)


def _encoded(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "PNG", compress_level=1)
    return stream.getvalue()
