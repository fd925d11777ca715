"""Every heat map, by one of several methods, through one function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from lince.core.options import HeatMapMethod
from lince.explain.gradients import grad_cam, grad_cam_plus_plus
from lince.explain.perturbing import Box, integrated_gradients, occlusion
from lince.imaging import Decoded, ImageSpec

# A map in 0..1 that rises above its mean by no more than this is even but for rounding.
_EVEN = 1e-3


class Differentiable(Protocol):
    """A network that can be explained: a head that reads feature maps, and the whole, for images of any number type."""

    @property
    def head(self) -> nn.Module:
        """Maps (N, D, h, w) to logits (N, classes)."""

    def maps(self, pixels: Tensor) -> list[Tensor]:
        """(N, S, S, C) pixels 0..255 to the maps that the head reads."""

    def __call__(self, pixels: Tensor) -> Tensor:
        """(N, S, S, C) pixels 0..255 to logits (N, classes)."""


@final
@dataclass(frozen=True, slots=True)
class Pass:
    """A forward pass that was made: the images (N, S, S, C) uint8 with their places in the square, and their maps."""

    network: Differentiable
    pixels: Tensor
    boxes: Sequence[Box]
    maps: Sequence[Tensor]


class Method(Protocol):
    """A way to find the evidence for a class."""

    def __call__(self, made: Pass, classes: Sequence[int], /) -> NDArray[np.float32]:
        """(N, h, w) float32 in 0..1 over the whole square, of a size of its own."""


METHODS: Mapping[HeatMapMethod, Method] = {
    "grad-cam": lambda made, classes: above_average(grad_cam(made.network.head, made.maps, classes), made),
    "grad-cam++": lambda made, classes: above_average(grad_cam_plus_plus(made.network.head, made.maps, classes), made),
    "integrated-gradients": lambda made, classes: integrated_gradients(made.network, made.pixels, classes, made.boxes),
    "occlusion": lambda made, classes: above_average(occlusion(made.network, made.pixels, classes, made.boxes), made),
}


def heat_map(
    network: Differentiable, image: Decoded, target: int, method: HeatMapMethod = "grad-cam", *, spec: ImageSpec
) -> NDArray[np.float32]:
    """Where the evidence for a class lies in one image.

    Parameters
    ----------
    network
        A `Network` or an `Ensemble`, in evaluation mode.
    image
        As it was decoded.
    target
        The class to explain.
    spec
        The recipe that the network was trained with.

    Returns
    -------
    ndarray
        (h, w) float32 in 0..1 in the image's own pixels; all zero where nothing speaks for the class.
    """
    height, width = image.pixels.shape[:2]
    pixels = torch.from_numpy(spec.apply(image))[None].to(next(network.head.parameters()).device)
    with torch.inference_mode():
        maps = network.maps(pixels)
    made = Pass(network, pixels, [spec.content_box(height, width)], maps)
    found = over_image(METHODS[method](made, [target])[0], spec, height, width)
    return np.clip(_resized(found, width, height), 0.0, 1.0)


def above_average(heat: NDArray[np.float32], made: Pass) -> NDArray[np.float32]:
    """Maps (N, h, w) less their mean over the image, in 0..1 again.

    Maps that were not made by a ReLU have an offset that speaks for the class in every place and says nothing of where;
    so does what any patch costs, wherever it hides the image. An even map becomes all zero.
    """
    side, found = made.pixels.shape[1], np.zeros_like(heat)
    for number, (one, box) in enumerate(zip(heat, made.boxes, strict=True)):
        top, left, bottom, right = (edge * size / side for edge, size in zip(box, one.shape * 2, strict=True))
        inside = one[int(top) : int(np.ceil(bottom)), int(left) : int(np.ceil(right))]
        rest = np.clip(one - inside.mean(), 0, None)
        if rest.max() > _EVEN:
            found[number] = rest / rest.max()
    return found


def over_image(heat: NDArray[np.float32], spec: ImageSpec, height: int, width: int) -> NDArray[np.float32]:
    """A map of the square that the network saw as one of the whole image, about as fine as the square.

    Parameters
    ----------
    heat
        (h, w) over the square.
    height, width
        Of the image as it was decoded.

    Returns
    -------
    ndarray
        Padding is removed; what a crop cut off is cold.
    """
    if spec.fit == "crop":
        rows, columns = (max(1, round(spec.size * side / max(height, width))) for side in (height, width))
        short = min(rows, columns)
        whole = np.zeros((rows, columns), np.float32)
        top, left = (rows - short) // 2, (columns - short) // 2
        whole[top : top + short, left : left + short] = _resized(heat, short, short)
        return np.clip(whole, 0.0, 1.0)
    top, left, bottom, right = spec.content_box(height, width)
    return np.clip(_resized(heat, spec.size, spec.size)[top:bottom, left:right], 0.0, 1.0)


def _resized(heat: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    return np.asarray(Image.fromarray(heat).resize((width, height), Image.Resampling.BICUBIC))
