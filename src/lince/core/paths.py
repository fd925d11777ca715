"""Paths as people write them."""

from __future__ import annotations

from pathlib import Path

from lince.core.errors import ConfigError


def expanded(path: str | Path) -> Path:
    """The path with ``~`` and ``~user`` resolved.

    Raises
    ------
    ConfigError
        It begins with ``~user``, there is no such user, and nothing is called so here either.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        if Path(path).exists():
            return Path(path)
        raise ConfigError(
            "The home folder of this user is not known", received=path, fix="write the whole path, without ~"
        ) from error
