"""The `instruments:` of a file into instruments."""

import re
from datetime import date
from decimal import Decimal

from rules_engine.language.codes import Code
from rules_engine.language.collector import Collector
from rules_engine.language.grammar import reserved_words
from rules_engine.language.nearest import listed
from rules_engine.language.structure import start_of
from rules_engine.language.tree import Mapping, Node, Scalar
from rules_engine.model.instrument import Instrument, Kind

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)
_KINDS = tuple(kind.value for kind in Kind)
_EXCHANGES = {Kind.FOREX: "IDEALPRO", Kind.CRYPTO: "PAXOS", Kind.FUTURE: "", Kind.INDEX: "", Kind.CONTRACT: ""}
_NEEDS = {
    Kind.FUTURE: ("exchange",),
    Kind.INDEX: ("exchange",),
    Kind.OPTION: ("expiry", "strike", "right"),
}
_ONLY_FOR = {
    "expiry": {Kind.FUTURE, Kind.OPTION},
    "roll": {Kind.FUTURE},
    "strike": {Kind.OPTION},
    "right": {Kind.OPTION},
}


def read_instruments(node: Node | None, problems: Collector) -> dict[str, Instrument]:
    """Every declared instrument by name; one that is wrong stands in as well as it can."""
    if not isinstance(node, Mapping):
        return {}
    found: dict[str, Instrument] = {}
    for entry in node.entries:
        check_name(entry.key, "instrument", problems)
        if isinstance(entry.value, Mapping):
            found[entry.key.text] = _instrument(entry.key, entry.value, problems)
    return found


def check_name(key: Scalar, what: str, problems: Collector) -> None:
    """Records what is wrong with the name of an instrument or a value."""
    if NAME.fullmatch(key.text) is None:
        hint = "write letters, digits and '_', starting with a letter"
        problems.add(
            key, Code.BAD_SHAPE, f"'{key.text[:64]}' cannot name {'an' if what == 'instrument' else 'a'} {what}", hint
        )
    elif key.text in reserved_words():
        problems.add(
            key, Code.RESERVED_NAME, f"'{key.text}' is a word of the language and names no {what}", "rename it"
        )


def _instrument(key: Scalar, node: Mapping, problems: Collector) -> Instrument:
    kinds = [entry for entry in node.entries if entry.key.text in _KINDS]
    if len(kinds) != 1:
        said = "says several things that it is" if kinds else "does not say what it is"
        problems.add(start_of(node), Code.BAD_INSTRUMENT, f"'{key.text}' {said}", f"write one of {listed(_KINDS)}")
        return Instrument(key.text, symbol=key.text)
    kind = Kind(kinds[0].key.text)
    _check_keys(key.text, kind, node, problems)
    symbol, currency = _symbol(kind, node.text(kind.value), kinds[0].value, problems)
    expiry = node.text("expiry")
    _check_expiry(kind, expiry, node, problems)
    return Instrument(
        name=key.text,
        kind=kind,
        symbol="" if kind is Kind.CONTRACT else symbol,
        exchange=node.text("exchange") or _EXCHANGES.get(kind, "SMART"),
        currency=node.text("currency") or currency,
        expiry=expiry,
        roll_days=node.whole("roll", 5),
        local_symbol=node.text("local_symbol"),
        trading_class=node.text("trading_class"),
        multiplier=node.text("multiplier"),
        strike=_strike(node),
        right=node.text("right"),
        contract_id=node.whole("conId", 0),
    )


def _check_keys(name: str, kind: Kind, node: Mapping, problems: Collector) -> None:
    for needed in _NEEDS.get(kind, ()):
        if node.get(needed) is None:
            problems.add(start_of(node), Code.BAD_INSTRUMENT, f"'{name}' needs '{needed}'", f"add '{needed}:'")
    if kind is Kind.FUTURE and node.get("expiry") is None and node.get("local_symbol") is None:
        hint = "add 'expiry: front', 'expiry: 2030-12' or 'local_symbol: ESZ0'"
        problems.add(start_of(node), Code.BAD_INSTRUMENT, f"'{name}' does not say which future of the series", hint)
    for entry in node.entries:
        if kind not in _ONLY_FOR.get(entry.key.text, {kind}):
            message = f"'{entry.key.text}' means nothing for '{kind}'"
            problems.add(entry.key, Code.BAD_INSTRUMENT, message, "remove it")


def _check_expiry(kind: Kind, expiry: str, node: Mapping, problems: Collector) -> None:
    place = node.get("expiry") or node
    if kind is Kind.OPTION and expiry and not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", expiry):
        problems.add(place, Code.BAD_INSTRUMENT, "an option expires on a day", "write 2030-12-20")
    elif re.match(r"[0-9]", expiry) and not _is_on_the_calendar(expiry):
        what, hint = ("day", "write 2030-12-20") if len(expiry) > len("2030-12") else ("month", "write 2030-12")
        problems.add(place, Code.BAD_INSTRUMENT, f"there is no {what} {expiry}", hint)


def _is_on_the_calendar(expiry: str) -> bool:
    try:
        date.fromisoformat(expiry if len(expiry) > len("2030-12") else f"{expiry}-01")
    except ValueError:
        return False
    return True


def _symbol(kind: Kind, text: str, node: Node, problems: Collector) -> tuple[str, str]:
    """Symbol and currency; a pair is written as one word."""
    if kind is not Kind.FOREX:
        return text, "USD"
    pair = re.fullmatch(r"([A-Z]{3})[./]?([A-Z]{3})", text)
    if pair is None:
        problems.add(node, Code.BAD_INSTRUMENT, "a currency pair is two currencies in one word", "write EURUSD")
        return text, "USD"
    return pair[1], pair[2]


def _strike(node: Mapping) -> Decimal | None:
    value = node.get("strike")
    is_number = isinstance(value, Scalar) and isinstance(value.value, int | float)
    return Decimal(value.text) if isinstance(value, Scalar) and is_number else None
