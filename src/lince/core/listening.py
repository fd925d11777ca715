"""A port to listen on, or the sentence that says why not."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from lince.core.errors import ConfigError

_BACKLOG = 256


@contextmanager
def listen(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that queues connections from now on, until the block ends.

    Parameters
    ----------
    host
        A name or address; IPv6 where it has a colon.
    port
        Where to listen; 0 takes a free one.

    Raises
    ------
    ConfigError
        The port is taken, not allowed, or no port at all.
    """
    if not 0 <= port <= 65535:
        raise ConfigError("A port is a number from 0 to 65535", received=port)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        fix = "choose another port with --port, or --port 0 for any free one"
        if error.errno == errno.EADDRINUSE:
            raise ConfigError("This port is already in use", received=f"{host}:{port}", fix=fix) from error
        reason = error.strerror or str(error)
        raise ConfigError(f"lince cannot listen here: {reason}", received=f"{host}:{port}", fix=fix) from error
    with listening:
        yield listening
