"""A bundle's network as one ONNX file, compared with the bundle on images before it is written."""

from __future__ import annotations

import json
import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lince.core.errors import ExportError, LinceError, OutputError, SourceError
from lince.core.events import EventBus, FileSkipped, Noticed, WorkFinished, WorkStarted
from lince.core.extras import require
from lince.core.files import atomic_file
from lince.core.settings import worker_count
from lince.core.types import Sample, Skipped
from lince.data import write_phantoms
from lince.data.places import noted_places
from lince.data.sources.walk import find_images
from lince.imaging import ImageSpec, load_sample
from lince.inference.bundle import Bundle
from lince.inference.card import RESEARCH_ONLY
from lince.inference.predictor import Predictor
from lince.models.capabilities import Differentiable
from lince.trust import Calibration

INPUT, OUTPUT = "pixels", "probabilities"
TOLERANCE = 1e-3
"""Largest difference of a probability between the file and the bundle."""

_IMAGES = 64
_PHANTOMS = 12
# One protobuf message, which an ONNX file is, holds less than 2 GiB.
_LARGEST = 2**31 - 2**24


@final
@dataclass(frozen=True, slots=True)
class Exported:
    """The file written, and how it was checked.

    ``largest_difference`` is over all probabilities of the ``images`` compared. ``compared_on`` says which these were,
    and ``synthetic`` whether they are computer-made as far as is known.
    """

    path: Path
    images: int
    synthetic: bool
    largest_difference: float
    compared_on: str
    skipped: tuple[Skipped, ...] = ()


@final
@dataclass(frozen=True)
class _Images:
    """What is compared on: ``pixels`` (N, S, S, C), in words which images these are, and those that cannot be read."""

    pixels: NDArray[np.uint8]
    kind: str
    synthetic: bool
    skipped: tuple[Skipped, ...] = ()


def export_onnx(
    bundle: Bundle | str | Path,
    out: str | Path | None = None,
    *,
    images: str | Path | None = None,
    force: bool = False,
    bus: EventBus | None = None,
) -> Exported:
    """Write a bundle as an ONNX file that needs nothing of lince.

    Its input ``pixels`` is uint8 (N, S, S, C), any N, as the bundle's image spec makes it; its output
    ``probabilities`` is float32 (N, classes): normalisation, calibration and softmax are inside. The metadata name
    the classes, the operating point, the image spec, the model, and the images compared on.

    Parameters
    ----------
    bundle
        A `Bundle`, or the folder of one.
    out
        The file; by default it stands beside the bundle and has its name.
    images
        A folder of images to compare on, at most 64 of them. When not given, images of the collection that the bundle
        was trained on, where this machine knows them, else phantoms.
    force
        Replace a file that is there.
    bus
        Hears progress, notices and `FileSkipped`.

    Raises
    ------
    MissingExtraError
        onnx, onnxscript or onnxruntime is not installed.
    BundleError
        The bundle is missing or damaged.
    SourceError
        No image of ``images`` can be read.
    ExportError
        The network cannot be put into ONNX, or the file would predict something else; nothing is written.
    OutputError
        ``out`` exists or cannot be written.
    """
    bus = bus or EventBus()
    runtime = require("onnxruntime")
    require("onnx")
    require("onnxscript")
    bundle = bundle if isinstance(bundle, Bundle) else Bundle(bundle)
    network = bundle.network()
    if not isinstance(network, Differentiable):
        raise ExportError(
            "Descriptors are measured by code outside of any network, so ONNX cannot hold this model",
            received=bundle.manifest.model.name,
            fix="use the bundle itself, or export a network",
        )
    if bundle.manifest.text is not None:
        raise ExportError(
            "This bundle reads text beside images, which an ONNX file of its network would not",
            received=bundle.path,
            fix="use the bundle itself, or export one that was trained without --text",
        )
    place = Path(out) if out is not None else _beside(bundle)
    if place.is_dir():
        raise OutputError("This is a folder, not a file", received=place, fix="choose another --out")
    if place.exists() and not force:
        raise OutputError("There is something here already", received=place, fix="choose another --out, or --force")
    chosen = _given(bundle.spec, Path(images), bus) if images is not None else _known(bundle, bus)
    pixels = chosen.pixels
    bus.publish(WorkStarted("Exporting", 1))
    model = _Served(network, bundle.trust.calibration).eval()
    data = _serialised(model, bundle, f"{len(pixels)} {chosen.kind}")
    with torch.inference_mode():
        expected = np.concatenate([model(torch.from_numpy(part)).numpy() for part in _parts(pixels)])
    difference = _compare(runtime, data, pixels, expected)
    served = float(np.abs(Predictor(bundle).probabilities(pixels) - expected).max())
    if served > TOLERANCE:
        bus.publish(
            Noticed(f"This machine predicts in bf16, so lince's own probabilities differ from the file by {served:.1e}")
        )
    with atomic_file(place) as stream:
        stream.write(data)
    bus.publish(WorkFinished("Exporting"))
    return Exported(place, len(pixels), chosen.synthetic, difference, chosen.kind, chosen.skipped)


def _beside(bundle: Bundle) -> Path:
    folder = bundle.path if bundle.path.name not in ("", "..") else bundle.path.resolve()
    return folder.with_name(f"{folder.name}.onnx")


@final
class _Served(nn.Module):
    """What the bundle's network and its calibration give together."""

    scale: Tensor
    shift: Tensor

    def __init__(self, network: nn.Module, calibration: Calibration) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("scale", torch.tensor(calibration.scale))
        self.register_buffer("shift", torch.tensor(calibration.shift))

    def forward(self, pixels: Tensor) -> Tensor:
        """(N, S, S, C) uint8 to (N, classes) float32 probabilities."""
        return torch.softmax(self.network(pixels) * self.scale + self.shift, dim=1)


def _serialised(model: _Served, bundle: Bundle, compared_on: str | None = None) -> bytes:
    """The bytes of the ONNX file, which says what it is ``compared_on``."""
    weights = sum(value.nbytes for value in model.state_dict().values())
    if weights > _LARGEST:
        raise ExportError("The weights have over 2 GB, too much for one ONNX file", fix="export a smaller model")
    side, channels = bundle.spec.size, bundle.spec.channels
    # Two images: from a batch of one, the exporter would conclude that there is always one.
    example = torch.zeros(2, side, side, channels, dtype=torch.uint8)
    with _quiet():
        try:
            program = torch.onnx.export(
                model,
                (example,),
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_shapes={"pixels": {0: "N"}},
                dynamo=True,
                # Its constant folding fails on halves of a batch of any size; the runtime folds constants anyway.
                optimize=False,
                verbose=False,
            )
            if program is None:
                raise RuntimeError("the exporter gave nothing")
            proto = program.model_proto
        except (torch.onnx.OnnxExporterError, RuntimeError) as error:
            raise ExportError(
                "This network cannot be put into ONNX", received=bundle.manifest.model.name, fix="export another model"
            ) from error
    _forget_this_machine(proto.graph)
    for function in proto.functions:
        _forget_this_machine(function)
    proto.doc_string = RESEARCH_ONLY
    proto.producer_name, proto.producer_version = "lince", bundle.manifest.lince_version
    require("onnx").helper.set_model_props(proto, _metadata(bundle, compared_on))
    data: bytes = proto.SerializeToString()
    return data


def _forget_this_machine(graph: Any) -> None:
    """The exporter notes for each node the files and lines of Python that it comes from."""
    graph.ClearField("metadata_props")
    for node in graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    for value in (*graph.value_info, *getattr(graph, "initializer", ())):
        value.ClearField("metadata_props")


def _metadata(bundle: Bundle, compared_on: str | None) -> dict[str, str]:
    """Text by key; lists and objects as JSON; what the bundle does not have is left out."""
    manifest = bundle.manifest
    values = {
        "classes": list(manifest.classes),
        "positive": manifest.positive,
        "threshold": bundle.threshold,
        "calibration": bundle.trust.calibration.model_dump(mode="json"),
        "image_spec": manifest.image.model_dump(mode="json"),
        "image_hash": manifest.image_hash,
        "model": manifest.model.name if not manifest.model.facts else manifest.model.facts.get("repository"),
        "model_id": bundle.model_id,
        "name": manifest.name,
        "created": manifest.created,
        "lince_version": manifest.lince_version,
        "synthetic": manifest.synthetic,
        "compared_on": compared_on,
        "notice": RESEARCH_ONLY,
    }
    return {
        key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for key, value in values.items()
        if value is not None
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's advice to developers from the user."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)


def _compare(runtime: ModuleType, data: bytes, pixels: NDArray[np.uint8], expected: NDArray[np.float32]) -> float:
    """The largest difference between what the file gives and ``expected`` (N, classes).

    Raises
    ------
    ExportError
        It is over `TOLERANCE`, or the file does not run.
    """
    options = runtime.SessionOptions()
    options.intra_op_num_threads = worker_count()
    options.log_severity_level = 3
    try:
        session = runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        found = np.concatenate([session.run([OUTPUT], {INPUT: part})[0] for part in _parts(pixels)])
    except Exception as error:  # the errors of onnxruntime have no base class of their own
        raise ExportError("onnxruntime cannot run the exported network; nothing was written") from error
    difference = float(np.abs(found - expected).max()) if found.shape == expected.shape else float("inf")
    if not difference <= TOLERANCE:
        raise ExportError(
            f"The exported network does not predict what the bundle predicts: probabilities differ by {difference:.1e}",
            fix="nothing was written; use the bundle itself",
        )
    return difference


def _parts(pixels: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """One image, then batches of up to 16: the file must take any number."""
    yield pixels[:1]
    for start in range(1, len(pixels), 16):
        yield pixels[start : start + 16]


def _known(bundle: Bundle, bus: EventBus) -> _Images:
    """Images of the collection that the bundle was trained on, where they still lie on this machine, else phantoms."""
    digest = bundle.manifest.provenance.get("collection", {}).get("digest")
    samples = noted_places(str(digest))[:_IMAGES]
    found, skipped = _read(bundle.spec, samples)
    if len(found):
        for one in skipped:
            bus.publish(FileSkipped(one.path, one.reason))
        kind = f"{'synthetic' if bundle.synthetic else 'real'} images of {bundle.name}"
        return _Images(found, kind, bundle.synthetic, skipped)
    why = (
        "are no longer where they were, or cannot be read" if samples else "are not on this machine, as far as it knows"
    )
    bus.publish(Noticed(f"The images of {bundle.name} {why}, so the file is compared on synthetic phantoms"))
    with tempfile.TemporaryDirectory(prefix="lince-") as place:
        side = max(32, min(bundle.spec.size, 256))
        phantoms = write_phantoms(Path(place) / "phantoms", count=_PHANTOMS, size=side)
        found, _ = _read(bundle.spec, [Sample(str(path), "") for path in sorted(phantoms.rglob("*.png"))])
    return _Images(found, "synthetic phantoms", True)


def _given(spec: ImageSpec, folder: Path, bus: EventBus) -> _Images:
    """Images of a folder, evenly through it."""
    if not folder.is_dir():
        raise SourceError("There is no such folder of images", received=folder)
    paths = find_images(folder).images
    chosen = [paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, min(len(paths), _IMAGES)).astype(int))]
    found, skipped = _read(spec, [Sample(path, "") for path in chosen])
    for one in skipped:
        bus.publish(FileSkipped(one.path, one.reason))
    if len(found) == 0:
        raise SourceError("No image of this folder can be read", received=folder, fix="give a folder of images")
    return _Images(found, "images that were given", False, skipped)


def _read(spec: ImageSpec, samples: Sequence[Sample]) -> tuple[NDArray[np.uint8], tuple[Skipped, ...]]:
    found = [np.zeros((0, spec.size, spec.size, spec.channels), np.uint8)]
    skipped = []
    for sample in samples:
        try:
            found.append(load_sample(sample, spec)[np.newaxis])
        except LinceError as error:
            skipped.append(Skipped(sample.path, error.sentence))
    return np.concatenate(found), tuple(skipped)
