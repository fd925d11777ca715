"""Writing that is whole or not at all, and hashing."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from lince.core.errors import LinceError, OutputError

_BLOCK = 1 << 20


def sha256_bytes(data: bytes | memoryview) -> str:
    """SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path | str) -> str:
    """SHA-256 of a file, read in blocks."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_error(path: Path | str, error: OSError) -> LinceError:
    """The sentence for a failed write."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OutputError("The disk is full", received=path, fix="free some space; nothing half-made was left behind")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return OutputError(
            "This place cannot be written", received=path, fix="choose another folder or its permissions"
        )
    return OutputError(f"Writing failed: {error.strerror or error}", received=path, fix="choose another place")


def make_folder(path: Path, *, named: Path | None = None) -> Path:
    """Create a folder and its parents; messages speak of ``named``, where the user gave another name.

    Raises
    ------
    OutputError
        It cannot be created or written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(named or path, error) from error
    if not os.access(path, os.W_OK):
        raise write_error(named or path, PermissionError(errno.EACCES, "not writable"))
    return path


def check_writable(folder: Path) -> None:
    """Make sure that a folder can be created or written, before the work for it begins; nothing is left there.

    Raises
    ------
    OutputError
        It cannot.
    """
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        Path(tempfile.mkdtemp(prefix=".lince-", dir=place)).rmdir()
    except OSError as error:
        raise write_error(folder, error) from error


@contextmanager
def atomic_file(path: Path | str, mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a temporary file beside ``path`` that takes its name when the block ends without an error.

    Raises
    ------
    OutputError
        The file cannot be written; nothing is left behind.
    """
    path = Path(path)
    make_folder(path.parent)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise write_error(path, error) from error
    try:
        with os.fdopen(handle, mode, encoding=None if "b" in mode else "utf-8") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise write_error(path, error) from error
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_json(path: Path | str, value: Any) -> None:
    """Write JSON atomically, indented, keys in the order given. NaN and infinity are refused."""
    with atomic_file(path, "w") as stream:
        json.dump(value, stream, indent=2, ensure_ascii=False, allow_nan=False)
        stream.write("\n")


@contextmanager
def atomic_folder(path: Path | str) -> Iterator[Path]:
    """Yield a temporary folder that takes the name ``path`` when the block ends without an error.

    Raises
    ------
    OutputError
        ``path`` exists already, or cannot be written.
    """
    path = Path(path)
    if path.exists():
        raise OutputError("This folder exists already", received=path, fix="choose another name or remove it")
    make_folder(path.parent)
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise write_error(path, error) from error
    try:
        yield temporary
        temporary.chmod(0o755)
        temporary.rename(path)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise write_error(path, error) from error
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
