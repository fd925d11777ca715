"""Activations in memory, in part, and in as many versions as there is room for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from lince.core.events import Event, EventBus, WorkStarted
from lince.models import build, entry_for
from lince.training import activations, memory
from lince.training.activations import Activations, Frozen, Recipe, compute_activations

CPU = torch.device("cpu")


def some() -> Activations:
    values = np.random.default_rng(0).normal(size=(3, 5, 4)).astype(np.float32)
    return Activations(values, np.array([9, 2, 4, 7, 5]))


def test_in_memory_they_are_the_same() -> None:
    given = some()
    resident = given.resident(CPU)
    assert isinstance(resident.values, torch.Tensor)
    view, position = np.array([2, 0, 1]), np.array([4, 4, 0])
    assert torch.equal(resident.take(view, position), given.take(view, position))
    assert torch.equal(torch.cat(list(resident.blocks())), torch.cat(list(given.blocks())))
    assert resident.resident(CPU) is resident


def test_what_does_not_fit_stays_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activations, "_IN_MEMORY", 3 * 5 * 4 * 4 - 1)
    given = some()
    assert given.resident(CPU) is given
    monkeypatch.setattr(activations, "_IN_MEMORY", 3 * 5 * 4 * 4)
    assert given.resident(CPU) is not given


@pytest.mark.parametrize("resident", [False, True])
def test_a_part_of_them(resident: bool) -> None:
    given = some().resident(CPU) if resident else some()
    part = given.subset(np.array([3, 0]))
    assert part.rows.tolist() == [7, 9]
    assert part.views == 3
    expected = given.take(np.array([1, 2]), np.array([0, 3]))
    assert torch.equal(part.take(np.array([1, 2]), np.array([1, 0])), expected)
    assert torch.equal(part.resident(CPU).take(np.array([1, 2]), np.array([1, 0])), expected)


def test_no_more_versions_than_there_is_room_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = entry_for("efficientnet-lite0")
    network = build(entry, 2, entry.image_spec(32), pretrained=False).eval()
    pixels = np.zeros((4, 32, 32, 3), np.uint8)
    heard: list[Event] = []
    bus = EventBus()
    bus.subscribe(heard.append)
    frozen = Frozen(network, CPU, 32)
    planes, height, width = frozen.shape(12)
    monkeypatch.setattr(activations, "ACTIVATION_BYTES", 3 * 4 * planes * height * width * 2)
    recipe = Recipe("a", 12, 8, None, 0, "t")
    found = compute_activations(frozen, pixels, np.arange(4), recipe, place=tmp_path / "act", bus=bus)
    assert found.views == 3
    assert [event.total for event in heard if isinstance(event, WorkStarted)] == [12]
    again = compute_activations(frozen, pixels, np.arange(4), recipe, place=tmp_path / "act", bus=bus)
    assert again.views == 3
    assert len([event for event in heard if isinstance(event, WorkStarted)]) == 1, "the file is used again"


def test_which_failures_mean_that_memory_is_short() -> None:
    assert memory.does_not_fit(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"))
    assert memory.does_not_fit(MemoryError())
    assert memory.does_not_fit(
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes")
    )
    assert memory.does_not_fit(RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."))
    assert not memory.does_not_fit(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError) as real:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert memory.does_not_fit(real.value)
