"""The bundle: a trained model as a folder of safetensors and JSON, loadable without running anybody's code."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lince.core.errors import BundleError
from lince.core.files import atomic_file, sha256_bytes, sha256_file, write_error, write_json
from lince.core.types import LabelSpace
from lince.imaging import ImageSpec
from lince.inference.records import ModelRecord, OperatingPointRecord, TextRecord
from lince.trust import Novelty, Trust

if TYPE_CHECKING:
    from torch import nn

    from lince.models.descriptors import DescriptorModel
    from lince.models.ensemble import Ensemble
    from lince.models.network import Network
    from lince.models.text import TextReader

FORMAT = 2
WEIGHTS = "model.safetensors"
NOVELTY = "novelty.safetensors"
MANIFEST = "bundle.json"
CARD = "card.md"
SEEN = "seen.txt"
# What a bundle that reads text too knows of it: the numbers, and the vocabulary and names of encoders.
TEXT = "text.safetensors"
VOCABULARY = "text.json"
# Hexadecimal digits kept of the SHA-256 of each image used in training: enough to tell images apart.
SEEN_DIGITS = 16


@final
class BundleManifest(BaseModel):
    """What ``bundle.json`` holds. Unknown keys are refused: they would be a promise this version cannot keep."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    format: Literal[2] = 2
    name: str
    created: str
    lince_version: str
    synthetic: bool = False
    classes: tuple[str, ...]
    positive: str | None
    image: ImageSpec
    image_hash: str
    model: ModelRecord
    trust: Trust
    operating_point: OperatingPointRecord | None
    text: TextRecord | None = None
    provenance: dict[str, Any] = Field(default_factory=dict)
    figures: dict[str, Any] = Field(default_factory=dict)
    hashes: dict[str, str] = Field(default_factory=dict)


@final
class Bundle:
    """A bundle on disk whose manifest has been read and whose weights have been checked against their hash.

    Raises
    ------
    BundleError
        The folder is missing or not a bundle, a hash does not match, or the format is newer than this version.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.manifest = _read_manifest(self.path)
        weights = self.path / WEIGHTS
        if not weights.is_file():
            raise BundleError(f"This bundle has no {WEIGHTS}", received=self.path, fix="copy the whole folder again")
        found = sha256_file(weights)
        if found != self.manifest.hashes.get(WEIGHTS):
            raise BundleError(
                f"{WEIGHTS} is not the file that this bundle was saved with: its hash differs",
                received=self.path,
                fix="copy the whole folder again, or train again; do not use this model",
            )
        if self.manifest.image.hash != self.manifest.image_hash:
            raise BundleError(
                "This bundle prepares images in a way that this version of lince does not",
                received=self.path,
                fix=f"install lince-med {self.manifest.lince_version} or train again",
            )
        if self.manifest.hashes.get(MANIFEST) != _digest(_plain(self.manifest)):
            raise BundleError(
                f"{MANIFEST} is not what this bundle was saved with: its digest differs",
                received=self.path,
                fix="copy the whole folder again, or train again; do not use this model",
            )
        self.model_id = found[:12]
        if "recalibrated" in self.manifest.provenance:  # the same weights, but other answers
            self.model_id += f"-{self.manifest.hashes[MANIFEST][:8]}"
        self.labels = LabelSpace(self.manifest.classes, self.manifest.positive)

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"Bundle({str(self.path)!r}, model={self.manifest.model.name!r}, classes={self.labels.names})"

    @property
    def name(self) -> str:
        """The collection it was trained on, as people call it."""
        return self.manifest.name

    @property
    def spec(self) -> ImageSpec:
        """The recipe from file to array."""
        return self.manifest.image

    @property
    def synthetic(self) -> bool:
        """Whether it was trained on synthetic images."""
        return self.manifest.synthetic

    @property
    def created(self) -> str:
        """When it was trained, ISO 8601, UTC."""
        return self.manifest.created

    @property
    def trust(self) -> Trust:
        """Calibration, prediction sets and every other limit."""
        return self.manifest.trust

    @property
    def threshold(self) -> float | None:
        """The operating point: the probability of the positive class from which it is called."""
        return self.manifest.operating_point.threshold if self.manifest.operating_point else None

    @property
    def knows_its_kind(self) -> bool:
        """Whether it can refuse images unlike those it was trained on; not so where too few were held out."""
        return NOVELTY in self.manifest.hashes

    def summary(self) -> dict[str, Any]:
        """Figures on the test split, as in ``report/summary.json``."""
        figures = self.manifest.figures.get("test", {})
        return dict(figures)

    def seen(self) -> frozenset[str]:
        """Beginnings of the SHA-256 of the images it was trained and validated on; empty when not recorded.

        Raises
        ------
        BundleError
            The list is missing or is not the one that was saved: figures on "unseen" images would be too good.
        """
        place = self.checked(SEEN)
        return frozenset() if place is None else frozenset(place.read_text(encoding="ascii").split())

    def text_reader(self) -> TextReader | None:
        """What it reads text with; None where it sees images alone.

        Raises
        ------
        BundleError
            The files are missing or are not those that were saved.
        MissingExtraError, ModelUnavailableError
            An encoder that it was trained with is not here.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        from lince.models.text import TextReader

        if self.manifest.text is None:
            return None
        numbers, words = self.checked(TEXT), self.checked(VOCABULARY)
        try:
            if numbers is None or words is None:
                raise KeyError(TEXT)
            facts = json.loads(words.read_text(encoding="utf-8"))
            return TextReader.restore(facts, load_file(numbers), classes=len(self.labels))
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            raise BundleError(
                f"{TEXT} and {VOCABULARY} do not describe how this bundle reads text",
                received=self.path,
                fix="train again",
            ) from error

    def novelty(self) -> Novelty | None:
        """What its training images are like; None when there were too few to say.

        Raises
        ------
        BundleError
            The file is missing or is not the one that was saved.
        """
        from safetensors.numpy import load_file

        place = self.checked(NOVELTY)
        return None if place is None else Novelty.from_arrays(load_file(place))

    def checked(self, name: str) -> Path | None:
        """Where a file of the bundle lies; None when the bundle was saved without it.

        Raises
        ------
        BundleError
            It is missing or is not the one that was saved.
        """
        recorded = self.manifest.hashes.get(name)
        if recorded is None:
            return None
        place = self.path / name
        if not place.is_file() or sha256_file(place) != recorded:
            raise BundleError(
                f"{name} is missing or is not the file that this bundle was saved with",
                received=self.path,
                fix="copy the whole folder again",
            )
        return place

    def network(self) -> Network | Ensemble | DescriptorModel:
        """The network with its weights, or the descriptors with theirs, on the processor, in evaluation mode.

        Raises
        ------
        BundleError
            The manifest does not describe a model, or the weights do not fit it.
        """
        from lince.models.descriptors import NAME as DESCRIPTORS

        if self.manifest.model.name == DESCRIPTORS:
            return self._descriptors()
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        from lince.models import build, entry_for
        from lince.models.ensemble import NAME, build_ensemble

        record = self.manifest.model
        network: Network | Ensemble
        try:
            if record.name == NAME:
                network = build_ensemble(record.facts or {}, len(self.labels), self.spec)
            else:
                entry = entry_for(record.name, record.facts or {})
                network = build(entry, len(self.labels), self.spec, pretrained=False)
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(
                f"bundle.json does not describe the model {record.name}", received=self.path, fix="train again"
            ) from error
        try:
            network.load_state_dict(load_file(self.path / WEIGHTS))
        except (SafetensorError, RuntimeError, OSError) as error:
            raise BundleError(
                f"{WEIGHTS} does not fit the model {record.name}", received=self.path, fix="train again"
            ) from error
        return network.eval()

    def _descriptors(self) -> DescriptorModel:
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        from lince.models.descriptors import build_descriptors

        try:
            arrays = load_file(self.path / WEIGHTS)
            facts = self.manifest.model.facts or {}
            model = build_descriptors(facts, arrays, classes=len(self.labels), channels=self.spec.channels)
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            raise BundleError(
                f"{WEIGHTS} and bundle.json do not describe a model of descriptors",
                received=self.path,
                fix="train again",
            ) from error
        return model.eval()


def _read_manifest(path: Path) -> BundleManifest:
    place = path / MANIFEST
    if not place.is_file():
        raise BundleError(
            "This is not a bundle: it has no bundle.json" if path.is_dir() else "There is no bundle here",
            received=path,
            fix="give the folder that `lince train` wrote",
        )
    try:
        raw = json.loads(place.read_text(encoding="utf-8"))
        version = raw.get("format") if isinstance(raw, dict) else None
    except (OSError, ValueError) as error:
        raise BundleError("bundle.json cannot be read", received=place, fix="copy the whole folder again") from error
    if isinstance(version, int) and version < FORMAT:
        raise BundleError(
            f"This bundle has format {version}, of an earlier version of lince; this one reads {FORMAT}",
            received=path,
            fix="train again",
        )
    if isinstance(version, int) and version > FORMAT:
        raise BundleError(
            f"This bundle has format {version}; this version of lince reads {FORMAT}",
            received=path,
            fix="upgrade: pip install -U lince-med",
        )
    try:
        return BundleManifest.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "(whole file)"
        raise BundleError(
            f"bundle.json is damaged at {key}: {first['msg']}", received=place, fix="copy the whole folder again"
        ) from error


def write_weights(folder: Path, network: nn.Module) -> str:
    """Save the weights as safetensors and return their SHA-256.

    Raises
    ------
    OutputError
        The disk is full or the folder cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    tensors = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    place = folder / WEIGHTS
    try:
        save_file(tensors, place)
        return sha256_file(place)
    except OSError as error:
        raise write_error(place, error) from error
    except SafetensorError as error:
        raise write_error(place, OSError(str(error))) from error


def write_novelty(folder: Path, novelty: Novelty) -> str:
    """Save what the training images are like and return the file's SHA-256.

    Raises
    ------
    OutputError
        The disk is full or the folder cannot be written.
    """
    from safetensors.numpy import save

    with atomic_file(folder / NOVELTY) as stream:
        stream.write(save(novelty.arrays()))
    return sha256_file(folder / NOVELTY)


def write_text_reader(folder: Path, reader: TextReader) -> dict[str, str]:
    """Save what the bundle reads text with and return the SHA-256 of both files.

    Raises
    ------
    OutputError
        The disk is full or the folder cannot be written.
    """
    from safetensors.numpy import save

    with atomic_file(folder / TEXT) as stream:
        stream.write(save(reader.arrays()))
    write_json(folder / VOCABULARY, reader.facts())
    return {name: sha256_file(folder / name) for name in (TEXT, VOCABULARY)}


def write_seen(folder: Path, digests: Iterable[str]) -> str:
    """Note which images were used in training, sorted so that nothing else is told; returns the file's SHA-256."""
    lines = sorted({digest[:SEEN_DIGITS] for digest in digests})
    with atomic_file(folder / SEEN, "w") as stream:
        stream.write("\n".join(lines) + "\n")
    return sha256_file(folder / SEEN)


def write_manifest(folder: Path, manifest: BundleManifest) -> None:
    """Write ``bundle.json`` with a digest of its own content, so that a changed class order does not go unnoticed."""
    values = _plain(manifest)
    values["hashes"] = {**values["hashes"], MANIFEST: _digest(values)}
    write_json(folder / MANIFEST, values)


def _plain(manifest: BundleManifest) -> dict[str, Any]:
    """As JSON has it. Bundles of images alone say nothing of text, so that earlier versions can read them."""
    return manifest.model_dump(mode="json", exclude={"text"} if manifest.text is None else None)


def _digest(values: dict[str, Any]) -> str:
    """SHA-256 of the manifest without its own digest. It finds accidents; only a signature would stop a forger."""
    hashes = {name: value for name, value in values["hashes"].items() if name != MANIFEST}
    return sha256_bytes(json.dumps({**values, "hashes": hashes}, sort_keys=True).encode())
