"""Instruments, as rules name them, into the one IB contract that each means, or the reason why none does."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from rules_engine.broker.library import Contract, ContractDetails
from rules_engine.model.instrument import Instrument, Kind
from rules_engine.planning.ib_words import SECURITY_TYPES

FRONT = "front"
CANDIDATES_MAX = 12
UNKNOWN_CONTRACT = 200
"""IB's code for "no such contract" and for "several"."""

_HOME_EXCHANGES = {Kind.FOREX: "IDEALPRO", Kind.CRYPTO: "PAXOS"}
_SMART = "SMART"


@dataclass(frozen=True, slots=True)
class Qualified:
    """An instrument with IB's own description of its contract. ``note`` tells of a choice that was not plain."""

    instrument: Instrument
    contract: Contract
    details: ContractDetails
    note: str = ""


@dataclass(frozen=True, slots=True)
class Unqualified:
    """An instrument that IB does not know, or that can mean several contracts; ``candidates`` names them in words."""

    instrument: Instrument
    text: str
    candidates: tuple[str, ...] = ()
    code: int = UNKNOWN_CONTRACT


def query(instrument: Instrument) -> Contract:
    """What to ask IB for. A contract number alone says everything."""
    if instrument.kind is Kind.CONTRACT:
        return Contract(conId=instrument.contract_id)
    symbol, currency = _pair(instrument)
    return Contract(
        secType=SECURITY_TYPES[instrument.kind],
        symbol=symbol,
        currency=currency,
        exchange=_exchange(instrument),
        lastTradeDateOrContractMonth="" if instrument.expiry == FRONT else instrument.expiry.replace("-", ""),
        strike=float(instrument.strike or 0),
        right={"put": "P", "call": "C"}.get(instrument.right, ""),
        multiplier=instrument.multiplier,
        localSymbol=instrument.local_symbol,
        tradingClass=instrument.trading_class,
    )


def wide_query(instrument: Instrument) -> Contract | None:
    """The same with only kind and symbol left: finds what the user may have meant. None where that says too little."""
    if instrument.kind in (Kind.CONTRACT, Kind.OPTION):
        return None
    return Contract(secType=SECURITY_TYPES[instrument.kind], symbol=_pair(instrument)[0])


def choose(
    instrument: Instrument, found: Sequence[ContractDetails], today: date, held: Collection[int] = ()
) -> Qualified | Unqualified:
    """The one contract among IB's answers. ``held`` are contract numbers that the account has a position in."""
    candidates = _distinct(found)
    note = ""
    if instrument.expiry == FRONT:
        candidates, note = _front(candidates, today, instrument.roll_days, held)
    if len(candidates) == 1:
        return Qualified(instrument, tradable(instrument, candidates[0]), candidates[0], note)
    if candidates:
        return _ambiguous(instrument, candidates)
    return unknown(instrument, ())


def unknown(instrument: Instrument, near: Iterable[ContractDetails]) -> Unqualified:
    """IB has no such contract; ``near`` are those of the same symbol."""
    candidates = words_of(near)
    text = f"IB knows no {in_words(instrument)}"
    if candidates:
        text += f"; it has {'; '.join(candidates)}"
    return Unqualified(instrument, text, candidates)


def tradable(instrument: Instrument, details: ContractDetails) -> Contract:
    """The contract to subscribe and order: routed as the instrument says, else as IB lists it."""
    listed = details.contract
    assert listed is not None and listed.conId > 0, "contract details without a contract"
    exchange = listed.exchange if instrument.kind is Kind.CONTRACT else _exchange(instrument)
    return Contract(
        secType=listed.secType,
        conId=listed.conId,
        symbol=listed.symbol,
        lastTradeDateOrContractMonth=listed.lastTradeDateOrContractMonth,
        strike=listed.strike,
        right=listed.right,
        multiplier=listed.multiplier,
        exchange=exchange or listed.exchange,
        primaryExchange=listed.primaryExchange,
        currency=listed.currency,
        localSymbol=listed.localSymbol,
        tradingClass=listed.tradingClass,
    )


def last_trading_day(details: ContractDetails) -> date | None:
    """The day after which the contract is gone; None for what does not expire."""
    contract = details.contract
    text = details.realExpirationDate or (contract.lastTradeDateOrContractMonth if contract else "")
    digits = text[:8]
    return datetime.strptime(digits, "%Y%m%d").date() if len(digits) == 8 and digits.isdigit() else None


def in_words(instrument: Instrument) -> str:
    """`stock FOO on SMART in USD`, as messages say it."""
    if instrument.kind is Kind.CONTRACT:
        return f"contract number {instrument.contract_id}"
    asked = query(instrument)
    right = f"{instrument.strike} {instrument.right}" if instrument.kind is Kind.OPTION else ""
    words = [str(instrument.kind), asked.symbol, instrument.expiry, right, asked.localSymbol, asked.tradingClass]
    return " ".join(word for word in words if word) + f" on {asked.exchange} in {asked.currency}"


def words_of(details: Iterable[ContractDetails]) -> tuple[str, ...]:
    """Contracts in words, soonest expiry first, at most CANDIDATES_MAX."""
    distinct = sorted(_distinct(details), key=lambda one: last_trading_day(one) or date.max)
    return tuple(_words(one) for one in distinct[:CANDIDATES_MAX])


def _words(details: ContractDetails) -> str:
    contract = details.contract
    assert contract is not None
    last_day = last_trading_day(details)
    expiry = f", last trading day {last_day}" if last_day else ""
    multiplier = f", multiplier {contract.multiplier}" if contract.multiplier not in ("", "1") else ""
    name = contract.localSymbol or contract.symbol
    where = contract.primaryExchange or contract.exchange
    return f"{name} on {where} in {contract.currency}{expiry}{multiplier} (conId {contract.conId})"


def _ambiguous(instrument: Instrument, candidates: Sequence[ContractDetails]) -> Unqualified:
    words = words_of(candidates)
    more = f" and {len(candidates) - len(words)} more" if len(candidates) > len(words) else ""
    return Unqualified(
        instrument, f"{in_words(instrument)} can mean {len(candidates)} contracts: {'; '.join(words)}{more}", words
    )


def _front(
    candidates: Sequence[ContractDetails], today: date, roll_days: int, held: Collection[int]
) -> tuple[list[ContractDetails], str]:
    """The contracts of the front month, which is left ``roll_days`` before its last day, and a note where it is not.

    While the account holds an earlier month the instrument stays on it: a position must not lose its rules.
    """
    dated = sorted(((last_trading_day(one) or date.max, one) for one in candidates), key=lambda pair: pair[0])
    front = next((day for day, _ in dated if today < day - timedelta(days=roll_days)), None)
    for day, one in dated:
        if one.contract is not None and one.contract.conId in held and front and today <= day < front:
            return [one], f"stays on {_words(one)} while there is a position; the front month expires {front}"
    return [one for day, one in dated if day == front], ""


def _distinct(found: Iterable[ContractDetails]) -> list[ContractDetails]:
    """One row a contract number: IB may list a contract once an exchange; SMART is preferred."""
    rows: dict[int, ContractDetails] = {}
    for row in found:
        assert row.contract is not None
        if row.contract.conId not in rows or row.contract.exchange == _SMART:
            rows[row.contract.conId] = row
    return list(rows.values())


def _pair(instrument: Instrument) -> tuple[str, str]:
    """Symbol and currency; a currency pair is written as one word."""
    letters = instrument.symbol.replace(".", "").replace("/", "")
    if instrument.kind is Kind.FOREX and len(letters) == 6:
        return letters[:3], letters[3:]
    return instrument.symbol, instrument.currency


def _exchange(instrument: Instrument) -> str:
    home = _HOME_EXCHANGES.get(instrument.kind, _SMART)
    return home if instrument.exchange in ("", _SMART) else instrument.exchange
