"""Bytes from the socket into messages: those of prices straight to who hears them, all others the library's way.

The library takes a message through some lists and a log call, whatever it is. Most messages are prices.
"""

import logging
from struct import Struct
from typing import Protocol

from rules_engine.broker.library import Client, Wrapper
from rules_engine.broker.ticks import PRINT

_PREFIX = 4
"""Bytes before each message, which tell its length."""
_length = Struct(">I").unpack_from


class PriceListener(Protocol):
    """Hears of prices, in the order on the wire."""

    def price(self, request_id: int, kind: int, price: float, size: float) -> None: ...
    def size(self, request_id: int, kind: int, size: float) -> None: ...
    def trade(self, request_id: int, text: str) -> None: ...


class PriceClient(Client):
    """The library's client with readers of its own for what most packets consist of.

    They read what IB writes. Whatever they cannot read goes the library's way, as everything does before the
    handshake is over and while messages are logged: both ways come to the same.
    """

    def __init__(self, wrapper: Wrapper, listener: PriceListener) -> None:
        self._hear_price, self._hear_size, self._hear_trade = listener.price, listener.size, listener.trade
        self._readers = {b"1": self._price, b"2": self._size, b"46": self._string}
        super().__init__(wrapper)

    def _onSocketHasData(self, data: bytes) -> None:
        if not self.isReady() or self._logger.isEnabledFor(logging.DEBUG):
            super()._onSocketHasData(data)
            return
        self.wrapper.tcpDataArrived()
        self._numBytesRecv += len(data)
        with self.wrapper.or_hang_up:
            self._read(self._data + data)
        self.wrapper.tcpDataProcessed()

    def _read(self, data: bytes) -> None:
        """Every message that is there to its end; the rest waits for what else arrives."""
        self._data = data
        readers, end, stop = self._readers, len(data), 0
        while (first := stop + _PREFIX) < end:
            (length,) = _length(data, stop)
            if first + length > end:
                break
            stop = first + length
            fields = data[first:stop].split(b"\0")
            self._numMsgRecv += 1
            reader = readers.get(fields[0])
            if reader is None or not reader(fields):
                self.decoder.interpret(data[first:stop].decode(errors="backslashreplace").split("\0")[:-1])
                if self._data is not data:
                    return  # It ended the connection.
        self._data = data[stop:]

    # Each returns whether it could read the message. It hears numbers as the library would.

    def _price(self, fields: list[bytes]) -> bool:
        try:
            _, _, request_id, kind, price, size, _, _ = fields
            number, kind_number = int(request_id), int(kind)
            value, count = float(price), float(size)
        except ValueError:
            return False
        self._hear_price(number, kind_number, value, count)
        return True

    def _size(self, fields: list[bytes]) -> bool:
        try:
            _, _, request_id, kind, size, _ = fields
            number, kind_number, count = int(request_id), int(kind), float(size)
        except ValueError:
            return False
        self._hear_size(number, kind_number, count)
        return True

    def _string(self, fields: list[bytes]) -> bool:
        try:
            _, _, request_id, kind, text, _ = fields
            number, kind_number, said = int(request_id), int(kind), text.decode()
        except ValueError:
            return False
        if kind_number == PRINT:
            self._hear_trade(number, said)
        return True
