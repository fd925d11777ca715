"""What reads the feature maps of a network: linear, dense, or by similarity to landmarks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self, final

import torch
from torch import Tensor, nn

# Under the root of the variance, whose slope at zero is infinite.
_LEAST_VARIANCE = 1e-6


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
        mean, std = column_scale(embeddings)
        self.feature_mean.copy_(mean)
        self.feature_std.copy_(std)

    def shift_logits(self, shift: Tensor) -> None:
        """Add a constant per class to the logits."""
        _shift(self.linear.bias, shift)

    def scale_logits(self, factor: float) -> None:
        """Multiply the logits."""
        _scale(factor, self.linear.weight, self.linear.bias)


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
        _shift(self.linear.bias, shift)

    def scale_logits(self, factor: float) -> None:
        """Multiply the logits."""
        _scale(factor, self.linear.weight, self.linear.bias)


@final
class KernelHead(nn.Module):
    """Logits from the similarity ``exp(-gamma * |x - landmark|^2)`` of standardised features to landmarks.

    The features are the averages over the image of one or several feature maps, and how much each varies over it.
    It is the decision function of a support vector machine (Cortes and Vapnik, Machine Learning 20, 1995) as a part of
    a network: the landmarks are its support vectors.

    Parameters
    ----------
    channels
        Of all maps together, D; there are 2 D features.
    classes, landmarks
        How many there are.
    """

    feature_mean: Tensor
    feature_std: Tensor
    landmarks: Tensor
    gamma: Tensor

    def __init__(self, channels: int, classes: int, landmarks: int) -> None:
        super().__init__()
        self.features = 2 * channels
        self.register_buffer("feature_mean", torch.zeros(self.features))
        self.register_buffer("feature_std", torch.ones(self.features))
        self.register_buffer("landmarks", torch.zeros(landmarks, self.features))
        self.register_buffer("gamma", torch.tensor(1.0 / self.features))
        self.weight = nn.Parameter(torch.zeros(landmarks, classes))
        self.bias = nn.Parameter(torch.zeros(classes))

    def embed(self, *maps: Tensor) -> Tensor:
        """Feature maps (N, D, h, w) to one embedding (N, 2 * sum of D): all averages, then all deviations."""
        return torch.cat([*map(average, maps), *map(deviation, maps)], dim=1)

    def classify(self, embedding: Tensor) -> Tensor:
        """(N, 2 D) embedding to (N, classes) logits."""
        standard = (embedding.float() - self.feature_mean) / self.feature_std
        squares = standard.square().sum(1, keepdim=True) + self.landmarks.square().sum(1)
        distances = (squares - 2.0 * standard @ self.landmarks.T).clamp_min(0.0)
        return torch.exp(-self.gamma * distances) @ self.weight + self.bias

    def forward(self, *maps: Tensor) -> Tensor:
        """Feature maps (N, D, h, w) to (N, classes)."""
        return self.classify(self.embed(*maps))

    def standardise(self, embeddings: Iterable[Tensor]) -> None:
        """Measure mean and deviation of the columns of embeddings, which come in blocks (B, 2 D)."""
        mean, std = column_scale(embeddings)
        self.feature_mean.copy_(mean)
        self.feature_std.copy_(std)

    def padded(self, landmarks: int) -> Self:
        """The same function with more landmarks, of which the added ones count for nothing."""
        more = landmarks - len(self.landmarks)
        head = type(self)(self.features // 2, len(self.bias), landmarks)
        state = self.state_dict()
        for name in ("landmarks", "weight"):
            state[name] = torch.cat([state[name], state[name].new_zeros(more, state[name].shape[1])])
        head.load_state_dict(state)
        return head

    def shift_logits(self, shift: Tensor) -> None:
        """Add a constant per class to the logits."""
        _shift(self.bias, shift)

    def scale_logits(self, factor: float) -> None:
        """Multiply the logits."""
        _scale(factor, self.weight, self.bias)


Head = LinearHead | DenseHead | KernelHead


def average(feature_map: Tensor) -> Tensor:
    """(N, D, h, w) to (N, D) float32."""
    return feature_map.mean(dim=(2, 3), dtype=torch.float32)


def column_scale(embeddings: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """Mean and deviation (D,) of the columns of embeddings, which come in blocks (B, D)."""
    count, total, squares = 0, torch.zeros(()), torch.zeros(())
    for block in embeddings:
        values = block.double()
        count += len(values)
        total, squares = total + values.sum(0), squares + values.square().sum(0)
    mean = total / count
    deviation = (squares / count - mean.square()).clamp_min(0).sqrt()
    # A column that hardly varies here would blow up the smallest change that fine-tuning makes to it.
    return mean, deviation.clamp_min(max(0.1 * float(deviation.median()), 1e-3))


def deviation(feature_map: Tensor) -> Tensor:
    """(N, D, h, w) to how much each channel varies over the image, (N, D) float32."""
    return feature_map.float().var(dim=(2, 3), correction=0).add(_LEAST_VARIANCE).sqrt()


@torch.no_grad()
def _shift(bias: Tensor, shift: Tensor) -> None:
    bias.add_(shift.to(bias))


@torch.no_grad()
def _scale(factor: float, *parameters: Tensor) -> None:
    for values in parameters:
        values.mul_(factor)
