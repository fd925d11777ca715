"""What the frozen part says: computed once, kept whole, the same as the network as one piece."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lince.core.errors import OutputError
from lince.core.events import Event, EventBus, WorkAdvanced, WorkStarted
from lince.imaging.augmentation import POLICIES
from lince.models import build, entry_for
from lince.models.network import Network
from lince.training.activations import Activations, Frozen, Recipe, compute_activations

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    entry = entry_for("efficientnet-lite0")
    made = build(entry, 3, entry.image_spec(64)).eval()
    torch.nn.init.normal_(made.head.linear.weight, std=0.3)
    return made


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 64, 64, 3), np.uint8)


def compute(
    network: Network, pixels: np.ndarray, place: Path, boundary: Any, *, views: int = 1, seed: int = 0
) -> tuple[Activations, list[Event]]:
    recipe = Recipe("a", boundary, views, POLICIES["medium"], seed, "t")
    heard: list[Event] = []
    bus = EventBus()
    bus.subscribe(heard.append)
    found = compute_activations(
        Frozen(network, CPU, 64), pixels, np.array([4, 1, 0, 5]), recipe, place=place / "deep" / "act", bus=bus
    )
    return found, heard


def test_the_network_cut_in_two_gives_the_logits_of_the_whole(
    network: Network, pixels: np.ndarray, tmp_path: Path
) -> None:
    boundary = network.thaw_from
    assert boundary > 0
    found, _ = compute(network, pixels, tmp_path, boundary)
    values = found.take(np.zeros(4, np.int64), np.arange(4)).float()
    planes, height, width = found.map_shape or (0, 0, 0)
    cut = values.shape[1] - planes * height * width
    assert cut > 0, "the head of the default model reads an early map too"
    with torch.inference_mode():
        late = network.finish(values[:, cut:].view(-1, planes, height, width), values[:, :cut], start=boundary)
        whole = network(torch.from_numpy(pixels[[4, 1, 0, 5]]))
    assert whole.std() > 0.01
    torch.testing.assert_close(late, whole, rtol=0.02, atol=0.02)


def test_embeddings_give_the_logits_of_the_whole(network: Network, pixels: np.ndarray, tmp_path: Path) -> None:
    found, _ = compute(network, pixels, tmp_path, "embedding")
    with torch.inference_mode():
        late = network.head.classify(found.take(np.zeros(4, np.int64), np.arange(4)))
        whole = network(torch.from_numpy(pixels[[4, 1, 0, 5]]))
    torch.testing.assert_close(late, whole, rtol=1e-3, atol=1e-3)


def test_the_first_view_is_the_image_and_the_others_are_not(
    network: Network, pixels: np.ndarray, tmp_path: Path
) -> None:
    found, heard = compute(network, pixels, tmp_path, "embedding", views=3)
    plain, _ = compute(network, pixels, tmp_path / "plain", "embedding")
    assert found.views == 3
    np.testing.assert_array_equal(found.values[np.zeros(4, int), np.arange(4)], plain.values[np.zeros(4, int), :][0])
    first, second, third = (found.take(np.full(4, view), np.arange(4)) for view in range(3))
    assert not torch.equal(first, second)
    assert not torch.equal(second, third)
    assert [event.total for event in heard if isinstance(event, WorkStarted)] == [12]
    assert [event.done for event in heard if isinstance(event, WorkAdvanced)][-1] == 12


def test_a_complete_file_is_used_again(network: Network, pixels: np.ndarray, tmp_path: Path) -> None:
    first, _ = compute(network, pixels, tmp_path, "embedding")
    again, heard = compute(network, np.zeros_like(pixels), tmp_path, "embedding")
    assert heard == []
    everything = (np.zeros(4, int), np.arange(4))
    np.testing.assert_array_equal(first.values[everything], again.values[everything])


def test_an_incomplete_file_or_another_seed_is_made_anew(network: Network, pixels: np.ndarray, tmp_path: Path) -> None:
    compute(network, pixels, tmp_path, "embedding")
    (tmp_path / "deep" / "act.json").unlink()
    assert compute(network, pixels, tmp_path, "embedding")[1]
    (tmp_path / "deep" / "act.json").write_text("{damaged", encoding="utf-8")
    assert compute(network, pixels, tmp_path, "embedding")[1]
    assert compute(network, pixels, tmp_path, "embedding", seed=5)[1]
    assert not compute(network, pixels, tmp_path, "embedding", seed=5)[1]


def test_a_full_disk_is_one_sentence_and_leaves_no_file(
    network: Network, pixels: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OutputError, match="disk is full"):
        compute(network, pixels, tmp_path, "embedding")
    assert list((tmp_path / "deep").iterdir()) == []


def test_boundary_zero_reads_the_images_themselves(network: Network, pixels: np.ndarray, tmp_path: Path) -> None:
    found, heard = compute(network, pixels, tmp_path, 0)
    np.testing.assert_array_equal(found.take(np.zeros(2, np.int64), np.array([0, 2])).numpy(), pixels[[4, 0]])
    assert found.live_augmentation is not None
    assert heard == []
    assert not (tmp_path / "deep").exists()
