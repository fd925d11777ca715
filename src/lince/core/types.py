"""The words of the house as frozen types: labels travel as names, indices exist only inside a tensor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from lince.core.errors import ConfigError

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)

# Names that mean "the finding" when nobody said which class is positive, most telling first.
_POSITIVE_WORDS = (
    "malignant", "cancer", "carcinoma", "tumor", "tumour", "maligno", "pneumonia", "covid", "tuberculosis",
    "positive", "positivo", "abnormal", "disease", "diseased", "lesion", "yes",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LabelSpace:
    """Class names in order, and which one is positive.

    ``positive`` is the class that sensitivity and the operating point speak of; ``None`` where no class stands out.

    Raises
    ------
    ConfigError
        Fewer than two names, a repeated name, or a positive class that is not among them.
    """

    names: tuple[str, ...]
    positive: str | None = None

    def __post_init__(self) -> None:
        if len(self.names) < 2:
            raise ConfigError(
                "A classifier needs at least two classes",
                received=", ".join(self.names) or "none",
                fix="give images of two classes or more",
            )
        if len(set(self.names)) != len(self.names):
            raise ConfigError("Class names must be different", received=", ".join(self.names))
        if self.positive is not None and self.positive not in self.names:
            raise ConfigError(
                "The positive class is not one of the classes",
                received=self.positive,
                fix=f"choose one of: {', '.join(self.names)}",
            )

    @classmethod
    def with_default_positive(cls, names: Iterable[str], positive: str | None = None) -> LabelSpace:
        """Choose the positive class when it is not given: by its name, else the second of two, else none."""
        names = tuple(names)
        if positive is None and len(names) >= 2:
            words = {name: set(name.lower().replace("_", " ").replace("-", " ").split()) for name in names}
            telling = [n for word in _POSITIVE_WORDS for n in names if word in words[n]]
            positive = telling[0] if telling else (names[1] if len(names) == 2 else None)
        return cls(names, positive)

    @property
    def positive_index(self) -> int | None:
        """Where the positive class stands in a row of probabilities."""
        return None if self.positive is None else self.names.index(self.positive)

    def __len__(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        """Position of a class name; only for filling tensors."""
        return self.names.index(name)


@dataclass(frozen=True, slots=True)
class Sample:
    """One image: where it is, its label name, its group, its split, its attributes.

    ``path`` is a file; ``row`` is set when the file holds several images, and says which one, from 0: a row of a
    ``.npy`` array, or a frame of a DICOM file.
    ``group`` is the patient, case or slide: samples of one group never stand on two sides of a split.
    """

    path: str
    label: str
    group: str | None = None
    split: Split | None = None
    row: int | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Short name for tables and messages."""
        tail = self.path.replace("\\", "/").rsplit("/", 1)[-1]
        return tail if self.row is None else f"{tail}[{self.row}]"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that could not be used, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of one image.

    Attributes
    ----------
    probabilities
        Calibrated, by class name, in the order of the label space; they sum to 1.
    label
        The decision at the stored operating point.
    confidence
        Calibrated probability of ``label``.
    flags
        ``low_confidence`` when the confidence is under the bundle's limit (0.70 by default); ``cannot_tell`` when
        ``prediction_set``, apart from classes that had too few images for a limit, is not ``label`` alone; ``refer``
        when the decision is among the least certain ones that a person wished to see; ``out_of_distribution`` when the
        image is unlike the training images, and ``blank`` when it shows nothing (one flat grey or colour): then the
        decision means nothing; ``conflict`` when the image alone would be of another class with confidence, so that
        image and caption may not belong together.
    prediction_set
        The classes that cannot be excluded, most likely first, at the bundle's coverage (90 % by default); empty when
        none fits well. None where the bundle had too few images to find out.
    novelty
        Distance from the training images as a multiple of the limit; above 1 the image is refused. None where the
        bundle does not know its training images.
    reasons
        Why it was refused, in sentences.
    model_id, input_sha256
        Which weights, and which preprocessed pixels: SHA-256 of the (size, size, channels) uint8 array.
    decided_by_threshold
        True when the operating point, not the highest probability, settled the decision.
    inputs
        What it goes by: ``image``, ``caption`` or both.
    image_alone
        Class and confidence that the image alone would have; None where no caption was read beside it.
    words
        The words of the caption that counted most and by how much each raised the log odds of ``label``; None
        where there was no caption or nobody asked.
    """

    name: str
    label: str
    confidence: float
    probabilities: Mapping[str, float]
    flags: tuple[str, ...] = ()
    positive: str | None = None
    threshold: float | None = None
    decided_by_threshold: bool = False
    model_id: str = ""
    input_sha256: str = ""
    prediction_set: tuple[str, ...] | None = None
    novelty: float | None = None
    reasons: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ("image",)
    words: tuple[tuple[str, float], ...] | None = None
    image_alone: tuple[str, float] | None = None

    @property
    def refused(self) -> bool:
        """Whether the image is none that the model can be asked about."""
        return self.blank or "out_of_distribution" in self.flags

    @property
    def low_confidence(self) -> bool:
        """Whether a person should look with particular care."""
        return "low_confidence" in self.flags

    @property
    def blank(self) -> bool:
        """Whether the image shows nothing that could be classified."""
        return "blank" in self.flags

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, the same for the command line and the web service."""
        return {
            "name": self.name,
            "label": self.label,
            "confidence": self.confidence,
            "probabilities": dict(self.probabilities),
            "flags": list(self.flags),
            "prediction_set": None if self.prediction_set is None else list(self.prediction_set),
            "novelty": self.novelty,
            "reasons": list(self.reasons),
            "inputs": list(self.inputs),
            "image_alone": self.image_alone and dict(zip(("label", "confidence"), self.image_alone, strict=True)),
            "words": None if self.words is None else [{"word": word, "weight": weight} for word, weight in self.words],
            "positive": self.positive,
            "threshold": self.threshold,
            "decided_by_threshold": self.decided_by_threshold,
            "model_id": self.model_id,
            "input_sha256": self.input_sha256,
        }


def decide(row: Sequence[float], space: LabelSpace, threshold: float | None) -> tuple[int, bool]:
    """Class index for one row of probabilities, and whether the operating point settled it.

    With a positive class and a threshold: positive when its probability reaches the threshold, else the most likely
    of the other classes. Without them: the most likely class.
    """
    best = max(range(len(row)), key=row.__getitem__)
    positive = space.positive_index
    if positive is None or threshold is None:
        return best, False
    if row[positive] >= threshold:
        return positive, best != positive
    chosen = max((i for i in range(len(row)) if i != positive), key=row.__getitem__)
    return chosen, chosen != best
