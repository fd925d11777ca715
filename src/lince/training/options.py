"""The options of a training run, each written once: flags, YAML and documentation derive from these fields."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, final

from pydantic import Field, ValidationError

from lince.core.errors import ConfigError
from lince.core.options import SourceOptions


@final
class TrainOptions(SourceOptions):
    """What a user may choose. ``None`` and ``auto`` are decided by the preset, the model and the collection."""

    preset: Literal["fast", "balanced"] = Field(
        "balanced", description="fast: a head on frozen features; balanced: then the last blocks as well"
    )
    model: str = Field("auto", description="efficientnet-lite0 (auto), small-cnn, or hf:OWNER/NAME[@REVISION]")
    positive: str | None = Field(None, description="the class that sensitivity and the operating point speak of")
    aim: str = Field(
        "youden", description="aim of the operating point: youden, sensitivity=0.95 or specificity=0.95, on validation"
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
    batch_size: int = Field(32, ge=2, le=4096, description="images in one step")
    class_weights: bool = Field(True, description="weigh classes by the inverse of their frequency")
    augment: bool = Field(True, description="train on randomly changed copies too")
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
        message = first["msg"][:1].lower() + first["msg"][1:]
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
