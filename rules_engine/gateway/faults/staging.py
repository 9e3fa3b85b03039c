"""Everything that can be done to a running gateway from outside: by a test, a script, a seed, or another program."""

import math
from collections.abc import Collection, Sequence
from typing import Protocol

from rules_engine.gateway.accounts.account_answers import AccountAnswers
from rules_engine.gateway.codes import text_of
from rules_engine.gateway.faults.bad_prints import bad_tick, flood_prices
from rules_engine.gateway.faults.faults import Faults
from rules_engine.gateway.faults.mishaps import Mishaps
from rules_engine.gateway.faults.screen import Screen
from rules_engine.gateway.faults.tampering import EVERY, REFERENCES, Deed, Instruction
from rules_engine.gateway.faults.uplink import FARMS, Uplink
from rules_engine.gateway.feeds.price_answers import PriceAnswers
from rules_engine.gateway.feeds.stream_answers import StreamAnswers
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.market.quote import Tick
from rules_engine.gateway.messages.form import reply_names, request_names
from rules_engine.gateway.messages.link import SYSTEM, Error
from rules_engine.gateway.orders.floor import Floor
from rules_engine.gateway.passage import Passage
from rules_engine.gateway.times import Timers
from rules_engine.gateway.wire.session import Session
from rules_engine.gateway.wire.switchboard import Switchboard

_FLOOD_EVERY_S = 0.01
_FRAME_TOO_LONG = (1 << 31).to_bytes(4, "big")


class Feed(Protocol):
    """Somebody who streams prices to clients."""

    def ticked(self, ticks: Sequence[Tick]) -> None:
        """Prices of one instant."""

    def left(self, session: Session) -> None:
        """This client gets nothing more."""


class Staging(Screen):
    """What happens to a gateway that clients did not ask for.

    `commands.py` opens these methods to fault scripts and to the control port, with the arguments that stand here. A
    client is named by its number, an instrument by its symbol or contract number, a message by its type in `messages`,
    an order by its permanent number, its orderRef, or as the `last` one.
    Arguments that name nothing raise KeyError, those that cannot be raise ValueError; either changes nothing.
    """

    market: Market
    _switchboard: Switchboard
    _timers: Timers
    _passage: Passage
    _faults: Faults
    _uplink: Uplink
    _floor: Floor
    _mishaps: Mishaps
    _accounts: AccountAnswers
    _prices: PriceAnswers
    _streams: StreamAnswers
    _feeds: Sequence[Feed]

    # The market.

    def push(self, instrument: str | int, price: float, size: float = 100.0) -> None:
        """A print from outside the market's own sources."""
        conId, now_s = self._conId(instrument), self._passage.now_s()
        self._apply(self.market.push(conId, _positive(price), _positive(size), at_s=now_s))
        self._settle()

    def push_quote(
        self,
        instrument: str | int,
        bid: float,
        ask: float,
        bid_size: float | None = None,
        ask_size: float | None = None,
    ) -> None:
        """A quote from outside the market's own sources; its sizes are usual ones unless given."""
        conId, now_s = self._conId(instrument), self._passage.now_s()
        for number in (bid, ask, bid_size, ask_size):
            _positive(1.0 if number is None else number)
        self._apply(self.market.push_quote(conId, bid, ask, bid_size, ask_size, at_s=now_s))
        self._settle()

    def halt(self, instrument: str | int, halted: bool = True) -> None:
        """Trading in an instrument stops, or goes on: no price moves and no order trades meanwhile."""
        self.market.halt(self._conId(instrument), halted, at_s=self._passage.now_s())
        self._settle()

    def bad_print(self, instrument: str | int, kind: str) -> None:
        """Show those who stream an instrument a print that never was; orders and history know nothing of it.

        Kinds: empty (-1, no size), zero, hundredfold, hundredth, and old: of a minute ago, which single ticks and trade
        reports show with its time, and which is never a last price.
        """
        conId = self._conId(instrument)
        ticks = (bad_tick(kind, conId, self.market.quote(conId), self._passage.now_s()),)
        self._prices.ticked(ticks)
        self._streams.ticked(ticks)
        self._settle()

    def flood(self, instrument: str | int, per_s: float = 10_000.0, for_s: float = 1.0) -> None:
        """Print so often, a tick up and a tick down in turn, and leave the price where it was."""
        conId = self._conId(instrument)
        prices = flood_prices(self.market, conId, round(per_s * for_s))
        end_s = self._passage.now_s() + for_s
        each = math.ceil(per_s * _FLOOD_EVERY_S)

        def pour() -> None:
            for _, price in zip(range(each), prices, strict=False):
                self._apply(self.market.push(conId, price, at_s=self._passage.now_s()))
            if self._passage.now_s() < end_s:
                self._timers.at(self._passage.now_s() + _FLOOD_EVERY_S, pour)

        pour()
        self._settle()

    def refuse_data(self, instrument: str | int, code: int = 354) -> None:
        """Answer subscriptions to an instrument with this code, and end those that stand; 0 ends the fault."""
        conId = self._conId(instrument)
        self._faults.data_codes.pop(conId, None)
        if code:
            self._faults.data_codes[conId] = code
            self._prices.refuse(conId, code)
        self._settle()

    # Connections.

    def drop_connections(self, client: int | None = None) -> None:
        """Cut a client, or every one, off without a word."""
        for session in self._switchboard.sockets():
            if client in (None, session.clientId):
                session.reset()

    def drop_after(self, request: str, count: int, client: int | None = None) -> None:
        """Take so many more requests of this type, and cut the connection that sends the last of them."""
        self._faults.interception.drop_after(_known(request, request_names()), _at_least(1, count), client)

    def refuse_client(self, client: int, refused: bool = True) -> None:
        """Answer this client number with error 326, as a gateway does that still holds the old connection."""
        (self._faults.refused_clients.add if refused else self._faults.refused_clients.discard)(client)

    def restart(self, down_s: float = 0.0, ids_back: int = 0, loses_orders: bool = True) -> None:
        """End and begin again, as TWS does at night: connections drop and nobody is let in until it is up again.

        Order ids may roll back by so many for every client; orders that were delayed are lost with the old process, or
        kept.
        """
        self.drop_connections()
        if loses_orders:
            self._faults.forget_orders()
        self._floor.book.roll_ids_back(ids_back)
        if down_s > 0:
            self._faults.down = True
            self._timers.at(self._passage.now_s() + down_s, self._come_up)

    def freeze(self) -> None:
        """Take bytes and answer nothing, like a process that is stopped."""
        self._passage.frozen = True
        for session in self._switchboard.sockets():
            session.pause()

    def thaw(self) -> None:
        """Go on where it stopped: what arrived meanwhile is answered now."""
        self._passage.frozen = False
        for session in self._switchboard.sockets():
            session.resume()
        self._passage.wake()

    def split(self, piece_bytes: int = 1) -> None:
        """Write in pieces of so many bytes; 0 ends it."""
        self._faults.piece_bytes = _at_least(0, piece_bytes)

    def break_frame(self, client: int | None = None) -> None:
        """Send the beginning of a frame that is two gigabytes long."""
        for session in self._switchboard.started():
            if client in (None, session.clientId):
                session.put_bytes(_FRAME_TOO_LONG)
        self._settle()

    def offer_version(self, version: int) -> None:
        """Say this server version in the hello, whatever the client can; 0 ends it."""
        self._faults.hello_version = version

    def limit_rate(self, per_s: float = 50.0) -> None:
        """Answer what a client sends beyond so many requests in a second with error 100; 0 ends it."""
        self._faults.interception.rate_max = per_s

    def skew_clock(self, by_s: float) -> None:
        """Tell a time that is wrong by so much, to those who ask for it and in the hello."""
        self._faults.clock_skew_s = by_s

    # Messages.

    def drop(
        self, reply: str = EVERY, count: int | None = None, client: int | None = None, probability: float = 1.0
    ) -> None:
        """Do not send replies of a type: the next so many, or all from now on."""
        self._tamper(Deed.DROP, reply, count, client, probability)

    def delay(
        self,
        by_s: float,
        reply: str = EVERY,
        count: int | None = None,
        client: int | None = None,
        probability: float = 1.0,
    ) -> None:
        """Send replies of a type so much later."""
        self._tamper(Deed.DELAY, reply, count, client, probability, by_s)

    def duplicate(
        self,
        reply: str = EVERY,
        copies: int = 1,
        count: int | None = None,
        client: int | None = None,
        probability: float = 1.0,
    ) -> None:
        """Send replies of a type again, so many times."""
        self._tamper(Deed.DUPLICATE, reply, count, client, probability, _at_least(1, copies))

    def reorder(
        self,
        reply: str = EVERY,
        behind: int = 1,
        count: int | None = None,
        client: int | None = None,
        probability: float = 1.0,
    ) -> None:
        """Let so many later messages to the same client go before replies of a type."""
        self._tamper(Deed.REORDER, reply, count, client, probability, _at_least(1, behind))

    def hide_reference(
        self, reply: str = "CompletedOrder", count: int | None = None, client: int | None = None
    ) -> None:
        """Send CompletedOrder, OpenOrder or ExecDetails without the orderRef that the client gave."""
        self._tamper(Deed.HIDE, _known(reply, REFERENCES), count, client, 1.0)

    def withhold(self, reply: str, withheld: bool = True) -> None:
        """Never send replies of this type: OpenOrderEnd, CompletedOrdersEnd, ExecDetailsEnd; or send them again."""
        if withheld:
            self.drop(reply)
        else:
            self.let_through(reply)

    def ignore(self, request: str, count: int | None = None, client: int | None = None) -> None:
        """Do not answer requests of a type: the next so many, or all from now on."""
        self._faults.interception.ignore(_known(request, request_names()), count, client)

    def let_through(self, message: str = EVERY, client: int | None = None) -> None:
        """End what is done to messages of a type, or to all."""
        _known(message, request_names() | reply_names() | {EVERY})
        self._faults.tampering.end(message, client)
        self._faults.interception.end(None if message == EVERY else message)

    # The way to IB.

    def send_code(self, code: int, text: str = "", reqId: int = SYSTEM, client: int | None = None) -> None:
        """Send an error or a notice such as 1100, 2103 or 10197 to every client, without its being so."""
        for session in self._switchboard.started():
            if client in (None, session.clientId):
                session.send(Error(reqId, code, text or text_of(code)))
        self._settle()

    def storm(self, code: int = 10197, count: int = 20) -> None:
        """Send an error so many times, to every market data line that is open."""
        for session, reqId, _ in self._prices.open_lines() * _at_least(1, count):
            session.send(Error(reqId, code, text_of(code)))
        self._settle()

    def lose_link(self) -> None:
        """1100: nothing reaches IB and nothing comes from it until the link is restored."""
        self._uplink.lose()
        self._settle()

    def restore_link(self, data_lost: bool = False) -> None:
        """1102, or 1101 when every market data subscription is gone. Orders that waited go out."""
        if data_lost:
            for session in self._switchboard.started():
                for feed in self._feeds:
                    feed.left(session)
        self._uplink.restore(data_lost)
        self._prices.show_again()
        self._settle()

    def break_farm(self, farm: str) -> None:
        """2103, 2105 or 2157 for a farm of `uplink.FARMS`: nothing comes from it until it is restored."""
        self._uplink.break_farm(_known(farm, FARMS))
        self._settle()

    def restore_farm(self, farm: str) -> None:
        """2104, 2106 or 2158, and prices flow again."""
        self._uplink.restore_farm(_known(farm, FARMS))
        self._prices.show_again()
        self._settle()

    # Orders.

    def delay_orders(self, delay_s: float) -> None:
        """Take new orders and changes only after this long; 0 ends it."""
        self._faults.order_delay_s = delay_s

    def lose_orders(self, count: int = 1) -> None:
        """Swallow the next orders without an answer."""
        self._faults.orders_to_lose = _at_least(0, count)

    def refuse_orders(self, code: int, text: str = "", count: int = 1, placed: bool = False) -> None:
        """Answer the next orders with this code; with `placed` they are taken all the same, or changed."""
        self._faults.interception.refuse_orders(code, text, _at_least(1, count), placed)

    def roll_ids_back(self, by: int, client: int | None = None) -> None:
        """Give ids again that were given already; those of a client, or of all. A large number begins at 1 again."""
        self._floor.book.roll_ids_back(_at_least(1, by), client)

    def fill_late(self, order: str | int, shares: float = 0.0) -> None:
        """Fill an order that was cancelled, after all: so many shares, or all that were left."""
        self._mishaps.fill_late(self._mishaps.find(order), shares)
        self._settle()

    def double_order(self, order: str | int) -> int:
        """Let a second order live under the same id; returns its permanent number."""
        second = self._mishaps.double(self._mishaps.find(order))
        self._settle()
        return second.permId

    # Accounts.

    def reset_account(self, account: str) -> None:
        """Begin an account anew, as the owner of a paper account can: no positions, the cash of the first day."""
        closed = self._mishaps.reset_account(account)
        self._remember_account(account)
        if not self._uplink.cut:
            for contract_id in closed:
                self._accounts.changed(account, contract_id)
        self._accounts.refresh()
        self._settle()

    def log_in_as(self, accounts: str) -> None:
        """Name other accounts to clients that connect from now on, such as U7654321; an empty text ends it."""
        self._mishaps.open_accounts(accounts)
        self._accounts.logged_in = accounts

    # Time.

    def step_to(self, time_s: float) -> None:
        """Move a clock that stands still; everything due by then happens in order, each at its own instant."""
        self._passage.step_to(time_s)

    # What the parts above need.

    def _remember_account(self, account: str) -> None:
        """An account has changed without a fill."""
        raise NotImplementedError

    def _apply(self, ticks: Sequence[Tick]) -> None:
        """Prices of one instant reach clients and orders."""
        raise NotImplementedError

    def _settle(self) -> None:
        """What happened is remembered and told."""
        raise NotImplementedError

    def _conId(self, instrument: str | int) -> int:
        catalogue = self.market.catalogue
        listing = catalogue.listing(instrument) if isinstance(instrument, int) else catalogue.named(instrument)
        if listing is None:
            raise KeyError(f"{instrument!r} is not listed")
        return listing.conId

    def _tamper(
        self,
        deed: Deed,
        message: str,
        count: int | None,
        client: int | None,
        probability: float,
        amount: float = 0.0,
    ) -> None:
        _known(message, reply_names() | {EVERY})
        if count is not None:
            _at_least(1, count)
        if not 0.0 < probability <= 1.0:
            raise ValueError(f"probability {probability:g} is not above 0 and at most 1")
        self._faults.tampering.begin(Instruction(deed, message, client, count, probability, amount))

    def _come_up(self) -> None:
        self._faults.down = False


def _known(name: str, names: Collection[str]) -> str:
    if name not in names:
        raise KeyError(f"{name!r} is not known here; there are {', '.join(sorted(names))}")
    return name


def _positive(number: float) -> float:
    if not number > 0:
        raise ValueError(f"{number:g} is not above zero")
    return number


def _at_least(least: int, number: int) -> int:
    if number < least:
        raise ValueError(f"{number} is below {least}")
    return number
