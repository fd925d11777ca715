"""Limits and places from the environment, and seeds."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lince.core import settings
from lince.core.errors import ConfigError
from lince.core.seeds import derived_seed

NUMBERS = [
    ("LINCE_MAX_PIXELS", settings.max_pixels),
    ("LINCE_UPLOAD_LIMIT", settings.upload_limit),
    ("LINCE_WORKERS", settings.worker_count),
]


@pytest.mark.parametrize(("name", "read"), NUMBERS)
def test_the_environment_sets_the_number(name: str, read: Callable[[], int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "12345")
    assert read() == 12345
    monkeypatch.setenv(name, "")
    usual = read()
    monkeypatch.delenv(name)
    assert read() == usual != 12345


@pytest.mark.parametrize(("name", "read"), NUMBERS)
@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", "64MB"])
def test_a_bad_number_is_refused_by_name(
    name: str, read: Callable[[], int], value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        read()
    assert caught.value.sentence == (
        f"The environment variable {name} must be a whole number above zero (received: {value})."
    )


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no processor affinity here")
def test_only_the_processors_this_process_may_use_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LINCE_WORKERS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 7})
    assert settings.worker_count() == 3


def test_the_cache_goes_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LINCE_CACHE", "~/scratch")
    assert settings.cache_dir() == tmp_path / "scratch"
    monkeypatch.delenv("LINCE_CACHE")
    assert settings.cache_dir().name == "lince"
    assert settings.cache_dir().is_absolute()


def test_derived_seeds_are_the_same_on_every_machine() -> None:
    assert derived_seed(0, "weights") == 8499703138442296907  # BLAKE2b-64 of "0 US weights", halved: b2sum -l 64
    assert derived_seed(0, "weights") != derived_seed(1, "weights")
    assert derived_seed("ab", "c") != derived_seed("a", "bc")
    assert all(0 <= derived_seed(i) < 2**63 for i in range(200))
