"""The one shape of network: stages that make a feature map, and a head that reads it.

Cutting between stages is what training, explanation and (later) federation need: everything before the cut is
frozen and computed once, everything after it is trained or differentiated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import final

import torch
from torch import Tensor, nn


@final
class LinearHead(nn.Module):
    """Standardised features, dropout, one linear layer.

    The features are the averages over the image of one or several feature maps. The standardisation is part of the
    model: its mean and deviation are measured once on the training features, so the linear layer sees columns of one
    scale whatever the backbone.
    """

    feature_mean: Tensor
    feature_std: Tensor

    def __init__(self, features: int, classes: int, *, dropout: float = 0.2) -> None:
        super().__init__()
        self.features = features
        self.register_buffer("feature_mean", torch.zeros(features))
        self.register_buffer("feature_std", torch.ones(features))
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(features, classes)
        nn.init.normal_(self.linear.weight, std=0.01)
        nn.init.zeros_(self.linear.bias)

    def embed(self, *maps: Tensor) -> Tensor:
        """Feature maps (N, D, h, w) to one embedding (N, sum of D), float32."""
        return torch.cat([average(values) for values in maps], dim=1)

    def classify(self, embedding: Tensor) -> Tensor:
        """(N, D) embedding to (N, classes) logits."""
        standard = (embedding.float() - self.feature_mean) / self.feature_std
        logits: Tensor = self.linear(self.dropout(standard))
        return logits

    def forward(self, *maps: Tensor) -> Tensor:
        """Feature maps (N, D, h, w) to (N, classes)."""
        return self.classify(self.embed(*maps))

    def standardise(self, embeddings: Iterable[Tensor]) -> None:
        """Measure mean and deviation of the columns of embeddings, which come in blocks (B, D)."""
        count = 0
        total = torch.zeros_like(self.feature_mean, dtype=torch.float64)
        squares = torch.zeros_like(total)
        for block in embeddings:
            values = block.double()
            count += len(values)
            total, squares = total + values.sum(0), squares + values.square().sum(0)
        mean = total / count
        deviation = (squares / count - mean.square()).clamp_min(0).sqrt()
        self.feature_mean.copy_(mean)
        # A column that hardly varies here would blow up the smallest change that fine-tuning makes to it.
        self.feature_std.copy_(deviation.clamp_min(max(0.1 * float(deviation.median()), 1e-3)))

    def shift_logits(self, shift: Tensor) -> None:
        """Add a constant per class to the logits."""
        with torch.no_grad():
            self.linear.bias.add_(shift.to(self.linear.bias))

    def scale_logits(self, factor: float) -> None:
        """Multiply the logits."""
        with torch.no_grad():
            self.linear.weight.mul_(factor)
            self.linear.bias.mul_(factor)


def average(feature_map: Tensor) -> Tensor:
    """(N, D, h, w) to (N, D) float32."""
    return feature_map.mean(dim=(2, 3), dtype=torch.float32)


@final
class DenseHead(nn.Module):
    """Two dense layers with dropout on the whole feature map, for networks trained from scratch."""

    def __init__(self, channels: int, side: int, classes: int, *, width: int = 128, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = width
        self.hidden = nn.Sequential(nn.Flatten(), nn.Linear(channels * side * side, width), nn.ReLU())
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(width, classes)

    def embed(self, feature_map: Tensor) -> Tensor:
        """(N, C, side, side) feature map to (N, width) embedding."""
        embedding: Tensor = self.hidden(feature_map.float())
        return embedding

    def classify(self, embedding: Tensor) -> Tensor:
        """(N, width) embedding to (N, classes) logits."""
        logits: Tensor = self.linear(self.dropout(embedding))
        return logits

    def forward(self, feature_map: Tensor) -> Tensor:
        """(N, C, side, side) to (N, classes)."""
        return self.classify(self.embed(feature_map))

    def shift_logits(self, shift: Tensor) -> None:
        """Add a constant per class to the logits."""
        with torch.no_grad():
            self.linear.bias.add_(shift.to(self.linear.bias))

    def scale_logits(self, factor: float) -> None:
        """Multiply the logits."""
        with torch.no_grad():
            self.linear.weight.mul_(factor)
            self.linear.bias.mul_(factor)


Head = LinearHead | DenseHead


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

    def finish(self, values: Tensor, averages: Tensor, *, start: int) -> Tensor:
        """Logits from what enters stage ``start`` and the averages (N, P) of the maps tapped before it."""
        head = self.head
        if not isinstance(head, LinearHead):
            raise TypeError("only a head that reads averages can be cut off from its early maps")
        later = self.run_stages(values, start=start)[1]
        return head.classify(torch.cat([averages.float(), head.embed(*later)], dim=1)).float()
