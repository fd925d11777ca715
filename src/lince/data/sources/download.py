"""Downloading a MedMNIST file once, its MD5 checked."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from lince.core.errors import SourceError
from lince.core.events import EventBus, Noticed
from lince.core.files import make_folder, write_error
from lince.core.settings import cache_dir
from lince.data.catalog import MedMnist, RemoteFile

# Another place for the twelve files, such as a hospital's own mirror: BASE/breastmnist_64.npz.
BASE_URL = "LINCE_MEDMNIST_URL"
_TIMEOUT_S = 30


def fetch(facts: MedMnist, size: int | None, bus: EventBus | None = None) -> Path:
    """The set's file in the download cache; the network is used only when it is not there.

    Raises
    ------
    SourceError
        No network, no such file at the address, or a file with another MD5 (which does not stay); the sentence says
        where to put a file downloaded elsewhere.
    OutputError
        The cache cannot be written.
    """
    import pooch

    remote = facts.file(size)
    folder = make_folder(cache_dir() / "downloads")
    target = folder / remote.name
    url = _address(remote)
    fresh = not target.exists()
    if fresh and bus is not None:
        bus.publish(Noticed(f"Downloading {remote.name} from {url}"))
    pooch.get_logger().setLevel("WARNING")
    try:
        pooch.retrieve(
            url,
            known_hash=f"md5:{remote.md5}",
            fname=remote.name,
            path=folder,
            downloader=pooch.HTTPDownloader(timeout=_TIMEOUT_S),
        )
    except ValueError as error:
        raise _failed(remote, url, target, "the file there has another MD5 than its publisher gives") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise write_error(target, error) from error
        raise _failed(remote, url, target, _reason(error)) from error
    return target


def _address(remote: RemoteFile) -> str:
    base = os.environ.get(BASE_URL, "").rstrip("/")
    return f"{base}/{remote.name}" if base else remote.url


def _reason(error: OSError) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        response.close()  # pooch leaves the connection open
        return f"the server answered {response.status_code}"
    if "timeout" in type(error).__name__.lower():
        return f"no answer within {_TIMEOUT_S} seconds"
    return "the server cannot be reached"


def _failed(remote: RemoteFile, url: str, target: Path, why: str) -> SourceError:
    return SourceError(
        f"{remote.name} could not be downloaded: {why}",
        received=None if url == remote.url else url,
        fix=f"download it from {remote.url} elsewhere and put it at {target}, or give the .npz by its path",
    )
