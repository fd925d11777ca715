"""What may be asked of a source, each written once: flags, YAML and documentation derive from these fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

# Policies of augmentation, of which "auto" chooses one by the collection.
AugmentName = Literal["auto", "none", "light", "medium", "strong", "ultrasound", "xray", "histology", "ct", "mr"]

# Ways to find where in an image the evidence for a class lies.
HeatMapMethod = Literal["grad-cam", "grad-cam++", "integrated-gradients", "occlusion"]


class SourceOptions(BaseModel):
    """Options of every verb that reads a source; keywords of `lince.load`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int | None = Field(None, description="resolution of a MedMNIST set: 28, 64, 128 or 224")
    target: str | None = Field(None, description="what to classify by, where a source offers several")
    where: tuple[str, ...] = Field(
        (), description="keep images with this attribute only, such as magnification=100X or age>=18; may be repeated"
    )
    table: Path | None = Field(None, description="CSV or Parquet file of labels to join, for images that carry none")

    def of_source(self) -> dict[str, Any]:
        """The fields of this class as keywords of `lince.load`."""
        return {name: getattr(self, name) for name in SourceOptions.model_fields}
