"""Every model there is, in one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lince.core.errors import ConfigError
from lince.imaging import ImageSpec

if TYPE_CHECKING:
    from lince.models.network import Network


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """What the catalog knows of a model before it is built.

    ``multiple`` is what the image side must be a multiple of; ``facts`` is extra plain data kept in the bundle.
    """

    name: str
    summary: str
    pretrained: bool
    size: int
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    multiple: int = 1
    weight_decay: float = 1e-3
    facts: Mapping[str, Any] | None = None

    def image_spec(self, size: int | None = None) -> ImageSpec:
        """The recipe from file to array that this model expects.

        Raises
        ------
        ConfigError
            ``size`` does not suit the model.
        """
        side = size or self.size
        if side < 16 or side % self.multiple:
            raise ConfigError(
                f"{self.name} needs an image size that is a multiple of {self.multiple}, at least 16", received=side
            )
        return ImageSpec(size=side, channels=1 if self.channels == 1 else 3, mean=self.mean, std=self.std)


CATALOG: dict[str, ModelEntry] = {
    entry.name: entry
    for entry in (
        ModelEntry(
            name="efficientnet-lite0",
            summary="pretrained on ImageNet, works without a network; the default",
            pretrained=True,
            size=224,
            channels=3,
            mean=(127.0,) * 3,
            std=(128.0,) * 3,
            multiple=32,
        ),
        ModelEntry(
            name="small-cnn",
            summary="three convolution blocks and two dense layers from scratch, 64 px grey, for small sets",
            pretrained=False,
            size=64,
            channels=1,
            mean=(127.5,),
            std=(127.5,),
            multiple=8,
        ),
    )
}


def entry_for(name: str, facts: Mapping[str, Any] | None = None) -> ModelEntry:
    """Look a model up by name; ``hf:owner/name`` asks the hub unless its ``facts`` are given.

    Raises
    ------
    ConfigError
        There is no such model.
    ModelUnavailableError
        A hub model that cannot be reached.
    """
    if name in CATALOG:
        return CATALOG[name]
    if name.startswith("hf:"):
        from lince.models.hub import fetch_facts

        known = dict(facts) if facts is not None else fetch_facts(name)
        return ModelEntry(
            name=name,
            summary="from the Hugging Face hub",
            pretrained=True,
            size=int(known["size"]),
            channels=3,
            mean=tuple(known["mean"]),
            std=tuple(known["std"]),
            facts=known,
        )
    raise ConfigError(
        "There is no model of this name", received=name, fix=f"choose one of: {', '.join(CATALOG)}, hf:OWNER/NAME"
    )


def build(entry: ModelEntry, classes: int, spec: ImageSpec, *, pretrained: bool = True) -> Network:
    """Make the network; ``pretrained=False`` gives the same shape with random weights, to be loaded from a bundle."""
    if entry.name == "small-cnn":
        from lince.models.small_cnn import build_small_cnn

        return build_small_cnn(classes, size=spec.size, channels=spec.channels, mean=spec.mean, std=spec.std)
    if entry.name == "efficientnet-lite0":
        from lince.models.efficientnet import build_efficientnet_lite0

        return build_efficientnet_lite0(classes, mean=spec.mean, std=spec.std, pretrained=pretrained)
    from lince.models.hub import build_hub

    return build_hub(entry.name, classes, facts=entry.facts or {}, mean=spec.mean, std=spec.std, pretrained=pretrained)
