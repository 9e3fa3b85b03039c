"""Market scripts (YAML, by hand) into tracks: timed prices and quotes, ramps, a past, a loop."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rules_engine.gateway.contracts.contract import Listing
from rules_engine.gateway.files import Node, read_yaml
from rules_engine.gateway.market.quote import HALTED, HALTED_BY_VOLATILITY, TRADING
from rules_engine.gateway.market.tape import Track

STEPS_MAX = 1_000_000
"""A script has at most so many prices for one instrument."""
_REPEATED = re.compile(r"(\S+)\s+x(\d+)")
_NO_PRINT = "_"
_HALTS = {"general": HALTED, "volatility": HALTED_BY_VOLATILITY}
_RESUMES = {"yes": TRADING}
_DEFAULT_SIZE = 100.0
_LAST_STEP_S = 1.0
"""What lies between the last price of a past that ends in a single step and the start."""


@dataclass(frozen=True, slots=True)
class Script:
    """A whole script; ``loop_s`` 0 plays it once."""

    tracks: tuple[Track, ...]
    loop_s: float


@dataclass(frozen=True, slots=True)
class _Step:
    """One price or one quote at one instant of a script, or that trading stops or goes on."""

    at_s: float
    price: float | None = None
    size: float = _DEFAULT_SIZE
    bid: float = 0.0
    ask: float = 0.0
    bid_size: float | None = None
    ask_size: float | None = None
    halted: int | None = None


@dataclass(frozen=True, slots=True)
class _Part:
    """Consecutive steps, and when the next part begins if it does not say so itself."""

    steps: tuple[_Step, ...]
    end_s: float


def read_script(path: Path, listing_of: Callable[[Node, str], Listing]) -> Script:
    """Reads a script. ``listing_of`` finds the instrument of a symbol or says at its place why there is none."""
    root = read_yaml(path)
    entries = root.mapping(("version", "loop", "symbols"))
    if "version" in entries and entries["version"].text() != "1":
        raise entries["version"].problem(f"version {entries['version'].text()} is not known; this one reads version 1")
    if "symbols" not in entries:
        raise root.problem("a market script needs 'symbols:'")
    tracks = tuple(_track(node, listing_of(node, symbol)) for symbol, node in entries["symbols"].mapping().items())
    if not tracks:
        raise entries["symbols"].problem("no symbols")
    loop_s = entries["loop"].duration_s() if "loop" in entries else 0.0
    last_s = max(track.last_s for track in tracks)
    if "loop" in entries and loop_s <= last_s:
        raise entries["loop"].problem(f"a loop of {loop_s:g}s must be longer than what it plays, {last_s:g}s")
    return Script(tracks, loop_s)


def _track(node: Node, listing: Listing) -> Track:
    entries = node.mapping(("close", "history", "play"))
    track = Track(listing, close=entries["close"].positive() if "close" in entries else None)
    if "history" in entries:
        past = list(_steps(entries["history"]))
        shift_s = past[-1].end_s if past else 0.0
        for part in past:
            if any(step.halted is not None for step in part.steps):
                raise entries["history"].problem("'halt' and 'resume' belong to 'play:'")
            _record(track, part, -shift_s)
    for part in _steps(entries["play"]) if "play" in entries else ():
        _record(track, part, 0.0)
    if len(track.trades.times_s) + len(track.quotes.times_s) == 0:
        raise node.problem("no price; write 'play:' or 'history:'")
    return track


def _record(track: Track, part: _Part, shift_s: float) -> None:
    for step in part.steps:
        at_s = step.at_s + shift_s
        if step.halted is not None:
            track.halts.append((at_s, step.halted))
        elif step.price is None:
            usual = track.listing.quoted_size
            track.quotes.add(at_s, step.bid, step.ask, step.bid_size or usual, step.ask_size or usual)
        else:
            track.trades.add(at_s, step.price, step.size)


def _steps(node: Node) -> Iterator[_Part]:
    """The parts of a `play:` or `history:`, one or a list of them."""
    now_s, last_s, price, total = 0.0, 0.0, None, 0
    for entry in node.value if isinstance(node.value, tuple) else (node,):
        entries = entry.mapping()
        at_s = entries["at"].duration_s() if "at" in entries else now_s
        part = _part(entry, entries, at_s, price)
        if at_s < last_s:
            raise entry.problem(f"{at_s:g}s lies before the step above, {last_s:g}s")
        total += len(part.steps)
        if total > STEPS_MAX:
            raise entry.problem(f"more than {STEPS_MAX} prices")
        now_s = part.end_s
        last_s = part.steps[-1].at_s if part.steps else at_s
        price = next((step.price for step in reversed(part.steps) if step.price is not None), price)
        yield part


def _part(node: Node, entries: dict[str, Node], at_s: float, price: float | None) -> _Part:
    if "prices" in entries:
        return _listed(node.mapping(("at", "every", "prices", "size")), at_s)
    if "to" in entries:
        return _ramp(node, node.mapping(("at", "every", "from", "to", "over", "size")), at_s, price)
    if "price" in entries:
        step = _Step(at_s, node.mapping(("at", "price", "size"))["price"].positive(), _size(entries, "size"))
        return _Part((step,), at_s + _LAST_STEP_S)
    if "bid" in entries and "ask" in entries:
        return _quoted(node, node.mapping(("at", "bid", "ask", "bid_size", "ask_size")), at_s)
    if "halt" in entries:
        return _halted(node.mapping(("at", "halt"))["halt"], _HALTS, at_s)
    if "resume" in entries:
        return _halted(node.mapping(("at", "resume"))["resume"], _RESUMES, at_s)
    kinds = "'price', 'bid' and 'ask', 'prices' with 'every', 'to' with 'over' and 'every', 'halt', or 'resume'"
    raise node.problem(f"a step has {kinds}")


def _listed(entries: dict[str, Node], at_s: float) -> _Part:
    """Prices at even distances; `_` leaves one out and `200 x3` repeats."""
    every_s = _every_s(entries)
    size = _size(entries, "size")
    prices = list(_prices(entries["prices"]))
    steps = (_Step(at_s + number * every_s, price, size) for number, price in enumerate(prices) if price is not None)
    return _Part(tuple(steps), at_s + len(prices) * every_s)


def _prices(node: Node) -> Iterator[float | None]:
    listed = node.value if isinstance(node.value, tuple) else _split(node)
    for item in listed:
        repeated = _REPEATED.fullmatch(item.text().strip())
        word = Node(item.place, repeated[1] if repeated else item.text().strip())
        times = int(repeated[2]) if repeated else 1
        if times > STEPS_MAX:
            raise item.problem(f"more than {STEPS_MAX} prices")
        price = None if word.value == _NO_PRINT else word.positive()
        for _ in range(times):
            yield price


def _split(node: Node) -> tuple[Node, ...]:
    return tuple(Node(node.place, word) for word in node.text().split(","))


def _ramp(node: Node, entries: dict[str, Node], at_s: float, price: float | None) -> _Part:
    """Even steps from the last price (or `from`) to another; the last of them is exactly that price."""
    start = entries["from"].positive() if "from" in entries else price
    if start is None:
        raise node.problem("nothing to move from: write 'from', or a price before it")
    if "over" not in entries:
        raise node.problem("'to' needs 'over', how long the move takes")
    every_s, over_s, end = _every_s(entries), entries["over"].duration_s(), entries["to"].positive()
    count = max(1, round(over_s / every_s))
    if count > STEPS_MAX:
        raise node.problem(f"more than {STEPS_MAX} prices")
    size = _size(entries, "size")
    steps = [
        _Step(at_s + number * every_s, round(start + (end - start) * number / count, 6), size)
        for number in range(1, count + 1)
    ]
    return _Part(tuple(steps), at_s + (count + 1) * every_s)


def _quoted(node: Node, entries: dict[str, Node], at_s: float) -> _Part:
    bid, ask = entries["bid"].positive(), entries["ask"].positive()
    if bid > ask:
        raise node.problem(f"bid {bid:g} is above ask {ask:g}")
    sizes = (_given_size(entries, "bid_size"), _given_size(entries, "ask_size"))
    return _Part((_Step(at_s, None, 0.0, bid, ask, *sizes),), at_s + _LAST_STEP_S)


def _halted(node: Node, words: dict[str, int], at_s: float) -> _Part:
    if node.text() not in words:
        raise node.problem(f"'{node.text()}' is none of {', '.join(words)}")
    return _Part((_Step(at_s, halted=words[node.text()]),), at_s + _LAST_STEP_S)


def _size(entries: dict[str, Node], key: str) -> float:
    return _given_size(entries, key) or _DEFAULT_SIZE


def _given_size(entries: dict[str, Node], key: str) -> float | None:
    return entries[key].positive() if key in entries else None


def _every_s(entries: dict[str, Node]) -> float:
    if "every" not in entries:
        return _LAST_STEP_S
    every_s = entries["every"].duration_s()
    if every_s <= 0:
        raise entries["every"].problem("must be longer than nothing")
    return every_s
