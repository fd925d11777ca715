"""Grad-CAM (Selvaraju et al., ICCV 2017) that costs next to nothing: only the head is differentiated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


class Differentiable(Protocol):
    """What a heat map asks of a network: a differentiable head that reads the last feature map."""

    @property
    def head(self) -> nn.Module:
        """(N, D, h, w) to (N, classes)."""
        ...


@final
class _Tail(nn.Module):
    """The head with a named entrance, so that the attribution knows which layer to look at."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.entrance = nn.Identity()
        self.head = head

    def forward(self, feature_map: Tensor) -> Tensor:
        logits: Tensor = self.head(self.entrance(feature_map))
        return logits


def grad_cam(network: Differentiable, feature_map: Tensor, classes: Sequence[int]) -> NDArray[np.float32]:
    """Evidence for a class over the image, from the feature map of the forward pass that was made anyway.

    Parameters
    ----------
    network
        In evaluation mode.
    feature_map
        (N, D, h, w), of any float type.
    classes
        For each image, the class to explain.

    Returns
    -------
    ndarray
        (N, h, w) float32 in 0..1, each map divided by its maximum; all zero where nothing speaks for the class.
    """
    from captum.attr import LayerGradCam

    tail = _Tail(network.head)
    with torch.inference_mode(mode=False), torch.enable_grad():
        # An inference tensor cannot take part in autograd; its float32 copy can.
        values = feature_map.to(torch.float32, copy=True).requires_grad_()
        target = torch.as_tensor(list(classes), device=values.device)
        maps = LayerGradCam(tail, tail.entrance).attribute(values, target=target, relu_attributions=True)
    maps = maps.detach()[:, 0].cpu()
    peaks = maps.amax(dim=(1, 2), keepdim=True).clamp_min(1e-12)
    scaled: NDArray[np.float32] = (maps / peaks).numpy()
    return scaled
