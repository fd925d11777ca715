"""What a report says besides the figures: of which model, which images, made when and how."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from lince.core.types import Skipped
from lince.evaluation.checks import legible


def _legible(value: object) -> object:
    return legible(value) if isinstance(value, str) else value


# File names may hold bytes that are no text; pydantic and UTF-8 refuse them as they are.
Text = Annotated[str, BeforeValidator(_legible)]


class ReportContext(BaseModel):
    """What a report says besides the figures.

    Attributes
    ----------
    title
        Heading of the report.
    model, collection
        Names of the model and of the images.
    split
        Which part of the collection was measured: "test", "validation" ...
    synthetic
        Whether the images are phantoms; the report then carries a banner.
    language
        "en" or "pt".
    created
        When, as it should be printed.
    lince_version
        Version of the program.
    skipped
        Files that could not be used, and why.
    notices
        Sentences the reader should see.
    provenance
        Name and value of whatever else tells where the figures come from: hashes, seed, versions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Text
    model: Text
    collection: Text
    split: Text
    synthetic: bool
    language: Literal["en", "pt"] = "en"
    created: Text
    lince_version: Text
    skipped: tuple[Skipped, ...] = ()
    notices: tuple[Text, ...] = ()
    provenance: dict[Text, Text] = {}
