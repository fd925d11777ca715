"""Rare and frequent classes: which of the remedies is chosen, the loss it means, and what it does to probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from torch import Tensor

Kind = Literal["weights", "focal", "sampling", "adjust", "none"]

# Classes whose sizes differ by less are left as they are.
_EVEN = 1.5


@final
class Imbalance(BaseModel):
    """The remedy of a run, and the sentence that says why.

    ``gamma`` is how far the focal loss looks away from images that are right already; the others do not use it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    gamma: float = 2.0
    why: str = ""


def choose_imbalance(
    asked: Literal["auto", "weights", "focal", "sampling", "adjust", "none"],
    counts: Sequence[int],
    *,
    gamma: float = 2.0,
    batch_size: int = 32,
) -> Imbalance:
    """Resolve "auto" by the sizes of the classes.

    Weights serve while each class is met in nearly every step. A class that is rarer than that would bring no gradient
    for many steps and then one so large that it tears at everything else: its images are drawn more often instead
    (Buda, Maki & Mazurowski, "A systematic study of the class imbalance problem in convolutional neural networks",
    Neural Networks 106, 2018).

    Parameters
    ----------
    asked
        What the user wants.
    counts
        Training images of each class.
    gamma
        Of the focal loss.
    batch_size
        Images in one step.
    """
    if asked != "auto":
        return Imbalance(kind=asked, gamma=gamma, why=f"Class imbalance: {_REMEDIES[asked]}, as asked for")
    present = [count for count in counts if count > 0]
    if not present or max(present) < _EVEN * min(present):
        return Imbalance(kind="none", gamma=gamma, why=f"Class imbalance: {_REMEDIES['none']}, for the sizes are alike")
    ratio = max(present) / min(present)
    sizes = f"the largest class has {ratio:.1f} times the training images of the smallest"
    if min(present) * batch_size >= sum(present):
        return Imbalance(kind="weights", gamma=gamma, why=f"Class imbalance: {_REMEDIES['weights']}, for {sizes}")
    return Imbalance(
        kind="sampling",
        gamma=gamma,
        why=f"Class imbalance: {_REMEDIES['sampling']}, for {sizes}, which many batches of {batch_size} would not meet",
    )


_REMEDIES = {
    "weights": "images weigh by the inverse frequency of their class",
    "focal": "the focal loss looks at images that are still wrong",
    "sampling": "every class is drawn equally often",
    "adjust": "logits are adjusted by the frequencies of the classes",
    "none": "nothing is done about it",
}


def class_weights(counts: Sequence[int]) -> NDArray[np.float64]:
    """Inverse frequencies (C,), 1 on average over images; a class without an image has weight 1, which nothing uses."""
    sizes = np.asarray(counts, dtype=np.float64)
    present = sizes > 0
    weights = np.ones(len(sizes))
    weights[present] = sizes.sum() / (present.sum() * sizes[present])
    return weights


@final
@dataclass(frozen=True)
class Balance:
    """A remedy applied to a collection.

    ``counts`` are the training images of each class, (C,).
    """

    imbalance: Imbalance
    counts: tuple[int, ...]

    @classmethod
    def of(cls, imbalance: Imbalance, labels: NDArray[np.int64], classes: int) -> Balance:
        """For training labels (N,), positions among ``classes``."""
        return cls(imbalance, tuple(np.bincount(labels, minlength=classes).tolist()))

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        return class_weights(self.counts)

    @cached_property
    def _log_frequencies(self) -> NDArray[np.float64]:
        return np.log(np.maximum(self.counts, 1) / max(sum(self.counts), 1))

    def losses(self, logits: Tensor, labels: Tensor, *, validation: bool = False, smoothing: float = 0.0) -> Tensor:
        """The loss of each image (N,), weighted; to be divided by `mass` for their mean.

        With balanced sampling, validation images weigh as the classes were drawn, so that both losses mean the same.

        Parameters
        ----------
        logits
            (N, C) float32.
        labels
            (N,) class positions.
        validation
            Whether these images were drawn as they are in the collection.
        smoothing
            Share of each label that is spread over all classes (Szegedy et al., "Rethinking the Inception
            Architecture", CVPR 2016). The focal loss, which looks away from images that are right, has no use for it.
        """
        import torch
        from torch.nn.functional import cross_entropy

        if self.imbalance.kind == "adjust":
            # Menon et al., "Long-tail learning via logit adjustment", ICLR 2021: what is learned beside the frequencies
            # of the classes is what decides when each of them matters as much.
            logits = logits + torch.as_tensor(self._log_frequencies, dtype=logits.dtype, device=logits.device)
        focal = self.imbalance.kind == "focal"
        plain = cross_entropy(logits, labels, reduction="none", label_smoothing=0.0 if focal else smoothing)
        if focal:
            # Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017; over C classes as in its softmax form.
            # expm1 keeps the gradient alive where the probability of the right class rounds to one.
            plain = (-torch.expm1(-plain)).clamp_min(1e-12).pow(self.imbalance.gamma) * plain
        return plain * self._of_images(labels, validation=validation)

    def mass(self, labels: Tensor, *, validation: bool = False) -> float:
        """What the sum of `losses` is divided by: the sum of the weights."""
        return float(self._of_images(labels, validation=validation).sum())

    def weights_of(self, labels: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """Weights of training images (N,), where steps would weigh them or draw them more often; else None."""
        return self._weights[labels] if self.imbalance.kind in ("weights", "sampling") else None

    def _of_images(self, labels: Tensor, *, validation: bool) -> Tensor:
        import torch

        if self.imbalance.kind == "weights" or (self.imbalance.kind == "sampling" and validation):
            return torch.as_tensor(self._weights, dtype=torch.float32, device=labels.device)[labels]
        return torch.ones(len(labels), device=labels.device)

    def order(self, random: np.random.Generator, labels: NDArray[np.int64]) -> NDArray[np.int64]:
        """Positions of the images of one epoch, in random order, as many as there are labels (N,).

        With balanced sampling every class has the same share, up to one image. A class is gone through completely
        before any image of it comes again.
        """
        if self.imbalance.kind != "sampling":
            return random.permutation(len(labels))
        present = [np.flatnonzero(labels == label) for label in range(len(self.counts))]
        present = [positions for positions in present if len(positions)]
        share, rest = divmod(len(labels), len(present))
        lucky = random.permutation(len(present)) < rest
        drawn = []
        for positions, one_more in zip(present, lucky, strict=True):
            wanted = share + int(one_more)
            rounds = -(-wanted // len(positions))
            drawn.append(np.concatenate([random.permutation(positions) for _ in range(rounds)])[:wanted])
        return random.permutation(np.concatenate(drawn))

    def logit_shift(self) -> NDArray[np.float64] | None:
        """What to add to the logits (C,) after training, so that probabilities speak of the collection's frequencies.

        Weights and balanced sampling both learn posteriors under equal frequencies; Bayes' rule gives the real ones
        back as a constant per class (Saerens, Latinne & Decaestecker, Neural Computation 14, 2002). The focal loss
        sees the frequencies as they are. Adjusted logits are left alone: who asks for them wants every class to matter
        as much.
        """
        if self.imbalance.kind not in ("weights", "sampling"):
            return None
        return -np.log(self._weights)

    def logit_scale(self) -> float:
        """What to multiply the logits by after training.

        The focal loss is least at probabilities that are too modest. The true log odds are a known function of the
        learned ones (Charoenphakdee et al., "On Focal Loss for Class-Posterior Probability Estimation", CVPR 2021),
        for two classes within a thousandth a line; this is its slope at even odds. With more classes it is close, and
        the temperature does the rest.
        """
        gamma, log2 = self.imbalance.gamma, math.log(2)
        if self.imbalance.kind != "focal":
            return 1.0
        return 1 + gamma * (2 + (gamma - 2) * log2) / (1 + gamma * log2)
