"""Networks made ready to run: as fast as can be, never different."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from lince.models import CATALOG, build
from lince.models.folding import ready_to_run
from lince.models.heads import LinearHead
from lince.models.network import Network

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lince.models.folding.inference_dtype", lambda *_: torch.float32)


def lively(network: Network) -> Network:
    """Batch normalisation as after training: no statistic at its starting value."""
    generator = torch.Generator().manual_seed(1)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.copy_(torch.randn(layer.num_features, generator=generator) * 0.3)
            layer.running_var.copy_(torch.rand(layer.num_features, generator=generator) + 0.5)
            nn.init.uniform_(layer.weight, 0.7, 1.3, generator=generator)
            nn.init.uniform_(layer.bias, -0.2, 0.2, generator=generator)
    return network


def count(network: Network, kind: type[nn.Module]) -> int:
    return sum(isinstance(layer, kind) for layer in network.modules())


def pixels(network: Network, size: int) -> Tensor:
    shape = (4, size, size, network.mean.shape[1])
    return torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(9)).to(torch.uint8)


@pytest.mark.parametrize(("name", "size"), [("small-cnn", 64), ("efficientnet-lite0", 96)])
@torch.no_grad()
def test_folding_gives_the_same_logits(name: str, size: int) -> None:
    entry = CATALOG[name]
    network = build(entry, 3, entry.image_spec(size))
    if name == "small-cnn":
        lively(network)
    nn.init.normal_(network.head.linear.weight, std=0.1)
    network.train()
    kept = {key: value.clone() for key, value in network.state_dict().items()}
    fast = ready_to_run(network, size=size, device=CPU)
    assert count(network, nn.BatchNorm2d) > count(fast, nn.BatchNorm2d) == 0
    assert not fast.training
    assert network.training  # the original is untouched
    assert all(torch.equal(value, kept[key]) for key, value in network.state_dict().items())
    images = pixels(network, size)
    torch.testing.assert_close(fast(images), network.eval()(images), rtol=1e-3, atol=1e-3)


class Backwards(nn.Module):
    """Declares convolution, then normalisation, and runs them the other way round."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, channels, 3, padding=1)
        self.normalisation = nn.BatchNorm2d(channels)

    def forward(self, values: Tensor) -> Tensor:
        return self.convolution(self.normalisation(values).relu())


@torch.no_grad()
def test_layers_that_run_in_another_order_are_left_alone() -> None:
    torch.manual_seed(0)
    network = lively(
        Network(nn.Sequential(Backwards(3)), LinearHead(3, 2), taps=(0,), mean=[127.0] * 3, std=[64.0] * 3)
    )
    nn.init.normal_(network.head.linear.weight)
    fast = ready_to_run(network, size=32, device=CPU)
    assert count(fast, nn.BatchNorm2d) == 1
    images = pixels(network, 32)
    torch.testing.assert_close(fast(images), network.eval()(images), rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_normalisation_of_other_channels_is_not_folded() -> None:
    stages = nn.Sequential(nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU(), nn.BatchNorm2d(8)))
    fast = ready_to_run(
        lively(Network(stages, LinearHead(8, 2), taps=(0,), mean=[127.0] * 3, std=[64.0] * 3)), size=16, device=CPU
    )
    assert count(fast, nn.BatchNorm2d) == 1


@torch.no_grad()
def test_the_stages_take_the_fast_type_and_the_head_stays_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lince.models.folding.inference_dtype", lambda *_: torch.bfloat16)
    entry = CATALOG["small-cnn"]
    network = lively(build(entry, 2, entry.image_spec()))
    fast = ready_to_run(network, size=64, device=CPU)
    assert {value.dtype for value in fast.stages.parameters()} == {torch.bfloat16}
    assert {value.dtype for value in fast.head.parameters()} == {torch.float32}
    images = pixels(network, 64)
    found, expected = fast(images), network.eval()(images)
    assert found.dtype == torch.float32
    assert not torch.equal(found, expected)
    torch.testing.assert_close(found.softmax(1), expected.softmax(1), atol=0.02, rtol=0)


def test_nothing_of_the_copy_can_be_trained_by_mistake() -> None:
    entry = CATALOG["small-cnn"]
    network = build(entry, 2, entry.image_spec())
    fast = ready_to_run(network, size=64, device=CPU)
    assert not any(value.requires_grad for value in fast.head.parameters())
    assert all(value.requires_grad for value in network.parameters())
