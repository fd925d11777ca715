"""The number type: measured once, remembered, overridable."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from lince.core.errors import ConfigError
from lince.models import precision
from lince.models.precision import best_device, inference_dtype, training_dtype

CPU = torch.device("cpu")
DEPTHWISE = torch.nn.Sequential(torch.nn.Conv2d(4, 8, 1), torch.nn.Conv2d(8, 8, 3, groups=8))
DENSE = torch.nn.Sequential(torch.nn.Conv2d(4, 8, 3), torch.nn.ReLU())


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[bool]]:
    """A machine with bf16 on which it is twice as fast; the list says which measurements were made."""
    monkeypatch.setenv("LINCE_CACHE", str(tmp_path))
    monkeypatch.delenv("LINCE_PRECISION", raising=False)
    made: list[bool] = []

    def speed_up(layers: str, *, training: bool) -> float:
        made.append(training)
        return 2.0

    monkeypatch.setattr(precision, "_speed_up", speed_up)
    monkeypatch.setattr(precision, "_has_bf16_instructions", lambda: True)
    precision._chosen.cache_clear()
    yield made
    precision._chosen.cache_clear()


def restart() -> None:
    """What a new process would know."""
    precision._chosen.cache_clear()


@pytest.mark.parametrize(("name", "dtype"), [("bf16", torch.bfloat16), ("float32", torch.float32)])
def test_the_environment_overrides(
    name: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch, measured: list[bool]
) -> None:
    monkeypatch.setenv("LINCE_PRECISION", name)
    assert inference_dtype(DEPTHWISE, CPU) == training_dtype(DEPTHWISE, CPU) == dtype
    assert measured == []


def test_any_other_word_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINCE_PRECISION", "fp16")
    with pytest.raises(ConfigError) as caught:
        inference_dtype(DEPTHWISE, CPU)
    assert caught.value.sentence == "LINCE_PRECISION must be bf16 or float32 (received: fp16)."


def test_a_measurement_is_made_once_and_remembered(measured: list[bool], tmp_path: Path) -> None:
    assert inference_dtype(DEPTHWISE, CPU) == torch.bfloat16
    inference_dtype(DEPTHWISE, CPU)
    assert measured == [False]
    restart()
    assert inference_dtype(DEPTHWISE, CPU) == torch.bfloat16
    assert measured == [False]
    (key,) = json.loads((tmp_path / "precision.json").read_text())
    assert key.startswith("inference, depthwise, torch ")
    training_dtype(DEPTHWISE, CPU)
    assert measured == [False, True]
    assert len(json.loads((tmp_path / "precision.json").read_text())) == 2


def test_networks_of_dense_and_of_depthwise_convolutions_are_measured_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    faster = {"dense": 2.0, "depthwise": 0.7}
    monkeypatch.setattr(precision, "_speed_up", lambda layers, *, training: faster[layers])
    assert training_dtype(DENSE, CPU) == torch.bfloat16
    assert training_dtype(DEPTHWISE, CPU) == torch.float32


def test_what_is_remembered_decides(monkeypatch: pytest.MonkeyPatch, measured: list[bool]) -> None:
    monkeypatch.setattr(precision, "_speed_up", lambda _, *, training: 1.1)  # not a clear win
    assert inference_dtype(DEPTHWISE, CPU) == torch.float32
    monkeypatch.setattr(precision, "_speed_up", lambda _, *, training: 9.0)
    restart()
    assert inference_dtype(DEPTHWISE, CPU) == torch.float32


@pytest.mark.parametrize("content", ["", "{broken", "[1, 2]", '{"KEY": "int3"}'])
def test_a_damaged_note_is_measured_again(content: str, tmp_path: Path, measured: list[bool]) -> None:
    inference_dtype(DEPTHWISE, CPU)
    (key,) = json.loads((tmp_path / "precision.json").read_text())
    (tmp_path / "precision.json").write_text(content.replace("KEY", key))
    restart()
    assert inference_dtype(DEPTHWISE, CPU) == torch.bfloat16
    assert measured == [False, False]
    assert json.loads((tmp_path / "precision.json").read_text()) == {key: "bf16"}


def test_a_cache_that_cannot_be_written_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, measured: list[bool]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LINCE_CACHE", str(tmp_path / "file"))
    assert inference_dtype(DEPTHWISE, CPU) == torch.bfloat16
    inference_dtype(DEPTHWISE, CPU)
    assert measured == [False]


def test_without_the_instructions_nothing_is_measured(monkeypatch: pytest.MonkeyPatch, measured: list[bool]) -> None:
    monkeypatch.setattr(precision, "_has_bf16_instructions", lambda: False)
    assert inference_dtype(DEPTHWISE, CPU) == torch.float32
    assert measured == []


def test_the_measurement_itself_gives_a_ratio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for layers in ("depthwise", "dense"):
        assert 0.01 < precision._speed_up(layers, training=False) < 1000
        assert 0.01 < precision._speed_up(layers, training=True) < 1000
    assert isinstance(precision._has_bf16_instructions(), bool)


def test_the_device_is_the_accelerator_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert best_device().type == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert best_device() == CPU
