"""Ports: taken, impossible, free."""

from __future__ import annotations

import socket

import pytest

from lince.core.errors import ConfigError
from lince.core.listening import listen


def test_connections_are_queued_from_now_until_the_block_ends() -> None:
    with listen("127.0.0.1", 0) as listening:
        place = listening.getsockname()
        socket.create_connection(place, timeout=5).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(place, timeout=5)


def test_a_taken_port_is_said_in_a_sentence() -> None:
    with listen("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(
            ConfigError, match=rf"port is already in use \(received: 127.0.0.1:{port}\); choose another"
        ):
            listen("127.0.0.1", port).__enter__()


@pytest.mark.parametrize("port", [-1, 65536])
def test_what_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(ConfigError, match="from 0 to 65535"):
        listen("127.0.0.1", port).__enter__()
