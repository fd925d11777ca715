"""The one shape of network: stages that make a feature map, and a head that reads it.

Cutting between stages is what training, explanation and (later) federation need: everything before the cut is
frozen and computed once, everything after it is trained or differentiated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn

from lince.models.heads import Head, LinearHead


@final
class Network(nn.Module):
    """uint8 images in, logits out.

    Parameters
    ----------
    stages
        From normalised images (N, C, S, S) to feature maps (N, D, h, w), one after the other.
    head
        From the maps at ``taps`` to logits (N, classes).
    taps
        The stages whose output the head reads, ascending. The early maps of a pretrained network know textures, the
        late ones know objects; medical images need both.
    mean, std
        Per channel, of the 0..255 pixel; the image spec carries the same numbers.
    thaw_from
        The stage at which fine-tuning starts by default; 0 when the stages cannot be told apart.
    thawed_parameters
        With ``thaw_from == 0`` in a pretrained network: prefixes of the parameter names that fine-tuning may change.
    pretrained
        Whether its kind is pretrained: then batch normalisation keeps its statistics while it is fine-tuned.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        stages: nn.Sequential,
        head: Head,
        *,
        taps: Sequence[int],
        mean: Sequence[float],
        std: Sequence[float],
        thaw_from: int = 0,
        thawed_parameters: tuple[str, ...] = (),
        pretrained: bool = False,
    ) -> None:
        super().__init__()
        self.stages = stages
        self.head = head
        self.taps = tuple(taps)
        self.thaw_from = thaw_from
        self.thawed_parameters = thawed_parameters
        self.pretrained = pretrained
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).view(1, -1, 1, 1), persistent=False)

    def normalise(self, pixels: Tensor) -> Tensor:
        """(N, S, S, C) uint8 to (N, C, S, S) float, channels last in memory, of the type of the weights."""
        planes = pixels.permute(0, 3, 1, 2)
        wanted = next(self.stages.parameters()).dtype
        return ((planes.float() - self.mean) / self.std).to(wanted)

    def run_stages(self, values: Tensor, *, start: int = 0, stop: int | None = None) -> tuple[Tensor, list[Tensor]]:
        """Run stages ``start`` to ``stop`` on what enters ``start``: the last output, and the maps tapped."""
        passed = []
        for number, stage in enumerate(list(self.stages)[start:stop], start):
            values = stage(values)
            if number in self.taps:
                passed.append(values)
        return values, passed

    def maps(self, pixels: Tensor) -> list[Tensor]:
        """(N, S, S, C) uint8 to the feature maps (N, D, h, w) that the head reads."""
        return self.run_stages(self.normalise(pixels))[1]

    def forward(self, pixels: Tensor) -> Tensor:
        """(N, S, S, C) uint8 to (N, classes) float32 logits."""
        logits: Tensor = self.head(*self.maps(pixels))
        return logits.float()

    def with_head(self, head: Head) -> Network:
        """The same stages read by another head."""
        return Network(
            self.stages,
            head,
            taps=self.taps,
            mean=self.mean.flatten().tolist(),
            std=self.std.flatten().tolist(),
            thaw_from=self.thaw_from,
            thawed_parameters=self.thawed_parameters,
            pretrained=self.pretrained,
        )

    def finish(self, values: Tensor, averages: Tensor, *, start: int) -> Tensor:
        """Logits from what enters stage ``start`` and the averages (N, P) of the maps tapped before it."""
        head = self.head
        if not isinstance(head, LinearHead):
            raise TypeError("only a head that reads averages can be cut off from its early maps")
        later = self.run_stages(values, start=start)[1]
        return head.classify(torch.cat([averages.float(), head.embed(*later)], dim=1)).float()
