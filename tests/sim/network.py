"""Sockets without a network: bytes in order, late by a little, split anywhere, lost only with their connection."""

import asyncio
import contextvars
from collections.abc import Callable
from random import Random

from tests.sim.node import NODE, Node
from tests.sim.virtual_loop import VirtualLoop

SPLIT_PROBABILITY = 0.05
SLOW_PROBABILITY = 0.01


class Wire:
    """Whoever watches the bytes of connections as they are delivered."""

    def opened(self, number: int) -> None: ...
    def sent(self, number: int, node: Node | None, data: bytes) -> None: ...
    def delivered(self, number: int, to_server: bool, data: bytes) -> None: ...
    def closed(self, number: int) -> None: ...


class Network:
    """All connections between engines and the gateway."""

    def __init__(
        self,
        loop: VirtualLoop,
        random: Random,
        wire: Wire,
        *,
        slow_probability: float = SLOW_PROBABILITY,
        split_probability: float = SPLIT_PROBABILITY,
    ) -> None:
        self._loop = loop
        self._random = random
        self._wire = wire
        self._slow_probability = slow_probability
        self._split_probability = split_probability
        self._listening: dict[int | str, tuple[Callable[[], asyncio.Protocol], contextvars.Context]] = {}
        self._next_port = 4002
        self._count = 0
        self.open: dict[int, Connection] = {}
        """Connections to the gateway."""

    def listen(self, factory: Callable[[], asyncio.Protocol], host: str, port: int) -> "Server":
        if not port:
            port, self._next_port = self._next_port, self._next_port + 1
        self._listening[port] = (factory, contextvars.copy_context())
        return Server(self, port)

    def listen_locally(self, factory: Callable[[], asyncio.Protocol], path: str) -> "Server":
        """A Unix socket: gone with the process that listens."""
        self._listening[path] = (factory, contextvars.copy_context())
        if (node := NODE.get()) is not None:
            node.closers.append(lambda: self.stop_listening(path))
        return Server(self, path)

    def stop_listening(self, place: int | str) -> None:
        self._listening.pop(place, None)

    async def connect(self, factory: Callable[[], asyncio.Protocol], host: str, port: int):
        if (node := NODE.get()) is not None:
            node.port("connect")
        await asyncio.sleep(self.latency_s())
        connection, client = self._join(factory, port, self._wire)
        self.open[connection.number] = connection
        return connection.client, client

    async def connect_locally(self, factory: Callable[[], asyncio.Protocol], path: str):
        """To a Unix socket; nobody watches these bytes."""
        await asyncio.sleep(self.latency_s())
        connection, client = self._join(factory, path, Wire())
        return connection.client, client

    def _join(self, factory: Callable[[], asyncio.Protocol], place: int | str, wire: Wire):
        if place not in self._listening:
            raise ConnectionRefusedError(f"nothing listens at {place}")
        make_server, server_context = self._listening[place]
        self._count += 1
        connection = Connection(self._count, self._loop, self, wire)
        client, server = factory(), server_context.run(make_server)
        connection.join(client, contextvars.copy_context(), server, server_context)
        return connection, client

    def drop(self, connection: "Connection") -> None:
        """Cuts a connection as a broken network does: what is on its way is lost, both ends learn of it."""
        connection.client.abort()

    def latency_s(self) -> float:
        if self._random.random() < self._slow_probability:
            return self._random.uniform(0.05, 1.5)
        return self._random.uniform(0.0002, 0.004)

    def piece(self, length: int) -> int:
        """How many of so many bytes are delivered at once."""
        if length > 1 and self._random.random() < self._split_probability:
            return self._random.randrange(1, length)
        return length


class Connection:
    """Both ends of one connection."""

    def __init__(self, number: int, loop: VirtualLoop, network: Network, wire: Wire) -> None:
        self.number = number
        self.client = End(self, loop, network, wire, to_server=True)
        self.server = End(self, loop, network, wire, to_server=False)
        self.client.other, self.server.other = self.server, self.client
        self._network = network
        self._wire = wire

    def join(self, client, client_context, server, server_context) -> None:
        self._wire.opened(self.number)
        for end, protocol, context in ((self.client, client, client_context), (self.server, server, server_context)):
            node = context.get(NODE)
            end.attach(protocol, node, context)
            if node is not None:
                node.closers.append(end.die)
                node.keeps.append((protocol, self))

    def forget(self) -> None:
        if self._network.open.pop(self.number, None) is not None:
            self._wire.closed(self.number)


class End(asyncio.Transport):
    """One end: a buffer in which the order is kept, and one timer at a time that delivers from it."""

    other: "End"

    def __init__(self, connection: Connection, loop: VirtualLoop, network: Network, wire: Wire, *, to_server: bool):
        super().__init__()
        self._connection = connection
        self._loop = loop
        self._network = network
        self._wire = wire
        self._to_server = to_server
        self._node: Node | None = None
        self._context: contextvars.Context | None = None
        self._protocol: asyncio.Protocol | None = None
        self._out = bytearray()
        self._fin = False
        self._timer: asyncio.TimerHandle | None = None
        self._held = False
        self._paused = False
        self._closed = False

    def attach(self, protocol: asyncio.Protocol, node: Node | None, context: contextvars.Context) -> None:
        self._protocol, self._node, self._context = protocol, node, context.copy()
        self._loop.call_soon(protocol.connection_made, self, context=self._context)

    # What protocols call.

    def write(self, data: bytes) -> None:
        if self._node is not None:
            if self._node.dead:
                return
            self._node.port("before write")
        if not self._closed and not self._fin and data:
            if self._to_server:
                self._wire.sent(self._connection.number, self._node, bytes(data))
            self._out += data
            self._flow()
        if self._node is not None:
            self._node.port("after write")

    def write_eof(self) -> None:
        if not self._fin and not self._closed:
            self._fin = True
            self._flow()

    def can_write_eof(self) -> bool:
        return True

    def close(self) -> None:
        """What was written is delivered first, as the operating system does."""
        if self._closed or (self._node is not None and self._node.dead):
            return
        self._close()

    def abort(self) -> None:
        """Nothing more is delivered in either direction."""
        if self._closed:
            return
        for end in (self, self.other):
            end._out.clear()
            end._lose(None if end is self else ConnectionResetError("connection reset by peer"))
        self._connection.forget()

    def is_closing(self) -> bool:
        return self._closed or self._fin

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        self.other._flow()

    def get_write_buffer_size(self) -> int:
        return len(self._out)

    def set_write_buffer_limits(self, high=None, low=None) -> None:
        pass

    def get_extra_info(self, name, default=None):
        places = {"sockname": ("127.0.0.1", self._connection.number), "peername": ("127.0.0.1", 0)}
        return places.get(name, default)

    # The network itself.

    def die(self) -> None:
        """The process is gone: the kernel delivers what it took, then closes."""
        if not self._closed:
            self._fin = True
            self._closed = True
            self._flow()

    def _close(self) -> None:
        self._fin = True
        self._lose(None)
        self._flow()

    def _lose(self, why: Exception | None) -> None:
        if not self._closed:
            self._closed = True
            self._loop.call_soon(self._protocol.connection_lost, why, context=self._context)

    def _flow(self) -> None:
        if self._timer is None and not self._held and not self.other._paused and (self._out or self._fin):
            context = contextvars.Context()  # The network is nobody's process.
            self._timer = self._loop.call_later(self._network.latency_s(), self._deliver, context=context)

    def _deliver(self) -> None:
        self._timer = None
        node = self.other._node
        if self.other._paused:
            return
        if self._out and node is not None and not node.dead:
            self._held = node.holds_up(self._hand_over)
        if not self._held:
            self._hand_over()

    def _hand_over(self) -> None:
        self._held = False
        other = self.other
        if self._out:
            count = self._network.piece(len(self._out))
            data = bytes(self._out[:count])
            del self._out[:count]
            if not other._closed:
                self._wire.delivered(self._connection.number, self._to_server, data)
                other._receive(data)
            self._flow()
        elif self._fin:
            if not other._closed:
                other._fin = True
                other._lose(None)
            self._connection.forget()

    def _receive(self, data: bytes) -> None:
        if self._node is None or not self._node.dead:
            self._context.run(self._protocol.data_received, data)


class Server:
    """What listening returns."""

    def __init__(self, network: Network, place: int | str) -> None:
        self._network = network
        self._place = place
        self.sockets = [_Socket(place)]

    def close(self) -> None:
        self._network.stop_listening(self._place)

    async def wait_closed(self) -> None:
        pass

    async def start_serving(self) -> None:
        pass


class _Socket:
    def __init__(self, place: int | str) -> None:
        self._place = place

    def getsockname(self) -> tuple[str, int | str]:
        return ("127.0.0.1", self._place)
