"""What is done to replies on their way to clients: dropped, delayed, sent twice, sent too late."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random

from rules_engine.gateway.messages.order_messages import CompletedOrder, ExecDetails, OpenOrder
from rules_engine.gateway.times import Timers
from rules_engine.gateway.wire.session import Session

EVERY = "*"
"""In place of a type of message: all of them."""
REFERENCES = frozenset({"OpenOrder", "CompletedOrder", "ExecDetails"})
"""Replies that carry the name that a client gave to its order."""


class Deed(StrEnum):
    """What can be done to a message."""

    DROP = "drop"
    DELAY = "delay"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    HIDE = "hide reference"


@dataclass(slots=True)
class Instruction:
    """Do this to messages of a type, until it was done so often, or until it is taken back."""

    deed: Deed
    message: str
    client: int | None = None
    left: int | None = None
    probability: float = 1.0
    amount: float = 0.0
    """Seconds of delay, further copies, or how many later messages go first."""

    def concerns(self, name: str, client: int | None) -> bool:
        """Whether it is about this message to this client."""
        return self.message in (EVERY, name) and self.client in (None, client)


@dataclass(slots=True)
class _Held:
    message: object
    after: int


def without_reference(message: object) -> object:
    """The message as if the client had given no orderRef."""
    match message:
        case OpenOrder() | CompletedOrder():
            return replace(message, order=replace(message.order, orderRef=""))
        case ExecDetails():
            return replace(message, orderRef="")
        case _:
            return message


class Tampering:
    """Stands between what the gateway says and what clients hear."""

    def __init__(self, timers: Timers, now_s: Callable[[], float], random: Random) -> None:
        self._timers = timers
        self._now_s = now_s
        self._random = random
        self._instructions: list[Instruction] = []
        self._held: dict[Session, list[_Held]] = {}

    def begin(self, instruction: Instruction) -> None:
        """Do this from now on."""
        self._instructions.append(instruction)

    def end(self, message: str = EVERY, client: int | None = None) -> None:
        """Let messages of this type through again; those held back for others to go first follow with the next one."""
        self._instructions = [
            one for one in self._instructions if not (message in (EVERY, one.message) and client in (None, one.client))
        ]

    def left(self, session: Session) -> None:
        """The connection is gone."""
        self._held.pop(session, None)

    def passes(self, session: Session, message: object) -> bool:
        """Whether the message goes its usual way; else it was put where this decided, or nowhere."""
        if not self._instructions and not self._held:
            return True
        instruction = self._instruction_for(session, message)
        if instruction is None or instruction.deed is Deed.DUPLICATE:
            for _ in range(1 + int(instruction.amount if instruction else 0)):
                session.put(message)
            self._let_follow(session)
        elif instruction.deed is Deed.HIDE:
            session.put(without_reference(message))
        elif instruction.deed is Deed.DELAY:
            self._timers.at(self._now_s() + instruction.amount, lambda: session.put(message))
        elif instruction.deed is Deed.REORDER:
            self._held.setdefault(session, []).append(_Held(message, int(instruction.amount)))
        return False

    def _instruction_for(self, session: Session, message: object) -> Instruction | None:
        name = type(message).__name__
        for instruction in self._instructions:
            if instruction.concerns(name, session.clientId) and self._random.random() < instruction.probability:
                if instruction.left is not None:
                    instruction.left -= 1
                    if instruction.left == 0:
                        self._instructions.remove(instruction)
                return instruction
        return None

    def _let_follow(self, session: Session) -> None:
        """One message went first."""
        waiting = self._held.pop(session, [])
        for held in waiting:
            held.after -= 1
            if held.after <= 0:
                session.put(held.message)
        still = [held for held in waiting if held.after > 0]
        if still:
            self._held[session] = still
