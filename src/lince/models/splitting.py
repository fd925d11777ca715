"""A transformers image model cut into stages, so that what is frozen is computed once and what is thawed can be chosen.

Most of them have one build: embeddings, a list of layers, sometimes a normalisation. The cut is checked, not assumed:
where the stages one after the other do not give what the model gives, it stays in one piece.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from itertools import dropwhile
from typing import Any, final

import torch
from torch import Tensor, nn

ANY_SIDE = "interpolate_pos_encoding"
"""What transformers calls the argument by which position embeddings learned for one image side are made to fit another.

At the model's own side it changes nothing.
"""
_TOLERANCE = 1e-4


@final
class AsMap(nn.Module):
    """Patch tokens (N, T, D) laid out as a map (N, D, h, w); what is a map already passes.

    Class and register tokens, which come first, are dropped.
    """

    def forward(self, values: Tensor) -> Tensor:
        """(N, T, D) or (N, D, h, w) to (N, D, h, w)."""
        if values.dim() == 4:
            return values
        side = math.isqrt(values.shape[1])
        tokens = values[:, values.shape[1] - side * side :]
        return tokens.transpose(1, 2).reshape(values.shape[0], values.shape[2], side, side)


def takes_any_side(module: nn.Module) -> bool:
    """Whether the module can be asked for `ANY_SIDE`."""
    return ANY_SIDE in inspect.signature(module.forward).parameters


def split_stages(model: nn.Module, expected: Tensor, images: Tensor) -> list[nn.Module] | None:
    """The parts of ``model`` in order: embeddings, each layer, and what makes a map of them.

    Parameters
    ----------
    model
        Of the transformers library, in evaluation mode.
    expected
        (N, D, h, w), what it makes of ``images`` in one piece.
    images
        (N, 3, S, S), normalised.

    Returns
    -------
    list of Module or None
        None where the parts do not give ``expected``.
    """
    first = getattr(model, "embedder", None) or getattr(model, "embeddings", None)
    holder = getattr(model, "encoder", model)
    lists = [name for name, child in holder.named_children() if isinstance(child, nn.ModuleList)]
    if not isinstance(first, nn.Module) or len(lists) != 1:
        return None
    if takes_any_side(first):
        # A hook and not a module around it: the names of the weights in bundles stay what they were.
        first.register_forward_pre_hook(_at_any_side, with_kwargs=True)
    layers = [inner for layer in getattr(holder, lists[0]) for inner in _unrolled(layer)]
    after = [child for _, child in list(dropwhile(lambda pair: pair[0] != lists[0], holder.named_children()))[1:]]
    norm = getattr(model, "layernorm", None)
    # A last normalisation belongs to the map in some models and to the pooled vector in others. A pooler reads the map.
    for tail in ([norm], [], after, [*after, norm]):
        parts = [part for part in tail if isinstance(part, nn.Module)]
        stages = [first, *layers, nn.Sequential(*parts, AsMap())]
        if _same(stages, images, expected):
            return stages
    return None


def _at_any_side(_: nn.Module, values: tuple[Any, ...], more: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return values, {**more, ANY_SIDE: True}


def _unrolled(layer: nn.Module) -> Iterator[nn.Module]:
    """The blocks of a layer that is nothing but blocks one after the other (ResNet), else the layer itself."""
    children = dict(layer.named_children())
    if children.keys() == {"layers"} and isinstance(children["layers"], nn.Sequential):
        yield from children["layers"]
    else:
        yield layer


@torch.no_grad()
def _same(stages: list[nn.Module], images: Tensor, expected: Tensor) -> bool:
    values = images
    try:
        for stage in stages:
            values = stage(values)
    except (TypeError, AttributeError, ValueError, RuntimeError):
        return False  # a layer that needs more than what the one before gives
    if not isinstance(values, Tensor) or values.shape != expected.shape:
        return False
    return bool((values - expected).abs().max() <= _TOLERANCE * expected.abs().max().clamp_min(1.0))
