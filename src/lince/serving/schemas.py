"""The answers of the REST interface, as OpenAPI describes them."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

VERSION = version("lince-med")
RESEARCH_USE = "For research use only. Not a medical device: do not use it to diagnose or to treat."

_PREDICTION: JsonDict = {
    "id": "0b1c9f0e-7d2a-4f0e-9c39-5a9e8b0a6f11",
    "created": "2026-03-14T09:26:53.589+00:00",
    "name": "scan.png",
    "label": "malignant",
    "confidence": 0.34,
    "probabilities": {"benign": 0.66, "malignant": 0.34},
    "flags": ["low_confidence", "cannot_tell"],
    "positive": "malignant",
    "threshold": 0.22,
    "decided_by_threshold": True,
    "model_id": "3f786850e387",
    "input_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "prediction_set": ["benign", "malignant"],
    "novelty": 0.71,
    "reasons": [],
    "inputs": ["image"],
    "image_alone": None,
    "words": None,
    "preview": None,
    "heat_map": None,
}


@final
class WordAnswer(BaseModel):
    """A word of the caption that counted."""

    word: str = Field(description="As it was read, in lower case.")
    weight: float = Field(description="What the log odds of `label` lose without it.")


@final
class ImageAlone(BaseModel):
    """What an image would be without its caption."""

    label: str = Field(description="The decision, a class name.")
    confidence: float = Field(ge=0, le=1, description="Its calibrated probability.")


@final
class PredictionAnswer(BaseModel):
    """What the model says of one image."""

    model_config = ConfigDict(json_schema_extra={"example": _PREDICTION}, protected_namespaces=())

    id: str = Field(description="A new UUID for this answer.")
    created: str = Field(description="When it was made, ISO 8601, UTC.")
    name: str = Field(description="The file's name, without folders.")
    label: str = Field(description="The decision, a class name.")
    confidence: float = Field(ge=0, le=1, description="Calibrated probability of `label`.")
    probabilities: dict[str, float] = Field(description="Calibrated probability of each class, by name; they sum to 1.")
    flags: list[str] = Field(
        description="`low_confidence` when the confidence is under the bundle's limit (0.70 by default); `cannot_tell` "
        "when `prediction_set`, apart from classes that had too few images for a limit, is not `label` alone; `refer` "
        "when it is among the least certain ones that a person should decide; `out_of_distribution` when the image is "
        "unlike the training images, and `blank` when it shows nothing: then `label` means nothing; `conflict` when "
        "the image alone would surely be of another class, so that image and caption may not belong together."
    )
    positive: str | None = Field(description="The class that the operating point speaks of.")
    threshold: float | None = Field(
        description="The operating point: probability of `positive` from which it is called."
    )
    decided_by_threshold: bool = Field(
        description="True when the operating point, not the highest probability, settled the decision."
    )
    model_id: str = Field(description="Which weights answered.")
    input_sha256: str = Field(description="SHA-256 of the preprocessed pixels that the network saw.")
    prediction_set: list[str] | None = Field(
        description="The classes that cannot be excluded, most likely first; empty when none fits well; null when the "
        "bundle had too few images to find out."
    )
    novelty: float | None = Field(
        description="Distance from the training images as a multiple of the limit: over 1 the image is refused."
    )
    reasons: list[str] = Field(description="Why it was refused, in sentences.")
    inputs: list[str] = Field(description="What it goes by: `image`, `caption` or both.")
    image_alone: ImageAlone | None = Field(
        description="What the image alone would be, where a caption was read beside it; null otherwise."
    )
    words: list[WordAnswer] | None = Field(
        description="With `explain=true` and a caption: the words that counted most; null otherwise."
    )
    preview: str | None = Field(
        default=None, description="With `explain=true`: the image for display, a data URI (PNG or JPEG)."
    )
    heat_map: str | None = Field(
        default=None,
        description="With `explain=true`: where the network looked for `label`, a data URI of an RGBA PNG with the "
        "image's aspect; null when the model cannot tell.",
    )


@final
class ModelAnswer(BaseModel):
    """Which model answers here, and how good it was on its test images."""

    model_config = ConfigDict(protected_namespaces=())

    name: str = Field(description="The collection that it was trained on.")
    model_id: str = Field(description="Which weights.")
    created: str = Field(description="When it was trained, ISO 8601, UTC.")
    version: str = Field(description="The version of lince that answers.")
    labels: list[str] = Field(description="The class names, in order.")
    positive: str | None = Field(description="The class that sensitivity and the operating point speak of.")
    threshold: float | None = Field(description="The operating point.")
    trust: dict[str, Any] = Field(
        description="Its limits: the calibration of the logits, when confidence is low, and from which probability "
        "a class belongs to the prediction set."
    )
    reads_caption: bool = Field(description="Whether it reads a caption beside the image, or instead of it.")
    spec: dict[str, Any] = Field(description="How an image becomes the network's input.")
    figures: dict[str, Any] = Field(description="Figures on the test images; empty when there were none.")
    synthetic: bool = Field(description="True for a model trained on synthetic images: never for patients.")
    research_use: str = Field(description="What it may be used for.", examples=[RESEARCH_USE])


@final
class HealthAnswer(BaseModel):
    """The service is up."""

    model_config = ConfigDict(protected_namespaces=())

    status: str = Field(examples=["ok"])
    model_id: str = Field(description="Which weights are loaded.")
    version: str = Field(description="The version of lince.")


@final
class Problem(BaseModel):
    """An error: problem details for HTTP (RFC 9457)."""

    type: str = Field(description="What kind of problem, a URN that does not change.")
    title: str = Field(description="The kind in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong, what was received, what to do.")
    instance: str = Field(description="A URN for this occurrence; the server's log has it too.")
