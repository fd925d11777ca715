"""What the manifest of a bundle says of its model, its operating point and the text it reads."""

from __future__ import annotations

from typing import Any, final

from pydantic import BaseModel, ConfigDict, Field

from lince.trust import Trust


@final
class OperatingPointRecord(BaseModel):
    """The decision threshold on the probability of the positive class, and where it comes from.

    ``fixed`` is when (ISO 8601, UTC), and ``weights`` the SHA-256 of the weights that it was chosen for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float = Field(ge=0, le=1)
    aim: str
    chosen_on: str = "validation"
    sensitivity: float | None = None
    specificity: float | None = None
    fixed: str | None = None
    weights: str | None = None


@final
class ModelRecord(BaseModel):
    """Which network to build before its weights are loaded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    facts: dict[str, Any] | None = None


@final
class AloneRecord(BaseModel):
    """The limits where only one of image and text is there; they differ from those for both together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trust: Trust
    operating_point: OperatingPointRecord | None


@final
class TextRecord(BaseModel):
    """What text a bundle reads beside its images.

    ``sides`` are the text sides by name, ``fields`` the attributes of a sample that are read, ``mask`` the terms that
    are hidden from every text. ``image`` and ``text`` are the limits for one without the other.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sides: tuple[str, ...] = Field(min_length=1)
    fields: tuple[str, ...] = Field(min_length=1)
    mask: tuple[str, ...] = ()
    image: AloneRecord | None = None
    text: AloneRecord | None = None
