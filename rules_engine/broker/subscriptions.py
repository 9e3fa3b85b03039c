"""The instruments that rules need: looked up once a connection, streamed, and streamed anew when they fall silent."""

import asyncio
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, date, datetime

from rules_engine.broker import codes
from rules_engine.broker.contracts import (
    UNKNOWN_CONTRACT,
    Qualified,
    Unqualified,
    choose,
    in_words,
    query,
    unknown,
    wide_query,
)
from rules_engine.broker.details import market_rule, traded, zone_of
from rules_engine.broker.farms import farm_in, may_serve
from rules_engine.broker.feeds import Feeds
from rules_engine.broker.library import Contract, ContractDetails, PriceIncrement, RequestError
from rules_engine.broker.session import Session
from rules_engine.broker.ticks import Prices, Stream, generic_ticks
from rules_engine.model.clock import Clock
from rules_engine.model.errors import LinkDown
from rules_engine.model.instrument import Field, Instrument
from rules_engine.model.reports import Traded

LOOK_UP_DEADLINE_S = 15.0

FieldsOf = Callable[[str], Collection[Field]]
"""Which fields of an instrument rules read, by its name."""


def every_field(name: str) -> Collection[Field]:
    """Of whoever does not say what is read."""
    return tuple(Field)


class Subscriptions:
    """Market data of one connection, by instrument name. ``held`` tells which contracts the account has."""

    def __init__(
        self,
        session: Session,
        prices: Prices,
        feeds: Feeds,
        clock: Clock,
        held: Callable[[], Collection[int]],
        fields: FieldsOf,
    ) -> None:
        self._session = session
        self._prices = prices
        self._feeds = feeds
        self._clock = clock
        self._held = held
        self._fields = fields
        self._qualified: dict[str, Qualified] = {}
        self._unqualified: dict[str, Unqualified] = {}
        self._traded: dict[str, Traded] = {}
        self._rules: dict[int, tuple[PriceIncrement, ...]] = {}
        self._streams: dict[int, Stream] = {}
        self._contracts: dict[int, Contract] = {}
        self._requests: dict[int, int] = {}
        """The numbers of the streams' requests, by contract."""
        self._former: dict[int, int] = {}
        """The numbers that they had before they were renewed."""

    @property
    def qualified(self) -> dict[str, Qualified]:
        """Instruments with their contracts, by name."""
        return dict(self._qualified)

    @property
    def unqualified(self) -> dict[str, Unqualified]:
        """Instruments that mean no contract, or several, by name."""
        return dict(self._unqualified)

    def contract(self, instrument: Instrument) -> Contract:
        """The contract of an instrument that was looked up."""
        return self._qualified[instrument.name].contract

    def traded(self, name: str) -> Traded | None:
        """What IB says of an instrument; None when it was not qualified."""
        return self._traded.get(name)

    def stream(self, name: str) -> Stream | None:
        """The newest of what IB says of its prices; None when it was not qualified."""
        one = self._qualified.get(name)
        return None if one is None else self._streams.get(one.contract.conId)

    def names(self, contract_id: int) -> tuple[str, ...]:
        """What rules call a contract."""
        stream = self._streams.get(contract_id)
        return stream.names if stream else ()

    def called(self, contract: Contract) -> tuple[str, ...]:
        """The same, or else a word of its own: an option or another month is never called as what rules mean by its
        symbol."""
        names, symbol = self.names(contract.conId), contract.symbol
        is_free = symbol not in self._qualified and symbol not in self._unqualified
        return names or ((symbol,) if is_free and contract.secType == "STK" else (f"{symbol} {contract.conId}",))

    async def watch(self, instruments: Iterable[Instrument]) -> None:
        """Makes the streams exactly those of these instruments; what is streamed already goes on untouched."""
        wanted = {instrument.name: instrument for instrument in instruments}
        self._listen()
        gone = [name for name, one in self._qualified.items() if wanted.get(name) != one.instrument]
        for name in gone:
            del self._qualified[name], self._traded[name]
        new = [instrument for name, instrument in wanted.items() if name not in self._qualified]
        await self._look_up(new)
        self._feeds.forget(name for name in gone if name not in wanted)
        self._unqualified = {name: one for name, one in self._unqualified.items() if name in wanted}
        self._stream()

    def renew(self, names: Iterable[str] | None = None) -> None:
        """Asks anew for the market data of these instruments, or of all."""
        chosen = None if names is None else set(names)
        for stream in list(self._streams.values()):
            if chosen is None or chosen & set(stream.names):
                self._again(stream.contract_id, stream.names)

    def silence_all(self, code: int, text: str) -> None:
        """No instrument's prices can be trusted."""
        for stream in self._streams.values():
            self._silence(stream, code, text)

    def silence_farm(self, code: int, text: str) -> None:
        """Nor can those that hang on a farm, or may: each until it ticks again."""
        farm = farm_in(text)
        for contract_id, stream in self._streams.items():
            if may_serve(farm, self._contracts[contract_id]):
                self._silence(stream, code, text)

    def said(self, request_id: int, code: int, text: str) -> bool:
        """A message about one of our market data requests; False when it is about something else."""
        stream = self._prices.streams.get(request_id)
        if stream is None:
            return False
        if codes.silences(code) and self._streams.get(stream.contract_id) is stream:
            self._silence(stream, code, text)
        return True

    def _silence(self, stream: Stream, code: int, text: str) -> None:
        stream.forget(self._prices.now_s)
        self._feeds.down(stream.names, code, text)

    def _listen(self) -> None:
        """Rules may read other fields than before."""
        for stream in self._streams.values():
            self._prices.listen(stream, self._read_of(stream))

    def _read_of(self, stream: Stream) -> frozenset[Field]:
        return frozenset(field for name in stream.names for field in self._fields(name))

    async def _look_up(self, instruments: Collection[Instrument]) -> None:
        try:
            async with asyncio.timeout(LOOK_UP_DEADLINE_S):
                found = await asyncio.gather(*(self._qualify(instrument) for instrument in instruments))
                await self._fetch_rules(one for one in found if isinstance(one, Qualified))
        except TimeoutError:
            raise LinkDown(f"IB did not describe the contracts within {LOOK_UP_DEADLINE_S:g} s") from None
        except ConnectionError as error:
            raise LinkDown(f"connection lost while looking up contracts: {error}") from error
        for one in found:
            self._enter(one)

    def _enter(self, one: Qualified | Unqualified) -> None:
        name = one.instrument.name
        if isinstance(one, Unqualified):
            self._unqualified[name] = one
            self._feeds.down([name], one.code, one.text)
            return
        self._unqualified.pop(name, None)
        rule = market_rule(one)
        self._qualified[name] = one
        self._traded[name] = traded(one, self._rules.get(rule, ()) if rule else ())

    async def _qualify(self, instrument: Instrument) -> Qualified | Unqualified:
        try:
            found = await self._session.reqContractDetailsAsync(query(instrument))
        except RequestError as error:
            if error.code != UNKNOWN_CONTRACT:
                return Unqualified(instrument, f"{in_words(instrument)}: {error.message}", code=error.code)
            return unknown(instrument, await self._near(instrument))
        return choose(instrument, found, self._today(found), self._held())

    async def _near(self, instrument: Instrument) -> list[ContractDetails]:
        """Contracts of the same symbol elsewhere: what the user may have meant."""
        wide = wide_query(instrument)
        if wide is None:
            return []
        try:
            return list(await self._session.reqContractDetailsAsync(wide))
        except RequestError:
            return []

    def _today(self, found: Collection[ContractDetails]) -> date:
        zone = next((zone_of(one.timeZoneId) for one in found), None)
        return datetime.fromtimestamp(self._clock.now_s(), zone or UTC).date()

    async def _fetch_rules(self, qualified: Iterable[Qualified]) -> None:
        """Price rules not known yet. Without one the contract's own price step has to do."""
        numbers = {rule for one in qualified if (rule := market_rule(one)) is not None} - self._rules.keys()
        for number in sorted(numbers):
            self._rules[number] = tuple(await self._session.price_increments(number))

    def _stream(self) -> None:
        """Starts and ends streams as wanted. No feed counts as up before its first tick."""
        wanted: dict[int, tuple[str, ...]] = {}
        for name, one in self._qualified.items():
            self._contracts[one.contract.conId] = one.contract
            wanted[one.contract.conId] = (*wanted.get(one.contract.conId, ()), name)
        for contract_id in [number for number in self._streams if number not in wanted]:
            self._end(contract_id)
        for contract_id, names in wanted.items():
            if contract_id not in self._streams:
                self._feeds.down(names)
                self._start(contract_id, names)
            elif self._streams[contract_id].names != names:
                self._rename(contract_id, names)

    def _rename(self, contract_id: int, names: tuple[str, ...]) -> None:
        """A further name begins with a snapshot like any other."""
        further = set(names) - set(self._streams[contract_id].names)
        if further:
            self._feeds.down(sorted(further))
            self._again(contract_id, names)
        else:
            self._streams[contract_id].names = names

    def _again(self, contract_id: int, names: tuple[str, ...]) -> None:
        """What IB said under the old number may still be on its way, or wait to be read: it is heard too."""
        stream, request_id = self._streams[contract_id], self._requests[contract_id]
        self._end(contract_id)
        self._start(contract_id, names)
        stream.names = tuple(name for name in stream.names if name in names)
        if stream.names:
            self._prices.streams[request_id] = stream
            self._former[contract_id] = request_id

    def _start(self, contract_id: int, names: tuple[str, ...]) -> None:
        contract = self._contracts[contract_id]
        stream = self._streams[contract_id] = Stream(names, contract_id, contract.secType, self._clock.now_s())
        stream.listen(self._read_of(stream))
        request_id = self._session.stream(contract, generic_ticks(contract.secType))
        self._requests[contract_id] = request_id
        self._prices.streams[request_id] = stream

    def _end(self, contract_id: int) -> None:
        del self._streams[contract_id]
        request_id = self._requests.pop(contract_id)
        del self._prices.streams[request_id]
        self._prices.streams.pop(self._former.pop(contract_id, request_id), None)
        self._session.client.cancelMktData(request_id)
