"""Several trained networks as one: what they share runs once, and their logits are averaged.

A model of the cross-validation exists once per fold. The folds start from one pretrained network, so the stages that
training left alone are the same in all of them: they are kept and run once, and only what differs branches off.
Linear heads on one frozen network even become a single linear head, since an average of linear functions is linear.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from lince.core.errors import ConfigError
from lince.imaging import ImageSpec
from lince.models.heads import Head, KernelHead, LinearHead
from lince.models.network import Network

NAME = "ensemble"
# Rec. 601, as `ImageSpec` makes grey of colour.
_LUMA = (0.299, 0.587, 0.114)


def member_pixels(pixels: Tensor, side: int, channels: int) -> Tensor:
    """The common image as a member sees it; training and serving both call this, so they cannot differ.

    Parameters
    ----------
    pixels
        (N, S, S, C) uint8; or float of 0..255, which is left unrounded so that it can be differentiated.
    side, channels
        What the member wants; shrinking averages over the pixels that fall together.

    Returns
    -------
    Tensor
        (N, side, side, channels), of the type that was given.
    """
    if pixels.shape[3] == 3 and channels == 1:
        luma = torch.tensor(_LUMA, device=pixels.device)
        pixels = _whole_levels(pixels.float() @ luma, pixels.dtype)[..., None]
    elif pixels.shape[3] == 1 and channels == 3:
        pixels = pixels.expand(-1, -1, -1, 3)
    if pixels.shape[1] == side:
        return pixels
    planes = pixels.permute(0, 3, 1, 2).float()
    sized = functional.interpolate(planes, size=(side, side), mode="bilinear", antialias=True)
    return _whole_levels(sized, pixels.dtype).permute(0, 2, 3, 1)


def _whole_levels(values: Tensor, wanted: torch.dtype) -> Tensor:
    return values if wanted.is_floating_point else values.round_().clamp_(0, 255).to(wanted)


@final
class Group(nn.Module):
    """Networks of one kind that see images of one size: shared stages, then a branch for each.

    Parameters
    ----------
    networks
        At least one; equal but for their weights.
    shared
        How many of the first stages are the same in all of them.
    side
        Of the image that they see.
    mirrored
        Whether they look at the mirror image too.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, networks: Sequence[Network], *, shared: int, side: int, mirrored: bool = False) -> None:
        super().__init__()
        first = networks[0]
        self.trunk = nn.Sequential(*list(first.stages)[:shared])
        self.branches = nn.ModuleList(nn.Sequential(*list(network.stages)[shared:]) for network in networks)
        self.taps, self.shared, self.side, self.mirrored = first.taps, shared, side, mirrored
        self.register_buffer("mean", first.mean.clone(), persistent=False)
        self.register_buffer("std", first.std.clone(), persistent=False)

    @property
    def layout(self) -> Layout:
        """How the maps that it gives are ordered."""
        passed = sum(tap < self.shared for tap in self.taps)
        return Layout(2 if self.mirrored else 1, len(self.branches), passed, len(self.taps) - passed)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """(N, S, S, C) uint8 to maps (N, D, h, w), in the order of `layout`.

        Maps of the mirror image are mirrored back: what they show lies where it lies in the image.
        """
        own = member_pixels(pixels, self.side, int(self.mean.shape[1]))
        if self.mirrored:
            own = torch.cat([own, own.flip(2)])
        planes = (own.permute(0, 3, 1, 2).float() - self.mean) / self.std
        values = planes.to(next(self.parameters()).dtype)
        found = []
        for number, stage in enumerate(self.trunk):
            values = stage(values)
            if number in self.taps:
                found.append(values)
        for branch in self.branches:
            branched = values
            for number, stage in enumerate(branch.children(), self.shared):
                branched = stage(branched)
                if number in self.taps:
                    found.append(branched)
        if not self.mirrored:
            return found
        halves = [one.chunk(2) for one in found]
        return [one for one, _ in halves] + [other.flip(3) for _, other in halves]


class Layout(NamedTuple):
    """The maps of a group: for each view those of the shared stages, then those of each branch."""

    views: int
    branches: int
    passed: int
    own: int

    @property
    def maps(self) -> int:
        """How many there are."""
        return self.views * (self.passed + self.branches * self.own)


@final
class EnsembleHead(nn.Module):
    """From the maps of all groups to the weighted average of the members' logits."""

    shares: Tensor

    def __init__(self, heads: Sequence[Sequence[Head]], layouts: Sequence[Layout], shares: Sequence[float]) -> None:
        super().__init__()
        self.groups = nn.ModuleList(nn.ModuleList(group) for group in heads)
        self.layouts = tuple(layouts)
        self.features = heads[0][0].features
        self.register_buffer("shares", torch.tensor(shares, dtype=torch.float32))

    def each(self, *maps: Tensor) -> list[Tensor]:
        """Logits of each member by itself: for each group (views, branches, N, classes) float32."""
        rest, found = list(maps), []
        for heads, layout in zip(self.groups, self.layouts, strict=True):
            views = []
            per_view = layout.maps // layout.views
            for view in range(layout.views):
                mine, rest = rest[:per_view], rest[per_view:]
                if view == 1:
                    mine = [one.flip(3) for one in mine]
                passed, own = mine[: layout.passed], mine[layout.passed :]
                views.append(
                    torch.stack(
                        [
                            head(*passed, *own[number * layout.own : (number + 1) * layout.own]).float()
                            for number, head in enumerate(heads.children())
                        ]
                    )
                )
            found.append(torch.stack(views))
        return found

    def embed(self, *maps: Tensor) -> Tensor:
        """Maps to the embedding (N, D) of the first branch of the first group, without its mirror image."""
        layout = self.layouts[0]
        first: Head = self.groups[0][0]  # type: ignore[index]
        return first.embed(*maps[: layout.passed + layout.own])

    def forward(self, *maps: Tensor) -> Tensor:
        """Maps (N, D, h, w) to (N, classes)."""
        means = torch.stack([logits.mean(dim=(0, 1)) for logits in self.each(*maps)])
        return (self.shares.view(-1, 1, 1) * means).sum(0)


@final
class Ensemble(nn.Module):
    """A network like any other, `Network`'s twin where it is run: ``maps``, ``head``, uint8 images in, logits out."""

    mean: Tensor

    def __init__(
        self, groups: Sequence[Group], heads: Sequence[Sequence[Head]], shares: Sequence[float], *, channels: int
    ) -> None:
        super().__init__()
        self.stages = nn.ModuleList(groups)
        self.head = EnsembleHead(heads, [group.layout for group in groups], shares)
        # How many channels the common image has; the members normalise by themselves.
        self.register_buffer("mean", torch.zeros(1, channels, 1, 1), persistent=False)

    def maps(self, pixels: Tensor) -> list[Tensor]:
        """(N, S, S, C) uint8 to the feature maps (N, D, h, w) of all members."""
        return [found for group in self.stages for found in group(pixels)]

    def forward(self, pixels: Tensor) -> Tensor:
        """(N, S, S, C) uint8 to (N, classes) float32 logits."""
        logits: Tensor = self.head(*self.maps(pixels))
        return logits.float()


class Member(NamedTuple):
    """What is known of a group before it is built: ``model`` and ``facts`` name the network in the catalog.

    ``landmarks`` is how many the heads have, one number for all or one for each; a linear head has none.
    """

    model: str
    facts: Mapping[str, Any] | None
    size: int
    branches: int
    shared: int
    mirrored: bool
    share: float
    landmarks: int | Sequence[int] = 0

    @property
    def landmarks_of_heads(self) -> Sequence[int]:
        """How many each head has."""
        return [self.landmarks] * self.branches if isinstance(self.landmarks, int) else self.landmarks

    def plain(self) -> dict[str, Any]:
        """As the bundle keeps it."""
        return {**self._asdict(), "facts": dict(self.facts) if self.facts else None}


def common_stages(networks: Sequence[Network]) -> int:
    """How many of the first stages have the same weights in all networks."""
    first = networks[0]
    for number, stage in enumerate(first.stages):
        known = stage.state_dict()
        for other in networks[1:]:
            twin = other.stages[number].state_dict()
            if any(not torch.equal(value, twin[name]) for name, value in known.items()):
                return number
    return len(first.stages)


def average_linear_heads(heads: Sequence[LinearHead]) -> LinearHead:
    """One linear head whose logits are the average of theirs.

    Each computes ``W (x - mean) / std + b``. Around the average mean and deviation that is again a linear layer.
    """
    count = len(heads)
    merged = copy.deepcopy(heads[0])
    mean = torch.stack([head.feature_mean.double() for head in heads]).mean(0)
    std = torch.stack([head.feature_std.double() for head in heads]).mean(0)
    slope = torch.zeros_like(heads[0].linear.weight, dtype=torch.float64)
    offset = torch.zeros_like(heads[0].linear.bias, dtype=torch.float64)
    for head in heads:
        own = head.linear.weight.detach().double() / head.feature_std.double()
        slope += own / count
        offset += (head.linear.bias.detach().double() + own @ (mean - head.feature_mean.double())) / count
    with torch.no_grad():
        merged.feature_mean.copy_(mean)
        merged.feature_std.copy_(std)
        merged.linear.weight.copy_(slope * std)
        merged.linear.bias.copy_(offset)
    return merged


def group_of(networks: Sequence[Network], *, side: int, mirrored: bool) -> tuple[Group, list[Head]]:
    """The networks as a group with its heads; where all stages are shared, linear heads are merged into one."""
    shared = common_stages(networks)
    linear = [network.head for network in networks if isinstance(network.head, LinearHead)]
    if shared == len(networks[0].stages) and len(linear) == len(networks):
        return Group(networks[:1], shared=shared, side=side, mirrored=mirrored), [average_linear_heads(linear)]
    return Group(networks, shared=shared, side=side, mirrored=mirrored), [network.head for network in networks]


def build_ensemble(facts: Mapping[str, Any], classes: int, spec: ImageSpec) -> Ensemble:
    """The shape of an ensemble with random weights, to be loaded from a bundle.

    Raises
    ------
    ConfigError
        The facts do not describe an ensemble.
    """
    from lince.models.catalog import build, entry_for

    groups, heads, shares = [], [], []
    for known in facts["members"]:
        member = Member(**known)
        entry = entry_for(member.model, member.facts)
        if member.model == NAME or member.branches < 1 or len(member.landmarks_of_heads) != member.branches:
            raise ConfigError("This does not describe a member of an ensemble", received=known)
        base = build(entry, classes, entry.image_spec(member.size), pretrained=False)
        networks = [
            copy.deepcopy(base).with_head(KernelHead(base.head.features, classes, count))
            if count
            else copy.deepcopy(base)
            for count in member.landmarks_of_heads
        ]
        groups.append(Group(networks, shared=member.shared, side=member.size, mirrored=member.mirrored))
        heads.append([network.head for network in networks])
        shares.append(member.share)
    return Ensemble(groups, heads, shares, channels=spec.channels)
