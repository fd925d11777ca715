"""Grad-CAM (Selvaraju et al., ICCV 2017) that costs next to nothing: only the head is differentiated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


@final
class _Tail(nn.Module):
    """A head with named entrances, so that the attribution knows where to look."""

    def __init__(self, head: nn.Module, maps: int) -> None:
        super().__init__()
        self.entrances = nn.ModuleList(nn.Identity() for _ in range(maps))
        self.head = head

    def forward(self, *maps: Tensor) -> Tensor:
        logits: Tensor = self.head(*(enter(values) for enter, values in zip(self.entrances, maps, strict=True)))
        return logits


def grad_cam(head: nn.Module, maps: Sequence[Tensor], classes: Sequence[int]) -> NDArray[np.float32]:
    """Evidence for a class over the image, from the feature maps of the forward pass that was made anyway.

    A head that reads several maps has its evidence added up over them, each enlarged to the finest.

    Parameters
    ----------
    head
        Differentiable, in evaluation mode: maps (N, D, h, w) to logits (N, classes).
    maps
        What the head reads, of any float type.
    classes
        For each image, the class to explain.

    Returns
    -------
    ndarray
        (N, h, w) float32 in 0..1, of the size of the finest map, each divided by its maximum; all zero where nothing
        speaks for the class.
    """
    from captum.attr import LayerAttribution, LayerGradCam

    tail = _Tail(head, len(maps))
    size = max((tuple(values.shape[2:]) for values in maps), key=lambda shape: shape[0] * shape[1])
    with torch.inference_mode(mode=False), torch.enable_grad():
        # An inference tensor cannot take part in autograd; its float32 copy can.
        values = tuple(one.to(torch.float32, copy=True).requires_grad_() for one in maps)
        target = torch.as_tensor(list(classes), device=values[0].device)
        parts = [LayerGradCam(tail, enter).attribute(values, target=target) for enter in tail.entrances]
        # The average over a map of h x w pixels divides its gradient by h x w: undo it, so that maps weigh the same.
        enlarged = [
            LayerAttribution.interpolate(part * (part.shape[2] * part.shape[3]), size, "bilinear") for part in parts
        ]
        total = torch.stack(enlarged).sum(0).relu()
    evidence = total.detach()[:, 0].cpu()
    peaks = evidence.amax(dim=(1, 2), keepdim=True).clamp_min(1e-12)
    scaled: NDArray[np.float32] = (evidence / peaks).numpy()
    return scaled
