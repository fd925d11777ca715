"""Messages on a pipe: a JSON head and raw bytes, each with its length before it. No pickle, so no code travels."""

from __future__ import annotations

import json
import struct
from typing import IO, Any

_LENGTHS = struct.Struct(">IQ")
_HEAD_LIMIT = 1 << 20


def send(stream: IO[bytes], head: dict[str, Any], body: bytes | memoryview = b"") -> None:
    """Write one message and flush it."""
    text = json.dumps(head).encode()
    size = body.nbytes if isinstance(body, memoryview) else len(body)
    stream.write(_LENGTHS.pack(len(text), size) + text)
    stream.write(body)
    stream.flush()


def receive(stream: IO[bytes], limit: int) -> tuple[dict[str, Any], bytearray]:
    """Read one message.

    Raises
    ------
    EOFError
        The other side closed the pipe.
    ValueError
        The message is malformed, or its body longer than ``limit`` bytes.
    """
    head_size, body_size = _LENGTHS.unpack(_exactly(stream, _LENGTHS.size))
    if head_size > _HEAD_LIMIT or body_size > limit:
        raise ValueError("a message is longer than allowed")
    head = json.loads(_exactly(stream, head_size))
    if not isinstance(head, dict):
        raise ValueError("a message has no head")
    return head, _exactly(stream, body_size)


def _exactly(stream: IO[bytes], size: int) -> bytearray:
    buffer = bytearray(size)
    view, filled = memoryview(buffer), 0
    while filled < size:
        count = stream.readinto(view[filled:])  # type: ignore[attr-defined]  # every binary stream has it
        if not count:
            raise EOFError("the pipe was closed")
        filled += count
    return buffer
