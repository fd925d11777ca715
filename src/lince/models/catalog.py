"""Every model there is, in one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lince.core.errors import ConfigError
from lince.imaging import ImageSpec
from lince.models import small_cnn_options

if TYPE_CHECKING:
    from lince.models.network import Network


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """What the catalog knows of a model before it is built.

    ``multiple`` is what the image side must be a multiple of; ``weight_decay`` is that of training from scratch,
    ``tuning_rate`` the peak rate of fine-tuning;
    ``facts`` is extra plain data kept in the bundle; ``weights`` replace those that the model comes with. ``network``
    is false where there is none to `build`.
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
    tuning_rate: float = 1e-4
    facts: Mapping[str, Any] | None = None
    weights: Path | None = None
    network: bool = True

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
            tuning_rate=1e-3,
        ),
        *(
            ModelEntry(
                name=name,
                summary=f"{share} times the work of efficientnet-lite0, also without a network",
                pretrained=True,
                size=256,
                channels=3,
                mean=(127.0,) * 3,
                std=(128.0,) * 3,
                multiple=32,
                tuning_rate=1e-3,
            )
            for name, share in (("efficientnet-lite1", "two"), ("efficientnet-lite2", "three"))
        ),
        ModelEntry(
            name="small-cnn",
            summary="convolution blocks and two dense layers from scratch, 64 px grey, for small sets",
            pretrained=False,
            size=64,
            channels=1,
            mean=(127.5,),
            std=(127.5,),
            multiple=8,
        ),
        ModelEntry(
            name="descriptors",
            summary="texture, intensity and form as numbers, and nearest neighbours or another classic classifier",
            pretrained=False,
            size=320,
            channels=3,
            mean=(127.0,) * 3,
            std=(128.0,) * 3,
            network=False,
        ),
    )
}


# Short names of models on the hub. What they say is what lies there: `hf:OWNER/NAME` means the same.
ALIASES = {
    "resnet50": "hf:microsoft/resnet-50",
    "efficientnet-b0": "hf:google/efficientnet-b0",
    "convnext": "hf:facebook/convnext-tiny-224",
    "vit": "hf:google/vit-base-patch16-224-in21k",
    "dino": "hf:facebook/dinov2-base",
    "rad-dino": "hf:microsoft/rad-dino",
}


def entry_for(name: str, facts: Mapping[str, Any] | None = None, *, weights: Path | None = None) -> ModelEntry:
    """Look a model up by name.

    Parameters
    ----------
    name
        A name of `CATALOG` or `ALIASES`, ``small-cnn:width=64,depth=4``, or ``hf:owner/name``.
    facts
        Of a hub model, when they are known; else the hub is asked.
    weights
        Weights on disk to start from: for the models of `CATALOG` a safetensors file or a bundle, for those of the
        hub a folder that transformers saved.

    Raises
    ------
    ConfigError
        There is no such model, an option of it is not valid, or the weights cannot be used with it.
    ModelUnavailableError
        A hub model that cannot be reached.
    """
    from lince.models.weights import is_transformers_folder, weights_file

    if name.partition(":")[0] == small_cnn_options.NAME:
        options = small_cnn_options.parse_small_cnn(name)
        plain = CATALOG[small_cnn_options.NAME]
        entry = replace(plain, name=options.name, multiple=2**options.depth, weight_decay=options.l2)
        return replace(entry, weights=weights_file(weights) if weights else None)
    if name in CATALOG and not CATALOG[name].network:
        return CATALOG[name]
    if name in CATALOG:
        return replace(CATALOG[name], weights=weights_file(weights) if weights else None)
    name = ALIASES.get(name, name)
    if not name.startswith("hf:"):
        known_names = ", ".join([*CATALOG, *ALIASES])
        raise ConfigError(
            "There is no model of this name", received=name, fix=f"choose one of: {known_names}, hf:OWNER/NAME"
        )
    if weights is not None:
        if not is_transformers_folder(weights):
            raise ConfigError(
                "The weights of a hub model must be a folder with its config.json",
                received=weights,
                fix="save it with model.save_pretrained(FOLDER), or copy its snapshot from the cache of the hub",
            )
        name = f"hf:{weights}"
    from lince.models.hub import fetch_facts

    known = dict(facts) if facts is not None else fetch_facts(name)
    size, multiple = int(known["size"]), int(known.get("multiple", 1))  # bundles of before do not have the second
    return ModelEntry(
        name=name,
        summary="from the Hugging Face hub",
        pretrained=True,
        size=max(multiple, size - size % multiple),
        channels=3,
        mean=tuple(known["mean"]),
        std=tuple(known["std"]),
        multiple=multiple,
        facts=known,
    )


def check_side(entry: ModelEntry, side: int | None) -> None:
    """Refuse a side of the image that the model does not see, before any image is read.

    Only a model of the hub has to be tried, with random weights; of the others the entry says enough.

    Raises
    ------
    ConfigError
        It does not see it, or is no image backbone.
    """
    spec = entry.image_spec(side)
    if entry.name.startswith("hf:"):
        build(entry, 2, spec, pretrained=False)


def build(entry: ModelEntry, classes: int, spec: ImageSpec, *, pretrained: bool = True) -> Network:
    """Make the network; ``pretrained=False`` gives the same shape with random weights, to be loaded from a bundle.

    Raises
    ------
    ConfigError
        The weights of the entry do not fit, it is no network, or it does not see images of this size.
    """
    if not entry.network:
        raise ConfigError(
            "This model has no network to train or to search options for",
            received=entry.name,
            fix=f"use lince train --model {entry.name}, which chooses its classifier by itself",
        )
    if entry.name.startswith("hf:"):
        from lince.models.hub import build_hub

        facts = entry.facts or {}
        return build_hub(
            entry.name, classes, facts=facts, side=spec.size, mean=spec.mean, std=spec.std, pretrained=pretrained
        )
    own = pretrained and entry.weights is not None
    if entry.name.partition(":")[0] == small_cnn_options.NAME:
        from lince.models.small_cnn import build_small_cnn

        options = small_cnn_options.parse_small_cnn(entry.name)
        network = build_small_cnn(
            classes, size=spec.size, channels=spec.channels, mean=spec.mean, std=spec.std, options=options
        )
    else:
        from lince.models.efficientnet import build_efficientnet_lite

        network = build_efficientnet_lite(
            entry.name, classes, mean=spec.mean, std=spec.std, pretrained=pretrained and not own
        )
    if own and entry.weights is not None:
        from lince.models.weights import load_stages

        load_stages(network, entry.weights)
    return network
