"""Heat maps of heads whose evidence is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lince.explain import grad_cam, grad_cam_plus_plus
from lince.models.heads import DenseHead, LinearHead


def linear_head(weights: list[list[float]], bias: float = 0.0) -> LinearHead:
    """Logits are ``weights`` times the averages of the maps."""
    head = LinearHead(len(weights[0]), len(weights))
    with torch.no_grad():
        head.linear.weight.copy_(torch.tensor(weights))
        head.linear.bias.fill_(bias)
    return head.eval().requires_grad_(False)


def corner(channel: int, *, channels: int = 2, size: int = 4, at: tuple[int, int] = (0, 0)) -> Tensor:
    """One image whose ``channel`` speaks at one place."""
    values = torch.zeros(1, channels, size, size)
    values[0, channel, at[0], at[1]] = 1.0
    return values


def test_the_evidence_stands_where_it_was_put() -> None:
    head = linear_head([[1.0, 0.0], [0.0, 1.0]])
    maps = torch.cat([corner(0, at=(0, 3)), corner(1, at=(2, 1))])
    heat = grad_cam(head, [maps], [0, 1])
    assert heat.shape == (2, 4, 4)
    assert heat.dtype == np.float32
    expected = np.zeros((2, 4, 4))
    expected[0, 0, 3] = expected[1, 2, 1] = 1.0
    np.testing.assert_allclose(heat, expected, atol=1e-6)


def test_zero_where_nothing_speaks_for_the_class() -> None:
    head = linear_head([[1.0, 0.0], [-1.0, 0.0]])
    heat = grad_cam(head, [corner(0).repeat(2, 1, 1, 1)], [0, 1])
    assert heat[0].max() == 1.0
    assert not heat[1].any()


def test_evidence_against_takes_away() -> None:
    head = linear_head([[1.0, -1.0], [0.0, 0.0]])
    maps = torch.zeros(1, 2, 2, 2)
    maps[0, 0] = torch.tensor([[4.0, 1.0], [2.0, 0.0]])
    maps[0, 1] = torch.tensor([[0.0, 3.0], [1.0, 1.0]])
    np.testing.assert_allclose(grad_cam(head, [maps], [0])[0], [[1.0, 0.0], [0.25, 0.0]], atol=1e-6)


def test_maps_of_two_sizes_are_added_on_the_finest_and_weigh_the_same() -> None:
    head = linear_head([[1.0, 1.0], [0.0, 0.0]])
    fine, coarse = torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 2, 2)
    fine[0, 0, 7, 7] = 1.0
    coarse[0, 0, 0, 0] = 1.0
    heat = grad_cam(head, [fine, coarse], [0])[0]
    assert heat.shape == (8, 8)
    # Each map has one unit of evidence in one place; both places are as hot.
    assert heat[7, 7] == pytest.approx(heat[0, 0], abs=1e-6) == pytest.approx(1.0, abs=1e-6)
    assert heat[0, 7] == heat[7, 0] == 0.0
    alone = grad_cam(linear_head([[0.0, 1.0], [0.0, 0.0]]), [fine, coarse], [0])[0]
    assert alone[7, 7] == 0.0
    assert alone[0, 0] == 1.0


def test_the_order_of_sizes_does_not_matter() -> None:
    torch.manual_seed(0)
    fine, coarse = torch.rand(2, 3, 6, 6), torch.rand(2, 5, 3, 3)
    weights = torch.randn(2, 8)
    swapped = torch.cat([weights[:, 3:], weights[:, :3]], dim=1)
    one = grad_cam(linear_head(weights.tolist()), [fine, coarse], [0, 1])
    two = grad_cam(linear_head(swapped.tolist()), [coarse, fine], [0, 1])
    np.testing.assert_allclose(one, two, atol=1e-5)


def test_a_dense_head_on_one_map() -> None:
    torch.manual_seed(1)
    head = DenseHead(2, 4, 2, width=8).eval().requires_grad_(False)
    maps = torch.rand(3, 2, 4, 4)
    heat = grad_cam(head, [maps], [0, 1, 0])
    values = maps.clone().requires_grad_()
    logits = head(values)
    (gradient,) = torch.autograd.grad(logits[0, 0] + logits[1, 1] + logits[2, 0], values)
    by_hand = (gradient * maps).sum(1).relu().detach().numpy()
    by_hand /= np.maximum(by_hand.max((1, 2), keepdims=True), 1e-12)
    np.testing.assert_allclose(heat, by_hand, atol=1e-5)


def test_tensors_of_an_inference_pass_in_bf16_are_taken() -> None:
    head = linear_head([[1.0, 0.0], [0.0, 1.0]])
    with torch.inference_mode():
        maps = corner(1, at=(3, 0)).to(torch.bfloat16)
        heat = grad_cam(head, [maps], [1])
    assert np.unravel_index(heat[0].argmax(), (4, 4)) == (3, 0)


def test_the_head_is_left_as_it_was() -> None:
    head = linear_head([[1.0, 0.0], [0.0, 1.0]])
    before = {name: value.clone() for name, value in head.state_dict().items()}
    maps = corner(0)
    grad_cam(head, [maps], [0])
    assert maps.grad is None
    assert all(parameter.grad is None for parameter in head.parameters())
    assert all(torch.equal(before[name], value) for name, value in head.state_dict().items())
    assert not [m for m in head.modules() if m._forward_hooks or m._forward_pre_hooks]


def test_any_module_will_do() -> None:
    class Sum(nn.Module):
        def forward(self, values: Tensor) -> Tensor:
            return values.sum((2, 3))

    assert grad_cam(Sum(), [corner(0, at=(1, 1))], [0])[0, 1, 1] == 1.0


def test_the_same_as_captum_where_the_head_averages() -> None:
    from captum.attr import LayerGradCam

    torch.manual_seed(2)
    head, maps = linear_head(torch.randn(3, 6).tolist()), torch.randn(4, 6, 5, 7)
    classes = [2, 0, 1, 1]

    class Tail(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.enter, self.head = nn.Identity(), head

        def forward(self, values: Tensor) -> Tensor:
            return self.head(self.enter(values))

    tail = Tail()
    theirs = LayerGradCam(tail, tail.enter).attribute(maps.clone().requires_grad_(), target=classes)
    expected = theirs.detach()[:, 0].relu()
    expected /= expected.amax((1, 2), keepdim=True)
    np.testing.assert_allclose(grad_cam(head, [maps], classes), expected.numpy(), atol=1e-5)


def test_plus_plus_is_equation_19_of_the_paper() -> None:
    torch.manual_seed(3)
    head, maps = DenseHead(4, 5, 2, width=8).eval().requires_grad_(False), torch.rand(2, 4, 5, 5)
    values = maps.clone().requires_grad_()
    (slope,) = torch.autograd.grad(head(values)[:, 1].sum(), values)
    expected = np.zeros((2, 5, 5))
    for image in range(2):
        for channel in range(4):
            activation, g = maps[image, channel].numpy(), slope[image, channel].numpy()
            positive = g > 0
            alpha = g[positive] ** 2 / (2 * g[positive] ** 2 + activation.sum() * g[positive] ** 3)
            expected[image] += (alpha * g[positive]).sum() * activation
    expected /= expected.max((1, 2), keepdims=True)
    np.testing.assert_allclose(grad_cam_plus_plus(head, [maps], [1, 1]), expected, atol=1e-4)


def test_plus_plus_lights_a_small_region_where_grad_cam_prefers_the_large_one() -> None:
    head = linear_head([[1.0, 1.0], [0.0, 0.0]])
    maps = torch.zeros(1, 2, 8, 8)
    maps[0, 0, :6, :6] = 40.0  # a channel that fills most of the map
    maps[0, 1, 7, 7] = 20.0  # and one at a single place
    plain, plus = grad_cam(head, [maps], [0])[0], grad_cam_plus_plus(head, [maps], [0])[0]
    assert plain[7, 7] == pytest.approx(0.5)
    assert plus[7, 7] > plain[7, 7] + 0.2


def test_plus_plus_without_anything_for_the_class_is_empty_and_finite() -> None:
    head = linear_head([[-1.0, -2.0], [0.0, 0.0]])
    maps = torch.randn(1, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    heat = grad_cam_plus_plus(head, [maps], [0])
    assert np.isfinite(heat).all()
    assert not heat.any()
