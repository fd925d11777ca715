"""Room for arrays that are too large to be held in memory and not worth keeping."""

from __future__ import annotations

import math
import os
import tempfile
from typing import TYPE_CHECKING, TypeVar

from lince.core.files import make_folder, write_error
from lince.core.settings import cache_dir

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T", bound="np.generic")

# Smaller arrays stay in memory.
_LARGE = 16 << 20


def scratch_array(shape: tuple[int, ...], dtype: type[T]) -> NDArray[T]:
    """An array of zeros; a large one lies in a file without a name, which goes away with the array.

    Its pages are the file's, so the system can take them back when memory is short.

    Raises
    ------
    OutputError
        The cache folder cannot be written, or the disk is full.
    """
    import numpy as np

    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size < _LARGE:
        return np.zeros(shape, dtype)
    folder = make_folder(cache_dir())
    try:
        with tempfile.TemporaryFile(dir=folder) as stream:
            # A sparse file on a full disk would kill the process when it is touched; claim the room now.
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(stream.fileno(), 0, size)
            return np.memmap(stream, np.dtype(dtype), "w+", shape=shape)
    except OSError as error:
        raise write_error(folder, error) from error
