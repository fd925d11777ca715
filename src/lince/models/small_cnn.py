"""The classic small CNN for small sets: blocks of convolution, then two dense layers."""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from lince.models.heads import DenseHead
from lince.models.network import Network
from lince.models.small_cnn_options import SmallCnnOptions


def _block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )


def build_small_cnn(
    classes: int,
    *,
    size: int,
    channels: int,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    options: SmallCnnOptions | None = None,
) -> Network:
    """Blocks of convolution, batch normalisation, ReLU and pooling, each twice as wide as the one before; 128 units.

    ``size`` is the side of the square image and must be a multiple of 2 to the power of the depth.
    """
    chosen = options or SmallCnnOptions.model_validate({})
    widths = [channels, *(chosen.width * 2**number for number in range(chosen.depth))]
    stages = nn.Sequential(*(_block(*pair) for pair in pairwise(widths)))
    head = DenseHead(widths[-1], size // 2**chosen.depth, classes, dropout=chosen.dropout)
    return Network(stages, head, taps=(chosen.depth - 1,), mean=mean, std=std)
