"""A raw client of the gateway in its own process, which costs as little as one can: it sends, reads and counts frames.

`python -m benchmarks.drain PORT ticks` subscribes to V and reads until the gateway closes the connection.
`python -m benchmarks.drain PORT orders COUNT` places market orders and ends when each has been acknowledged.
`python -m benchmarks.drain PORT held COUNT CONTRACT_ID` places orders that wait for prices of that contract far away.
Each prints what it counted, as one line of JSON; `ticks` says "subscribed" first.
"""

import json
import socket
import struct
import sys
import time
from collections.abc import Iterator

from rules_engine.gateway.contracts.contract import Contract
from rules_engine.gateway.messages.form import request_fields
from rules_engine.gateway.messages.order_form import OrderForm, PriceCondition
from rules_engine.gateway.messages.order_messages import PlaceOrder
from rules_engine.gateway.wire.frames import VERSION_MAX, frame

SYMBOL = "V"
ACCOUNT = "DU1234567"
_WINDOW = 200
"""So many orders are on their way at once."""
_FAR = 900.0
_HELLO, _START = f"v157..{VERSION_MAX}", ["71", "2", "5", ""]
_READ_BYTES = 1 << 20


class Client:
    """One connection, greeted and started."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._bytes = bytearray()
        offer = _HELLO.encode()
        self._socket.sendall(b"API\0" + struct.pack(">I", len(offer)) + offer)
        next(self.frames())
        self.send(_START)

    def send(self, fields: list[str]) -> None:
        self._socket.sendall(frame(fields))

    def frames(self) -> Iterator[bytes]:
        """Payloads until the other side closes."""
        while True:
            at = 0
            while len(self._bytes) - at >= 4:
                end = at + 4 + int.from_bytes(self._bytes[at : at + 4], "big")
                if end > len(self._bytes):
                    break
                yield bytes(self._bytes[at + 4 : end])
                at = end
            del self._bytes[:at]
            data = self._socket.recv(_READ_BYTES)
            if not data:
                return
            self._bytes += data


def count_ticks(client: Client) -> dict[str, float]:
    """Tick messages until the end."""
    wanted = (b"1\0", b"2\0", b"46\0", b"45\0")
    contract = ["0", SYMBOL, "STK", "", "0", "", "", "SMART", "", "USD", "", ""]
    client.send(["1", "11", "1", *contract, "0", "233", "0", "0", ""])
    frames = client.frames()
    while not next(frames).startswith(wanted):
        pass
    print("subscribed", flush=True)
    return {"messages": sum(payload.startswith(wanted) for payload in frames)}


def place(client: Client, count: int, trigger: int | None = None) -> dict[str, float]:
    """Orders, each acknowledged by an open order of its number."""
    started_s = time.perf_counter()
    sent = 0
    acknowledged: set[bytes] = set()
    frames = client.frames()
    while len(acknowledged) < count:
        while sent < count and sent - len(acknowledged) < _WINDOW:
            sent += 1
            client.send(request_fields(3, _order(sent, trigger), VERSION_MAX))
        payload = next(frames)
        if payload.startswith(b"5\0"):
            acknowledged.add(payload.split(b"\0", 2)[1])
        elif payload.startswith(b"4\0") and b"\0-1\0" not in payload:
            raise RuntimeError(payload.decode())
    return {"orders": count, "seconds": time.perf_counter() - started_s}


def _order(number: int, trigger: int | None) -> PlaceOrder:
    """Buys and sells in turn; with a trigger contract it waits for that one to rise far above its price."""
    level = round(_FAR + number * 0.01, 2)
    conditions = () if trigger is None else (PriceCondition("a", True, level, trigger, "SMART", 0),)
    form = OrderForm(
        action="BUY" if number % 2 else "SELL",
        totalQuantity=1.0,
        orderType="MKT",
        tif="DAY",
        account=ACCOUNT,
        transmit=True,
        conditions=conditions,
    )
    return PlaceOrder(number, Contract(symbol=SYMBOL, secType="STK", exchange="SMART", currency="USD"), "", "", form)


def main() -> None:
    """Does what its arguments say."""
    port, what, *rest = sys.argv[1:]
    client = Client(int(port))
    counted = count_ticks(client) if what == "ticks" else place(client, *(int(word) for word in rest))
    print(json.dumps(counted), flush=True)


if __name__ == "__main__":
    main()
