"""Fault scripts (YAML, by hand) into steps of a fault plan."""

from datetime import time
from pathlib import Path

from rules_engine.gateway.clocks import ClockError, read_time_of_day
from rules_engine.gateway.faults.commands import STEPPING, Argument, Call, CommandError, Value, arguments_of, call_of
from rules_engine.gateway.faults.plan import Step
from rules_engine.gateway.files import Node, read_yaml
from rules_engine.gateway.market.market import Market

_TIMING = ("at", "every", "daily", "for", "do")
_WORDS = {"true": True, "false": False}


def read_faults(path: Path, market: Market) -> tuple[Step, ...]:
    """Reads a fault script. Raises MarketError, which says where something is wrong and what was allowed."""
    root = read_yaml(path)
    entries = root.mapping(("version", "faults"))
    if "version" in entries and entries["version"].text() != "1":
        raise entries["version"].problem(f"version {entries['version'].text()} is not known; this one reads version 1")
    if "faults" not in entries:
        raise root.problem("a fault script needs 'faults:'")
    return tuple(_step(node, market) for node in entries["faults"].sequence())


def _step(node: Node, market: Market) -> Step:
    entries = node.mapping()
    if "do" not in entries:
        raise node.problem("a fault needs 'do', the command")
    if sum(key in entries for key in ("every", "daily")) > 1 or {"at", "daily"} <= entries.keys():
        raise node.problem("a fault comes 'at' a moment, 'every' so long, or 'daily' at a time")
    call = _call(entries, market)
    every_s = _positive_s(entries, "every")
    at_s = entries["at"].duration_s() if "at" in entries else every_s or 0.0
    for_s = _positive_s(entries, "for")
    if for_s is not None:
        try:
            call.ending()
        except CommandError as error:
            raise entries["for"].problem(str(error)) from error
    return Step(call, at_s, every_s, _time(entries["daily"]) if "daily" in entries else None, for_s)


def _call(entries: dict[str, Node], market: Market) -> Call:
    name, given = entries["do"], {key: node for key, node in entries.items() if key not in _TIMING}
    try:
        known = arguments_of(name.text())
        if name.text() in STEPPING:
            raise CommandError(f"'{name.text()}' moves time, which a script follows")
        return call_of(name.text(), {key: _value(node, known.get(key), market) for key, node in given.items()})
    except CommandError as error:
        raise name.problem(str(error)) from error


def _value(node: Node, argument: Argument | None, market: Market) -> Value:
    """The value that a text stands for; an argument that the command does not have is refused by it."""
    text = node.text()
    if argument is None:
        return text
    if argument.name == "instrument" and market.catalogue.named(text) is None:
        raise node.problem(f"'{text}' is not listed")
    if argument.name.endswith("_s") and not text[-1:].isdigit():
        return node.duration_s()
    if str in argument.kinds:
        return text
    if bool in argument.kinds:
        return _WORDS.get(text, text)
    number = node.number()
    return int(number) if int in argument.kinds and number == int(number) else number


def _positive_s(entries: dict[str, Node], key: str) -> float | None:
    if key not in entries:
        return None
    duration_s = entries[key].duration_s()
    if duration_s <= 0:
        raise entries[key].problem("must be longer than nothing")
    return duration_s


def _time(node: Node) -> time:
    try:
        return read_time_of_day(node.text())
    except ClockError as error:
        raise node.problem(str(error)) from error
