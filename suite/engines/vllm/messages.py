"""JSON messages over a socket, each behind its length.

JSON rather than pickle: nothing that arrives is ever executed.

| length: 4 bytes, big-endian | UTF-8 JSON (NaN allowed) |
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

HEADER = struct.Struct(">I")


def send(connection: socket.socket, message: dict[str, Any]) -> None:
    """Write one message. OSError where the other end is gone."""
    data = json.dumps(message).encode()
    connection.sendall(HEADER.pack(len(data)) + data)


def receive(connection: socket.socket) -> dict[str, Any] | None:
    """Read one message; None where the other end is gone.

    TimeoutError by the socket's own time limit.
    """
    header = _exactly(connection, HEADER.size)
    data = None if header is None else _exactly(connection, HEADER.unpack(header)[0])
    if data is None:
        return None
    message = json.loads(data)
    assert isinstance(message, dict)
    return message


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        try:
            part = connection.recv(min(size - len(parts), 1 << 20))
        except ConnectionError:
            return None
        if not part:
            return None
        parts += part
    return bytes(parts)
