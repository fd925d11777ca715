"""Memory that one forward pass frees and the next one needs again."""

from __future__ import annotations

import ctypes
import sys
from functools import lru_cache

# mallopt parameters of glibc (malloc.h)
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT = 1 << 30
_LARGEST = 32 << 20  # glibc takes no higher threshold for mapping a block on its own


@lru_cache(maxsize=1)
def keep_freed_memory() -> bool:
    """Ask the C library not to give large blocks back to the system after every layer, where it can be asked.

    Otherwise each batch faults all its pages in again: a sixth of the processor's time in the default model. At most
    1 GiB is kept.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return False
    return bool(mallopt(_MMAP_THRESHOLD, _LARGEST)) and bool(mallopt(_TRIM_THRESHOLD, _KEPT))
