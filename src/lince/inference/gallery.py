"""The pictures of a report: a few images decoded again, each beside itself under its heat map."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lince.core.errors import ImageError
from lince.core.types import Sample
from lince.data import Collection
from lince.evaluation.gallery import Chosen, Shot, choose
from lince.imaging import Decoded, decode
from lince.imaging.load import read_sample
from lince.inference.predictor import Predictor
from lince.inference.prepared import Prepared

# Long side of the image and of its twin with the heat map, in pixels; smaller images are enlarged whole times.
_SIDE = 240
_BETWEEN = 4
# Of one picture: 18 of them as base64 stay under a megabyte.
_MOST_BYTES = 40_000
_QUALITIES = (85, 70, 50, 30, 10)


def take_pictures(
    predictor: Predictor, collection: Collection, truth: Sequence[str], probabilities: NDArray[np.float64]
) -> tuple[Shot, ...]:
    """The surest errors, the surest hits and the least sure decisions, as pictures.

    Parameters
    ----------
    collection
        The images in the order of ``truth`` (N,) and ``probabilities`` (N, C). Those chosen are decoded again, one at a
        time; what can no longer be read has no picture.
    """
    picked = choose(truth, probabilities, predictor.labels, predictor.bundle.threshold)
    return tuple(_shot(predictor, collection, one) for one in picked)


def _shot(predictor: Predictor, collection: Collection, one: Chosen) -> Shot:
    sample, picture, heated = collection.samples[one.row], None, False
    try:
        picture, heated = _picture(predictor, _decoded(sample), one.decided)
    except ImageError:
        pass  # it was there a moment ago, and the figures hold without its picture
    decision, name = predictor.labels.names[one.decided], collection.identity(sample)
    return Shot(one.kind, name, sample.label, decision, one.confidence, picture, heated)


def _decoded(sample: Sample) -> Decoded:
    data, decoded = read_sample(sample)
    return decoded or decode(data, name=sample.path)


def _picture(predictor: Predictor, decoded: Decoded, decided: int) -> tuple[bytes, bool]:
    """A JPEG of the image, with its twin under the heat map where there is one."""
    from lince.explain import heat_map, overlay

    # Not through `Predictor.run`: that would tell the log of predictions that nobody asked for.
    heat = heat_map(predictor.network, decoded, decided, spec=predictor.bundle.spec) if predictor.explains else None
    preview = Prepared("", predictor.bundle.spec.apply(decoded), decoded).preview
    plain = _resized(Image.fromarray(preview).convert("RGB"))
    if heat is None or not heat.any():
        return _jpeg(plain), False
    pair = Image.new("RGB", (2 * plain.width + _BETWEEN, plain.height))
    pair.paste(plain, (0, 0))
    pair.paste(overlay(np.asarray(plain), heat), (plain.width + _BETWEEN, 0))
    return _jpeg(pair), True


def _resized(image: Image.Image) -> Image.Image:
    longest = max(image.size)
    if longest <= _SIDE:
        whole = _SIDE // longest
        return image.resize((image.width * whole, image.height * whole), Image.Resampling.NEAREST)
    ratio = _SIDE / longest
    size = (max(1, round(image.width * ratio)), max(1, round(image.height * ratio)))
    return image.resize(size, Image.Resampling.LANCZOS)


def _jpeg(image: Image.Image) -> bytes:
    """In the best quality that stays under the limit."""
    for quality in _QUALITIES:
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=quality, optimize=True)
        if stream.tell() <= _MOST_BYTES:
            break
    return stream.getvalue()
