"""Backbones of the transformers library, saved on disk: no network is needed."""

from __future__ import annotations

import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lince.core.errors import ConfigError, LinceError, ModelUnavailableError
from lince.models import build, entry_for
from lince.models.folding import ready_to_run
from lince.models.hub import HubStages, split_name


def save(kind: str, folder: Path, *, side: int = 32) -> str:
    """A tiny model of a family, made for images of this side, with its processor, as ``hf:FOLDER``."""
    from transformers import LevitConfig, LevitModel, ResNetConfig, ResNetModel, ViTConfig, ViTModel

    torch.manual_seed(4)
    if kind == "resnet":
        config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1], layer_type="basic")
        model = ResNetModel(config)
    elif kind == "levit":  # its attention is bound to one number of patches
        config = LevitConfig(
            image_size=side, hidden_sizes=[16, 24, 32], num_attention_heads=[1, 2, 2], depths=[1, 1, 1], key_dim=[4] * 3
        )
        model = LevitModel(config)
    else:
        config = ViTConfig(
            hidden_size=16,
            num_hidden_layers=4,
            num_attention_heads=2,
            intermediate_size=32,
            image_size=side,
            patch_size=8,
        )
        model = ViTModel(config)
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(
        '{"image_processor_type": "ViTImageProcessor", "image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.25, 0.3],'
        f' "size": {{"height": {side}, "width": {side}}}}}'
    )
    return f"hf:{folder}"


@pytest.fixture(scope="module", params=["resnet", "vit"])
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return request.param, save(request.param, tmp_path_factory.mktemp(request.param) / "tiny")


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def pixels(side: int = 32) -> torch.Tensor:
    return torch.randint(0, 256, (2, side, side, 3), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


def test_facts_come_from_the_folder(saved: tuple[str, str]) -> None:
    kind, name = saved
    entry = entry_for(name)
    facts = dict(entry.facts or {})
    assert entry.pretrained
    assert (entry.size, entry.channels) == (32, 3)
    assert entry.mean == pytest.approx((127.5, 102.0, 76.5))
    assert entry.std == pytest.approx((51.0, 63.75, 76.5))
    assert facts["config"]["model_type"] == kind
    assert facts["repository"] == "tiny"  # not the path: the bundle may travel


def test_built_run_and_rebuilt_from_facts_alone(saved: tuple[str, str], tmp_path: Path) -> None:
    import json

    kind, name = saved
    entry = entry_for(name)
    spec = entry.image_spec()
    network = build(entry, 2, spec).eval()
    side = {"resnet": 1, "vit": 4}[kind]
    with torch.inference_mode():
        (feature_map,) = network.maps(pixels())
        logits = network(pixels())
    assert feature_map.shape == (2, {"resnet": 32, "vit": 16}[kind], side, side)
    assert logits.shape == (2, 2)
    # What a bundle keeps is JSON, and enough on another machine, where there is no such folder.
    facts = json.loads(json.dumps(entry.facts))
    elsewhere = entry_for("hf:/nowhere/tiny", facts)
    again = build(elsewhere, 2, elsewhere.image_spec(), pretrained=False).eval()
    assert elsewhere.image_spec().hash == spec.hash
    again.load_state_dict(network.state_dict())
    with torch.inference_mode():
        torch.testing.assert_close(again(pixels()), logits)


def test_the_weights_are_those_of_the_folder(saved: tuple[str, str]) -> None:
    _, name = saved
    entry = entry_for(name)
    first, second = (build(entry, 2, entry.image_spec()).stages.state_dict() for _ in range(2))
    assert all(torch.equal(value, second[key]) for key, value in first.items())


@torch.no_grad()
def test_ready_to_run_gives_the_same_logits(saved: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lince.models.folding.inference_dtype", lambda *_: torch.float32)
    _, name = saved
    entry = entry_for(name)
    network = build(entry, 2, entry.image_spec()).eval()
    fast = ready_to_run(network, size=32, device=torch.device("cpu"))
    torch.testing.assert_close(fast(pixels()), network(pixels()), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("stages", [True, False])
def test_in_pieces_or_in_one_it_gives_the_same_map(saved: tuple[str, str], stages: bool) -> None:
    """Embeddings, four layers and what makes a map; bundles of before have one piece."""
    from transformers import AutoModel

    _, name = saved
    entry = entry_for(name)
    entry = replace(entry, facts={**(entry.facts or {}), "stages": stages})
    network = build(entry, 2, entry.image_spec()).eval()
    assert len(network.stages) == (6 if stages else 1)
    with torch.inference_mode():
        (found,) = network.maps(pixels())
        whole = AutoModel.from_pretrained(name.removeprefix("hf:")).eval()
        (expected,) = [HubStages(whole)(network.normalise(pixels()))]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_cut_anywhere_the_logits_are_those_of_the_whole(saved: tuple[str, str]) -> None:
    _, name = saved
    entry = entry_for(name)
    network = build(entry, 2, entry.image_spec()).eval()
    torch.nn.init.normal_(network.head.linear.weight)
    with torch.inference_mode():
        for boundary in range(1, len(network.stages)):
            values, passed = network.run_stages(network.normalise(pixels()), stop=boundary)
            assert passed == []
            late = network.finish(values, values.new_zeros(2, 0), start=boundary)
            torch.testing.assert_close(late, network(pixels()), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("stages", [True, False])
def test_images_of_another_size_are_seen_whole_and_in_pieces(saved: tuple[str, str], stages: bool) -> None:
    import json

    from transformers import AutoModel

    kind, name = saved
    entry = entry_for(name)
    entry = replace(entry, facts={**(entry.facts or {}), "stages": stages})
    network = build(entry, 2, entry.image_spec(48)).eval()
    torch.nn.init.normal_(network.head.linear.weight)
    assert len(network.stages) == (6 if stages else 1)
    more = {"resnet": {}, "vit": {"interpolate_pos_encoding": True}}[kind]
    with torch.inference_mode():
        (found,) = network.maps(pixels(48))
        whole = AutoModel.from_pretrained(name.removeprefix("hf:")).eval()
        values = whole(pixel_values=network.normalise(pixels(48)), **more).last_hidden_state
    expected = values if kind == "resnet" else values[:, 1:].transpose(1, 2).reshape(2, 16, 6, 6)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    # As a bundle is loaded: from its facts and weights, where there is no such folder.
    elsewhere = entry_for("hf:/nowhere/tiny", json.loads(json.dumps(entry.facts)))
    again = build(elsewhere, 2, elsewhere.image_spec(48), pretrained=False).eval()
    again.load_state_dict(network.state_dict())
    fast = ready_to_run(again, size=48, device=torch.device("cpu"))
    with torch.inference_mode():
        torch.testing.assert_close(again(pixels(48)), network(pixels(48)))
        torch.testing.assert_close(fast(pixels(48)), network(pixels(48)), rtol=0.05, atol=0.05)  # bf16 on some


def test_the_names_of_the_weights_are_those_of_bundles_of_before(saved: tuple[str, str]) -> None:
    kind, name = saved
    entry = entry_for(name)
    keys = build(entry, 2, entry.image_spec()).state_dict()
    assert "multiple" in (entry.facts or {})
    assert {"resnet": "stages.0.embedder.convolution.weight", "vit": "stages.0.position_embeddings"}[kind] in keys
    older = {key: value for key, value in (entry.facts or {}).items() if key != "multiple"}
    assert entry_for(name, older).multiple == 1
    assert build(entry_for(name, older), 2, entry.image_spec(), pretrained=False).state_dict().keys() == keys.keys()


def test_a_side_that_patches_do_not_cover_is_refused(tmp_path: Path) -> None:
    entry = entry_for(save("vit", tmp_path))
    assert entry.multiple == 8
    with pytest.raises(ConfigError, match=r"multiple of 8, at least 16 \(received: 36\)"):
        entry.image_spec(36)
    # The hub may give a size that its own patches do not cover, such as 256 of dinov2, whose patches have 14.
    assert entry_for(entry.name, {**(entry.facts or {}), "size": 45}).size == 40


def test_a_model_that_sees_one_size_only_says_so(tmp_path: Path) -> None:
    entry = entry_for(save("levit", tmp_path, side=160))
    assert build(entry, 2, entry.image_spec()).maps(pixels(160))[0].shape[:2] == (2, 32)
    for pretrained in (True, False):
        with pytest.raises(ConfigError) as caught:
            build(entry, 2, entry.image_spec(224), pretrained=pretrained)
        assert one_line(caught.value)
        assert "does not see images of this size (received: 224); its own is 160" in caught.value.sentence


def test_fine_tuning_starts_at_the_last_quarter_of_the_layers(saved: tuple[str, str]) -> None:
    entry = entry_for(saved[1])
    network = build(entry, 2, entry.image_spec())
    assert network.thaw_from == 4  # embeddings, three layers | the fourth, the map


def test_in_one_piece_the_last_quarter_is_thawed(saved: tuple[str, str]) -> None:
    kind, name = saved
    entry = entry_for(name)
    entry = replace(entry, facts={**(entry.facts or {}), "stages": False})
    network = build(entry, 2, entry.image_spec())
    names = [key for key, _ in network.stages[0].named_parameters()]
    thawed = [key for key in names if key.startswith(network.thawed_parameters)]
    assert 0 < len(thawed) < len(names)
    assert names[0] not in thawed
    last = {"resnet": "encoder.stages.3.", "vit": "layer"}[kind]
    assert any(last in key for key in thawed)


def test_a_model_whose_layers_are_not_its_order_stays_in_one_piece() -> None:
    from lince.models.splitting import split_stages

    class Skipping(torch.nn.Module):
        """Adds what enters to what the layers make of it."""

        def __init__(self) -> None:
            super().__init__()
            self.embeddings = torch.nn.Conv2d(3, 3, 1)
            self.layers = torch.nn.ModuleList([torch.nn.Conv2d(3, 3, 1) for _ in range(2)])

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            first = self.embeddings(values)
            return first + self.layers[1](self.layers[0](first))

    model, values = Skipping().eval(), torch.rand(1, 3, 8, 8)
    with torch.no_grad():
        whole = model(values)
        plain = model.layers[1](model.layers[0](model.embeddings(values)))
    assert split_stages(model, whole, values) is None
    assert len(split_stages(model, plain, values) or ()) == 4


def test_a_folder_of_weights_stands_for_an_alias(saved: tuple[str, str], tmp_path: Path) -> None:
    place = Path(saved[1].removeprefix("hf:"))
    assert entry_for("resnet50", weights=place).facts == entry_for(saved[1]).facts
    with pytest.raises(ConfigError, match=r"must be a folder with its config\.json"):
        entry_for("resnet50", weights=tmp_path)


def test_patch_tokens_stand_where_their_patches_are(tmp_path: Path) -> None:
    class Tokens(torch.nn.Module):
        """A class token, two registers, then the mean of each 8 x 8 patch, row by row."""

        def forward(self, pixel_values: torch.Tensor) -> object:
            patches = torch.nn.functional.avg_pool2d(pixel_values, 8)
            tokens = patches.flatten(2).transpose(1, 2)
            extra = torch.full((len(tokens), 3, tokens.shape[2]), 99.0)

            class Answer:
                last_hidden_state = torch.cat([extra, tokens], dim=1)

            return Answer

    values = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(HubStages(Tokens())(values), torch.nn.functional.avg_pool2d(values, 8))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hf:microsoft/resnet-50", ("microsoft/resnet-50", None)),
        ("hf:microsoft/resnet-50@main", ("microsoft/resnet-50", "main")),
    ],
)
def test_names_and_revisions(name: str, expected: tuple[str, str | None]) -> None:
    assert split_name(name) == expected


def test_a_folder_may_have_an_at_sign(tmp_path: Path) -> None:
    (tmp_path / "me@work").mkdir()
    assert split_name(f"hf:{tmp_path}/me@work") == (f"{tmp_path}/me@work", None)


def test_a_hub_model_without_a_name() -> None:
    with pytest.raises(ConfigError, match="A hub model needs a name"):
        entry_for("hf:")


def one_line(error: LinceError) -> bool:
    return "\n" not in error.sentence and error.sentence.endswith(".")


def test_an_unknown_name_offline_is_one_sentence(tmp_path: Path) -> None:
    """In a new process, because the library reads its environment once."""
    script = (
        "import sys\nfrom lince.core.errors import ModelUnavailableError\nfrom lince.models import entry_for\n"
        "try:\n    entry_for('hf:lince-nobody/no-such-model')\n"
        "except ModelUnavailableError as error:\n    print(error.sentence)\n"
    )
    import os

    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    (line,) = done.stdout.splitlines()
    assert line.startswith("The weights of this hub model are neither on this machine nor within reach")
    assert "lince-nobody/no-such-model" in line
    assert "efficientnet-lite0" in line
    assert done.stderr == ""


def test_a_folder_that_holds_no_model(tmp_path: Path) -> None:
    with pytest.raises(LinceError) as caught:
        entry_for(f"hf:{tmp_path}")
    assert one_line(caught.value)
    assert str(tmp_path) in caught.value.sentence


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    from transformers import BertConfig, BertModel

    config = BertConfig(vocab_size=32, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    BertModel(config).save_pretrained(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        entry = entry_for(f"hf:{tmp_path}")
        with pytest.raises(ConfigError) as caught:
            build(entry, 2, entry.image_spec())
    assert one_line(caught.value)
    assert "image backbone" in caught.value.sentence


def test_weights_that_are_a_pickle_are_not_opened(tmp_path: Path) -> None:
    name = save("resnet", tmp_path)
    (tmp_path / "model.safetensors").unlink()
    marker = tmp_path / "ran"

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (marker,)

    torch.save({"x": Evil()}, tmp_path / "pytorch_model.bin")
    entry = entry_for(name)
    with pytest.raises(ModelUnavailableError) as caught:
        build(entry, 2, entry.image_spec())
    assert one_line(caught.value)
    assert not marker.exists()
