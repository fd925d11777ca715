"""Grad-CAM and Grad-CAM++ that cost next to nothing: only the head is differentiated."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional


def grad_cam(head: nn.Module, maps: Sequence[Tensor], classes: Sequence[int]) -> NDArray[np.float32]:
    """Evidence for a class over the image, from the feature maps of the forward pass that was made anyway.

    Each place counts with its own gradient. Where the head averages the map that is Grad-CAM (Selvaraju et al., ICCV
    2017). Where it knows places apart, as a dense head does, the gradient averaged over them would light up the same
    pattern wherever it stands; left as it is, this is HiResCAM (Draelos & Carin, arXiv 2011.08891).
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
    return _evidence(head, maps, classes, _by_place)


def grad_cam_plus_plus(head: nn.Module, maps: Sequence[Tensor], classes: Sequence[int]) -> NDArray[np.float32]:
    """As `grad_cam`, weighted so that small regions count as much as large ones (Chattopadhay et al., WACV 2018).

    Only channels that speak for the class count, and the more, the less of the map they fill.
    """
    return _evidence(head, maps, classes, _by_rarity)


def _by_place(values: Tensor, slope: Tensor) -> Tensor:
    # A head that averages h x w places gives each a gradient that much smaller: undone, maps weigh the same.
    return values * slope * (values.shape[2] * values.shape[3])


def _by_rarity(values: Tensor, slope: Tensor) -> Tensor:
    rise = slope.relu()
    # Equation 19 of the paper with Y = exp(logit), for which every derivative is a power of the first. It is made for
    # maps after a ReLU; negative activations are left out of the sum, or the denominator could become zero.
    share = 1 / (2 + rise * values.relu().sum(dim=(2, 3), keepdim=True))
    return values * (share * rise).sum(dim=(2, 3), keepdim=True)


def _evidence(
    head: nn.Module, maps: Sequence[Tensor], classes: Sequence[int], weigh: Callable[[Tensor, Tensor], Tensor]
) -> NDArray[np.float32]:
    size = max((values.shape[2:] for values in maps), key=lambda shape: shape[0] * shape[1])
    with torch.inference_mode(mode=False), torch.enable_grad():
        # An inference tensor cannot take part in autograd; its float32 copy can.
        entering = [one.to(torch.float32, copy=True).requires_grad_() for one in maps]
        logits = head(*entering)
        target = torch.as_tensor(list(classes), device=logits.device)
        slopes = torch.autograd.grad(logits.gather(1, target[:, None]).sum(), entering)
    total = torch.zeros(len(classes), 1, *size, device=logits.device)
    for values, slope in zip(entering, slopes, strict=True):
        part = weigh(values.detach(), slope).sum(dim=1, keepdim=True)
        total += functional.interpolate(part, size, mode="bilinear")
    return scaled(total[:, 0].relu())


def scaled(evidence: Tensor) -> NDArray[np.float32]:
    """(N, h, w), not negative, to float32 in 0..1: each image divided by its maximum."""
    peaks = evidence.amax(dim=(1, 2), keepdim=True).clamp_min(1e-12)
    found: NDArray[np.float32] = (evidence / peaks).float().cpu().numpy()
    return found
