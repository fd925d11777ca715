"""What may be chosen of the small CNN, as it stands in its name: ``small-cnn:width=64,depth=4``."""

from __future__ import annotations

from typing import final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lince.core.errors import ConfigError

NAME = "small-cnn"


@final
class SmallCnnOptions(BaseModel):
    """Shape and regularisation of the small CNN."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int = Field(32, ge=4, le=256, description="channels of the first block; each next block has twice as many")
    depth: int = Field(3, ge=1, le=5, description="blocks; each halves the side of the image")
    dropout: float = Field(0.5, ge=0, lt=1, description="share of the dense layer left out at each step")
    l2: float = Field(1e-3, ge=0, le=1, description="decay of the weights")

    @property
    def name(self) -> str:
        """The one name of a model of this shape: what differs from the usual, in the order of the fields."""
        usual = SmallCnnOptions.model_validate({})
        chosen = [f"{key}={value:g}" for key, value in self if value != getattr(usual, key)]
        return f"{NAME}:{','.join(chosen)}" if chosen else NAME


def parse_small_cnn(name: str) -> SmallCnnOptions:
    """Options from a name.

    Raises
    ------
    ConfigError
        An option does not exist or has a value that is not allowed.
    """
    known = ", ".join(f"{key} ({field.description})" for key, field in SmallCnnOptions.model_fields.items())
    values: dict[str, str] = {}
    for pair in filter(None, name.partition(":")[2].split(",")):
        key, equals, value = pair.partition("=")
        if not equals or key not in SmallCnnOptions.model_fields:
            raise ConfigError(
                f"{NAME} has no option of this kind",
                received=pair,
                fix=f"write {NAME}:width=64,depth=4; there are {known}",
            )
        values[key] = value
    try:
        return SmallCnnOptions.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        message = first["msg"][:1].lower() + first["msg"][1:]
        raise ConfigError(f"The option {key} of {NAME} is not valid: {message}", received=first["input"]) from error
