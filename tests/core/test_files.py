"""Writing that is whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from lince.core.errors import OutputError
from lince.core.files import (
    atomic_file,
    atomic_folder,
    check_writable,
    make_folder,
    sha256_bytes,
    sha256_file,
    write_error,
    write_json,
)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def half_a_file(place: Path, error: BaseException) -> None:
    with atomic_file(place) as stream:
        stream.write(b"half")
        raise error


def half_a_folder(place: Path, error: BaseException) -> None:
    with atomic_folder(place) as folder:
        (folder / "x").write_text("1")
        raise error


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_hashes_agree_with_each_other_and_with_the_standard(tmp_path: Path) -> None:
    data = os.urandom(3_000_000)
    (tmp_path / "x").write_bytes(data)
    expected = hashlib.sha256(data).hexdigest()
    assert sha256_bytes(data) == sha256_bytes(memoryview(data)) == sha256_file(tmp_path / "x") == expected


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    place = tmp_path / "new" / "a.txt"
    with atomic_file(place, "w") as stream:
        stream.write("maçã")
        assert not place.exists()
    assert place.read_bytes() == "maçã".encode()
    assert place.stat().st_mode & 0o777 == 0o644
    assert names(place.parent) == ["a.txt"]


def test_an_error_keeps_the_old_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    place = tmp_path / "a.txt"
    place.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        half_a_file(place, KeyboardInterrupt())
    assert place.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_full_disk_in_the_block(tmp_path: Path) -> None:
    with pytest.raises(OutputError) as caught:
        half_a_file(tmp_path / "a", OSError(errno.ENOSPC, "No space left on device"))
    assert caught.value.sentence == (
        f"The disk is full (received: {tmp_path / 'a'}); free some space; nothing half-made was left behind."
    )
    assert names(tmp_path) == []


def test_a_full_disk_noticed_only_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="The disk is full"):
        write_json(tmp_path / "a.json", {"x": 1})
    assert names(tmp_path) == []


def test_json_keeps_its_order_and_refuses_what_is_not_json(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"z": "é", "a": [1]})
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == '{\n  "z": "é",\n  "a": [\n    1\n  ]\n}\n'
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "a.json", {"auc": float("nan")})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"z": "é", "a": [1]}
    assert names(tmp_path) == ["a.json"]


def test_a_folder_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "deep" / "bundle") as folder:
        (folder / "x").write_text("1")
        assert not (tmp_path / "deep" / "bundle").exists()
    assert (tmp_path / "deep" / "bundle" / "x").read_text() == "1"
    assert names(tmp_path / "deep") == ["bundle"]
    assert (tmp_path / "deep" / "bundle").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("x")])
def test_a_folder_that_fails_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)):
        half_a_folder(tmp_path / "bundle", error)
    assert names(tmp_path) == []


def test_a_folder_on_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="The disk is full"):
        half_a_folder(tmp_path / "bundle", OSError(errno.ENOSPC, "No space left on device"))
    assert names(tmp_path) == []


def test_a_folder_that_exists_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    with pytest.raises(OutputError, match="exists already"), atomic_folder(tmp_path / "bundle"):
        pytest.fail("the block must not run")
    assert names(tmp_path / "bundle") == []


def test_a_killed_process_leaves_no_file_of_the_final_name(tmp_path: Path) -> None:
    script = """
        import sys, time
        from lince.core.files import atomic_file, atomic_folder
        with atomic_folder(sys.argv[1] + "/bundle") as folder, atomic_file(sys.argv[1] + "/card.md") as stream:
            (folder / "model").write_text("half")
            stream.write(b"half")
            stream.flush()
            print("ready", flush=True)
            time.sleep(60)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    assert not (tmp_path / "bundle").exists()
    assert not (tmp_path / "card.md").exists()
    assert all(name.startswith(".") for name in names(tmp_path))


def heed_interrupts() -> None:
    """Whoever runs the tests in the background may have told their children to ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_a_terminated_writer_cleans_up(tmp_path: Path) -> None:
    """What Ctrl-C does to a run: the interpreter unwinds, so that even the temporary names go."""
    script = """
        import sys, time
        from lince.core.files import atomic_folder
        with atomic_folder(sys.argv[1] + "/bundle") as folder:
            (folder / "model").write_text("half")
            print("ready", flush=True)
            time.sleep(60)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=heed_interrupts,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.wait(10)
    assert names(tmp_path) == []


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError, match="Writing failed"):
        make_folder(tmp_path / "taken" / "below")


def test_a_place_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # the tests may run as root, who may write anywhere
    with pytest.raises(OutputError, match="This place cannot be written"), atomic_file(tmp_path / "x"):
        pytest.fail("the block must not run")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "The disk is full"),
        (errno.EDQUOT, "The disk is full"),
        (errno.EACCES, "This place cannot be written"),
        (errno.EROFS, "This place cannot be written"),
        (errno.EIO, "Writing failed: broken"),
    ],
)
def test_sentences_for_failed_writes(number: int, words: str) -> None:
    error = write_error("/out", OSError(number, "broken"))
    assert isinstance(error, OutputError)
    assert error.sentence.startswith(words)
    assert "(received: /out)" in error.sentence


def test_a_place_is_checked_before_the_work_and_nothing_is_left(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "deep")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        check_writable(tmp_path / "file" / "inside")
