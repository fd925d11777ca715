"""Descriptors and what decides on them, as one classifier: uint8 images in, logits out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import torch
from torch import Tensor, nn

from lince.core.errors import BundleError
from lince.models.descriptors.extract import RECIPE_VERSION, describe_all, names
from lince.models.descriptors.heads import Decider, Scaling, decider_of

NAME = "descriptors"


@final
class DescriptorModel(nn.Module):
    """A classifier without a network: `forward` and `features`, and nothing that could be differentiated.

    It runs on the processor, wherever the images come from.

    Parameters
    ----------
    scaling, decider
        From descriptors (N, D) to logits (N, classes).
    channels
        Of the images.
    """

    def __init__(self, scaling: Scaling, decider: Decider, *, channels: int) -> None:
        super().__init__()
        self.scaling = scaling
        self.decider = decider
        self.channels = channels

    def features(self, pixels: Tensor) -> Tensor:
        """(N, S, S, C) uint8 to descriptors (N, D) float32."""
        return torch.from_numpy(describe_all(pixels.cpu().numpy()))

    def classify(self, features: Tensor) -> Tensor:
        """(N, D) descriptors to (N, classes) float32 logits."""
        logits: Tensor = self.decider(self.scaling(features))
        return logits.float()

    def forward(self, pixels: Tensor) -> Tensor:
        """(N, S, S, C) uint8 to (N, classes) float32 logits."""
        return self.classify(self.features(pixels))


def facts(classifier: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What `build_descriptors` needs to know beside the arrays."""
    return {"classifier": classifier, "settings": dict(settings), "recipe": RECIPE_VERSION}


def build_descriptors(
    known: Mapping[str, Any], arrays: Mapping[str, Tensor], *, classes: int, channels: int
) -> DescriptorModel:
    """The model whose `facts` and arrays (its state by name) a bundle holds.

    Raises
    ------
    BundleError
        It was made of descriptors that this version measures otherwise.
    KeyError, TypeError, ValueError
        The facts and arrays do not describe such a model.
    """
    if known["recipe"] != RECIPE_VERSION:
        raise BundleError(
            "This bundle describes images in a way that this version of lince does not",
            received=f"recipe {known['recipe']}, not {RECIPE_VERSION}",
            fix="install the version that it was trained with, or train again",
        )
    parts: dict[str, dict[str, Tensor]] = {"scaling": {}, "decider": {}}
    for name, value in arrays.items():
        part, _, own = name.partition(".")
        parts[part][own] = value
    scaling = Scaling(**parts["scaling"])
    model = DescriptorModel(
        scaling, decider_of(known["classifier"], parts["decider"], known["settings"]), channels=channels
    )
    try:
        found = model.classify(torch.zeros(1, len(names(channels))))
    except (RuntimeError, IndexError) as error:
        raise ValueError("the arrays do not fit one another") from error
    if found.shape != (1, classes):
        raise ValueError("the number of classes is another")
    return model
