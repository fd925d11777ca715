"""Arrays too large for memory."""

from __future__ import annotations

import errno
import gc
import os
from pathlib import Path

import numpy as np
import pytest

from lince.core import scratch
from lince.core.errors import OutputError
from lince.core.scratch import scratch_array


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LINCE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("shape", [(3, 4), (3_000, 4_000)])
def test_it_is_an_array_of_zeros_that_can_be_written(shape: tuple[int, int], cache: Path) -> None:
    array = scratch_array(shape, np.float16)
    assert array.shape == shape
    assert array.dtype == np.float16
    assert not array.any()
    array[1] = 7
    assert array[1].min() == 7
    assert array[2].max() == 0
    del array
    gc.collect()
    assert not cache.exists() or list(cache.iterdir()) == []


def test_a_large_one_lies_in_a_file() -> None:
    assert isinstance(scratch_array((3_000, 4_000), np.float16), np.memmap)
    assert not isinstance(scratch_array((3, 4), np.float16), np.memmap)


def test_a_full_disk_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(scratch.tempfile, "TemporaryFile", full)
    with pytest.raises(OutputError, match="disk is full"):
        scratch_array((3_000, 4_000), np.float16)
