"""Limits and places, each settable by an environment variable."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from lince.core.errors import ConfigError
from lince.core.paths import expanded


def _integer(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    if not text:
        return default
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise ConfigError(f"The environment variable {name} must be a whole number above zero", received=text)
    return value


@lru_cache(maxsize=1)
def _default_cache() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("lince", appauthor=False))


def cache_dir() -> Path:
    """Where decoded arrays, features and downloads are kept (``LINCE_CACHE``)."""
    chosen = os.environ.get("LINCE_CACHE")
    return expanded(chosen) if chosen else _default_cache()


def max_pixels() -> int:
    """Pixels in one image above which a file is refused before decoding (``LINCE_MAX_PIXELS``)."""
    return _integer("LINCE_MAX_PIXELS", 100_000_000)


def upload_limit() -> int:
    """Bytes of one request body (``LINCE_UPLOAD_LIMIT``)."""
    return _integer("LINCE_UPLOAD_LIMIT", 64 * 1024 * 1024)


def worker_count() -> int:
    """Threads and helper processes for decoding and fitting (``LINCE_WORKERS``); by default as many as processors."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    return _integer("LINCE_WORKERS", available)
