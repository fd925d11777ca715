"""A frozen pretrained network as a function from images to vectors, for comparing what images show."""

from __future__ import annotations

from typing import final

import numpy as np
import torch
from numpy.typing import NDArray

from lince.core.events import EventBus, WorkAdvanced, WorkFinished, WorkStarted
from lince.models.catalog import build, entry_for
from lince.models.folding import ready_to_run
from lince.models.heads import LinearHead
from lince.models.precision import best_device

TASK = "Computing features"
DEFAULT_BACKBONE = "efficientnet-lite0"
_BATCH = 64
# Below this side a network of this kind has no map left to average.
_LEAST_SIDE = 64


@final
class Embedder:
    """Images to the numbers that a head would read: averages of the tapped feature maps.

    Smaller images than the network was made for are embedded at their own size: for neighbours and differences that
    is enough, and at 128 px three times quicker than at 224.

    Parameters
    ----------
    model
        A pretrained model of the catalog whose head reads averages.
    bus
        Hears the progress (task "Computing features").

    Raises
    ------
    ConfigError
        There is no such model, or it has no early maps to average.
    """

    def __init__(self, model: str = DEFAULT_BACKBONE, *, bus: EventBus | None = None) -> None:
        self._entry = entry_for(model)
        self._bus = bus or EventBus()
        self._device = best_device()
        network = build(self._entry, 2, self._entry.image_spec())
        if not isinstance(network.head, LinearHead):
            raise TypeError("only a network whose head reads averages can embed")
        self.width = network.head.features
        self._network = ready_to_run(network, size=self._entry.size, device=self._device)

    @torch.inference_mode()
    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed images.

        Parameters
        ----------
        images
            (N, S, S, 1 or 3) uint8; read in batches, so a memory map will do.

        Returns
        -------
        NDArray[np.float32]
            (N, `width`), in the same order.
        """
        self._bus.publish(WorkStarted(TASK, len(images)))
        found = np.empty((len(images), self.width), np.float32)
        for top in range(0, len(images), _BATCH):
            block = torch.from_numpy(np.array(images[top : top + _BATCH]))  # a copy: a memory map is not writable
            maps = self._network.maps(self._sized(block).to(self._device))
            found[top : top + len(block)] = self._network.head.embed(*maps).float().cpu().numpy()
            self._bus.publish(WorkAdvanced(TASK, top + len(block)))
        self._bus.publish(WorkFinished(TASK))
        return found

    def _sized(self, block: torch.Tensor) -> torch.Tensor:
        """(N, S, S, C) with three channels, and a side that the network takes."""
        if block.shape[3] == 1:
            block = block.expand(-1, -1, -1, 3)
        multiple = self._entry.multiple
        side = max(_LEAST_SIDE, -(-block.shape[1] // multiple) * multiple)
        if side == block.shape[1]:
            return block
        planes = block.permute(0, 3, 1, 2).float()
        larger = torch.nn.functional.interpolate(planes, size=(side, side), mode="bilinear", align_corners=False)
        return larger.round().to(torch.uint8).permute(0, 2, 3, 1)
