"""What the stages of a network make of an image, as one picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from lince.imaging.contact_sheet import ContactSheet, SheetRow
from lince.models.ensemble import Ensemble, member_pixels
from lince.models.network import Network
from lince.models.splitting import AsMap

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

CHANNELS = 16
_TILE = 96


class Layer(NamedTuple):
    """What leaves a stage: its name and kind, whether the head reads it, and its map (D, h, w) float32."""

    name: str
    kind: str
    read: bool
    values: Tensor


def draw_layers(network: Network | Ensemble, image: NDArray[np.uint8], *, title: str) -> Picture:
    """Draw, for every stage, the channels that vary most over an image.

    Parameters
    ----------
    network
        In evaluation mode. Of an ensemble, its first member is shown.
    image
        (S, S, C), prepared for the network.
    title
        Above the picture.

    Returns
    -------
    Picture
        RGB: the image, then a row for each stage with its name, its shape and at most 16 channels.
    """
    rows = [SheetRow("image", f"{image.shape[2]}×{image.shape[0]}×{image.shape[1]}", (_tile(image),))]
    for layer in layers(network, image):
        depth, height, width = layer.values.shape
        detail = f"{layer.kind} {depth}×{height}×{width}" + (", read by the head" if layer.read else "")
        rows.append(SheetRow(layer.name, detail, tuple(_tile(one) for one in _channels(layer.values))))
    notes = [
        f"Each row is what leaves one stage: channels × height × width. Shown are the {CHANNELS} channels that vary "
        "most over this image, the most varied first, each from its own lowest value (black) to its highest (white).",
        *(["The model is an ensemble: this is its first member."] if isinstance(network, Ensemble) else []),
    ]
    return ContactSheet(title, rows, columns=(), notes=notes).draw()


@torch.inference_mode()
def layers(network: Network | Ensemble, image: NDArray[np.uint8]) -> Iterator[Layer]:
    """What leaves each stage, in order, for one image (S, S, C)."""
    device = next(network.parameters()).device
    pixels = torch.from_numpy(np.ascontiguousarray(image))[None].to(device)
    if isinstance(network, Ensemble):
        group: Any = next(network.stages.children())
        pixels = member_pixels(pixels, group.side, group.mean.shape[1])
        stages, whole = [*group.trunk, *next(group.branches.children()).children()], group
    else:
        stages, whole = list(network.stages), network
    planes = (pixels.permute(0, 3, 1, 2).float() - whole.mean) / whole.std
    values = planes.to(next(network.stages.parameters()).dtype)
    as_map = AsMap()
    for number, stage in enumerate(stages):
        values = stage(values)
        # Tokens of a transformer are laid out where they lie in the image.
        yield Layer(f"stage {number}", _kind(stage), number in whole.taps, as_map(values)[0].float().cpu())


def _kind(stage: nn.Module) -> str:
    """The name of the stage's class; of a sequence, that of its first part."""
    while isinstance(stage, nn.Sequential) and len(stage):
        stage = stage[0]
    return type(stage).__name__


def _channels(values: Tensor) -> list[NDArray[np.uint8]]:
    """The most varied channels of (D, h, w), each (h, w, 1) from its lowest value to its highest."""
    order = values.flatten(1).std(dim=1, correction=0).argsort(descending=True, stable=True)[:CHANNELS]
    found = []
    for channel in values[order].numpy():
        low, high = float(channel.min()), float(channel.max())
        level = (channel - low) / (high - low) if high > low else np.zeros_like(channel)
        found.append((level[..., None] * 255).round().astype(np.uint8))
    return found


def _tile(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(h, w, C) on a square of one size: small maps keep their pixels, large ones are averaged."""
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    way = Image.Resampling.NEAREST if max(pixels.shape[:2]) <= _TILE else Image.Resampling.BOX
    sized = np.asarray(picture.resize((_TILE, _TILE), way))
    return sized if sized.ndim == 3 else sized[..., None]
