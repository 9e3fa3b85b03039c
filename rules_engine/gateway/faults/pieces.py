"""Bytes that leave a socket in pieces, so that a reader sees frames cut anywhere."""

import asyncio
from collections import deque


class Pieces:
    """Writes one piece at each turn of the event loop."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._waiting: deque[bytes] = deque()

    def write(self, data: bytes, piece_bytes: int) -> None:
        """Write in pieces of this size, after what still waits; 0 is one piece."""
        if not piece_bytes and not self._waiting:
            self._transport.write(data)
            return
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._next)
        size = piece_bytes or len(data)
        self._waiting.extend(data[start : start + size] for start in range(0, len(data), size))

    def finish(self) -> None:
        """Write the rest at once."""
        self._transport.write(b"".join(self._waiting))
        self._waiting.clear()

    def _next(self) -> None:
        if self._transport.is_closing():
            self._waiting.clear()
        if self._waiting:
            self._transport.write(self._waiting.popleft())
            asyncio.get_running_loop().call_soon(self._next)
