"""Several networks as one: the same logits as each alone, what they share run once."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import nn

from lince.explain import grad_cam
from lince.models import build, entry_for
from lince.models.ensemble import (
    Ensemble,
    Member,
    average_linear_heads,
    build_ensemble,
    common_stages,
    group_of,
    member_pixels,
)
from lince.models.folding import ready_to_run
from lince.models.heads import LinearHead
from lince.models.network import Network
from lince.models.precision import best_device

CLASSES = 3


def tiny(seed: int, *, stem: nn.Module | None = None) -> Network:
    """Two convolutions and a linear head that reads both maps."""
    torch.manual_seed(seed)
    stages = nn.Sequential(
        copy.deepcopy(stem) if stem is not None else nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU()),
        nn.Sequential(nn.Conv2d(4, 5, 3, stride=2, padding=1), nn.ReLU()),
    )
    head = LinearHead(9, CLASSES)
    nn.init.normal_(head.linear.weight)
    nn.init.normal_(head.linear.bias)
    head.feature_mean.copy_(torch.randn(9))
    head.feature_std.copy_(torch.rand(9) + 0.5)
    return Network(stages, head, taps=(0, 1), mean=(100.0,), std=(50.0,), pretrained=True).eval()


def images(count: int = 4, side: int = 32, channels: int = 1) -> torch.Tensor:
    random = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, side, side, channels), generator=random).to(torch.uint8)


def together(groups: Sequence[tuple[Sequence[Network], int, bool, float]], channels: int = 1) -> Ensemble:
    made = [group_of(networks, side=side, mirrored=mirrored) for networks, side, mirrored, _ in groups]
    shares = [share for *_, share in groups]
    return Ensemble([group for group, _ in made], [heads for _, heads in made], shares, channels=channels).eval()


@torch.no_grad()
@pytest.mark.parametrize("mirrored", [False, True])
def test_logits_are_the_weighted_average_of_the_members(mirrored: bool) -> None:
    one, two = [tiny(1), tiny(2)], [build_small(3), build_small(4), build_small(5)]
    whole = together([(one, 32, mirrored, 0.5), (two, 16, mirrored, 2.0)])
    pixels = images()
    expected = torch.zeros(4, CLASSES)
    for networks, side, share in ((one, 32, 0.5), (two, 16, 2.0)):
        views = [pixels, pixels.flip(2)] if mirrored else [pixels]
        logits = [network(member_pixels(view, side, 1)) for network in networks for view in views]
        expected += share * torch.stack(logits).mean(0)
    torch.testing.assert_close(whole(pixels), expected, rtol=1e-4, atol=1e-4)
    assert (expected - expected[0]).abs().max() > 1e-3, "the images are told apart"


def build_small(seed: int) -> Network:
    torch.manual_seed(seed)
    entry = entry_for("small-cnn")
    return build(entry, CLASSES, entry.image_spec(16)).eval()


@torch.no_grad()
def test_what_is_shared_is_kept_once() -> None:
    stem = tiny(1).stages[0]
    networks = [tiny(seed, stem=stem) for seed in (2, 3, 4)]
    assert common_stages(networks) == 1
    whole = together([(networks, 32, False, 1.0)])
    alone = sum(value.numel() for value in networks[0].state_dict().values())
    inside = sum(value.numel() for value in whole.state_dict().values())
    stem_numbers = sum(value.numel() for value in stem.state_dict().values())
    assert inside == 3 * alone - 2 * stem_numbers + 1  # and one share
    expected = torch.stack([network(images()) for network in networks]).mean(0)
    torch.testing.assert_close(whole(images()), expected, rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_linear_heads_on_one_frozen_network_become_one() -> None:
    first = tiny(1)
    networks = [copy.deepcopy(first) for _ in range(3)]
    for seed, network in enumerate(networks):
        network.head = tiny(10 + seed).head
    assert common_stages(networks) == 2
    whole = together([(networks, 32, False, 1.0)])
    assert [len(list(heads)) for heads in whole.head.groups] == [1]
    expected = torch.stack([network(images()) for network in networks]).mean(0)
    torch.testing.assert_close(whole(images()), expected, rtol=1e-4, atol=1e-4)
    assert average_linear_heads([network.head for network in networks]).linear.weight is not first.head.linear.weight


@torch.no_grad()
def test_from_facts_and_weights_alone_it_is_the_same_again() -> None:
    networks = [build_small(1), build_small(2)]
    whole = together([(networks, 16, True, 0.7)])
    entry = entry_for("small-cnn")
    member = Member("small-cnn", None, 16, 2, 0, True, 0.7)
    again = build_ensemble({"members": [member.plain()]}, CLASSES, entry.image_spec(32)).eval()
    assert not torch.equal(again(images()), whole(images()))
    again.load_state_dict(whole.state_dict())
    assert torch.equal(again(images()), whole(images()))


def test_made_ready_to_run_it_gives_the_same_and_can_be_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINCE_PRECISION", "float32")
    whole = together([([build_small(1), build_small(2)], 16, True, 1.0), ([tiny(1)], 32, False, 1.0)])
    device = best_device()
    fast = ready_to_run(whole, size=32, device=device)
    pixels = images().to(device)
    with torch.inference_mode():
        maps = fast.maps(pixels)
        logits = fast.head(*maps).cpu()
        torch.testing.assert_close(logits, whole(images()), rtol=1e-3, atol=1e-3)
    heat = grad_cam(fast.head, maps, [0, 1, 2, 0])
    assert heat.shape == (4, 32, 32)
    assert heat.max() == pytest.approx(1.0)


def test_a_network_that_sees_both_mirror_images_looks_at_the_same_place() -> None:
    """The heat map of the mirrored image is the mirrored heat map."""
    whole = together([([build_small(1)], 16, True, 1.0)])
    pixels = images(side=16)
    with torch.inference_mode():
        straight, turned = whole.maps(pixels), whole.maps(pixels.flip(2))
    classes = [0, 1, 2, 0]
    straight_heat, turned_heat = grad_cam(whole.head, straight, classes), grad_cam(whole.head, turned, classes)
    np.testing.assert_allclose(turned_heat, straight_heat[:, :, ::-1], atol=1e-4)
    assert np.abs(straight_heat - straight_heat[:, :, ::-1]).max() > 0.05


def test_members_see_the_common_image_at_their_own_size() -> None:
    pixels = torch.zeros(1, 8, 8, 1, dtype=torch.uint8)
    pixels[:, :, 4:] = 200
    assert member_pixels(pixels, 8, 1) is pixels
    small = member_pixels(pixels, 4, 1)
    assert small.dtype == torch.uint8
    assert small[0, 0, :, 0].tolist()[0] == 0
    assert small[0, 0, :, 0].tolist()[3] == 200
    fine = torch.arange(64, dtype=torch.uint8).view(1, 8, 8, 1)
    assert abs(float(member_pixels(fine, 2, 1).float().mean()) - 31.5) < 1.0, "averaged, not picked"
    assert member_pixels(pixels, 4, 3).shape == (1, 4, 4, 3)
    red = torch.zeros(1, 4, 4, 3, dtype=torch.uint8)
    red[..., 0] = 255
    assert member_pixels(red, 4, 1).unique().tolist() == [76]
