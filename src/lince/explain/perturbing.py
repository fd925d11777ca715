"""Methods that ask the whole network again with the image changed: slower, and independent of the feature maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lince.explain.gradients import scaled

# Top, left, bottom, right of the part of the square that the image fills.
Box: TypeAlias = tuple[int, int, int, int]
Network: TypeAlias = Callable[[Tensor], Tensor]

STEPS = 32
# The patch that hides, and how far it moves, as parts of the side.
_PATCH, _STRIDE = 8, 16
# Images that run through the network together.
_TOGETHER = 8
# The pixel-fine evidence of integrated gradients is blurred by this part of the side, or nobody could read it.
_BLUR = 40


def integrated_gradients(
    network: Network, pixels: Tensor, classes: Sequence[int], boxes: Sequence[Box]
) -> NDArray[np.float32]:
    """Integrated gradients (Sundararajan et al., ICML 2017) from the image's own mean grey to the image.

    The baseline is the image with everything that it shows replaced by its mean grey (by channel in colour); the
    padding stays as it is. So neither brightness nor padding can be evidence, only structure. Attributions of the
    pixel and of the normalised value are the same: the method does not feel a change of scale.

    Parameters
    ----------
    network
        (N, S, S, C) pixel values 0..255, float, to logits (N, classes); differentiable.
    pixels
        (N, S, S, C) uint8.
    classes
        For each image, the class to explain.
    boxes
        For each image, where it stands in the square.

    Returns
    -------
    ndarray
        (N, S, S) float32 in 0..1: what speaks for the class, lightly blurred; all zero where nothing does.
    """
    from captum.attr import IntegratedGradients

    def attribute(values: Tensor, baseline: Tensor, target: int) -> Tensor:
        method = IntegratedGradients(network, multiply_by_inputs=True)
        found: Tensor = method.attribute(
            values, baselines=baseline, target=target, n_steps=STEPS, internal_batch_size=_TOGETHER
        )
        return found

    return _each(attribute, pixels, classes, boxes, blur=pixels.shape[1] / _BLUR)


def occlusion(network: Network, pixels: Tensor, classes: Sequence[int], boxes: Sequence[Box]) -> NDArray[np.float32]:
    """By how much the class loses when a grey patch hides a place (Zeiler & Fergus, ECCV 2014).

    The patch is an eighth of the side and moves by half of itself; its grey is the image's own mean. Parameters and
    result are those of `integrated_gradients`; no gradient is needed.
    """
    from captum.attr import Occlusion

    side, channels = pixels.shape[1], pixels.shape[3]
    patch, stride = max(1, side // _PATCH), max(1, side // _STRIDE)

    def attribute(values: Tensor, baseline: Tensor, target: int) -> Tensor:
        with torch.no_grad():
            found: Tensor = Occlusion(network).attribute(
                values,
                sliding_window_shapes=(patch, patch, channels),
                strides=(stride, stride, channels),
                baselines=baseline,
                target=target,
                perturbations_per_eval=_TOGETHER,
            )
        # Every channel of a pixel was hidden at once and carries the whole loss.
        return found / channels

    return _each(attribute, pixels, classes, boxes, blur=stride / 2)


def _each(
    attribute: Callable[[Tensor, Tensor, int], Tensor],
    pixels: Tensor,
    classes: Sequence[int],
    boxes: Sequence[Box],
    *,
    blur: float,
) -> NDArray[np.float32]:
    from scipy.ndimage import gaussian_filter

    found = np.zeros(pixels.shape[:3], np.float32)
    # Tensors made in an inference pass cannot take part in autograd; copies can.
    with torch.inference_mode(mode=False):
        for number, (target, box) in enumerate(zip(classes, boxes, strict=True)):
            values = pixels[number : number + 1].to(torch.float32, copy=True)
            signed = attribute(values, without_structure(values, box), target).detach()
            # Blurred before the sign is looked at, so that neighbours that contradict each other cancel.
            found[number] = gaussian_filter(signed[0].sum(-1).float().cpu().numpy(), blur)
    return scaled(torch.from_numpy(found).relu())


def without_structure(values: Tensor, box: Box) -> Tensor:
    """(1, S, S, C) float with everything inside the box replaced by its mean, by channel."""
    top, left, bottom, right = box
    plain = values.clone()
    inside: Any = (slice(None), slice(top, bottom), slice(left, right))
    plain[inside] = plain[inside].mean(dim=(1, 2), keepdim=True)
    return plain
