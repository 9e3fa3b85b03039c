"""The way from the simulated TWS to IB's servers: whole, cut, or with a farm that is broken."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rules_engine.gateway.codes import text_of
from rules_engine.gateway.contracts.catalogue import Catalogue
from rules_engine.gateway.contracts.contract import Contract, Listing
from rules_engine.gateway.contracts.lookup import NotFound, the_one
from rules_engine.gateway.market.quote import Tick
from rules_engine.gateway.messages.link import SYSTEM, Error
from rules_engine.gateway.times import Timers
from rules_engine.gateway.wire.session import Session

LOST_EVERY_S = 4.0
"""TWS repeats that it has no connection."""

# Farms, with the codes of a broken and a working connection to them.
_DATA = (2103, 2104, "Market data farm connection is {state}:{farm}")
_HISTORY = (2105, 2106, "HMDS data farm connection is {state}:{farm}")
_DEFINITIONS = (2157, 2158, "Sec-def data farm connection is {state}:{farm}")
FARMS = {
    "usfarm": _DATA,
    "usopt": _DATA,
    "usfuture": _DATA,
    "cashfarm": _DATA,
    "eufarm": _DATA,
    "hfarm": _DATA,
    "ushmds": _HISTORY,
    "secdefnj": _DEFINITIONS,
}
WELCOMED = ("usfarm", "ushmds", "secdefnj")
"""A client hears of these when it connects."""

_BY_TYPE = {"OPT": "usopt", "FOP": "usopt", "FUT": "usfuture", "CONTFUT": "usfuture", "CASH": "cashfarm"}
_BY_CURRENCY = {"EUR": "eufarm", "GBP": "eufarm", "CHF": "eufarm", "JPY": "hfarm", "HKD": "hfarm", "AUD": "hfarm"}

# Requests that go further than TWS itself, by what answers them.
_TO_IB = frozenset({"PlaceOrder", "CancelOrder", "ReqGlobalCancel"})
_TO_DEFINITIONS = frozenset({"ReqContractDetails", "ReqMatchingSymbols", "ReqSecDefOptParams", "ReqMarketRule"})
_TO_HISTORY = frozenset({"ReqHistoricalData", "ReqHistoricalTicks", "ReqHeadTimestamp", "ReqHistogramData"})
_TO_DATA = frozenset({"ReqMktData", "ReqTickByTick", "ReqRealTimeBars", "ReqMktDepth"})


def farm_of(listing: Listing) -> str:
    """The market data farm that an instrument's prices come from. The names are IB's, who is where is made up."""
    contract = listing.contract
    return _BY_TYPE.get(contract.secType) or _BY_CURRENCY.get(contract.currency, "usfarm")


def farm_notice(farm: str, broken: bool) -> Error:
    """What TWS says about its connection to a farm."""
    code_broken, code_ok, text = FARMS[farm]
    return Error(SYSTEM, code_broken if broken else code_ok, text.format(state="broken" if broken else "OK", farm=farm))


@dataclass(frozen=True, slots=True)
class _Waiting:
    session: Session
    message: object


class Uplink:
    """Holds back what cannot reach IB, hides what cannot come from it, and tells clients about it."""

    def __init__(
        self,
        catalogue: Catalogue,
        timers: Timers,
        now_s: Callable[[], float],
        send_all: Callable[[object], None],
        answer: Callable[[Session, object], None],
    ) -> None:
        self._catalogue = catalogue
        self._timers = timers
        self._now_s = now_s
        self._send_all = send_all
        self._answer = answer
        self._outages = 0
        self._broken: set[str] = set()
        self._waiting: list[_Waiting] = []
        self.cut = False

    def lose(self) -> None:
        """1100: nothing goes to IB and nothing comes from it. TWS says so again and again."""
        if not self.cut:
            self.cut = True
            self._outages += 1
            self._say_lost(self._outages)

    def restore(self, data_lost: bool) -> None:
        """1101 or 1102. What clients asked of IB meanwhile is delivered, in order."""
        self.cut = False
        code = 1101 if data_lost else 1102
        self._send_all(Error(SYSTEM, code, text_of(code)))
        self._deliver()

    def break_farm(self, farm: str) -> None:
        """2103, 2105 or 2157: what comes from this farm does not come. Raises KeyError for an unknown farm."""
        self._send_all(farm_notice(farm, True))
        self._broken.add(farm)

    def restore_farm(self, farm: str) -> None:
        """2104, 2106 or 2158, and what was asked of the farm meanwhile is answered."""
        self._send_all(farm_notice(farm, False))
        self._broken.discard(farm)
        self._deliver()

    def notices(self) -> Iterator[Error]:
        """What a client hears of it when it connects."""
        for farm in dict.fromkeys((*WELCOMED, *sorted(self._broken))):
            yield farm_notice(farm, farm in self._broken)
        if self.cut:
            yield Error(SYSTEM, 2110, text_of(2110))

    def shown(self, ticks: Sequence[Tick]) -> Sequence[Tick]:
        """The prices that come through."""
        if self.cut:
            return ()
        if not self._broken:
            return ticks
        return [tick for tick in ticks if self._farm(tick.conId) not in self._broken]

    def holds(self, session: Session, message: object) -> bool:
        """Whether the request waits here; a cancel of one that waits ends both."""
        if not self.cut and not self._broken:
            return False
        name = type(message).__name__
        if name.startswith("Cancel") and self._took_back(session, message):
            return True
        if not self._is_unreachable(name, message):
            return False
        self._waiting.append(_Waiting(session, message))
        return True

    def left(self, session: Session) -> None:
        """A client is gone. What it asked is not answered; its orders are TWS's now, and stay."""
        self._waiting = [
            one for one in self._waiting if one.session is not session or type(one.message).__name__ in _TO_IB
        ]

    def _is_unreachable(self, name: str, message: object) -> bool:
        if self.cut:
            return name in _TO_IB | _TO_DEFINITIONS | _TO_HISTORY | _TO_DATA
        if name in _TO_DEFINITIONS:
            return "secdefnj" in self._broken
        if name in _TO_HISTORY:
            return "ushmds" in self._broken
        return name in _TO_DATA and self._farm_asked(message) in self._broken

    def _took_back(self, session: Session, cancel: object) -> bool:
        reqId = getattr(cancel, "reqId", None)
        before = len(self._waiting)
        self._waiting = [
            one
            for one in self._waiting
            if reqId is None or one.session is not session or getattr(one.message, "reqId", None) != reqId
        ]
        return len(self._waiting) < before

    def _deliver(self) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not self.holds(one.session, one.message):
                self._answer(one.session, one.message)

    def _say_lost(self, outage: int) -> None:
        if self.cut and outage == self._outages:
            self._send_all(Error(SYSTEM, 1100, text_of(1100)))
            self._timers.at(self._now_s() + LOST_EVERY_S, lambda: self._say_lost(outage))

    def _farm(self, conId: int) -> str | None:
        listing = self._catalogue.listing(conId)
        return None if listing is None else farm_of(listing)

    def _farm_asked(self, message: object) -> str | None:
        contract = getattr(message, "contract", None)
        try:
            return farm_of(the_one(self._catalogue, contract)) if isinstance(contract, Contract) else None
        except NotFound:
            return None
