"""The register of message types: which number each has on the wire, and in what form it travels."""

import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rules_engine.gateway.messages.unsimulated import UNSIMULATED
from rules_engine.gateway.wire.codec import Layout
from rules_engine.gateway.wire.declarations import declared
from rules_engine.gateway.wire.frames import VERSION_MAX, VERSION_MIN, BrokenFrame, sealed
from rules_engine.gateway.wire.items import VERSION_NEVER, Fields, Fixed, Item
from rules_engine.gateway.wire.values import Malformed, whole

T = typing.TypeVar("T")


class Maker(typing.Protocol):
    """Makes a class a message type."""

    def __call__(self, cls: type[T]) -> type[T]: ...


@dataclass(frozen=True, slots=True)
class _Form:
    number: str
    layout: Layout[typing.Any]  # Any: one register holds the layouts of every message type.
    identity_at: int | None
    """Where the request or order id stands, if the message has one."""


_requests: dict[str, _Form] = {}
_replies: dict[type, _Form] = {}


class _Writers(dict[type, Callable[[object], str]]):
    """What writes each type of reply in one server version, found when it is first needed."""

    def __init__(self, version: int) -> None:
        self._version = version

    def __missing__(self, cls: type) -> Callable[[object], str]:
        self[cls] = _replies[cls].layout.writer(self._version)
        return self[cls]


_writers = {version: _Writers(version) for version in range(VERSION_MIN, VERSION_MAX + 1)}


@typing.dataclass_transform(frozen_default=True)
def request(number: int, *, version: int | None = None, layout: tuple[Item, ...] | None = None) -> Maker:
    """Declare what a client may send; `version` is the constant that older messages carry after their number."""

    def declare(cls: type[T]) -> type[T]:
        made, form = _form(cls, number, version, VERSION_NEVER, layout)
        _requests[form.number] = form
        return made

    return declare


@typing.dataclass_transform(frozen_default=True)
def reply(
    number: int, *, version: int | None = None, until: int = VERSION_NEVER, layout: tuple[Item, ...] | None = None
) -> Maker:
    """Declare what the server may send; its version constant travels below server version `until`."""

    def declare(cls: type[T]) -> type[T]:
        made, form = _form(cls, number, version, until, layout)
        _replies[made] = form
        return made

    return declare


def _form(
    cls: type[T], number: int, version: int | None, until: int, layout: tuple[Item, ...] | None
) -> tuple[type[T], _Form]:
    # Frozen for the type checker alone, which is told so above: one is made for every tick, and freezing makes that
    # four times as slow.
    made = dataclass(slots=True, unsafe_hash=True)(cls)
    names = " ".join(declared(made))
    head = [Fixed(str(number))] if version is None else [Fixed(str(number)), Fixed(str(version), until=until)]
    identified = names.startswith(("reqId", "orderId"))
    form = Layout(made, (*head, *(layout or (Fields(names),))))
    return made, _Form(str(number), form, len(head) if identified else None)


def read_request(fields: Sequence[str], version: int) -> object:
    """The request in these fields; raises Malformed for one wrong field, BrokenFrame if it can be no request."""
    if not (fields[0].isascii() and fields[0].isdecimal()):
        raise BrokenFrame(f"{fields[0]!r} is no message number")
    form = _requests.get(fields[0])
    if form is None:
        raise Malformed("message", fields[0], "a request that this simulated gateway knows")
    return form.layout.decode(fields, version)


def subject_of(fields: Sequence[str]) -> int | None:
    """The request or order id of a message that may not be readable otherwise."""
    form = _requests.get(fields[0])
    at = UNSIMULATED[fields[0]].identity_at if fields[0] in UNSIMULATED else form.identity_at if form else None
    if at is None or len(fields) <= at:
        return None
    try:
        return whole(fields[at])
    except ValueError:
        return None


def reply_bytes(message: object, version: int) -> bytes:
    """A whole frame for this reply."""
    return sealed(_writers[version][type(message)](message))


def request_names() -> frozenset[str]:
    """Every type of request that is answered."""
    return frozenset(form.layout.cls.__name__ for form in _requests.values())


def reply_names() -> frozenset[str]:
    """Every type of reply that there is."""
    return frozenset(cls.__name__ for cls in _replies)


def read_reply(cls: type[T], fields: Sequence[str], version: int) -> T:
    """The reply in these fields: the other direction, for tests and recordings."""
    form = _replies[cls]
    return typing.cast(T, form.layout.decode(fields, version))


def request_fields(number: int, message: object, version: int) -> list[str]:
    """A request as a client would write it: the other direction, for the state file and for tests."""
    return _requests[str(number)].layout.writer(version)(message).split("\0")[:-1]
