"""Paths that begin with a tilde."""

from __future__ import annotations

from pathlib import Path

import pytest

from lince.core.errors import ConfigError
from lince.core.paths import expanded
from lince.core.settings import cache_dir
from lince.data import load
from lince.data.manifest import check_out
from lince.data.sources import SOURCES

NOBODY = "~no-such-user-of-this-machine"


def test_home_is_found_and_other_paths_stay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expanded("~/images") == tmp_path / "images"
    assert expanded(Path("a/~b")) == Path("a/~b")


def test_a_user_who_is_not_there_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    told = "home folder of this user is not known"
    with pytest.raises(ConfigError, match=told):
        expanded(f"{NOBODY}/images")
    for source in SOURCES:
        if source.kind != "mongodb":
            with pytest.raises(ConfigError, match=told):
                load(f"{source.kind}:{NOBODY}/images" + (".npz" if source.kind == "medmnist" else ""))
    for place in ("images", "m.csv", "m.npz"):
        with pytest.raises(ConfigError, match=told):
            load(f"{NOBODY}/{place}")
    with pytest.raises(ConfigError, match=told):
        load("dicom:.", table=f"{NOBODY}/labels.csv")
    with pytest.raises(ConfigError, match=told):
        check_out(Path(f"{NOBODY}/m.csv"), force=False)
    monkeypatch.setenv("LINCE_CACHE", f"{NOBODY}/cache")
    with pytest.raises(ConfigError, match=told):
        cache_dir()


def test_a_folder_that_is_called_so_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / NOBODY).mkdir()
    monkeypatch.chdir(tmp_path)
    assert expanded(NOBODY) == Path(NOBODY)
