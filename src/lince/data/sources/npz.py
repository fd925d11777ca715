"""Arrays inside an ``.npz``, without loading it and without pickle.

A member of an npz is a ``.npy`` file inside a zip, so images are copied out in blocks and memory-mapped from there:
memory does not grow with the collection.
"""

from __future__ import annotations

import hashlib
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from lince.core.errors import SourceError
from lince.core.files import atomic_file
from lince.core.settings import cache_dir

_BLOCK = 1 << 20
# What zipfile and NumPy raise on damaged, truncated, encrypted or unusually packed archives.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, NotImplementedError, OSError)


@dataclass(frozen=True, slots=True)
class Header:
    """What a ``.npy`` says of itself."""

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    offset: int

    @property
    def file_size(self) -> int:
        """Bytes of the whole ``.npy``."""
        size = self.dtype.itemsize
        for extent in self.shape:
            size *= extent
        return self.offset + size


@dataclass(frozen=True, slots=True)
class StoredArray:
    """Images in a ``.npy`` on disk: how many."""

    path: Path
    count: int


class Npz:
    """An ``.npz`` file, read member by member.

    Raises
    ------
    SourceError
        The file is missing, or is not a zip archive.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise SourceError("There is no such file", received=path, fix="give the path of an .npz file")
        try:
            with zipfile.ZipFile(path) as archive:
                infos = archive.infolist()
        except _DAMAGE as error:
            raise self._damaged("is not an .npz archive, or is cut short") from error
        self._infos = {info.filename.removesuffix(".npy"): info for info in infos if info.filename.endswith(".npy")}
        # The archive's own checksums tell one content from another without reading gigabytes.
        content = sorted((info.filename, info.CRC, info.file_size) for info in infos)
        self._digest = hashlib.sha256(repr(content).encode()).hexdigest()[:32]

    @property
    def members(self) -> list[str]:
        """Names of the arrays."""
        return list(self._infos)

    def has(self, name: str) -> bool:
        """Whether there is an array of this name."""
        return name in self._infos

    def labels(self, name: str) -> NDArray[np.int64]:
        """Class numbers, (N,), from an integer array (N,) or (N, 1).

        Raises
        ------
        SourceError
            Missing, damaged, not whole numbers, negative, or several labels per image.
        """
        with self._open(name) as (stream, header):
            if header.dtype.kind not in "iub":
                raise self._unfit(name, header, "class numbers must be whole numbers")
            if len(header.shape) == 2 and header.shape[1] > 1:
                raise self._unfit(name, header, "several labels per image are not supported")
            if len(header.shape) not in (1, 2):
                raise self._unfit(name, header, "labels must have the shape (N,) or (N, 1)")
            data = stream.read()
        array = np.frombuffer(data, dtype=header.dtype).reshape(-1)
        if array.size and int(array.min()) < 0:
            raise SourceError(f"{self.path.name} has negative labels in {name}", received=int(array.min()))
        if array.size and int(array.max()) > 10_000:
            raise SourceError(f"{self.path.name} has a label out of range in {name}", received=int(array.max()))
        return array.astype(np.int64)

    def images(self, name: str) -> StoredArray:
        """Copy images (N, H, W) or (N, H, W, 1 or 3), uint8, into the cache, and say where they are.

        Raises
        ------
        SourceError
            Missing, damaged, or not such an array.
        OutputError
            The cache cannot be written.
        """
        with self._open(name) as (stream, header):
            if header.dtype != np.uint8:
                raise self._unfit(name, header, "images must be uint8")
            grey = len(header.shape) == 3
            if not grey and not (len(header.shape) == 4 and header.shape[3] in (1, 3)):
                raise self._unfit(name, header, "images must have the shape (N, H, W) or (N, H, W, 3)")
            if header.shape[0] and min(header.shape[1:3]) < 1:
                raise self._unfit(name, header, "images must have at least one pixel")
            target = cache_dir() / "medmnist" / self._digest / f"{name}.npy"
            if not (target.is_file() and target.stat().st_size == header.file_size):
                with atomic_file(target) as copy:
                    _copy_from_start(stream, copy)
        return StoredArray(target, header.shape[0])

    @contextmanager
    def _open(self, name: str) -> Iterator[tuple[IO[bytes], Header]]:
        if name not in self._infos:
            raise SourceError(f"{self.path.name} has no array {name}", received=", ".join(self.members))
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(self._infos[name]) as stream:
                header = _read_header(stream)
                if header.dtype.hasobject:
                    raise self._unfit(name, header, "arrays of Python objects are never loaded")
                if header.file_size != self._infos[name].file_size:
                    raise self._damaged(f"is damaged: {name} is not as long as it says")
                yield stream, header
        except _DAMAGE as error:
            raise self._damaged(f"is damaged: {name} cannot be read") from error

    def _damaged(self, what: str) -> SourceError:
        return SourceError(f"{self.path.name} {what}", received=self.path, fix="get the file again")

    def _unfit(self, name: str, header: Header, rule: str) -> SourceError:
        shape = "x".join(str(extent) for extent in header.shape)
        return SourceError(f"In {self.path.name}, {name}: {rule}", received=f"{header.dtype} {shape or 'scalar'}")


def _read_header(stream: IO[bytes]) -> Header:
    version = npy.read_magic(stream)
    if version == (1, 0):
        shape, fortran, dtype = npy.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, fortran, dtype = npy.read_array_header_2_0(stream)
    else:
        raise ValueError(f"npy version {version}")
    if fortran and len(shape) > 1 and sum(extent > 1 for extent in shape) > 1:
        raise ValueError("Fortran order")
    return Header(shape, dtype, stream.tell())


def _copy_from_start(stream: IO[bytes], copy: IO[bytes]) -> None:
    stream.seek(0)
    shutil.copyfileobj(stream, copy, _BLOCK)
