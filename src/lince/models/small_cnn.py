"""The classic small CNN for small sets: three convolution blocks, two dense layers."""

from __future__ import annotations

from torch import nn

from lince.models.network import DenseHead, Network


def _block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )


def build_small_cnn(
    classes: int, *, size: int, channels: int, mean: tuple[float, ...], std: tuple[float, ...]
) -> Network:
    """Three blocks of convolution, batch normalisation, ReLU and pooling (32, 64, 128 channels), then 128 units.

    ``size`` is the side of the square image and must be a multiple of 8.
    """
    stages = nn.Sequential(_block(channels, 32), _block(32, 64), _block(64, 128))
    return Network(stages, DenseHead(128, size // 8, classes), taps=(2,), mean=mean, std=std)
