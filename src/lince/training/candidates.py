"""What the preset ``best`` tries, the most promising first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal, final

from lince.core.errors import ConfigError, ImageError
from lince.data import Collection
from lince.imaging import decode
from lince.imaging.load import read_sample
from lince.models import CATALOG, ModelEntry, check_side, entry_for
from lince.training.options import TrainOptions

DEFAULT_MODEL = "efficientnet-lite0"
FOLDS = 5
# Members of one bundle: three forward passes are a few hundredths of a second on a laptop.
MOST_MEMBERS = 3
# Images whose longer side is not above this are enlarged: a backbone sees little in a thumbnail of its own size.
_TINY = 64
# Above this number of thumbnails a network from scratch costs more than it adds to pretrained ones.
_SMALL_SET = 6_000
_LOOKED_AT = 5
# Of fine-tuning, where its cost was measured.
_EPOCHS = 20

Way = Literal["plan", "head", "kernel", "tuned", "scratch"]


@final
@dataclass(frozen=True)
class Candidate:
    """A model at an image size, trained in one way.

    ``plan``: the phases of the preset. ``head``: a linear head on the frozen network, solved exactly. ``kernel``: one
    of support vectors instead. ``tuned``: the linear head, then the last blocks. ``scratch``: a network without
    pretraining. ``cost`` is the expected training time relative to the other candidates.
    """

    entry: ModelEntry
    size: int
    way: Way
    cost: float

    @property
    def name(self) -> str:
        """Also the name of its folder during the run."""
        model = self.entry.name.replace(":", "-").replace("/", "-").replace(",", "-")
        return f"{model}-{self.size}" if self.way == "plan" else f"{model}-{self.size}-{self.way}"


def candidates(options: TrainOptions, collection: Collection) -> list[Candidate]:
    """The models to cross-validate: one, unless the preset is ``best``.

    Raises
    ------
    ConfigError, ModelUnavailableError
        The model that was asked for does not exist, is out of reach, or does not see images of the size asked for.
    """
    asked = options.model != "auto"
    entry = entry_for(options.model if asked else DEFAULT_MODEL, weights=options.weights)
    check_side(entry, options.image_size)
    if options.preset != "best":
        return [Candidate(entry, options.image_size or entry.size, "plan", 1.0)]
    if not entry.pretrained:
        return [Candidate(entry, options.image_size or entry.size, "scratch", 1.0)]
    tiny = native_side(collection) <= _TINY
    sizes = [options.image_size] if options.image_size else _sizes(entry, tiny=tiny)
    tuning = 1.5 + 3.5 * min(1.0, (options.tune_epochs or _EPOCHS) / _EPOCHS)
    ways: tuple[tuple[Way, float], ...] = (("head", 1.0), ("kernel", 1.0), ("tuned", tuning))
    if options.phases == 1:
        ways = ways[:2]
    found = [Candidate(entry, size, way, cost * _cost(entry, size)) for size in sizes for way, cost in ways]
    if not asked:
        found += _others(tiny=tiny, images=len(collection.samples), options=options)
    return found


def _sizes(entry: ModelEntry, *, tiny: bool) -> list[int]:
    """The model's own size, and one that shows another scale: finer, or for thumbnails less enlarged."""
    other = (entry.size if entry.size < 160 else round(entry.size * (0.57 if tiny else 1.43))) // entry.multiple
    other *= entry.multiple
    return [entry.size, other] if other != entry.size and _sees(entry, other) else [entry.size]


def _sees(entry: ModelEntry, side: int) -> bool:
    """Whether the model can be shown images of this side: some of the hub see their own alone."""
    try:
        check_side(entry, side)
    except ConfigError:
        return False
    return True


def _others(*, tiny: bool, images: int, options: TrainOptions) -> list[Candidate]:
    """Networks that see other things: larger backbones that work offline, and for thumbnails one from scratch."""
    found = []
    if tiny and images <= _SMALL_SET:
        small = CATALOG["small-cnn"]
        side = min(options.image_size or 32, small.size) // small.multiple * small.multiple
        found.append(Candidate(small, side, "scratch", 4.0 * (side / 32) ** 2))
    for name in ("efficientnet-lite2", "efficientnet-lite1"):
        if name in CATALOG:
            entry = CATALOG[name]
            found.append(Candidate(entry, options.image_size or entry.size, "kernel", _cost(entry, entry.size)))
    return found


def _cost(entry: ModelEntry, size: int) -> float:
    return (size / 224) ** 2 * (1.0 if entry.name == DEFAULT_MODEL else 2.0)


def common_side(tried: Sequence[Candidate]) -> tuple[int, Literal[1, 3]]:
    """Side and channels of the image that all candidates are made from."""
    return max(one.size for one in tried), 1 if all(one.entry.channels == 1 for one in tried) else 3


def native_side(collection: Collection) -> int:
    """The longer side of the images as they are stored, told by a few of them."""
    sides = []
    step = max(1, len(collection.samples) // _LOOKED_AT)
    for sample in collection.samples[::step][:_LOOKED_AT]:
        try:
            data, decoded = read_sample(sample)
            sides.append(max((decoded or decode(data, name=sample.path)).pixels.shape[:2]))
        except ImageError:  # told and left out when all of them are read
            continue
    return round(median(sides)) if sides else _TINY + 1
