"""One client's connection: bytes in, requests out to the gateway, replies back."""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Protocol

from rules_engine.gateway.faults.pieces import Pieces
from rules_engine.gateway.messages.form import read_request, reply_bytes, subject_of
from rules_engine.gateway.messages.link import SYSTEM, Error, StartApi
from rules_engine.gateway.messages.unsimulated import UNSIMULATED
from rules_engine.gateway.wire.frames import BrokenFrame, FrameReader, agreed_version, fields_of, frame
from rules_engine.gateway.wire.values import Malformed, NotAnIdentity

BACKLOG_BYTES_MAX = 64 * 1024 * 1024
"""A client that reads so much slower than it is written to is dropped, as TWS does."""

REPLIES_AT_ONCE = 100
"""So many replies of a long answer leave before other clients have their turn: some milliseconds."""


class Host(Protocol):
    """What a session asks of the gateway."""

    version_max: int
    """The highest server version that it speaks."""

    @property
    def frozen(self) -> bool:
        """Bytes are taken and nothing is answered."""

    @property
    def down(self) -> bool:
        """It is restarting: nobody gets a connection."""

    @property
    def piece_bytes(self) -> int:
        """Bytes leave in pieces of this size; 0 leaves them whole."""

    def hello(self, version: int) -> Sequence[str]:
        """The fields of the server's hello."""

    def start(self, session: "Session", clientId: int) -> None:
        """The client said who it is."""

    def is_too_fast(self, session: "Session") -> bool:
        """Whether a client sends faster than it may; it has been told."""

    def request(self, session: "Session", message: object) -> None:
        """Answer one request."""

    def settle(self) -> None:
        """Everything that came in one read was handled."""

    def passes(self, session: "Session", message: object) -> bool:
        """This reply is sent as usual; else the gateway puts it where it belongs, if anywhere."""

    def left(self, session: "Session") -> None:
        """The connection is gone."""


class Session(asyncio.Protocol):
    """A socket from hello to close. Replies gather until `flush`, so that what belongs together travels together.

    Of a long answer some leave at each turn of the event loop, as fast as the client reads them. What else it asks for
    is answered after that.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._reader = FrameReader()
        self._out: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._pieces: Pieces | None = None
        self._requests: deque[bytes] = deque()
        self._answers: deque[Iterator[object]] = deque()
        self._goes_on = False
        self._is_full = False
        self.version = 0
        self.clientId: int | None = None
        self.marketDataType = 1

    # Called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._pieces = Pieces(transport)
        if self._host.down:
            self.reset()
        elif self._host.frozen:
            self.pause()

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        if not self._host.frozen:
            self.read()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._host.left(self)

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self._go_on()

    # Called by the gateway.

    @property
    def started(self) -> bool:
        """The client has a number and gets replies."""
        return self.clientId is not None

    def read(self) -> None:
        """Handle every frame that is complete, up to one whose answer is long; those behind it wait for its end."""
        try:
            self._serve()
            for payload in self._reader.payloads():
                if self._transport is None:
                    break
                if not (self.started and self._host.is_too_fast(self)):
                    self._requests.append(payload)
                    self._serve()
        except (BrokenFrame, NotAnIdentity):
            self.reset()
        self._host.settle()

    def pause(self) -> None:
        """Leave what the client sends with the operating system, as a process does that is stopped."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again, and answer what arrived before the pause."""
        if self._transport is not None:
            self._transport.resume_reading()
            self.read()
            self._go_on()

    def send(self, message: object) -> None:
        """Queue one reply."""
        if self._transport is not None and self._host.passes(self, message):
            self._out.append(reply_bytes(message, self.version))

    def put(self, message: object) -> None:
        """Queue one reply, whatever is done to others on their way."""
        if self._transport is not None:
            self._out.append(reply_bytes(message, self.version))

    def put_bytes(self, data: bytes) -> None:
        """Queue what is no reply at all."""
        if self._transport is not None:
            self._out.append(data)

    def tell(self, replies: Iterator[object]) -> None:
        """Queue an answer of any length. Between two of its replies there may be other news, but no other answer."""
        self._answers.append(replies)
        if len(self._answers) == 1:
            self._tell_some()

    def flush(self) -> None:
        """Write what was queued, as one piece."""
        if not self._out or self._transport is None or self._host.frozen:
            return
        # What waited before counts: one answer may be larger than any backlog, and its client has not seen it yet.
        if self._transport.get_write_buffer_size() > BACKLOG_BYTES_MAX:
            self.reset()
        else:
            self._write(b"".join(self._out))
        self._out.clear()

    def half_close(self) -> None:
        """Write what is queued and no more, and answer nothing: the client sees the end once it has read all of it.

        After a close, a question of the client on its way would have the system throw away what it has not read yet.
        """
        self.flush()
        if self._transport is not None:
            if self._pieces is not None:
                self._pieces.finish()
            self._transport.write_eof()
            self._transport = None

    def close(self) -> None:
        """Write what is queued, then close."""
        self.flush()
        if self._transport is not None:
            if self._pieces is not None:
                self._pieces.finish()
            self._transport.close()
            self._transport = None

    def reset(self) -> None:
        """Drop the connection at once."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def _serve(self) -> None:
        while self._requests and not self._answers and self._transport is not None:
            self._take(self._requests.popleft())

    def _tell_some(self) -> None:
        told = 0
        while self._answers and told < REPLIES_AT_ONCE:
            if (reply := next(self._answers[0], None)) is None:
                self._answers.popleft()
            else:
                self.send(reply)
                told += 1
        self._go_on()

    def _go_on(self) -> None:
        if self._answers and not self._goes_on:
            self._goes_on = True
            asyncio.get_running_loop().call_soon(self._tell_on)

    def _tell_on(self) -> None:
        self._goes_on = False
        if self._transport is not None and not self._is_full and not self._host.frozen:
            self._tell_some()
            self.read()

    def _take(self, payload: bytes) -> None:
        if not self.version:
            self._greet(payload)
            return
        fields = fields_of(payload)
        refused = UNSIMULATED.get(fields[0])
        try:
            message = read_request(fields, self.version) if refused is None else refused
        except Malformed as malformed:
            self._refuse(fields, 320, f"Error reading request. {malformed}")
            return
        if isinstance(message, StartApi):
            self._host.start(self, message.clientId)
        elif not self.started:
            raise BrokenFrame("a request came before the client said who it is")
        elif refused is None:
            self._host.request(self, message)
        elif refused.code is not None:
            self._refuse(fields, refused.code, refused.text)

    def _refuse(self, fields: Sequence[str], code: int, text: str) -> None:
        subject = subject_of(fields)
        self.send(Error(SYSTEM if subject is None else subject, code, text))

    def _greet(self, offer: bytes) -> None:
        """The hello goes out alone: old clients read it with one blocking receive and drop what follows it."""
        self.version = agreed_version(offer, self._host.version_max)
        self._write(frame(self._host.hello(self.version)))

    def _write(self, data: bytes) -> None:
        assert self._pieces is not None
        self._pieces.write(data, self._host.piece_bytes)
