"""The options of a training run, each written once: flags, YAML and documentation derive from these fields."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, final

from pydantic import BeforeValidator, Field, ValidationError

from lince.core.errors import ConfigError
from lince.core.options import AugmentName, SourceOptions

DESCRIPTORS = "descriptors"


def _augment_name(value: object) -> object:
    """YAML reads ``no`` and ``off`` as False."""
    return ("auto" if value else "none") if isinstance(value, bool) else value


def _stages(value: object) -> str:
    """``auto``, ``all``, or a number from 1, which YAML may have read as one."""
    text = str(value)
    if text not in ("auto", "all") and (not text.isascii() or not text.isdigit() or int(text) < 1):
        raise ValueError("it is auto, all, or how many stages, from 1 on")
    return text


def _parts(value: object) -> object:
    """``caption,history``, once or several times."""
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list | tuple):
        return given
    named = tuple(dict.fromkeys(part.strip() for one in given for part in str(one).split(",") if part.strip()))
    if given and not named:
        raise ValueError("no attribute is named")
    return named


@final
class TrainOptions(SourceOptions):
    """What a user may choose. ``None`` and ``auto`` are decided by the preset, the model and the collection."""

    preset: Literal["fast", "balanced", "best"] = Field(
        "balanced",
        description="fast: a head on frozen features; balanced: then the last blocks as well; "
        "best: several models, cross-validated, as one bundle",
    )
    model: str = Field(
        "auto",
        description="efficientnet-lite0 (auto), small-cnn, descriptors, resnet50 and others, "
        "or hf:OWNER/NAME[@REVISION]",
    )
    weights: Path | None = Field(
        None, description="pretrained weights from disk: a safetensors file, a bundle, or a folder of transformers"
    )
    positive: str | None = Field(None, description="the class that sensitivity and the operating point speak of")
    aim: str = Field(
        "youden",
        description="aim of the operating point on validation: youden, 'sensitivity>=0.95', 'specificity>=0.95' or "
        "cost=fn:10,fp:1",
    )
    image_size: int | None = Field(
        None, ge=16, le=1024, description="side of the square that the network sees, in pixels"
    )
    fit: Literal["pad", "crop", "stretch"] = Field("pad", description="how an image that is not square fits the square")
    intensity: Literal["nominal", "percentile"] = Field(
        "nominal", description="percentile: stretch each image, for 12-bit data in 16-bit files"
    )
    seed: int = Field(0, ge=0, lt=2**31, description="same seed, same machine: same model")
    epochs: int | None = Field(None, ge=1, description="passes over the images in the first phase, at most")
    tune_epochs: int | None = Field(None, ge=1, description="passes over the images in the second phase, at most")
    phases: int | None = Field(
        None, ge=1, le=3, description="1: a head only; 2: then the last blocks; 3: then more, where validation gains"
    )
    thaw: Annotated[str, BeforeValidator(_stages)] = Field(
        "auto", description="how many of the last stages fine-tuning may change: auto, all or a number"
    )
    lr: float | None = Field(None, gt=0, le=100, description="learning rate of the first phase, at its peak")
    tune_lr: float | None = Field(None, gt=0, le=100, description="learning rate of fine-tuning, at its peak")
    stage_decay: float = Field(
        0.9, gt=0, le=1, description="in fine-tuning, rate of a stage as a share of the rate of the next one"
    )
    schedule: Literal["auto", "plateau", "cosine"] = Field(
        "auto",
        description="the rate falls where validation stands still, or along a cosine; auto: a cosine where features "
        "are learned, plateaus for a head",
    )
    warmup: int | None = Field(None, ge=0, description="epochs in which the rate rises to its peak")
    ema: float | None = Field(
        None, ge=0, lt=1, description="average the weights over the steps with this decay, such as 0.99; 0: no average"
    )
    label_smoothing: float | None = Field(
        None, ge=0, le=0.5, description="share of each label that is spread over all classes while training"
    )
    batch_size: int = Field(32, ge=2, le=4096, description="images in memory at once")
    accumulate: int = Field(1, ge=1, le=1024, description="batches in one step of the optimiser")
    imbalance: Literal["auto", "weights", "focal", "sampling", "adjust", "none"] = Field(
        "auto",
        description="what to do about rare classes: weigh them, focal loss, draw them more often, "
        "adjust the logits so that each class matters as much, nothing",
    )
    focal_gamma: float = Field(2.0, ge=0, le=10, description="how far the focal loss looks away from easy images")
    augment: Annotated[AugmentName, BeforeValidator(_augment_name)] = Field(
        "auto", description="train on randomly changed copies too: by which policy; auto: what suits the collection"
    )
    folds: int | None = Field(
        None,
        ge=2,
        le=20,
        description="cross-validation: as many models, one bundle of them all; 5 with the preset best",
    )
    time_limit: float | None = Field(
        None, gt=0, description="minutes that the preset best may train; what does not fit is left out and told"
    )
    classifier: Literal["auto", "knn", "logistic", "forest", "boosting"] = Field(
        "auto", description="what decides on descriptors; auto: the one that cross-validation prefers"
    )
    text: Annotated[tuple[str, ...], BeforeValidator(_parts)] = Field(
        (), description="attributes whose text is read beside the image, such as caption; with commas between them"
    )
    text_side: str = Field(
        "tfidf", description="what reads them: tfidf, sentence, clip:NAME, or several with commas between them"
    )
    mask_terms: bool = Field(False, description="hide the words that name the classes from every text")
    language: Literal["en", "pt"] = Field("en", description="language of the report")


def parse_options(values: Mapping[str, Any]) -> TrainOptions:
    """Check options that come from flags, YAML or Python.

    Raises
    ------
    ConfigError
        Names the key, the value received, and what is allowed.
    """
    known = list(TrainOptions.model_fields)
    for key in values:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known options: {', '.join(known)}"
            raise ConfigError("There is no option of this name", received=key, fix=hint)
    try:
        return TrainOptions.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        message = said[:1].lower() + said[1:]
        raise ConfigError(f"The option {key} is not valid: {message}", received=first["input"]) from error


def read_options(path: Path) -> dict[str, Any]:
    """Options from a YAML file.

    Raises
    ------
    ConfigError
        The file cannot be read, or is not a table of options.
    """
    import yaml

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ConfigError(f"The configuration cannot be read: {reason}", received=path) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        raise ConfigError(
            f"The configuration is not YAML{line}", received=path, fix="write one option a line, such as preset: fast"
        ) from error
    if not isinstance(values, dict):
        raise ConfigError("The configuration must be a table of options", received=path, fix="write lines like seed: 1")
    return {str(key).replace("-", "_"): value for key, value in values.items()}
