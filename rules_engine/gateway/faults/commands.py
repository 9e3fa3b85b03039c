"""The commands that a running gateway takes: one table, for fault scripts, seeds and the control port alike."""

import inspect
import math
import typing
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

from rules_engine.gateway.faults.bad_prints import BAD_PRINTS
from rules_engine.gateway.faults.staging import Staging
from rules_engine.gateway.faults.tampering import EVERY
from rules_engine.gateway.faults.uplink import FARMS
from rules_engine.gateway.messages.form import reply_names, request_names

Value = str | float | int | bool | None


WHOLE_MAX = 2**31 - 1
"""The largest whole number that the wire carries."""
STEPPING = frozenset({"step_to"})
"""Commands that move time itself."""


class CommandError(Exception):
    """A command that cannot be; the text says what is wrong and what was allowed."""


@dataclass(frozen=True, slots=True)
class _Ending:
    """The command that ends another: it takes over some of its arguments, under names of its own, and adds others."""

    name: str
    keeps: Mapping[str, str]
    adds: Mapping[str, Value]


def _ends(name: str, keeps: Mapping[str, str] | None = None, **adds: Value) -> _Ending:
    return _Ending(name, keeps or {}, adds)


_REPLIES_AGAIN = _ends("let_through", {"reply": "message", "client": "client"})
_REQUESTS_AGAIN = _ends("let_through", {"request": "message"})

# Every command with what ends it again, where `for` makes sense.
COMMANDS: dict[str, _Ending | None] = {
    "push": None,
    "push_quote": None,
    "halt": _ends("halt", {"instrument": "instrument"}, halted=False),
    "bad_print": None,
    "flood": None,
    "refuse_data": _ends("refuse_data", {"instrument": "instrument"}, code=0),
    "drop_connections": None,
    "drop_after": _REQUESTS_AGAIN,
    "refuse_client": _ends("refuse_client", {"client": "client"}, refused=False),
    "restart": None,
    "freeze": _ends("thaw"),
    "thaw": None,
    "split": _ends("split", piece_bytes=0),
    "break_frame": None,
    "offer_version": _ends("offer_version", version=0),
    "limit_rate": _ends("limit_rate", per_s=0.0),
    "skew_clock": _ends("skew_clock", by_s=0.0),
    "drop": _REPLIES_AGAIN,
    "delay": _REPLIES_AGAIN,
    "duplicate": _REPLIES_AGAIN,
    "reorder": _REPLIES_AGAIN,
    "hide_reference": _REPLIES_AGAIN,
    "withhold": _ends("withhold", {"reply": "reply"}, withheld=False),
    "ignore": _REQUESTS_AGAIN,
    "let_through": None,
    "send_code": None,
    "storm": None,
    "lose_link": _ends("restore_link"),
    "restore_link": None,
    "break_farm": _ends("restore_farm", {"farm": "farm"}),
    "restore_farm": None,
    "delay_orders": _ends("delay_orders", delay_s=0.0),
    "lose_orders": _ends("lose_orders", count=0),
    "refuse_orders": _ends("let_through", message="PlaceOrder"),
    "roll_ids_back": None,
    "correct": None,
    "fill_late": None,
    "double_order": None,
    "reset_account": None,
    "log_in_as": _ends("log_in_as", accounts=""),
    "place_in_tws": None,
    "modify_in_tws": None,
    "cancel_in_tws": None,
    "lend": None,
    "forbid": _ends("forbid", {"instrument": "instrument"}, forbidden=False),
    "step_to": None,
}


# What arguments of these names can be.
_CHOICES: dict[str, Collection[str]] = {
    "reply": reply_names() | {EVERY},
    "request": request_names(),
    "message": reply_names() | request_names() | {EVERY},
    "farm": FARMS,
    "kind": BAD_PRINTS,
}
_CALLED = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a command. A name that ends in `_s` is a number of seconds."""

    name: str
    kinds: tuple[type, ...]
    optional: bool

    def read(self, value: Value) -> Value:
        """The value as the command takes it. Raises CommandError."""
        if float in self.kinds and type(value) is int:
            value = float(value)
        if isinstance(value, int) and abs(value) > WHOLE_MAX:
            raise CommandError(f"{self.name}: {value} is beyond {WHOLE_MAX}")
        if type(value) not in self.kinds or (isinstance(value, float) and not math.isfinite(value)):
            called = " or ".join(_CALLED[kind] for kind in self.kinds if kind in _CALLED)
            raise CommandError(f"{self.name}: {value!r} is not {called}")
        choices = _CHOICES.get(self.name)
        if choices is not None and value not in choices:
            raise CommandError(f"{self.name}: '{value}' is unknown; there are {', '.join(sorted(choices))}")
        return value


@dataclass(frozen=True, slots=True)
class Call:
    """A command with its arguments, checked as far as that goes without the gateway."""

    name: str
    arguments: Mapping[str, Value]

    def on(self, gateway: Staging) -> None:
        """Have the gateway do it. Raises CommandError for what names nothing or cannot be."""
        method: Callable[..., None] = getattr(gateway, self.name)
        try:
            method(**self.arguments)
        except KeyError as error:
            raise CommandError(str(error.args[0])) from error
        except ValueError as error:
            raise CommandError(str(error)) from error

    def ending(self) -> "Call":
        """The command that ends this one. Raises CommandError when nothing does."""
        ending = COMMANDS[self.name]
        if ending is None:
            raise CommandError(f"{self.name} has no end, so `for` means nothing with it")
        kept = {under: self.arguments[name] for name, under in ending.keeps.items() if name in self.arguments}
        return Call(ending.name, {**kept, **ending.adds})


def call_of(name: str, arguments: Mapping[str, Value]) -> Call:
    """A command by its name. Raises CommandError, which lists what was allowed."""
    known = arguments_of(name)
    for key in arguments:
        if key not in known:
            raise CommandError(f"{name} has no argument '{key}'; it has {', '.join(known) or 'none'}")
    for argument in known.values():
        if not argument.optional and argument.name not in arguments:
            raise CommandError(f"{name} needs '{argument.name}'")
    return Call(name, {key: known[key].read(value) for key, value in arguments.items()})


def arguments_of(name: str) -> dict[str, Argument]:
    """The arguments of a command by their names. Raises CommandError for an unknown command."""
    if name not in COMMANDS:
        raise CommandError(f"'{name}' is no command; there are {', '.join(COMMANDS)}")
    return _arguments_of(name)


@lru_cache(maxsize=len(COMMANDS))
def _arguments_of(name: str) -> dict[str, Argument]:
    method = getattr(Staging, name)
    hints = typing.get_type_hints(method)
    return {
        parameter.name: Argument(
            parameter.name, _kinds(hints[parameter.name]), parameter.default is not inspect.Parameter.empty
        )
        for parameter in list(inspect.signature(method).parameters.values())[1:]
    }


def _kinds(hint: typing.Any) -> tuple[type, ...]:  # Any: what get_type_hints returns.
    return typing.get_args(hint) or (hint,)
