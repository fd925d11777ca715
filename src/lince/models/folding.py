"""A network made ready to run: batch normalisation folded into convolutions, weights in the fast type."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from lince.models.ensemble import Ensemble
from lince.models.memory import keep_freed_memory
from lince.models.network import Network
from lince.models.precision import inference_dtype

_TOLERANCE = 1e-3

Runnable = TypeVar("Runnable", bound=Network | Ensemble)


@torch.no_grad()  # not inference_mode: heat maps differentiate through the head's weights
def ready_to_run(network: Runnable, *, size: int, device: torch.device) -> Runnable:
    """A copy of ``network`` for inference on ``device``; the original is untouched.

    The folded copy is compared with the original on a random image and given up when it differs, so a model whose
    layers run in another order than they are declared is slower, never wrong.
    """
    keep_freed_memory()
    plain: Runnable = copy.deepcopy(network)
    plain.eval().requires_grad_(False)
    folded: Runnable = copy.deepcopy(plain)
    _fold(folded.stages)
    channels = plain.mean.shape[1]
    pixels = torch.randint(0, 256, (1, size, size, channels), generator=torch.Generator().manual_seed(0))
    pixels = pixels.to(torch.uint8)
    for expected, found in zip(plain.maps(pixels), folded.maps(pixels), strict=True):
        if (expected - found).abs().max() > _TOLERANCE * expected.abs().max().clamp_min(1.0):
            folded = plain
            break
    folded.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    folded.stages.to(inference_dtype(folded, device))
    return folded


def _fold(module: nn.Module) -> None:
    """Fold each BatchNorm2d that is declared right after a Conv2d of as many channels."""
    previous: tuple[str, nn.Conv2d] | None = None
    for name, child in list(module.named_children()):
        if (
            previous is not None
            and isinstance(child, nn.BatchNorm2d)
            and child.num_features == previous[1].out_channels
        ):
            setattr(module, previous[0], fuse_conv_bn_eval(previous[1], child))
            setattr(module, name, nn.Identity())
        previous = (name, child) if isinstance(child, nn.Conv2d) else None
        _fold(child)
