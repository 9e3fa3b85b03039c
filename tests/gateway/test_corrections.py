"""A corrected fill leaves orders, positions, cash and profits as if the right one had been told at once."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ib_insync import LimitOrder, MarketOrder

from rules_engine.gateway import Catalogue, Gateway, Market
from rules_engine.gateway.accounts.ledger import Execution, Ledger, commission_of
from rules_engine.gateway.orders.book import OrderBook
from rules_engine.gateway.orders.corrections import Corrections
from rules_engine.gateway.orders.order import Order
from rules_engine.model.clock import SteppedClock
from tests.gateway.conftest import NOON_S, Bench, Connect, echo, stock, until


class Nobody:
    """Hears of everything and does nothing about it."""

    def tell(self, clientId: int, message: object) -> None: ...

    def executed(self, execution: Execution) -> None: ...

    def changed(self, order: Order) -> None: ...

    def forgot_before(self, time_s: float) -> None: ...


@dataclass(frozen=True)
class Fill:
    """So many shares at a price."""

    buys: bool
    shares: int
    price: float


FILLS = st.builds(Fill, st.booleans(), st.integers(1, 5), st.integers(150, 250).map(float))
MARKET = Market(Catalogue(clock=SteppedClock(NOON_S)))
MARKET.start(NOON_S)
INSTRUMENTS = [MARKET.catalogue.named("V"), MARKET.catalogue.named("ES")]


def booked(fills: list[Fill], instrument: int) -> tuple[OrderBook, Ledger]:
    """A ledger that heard of these fills in order."""
    listing = INSTRUMENTS[instrument]
    assert listing is not None
    book, ledger = OrderBook(), Ledger(["DU1"], MARKET)
    for number, fill in enumerate(fills):
        execution = Execution(
            execId=f"0000e0d5.{number:08x}.00000001.01",
            time_s=NOON_S + number,
            account="DU1",
            contract=listing.contract,
            exchange="NYSE",
            side="BOT" if fill.buys else "SLD",
            shares=float(fill.shares),
            price=fill.price,
            orderId=number,
            clientId=1,
            permId=number,
            cumQty=float(fill.shares),
            avgPrice=fill.price,
            orderRef="",
            commission=commission_of(listing, fill.shares, fill.price),
        )
        book.executions.append(ledger.book(execution))
    return book, ledger


@settings(max_examples=150)
@given(
    fills=st.lists(FILLS, min_size=1, max_size=7),
    at=st.integers(0, 6),
    right=st.builds(Fill, st.booleans(), st.integers(0, 5), st.integers(150, 250).map(float)),
    again=FILLS,
    instrument=st.sampled_from([0, 1]),
)
def test_a_correction_is_as_if_the_fill_had_been_right_at_once(
    fills: list[Fill], at: int, right: Fill, again: Fill, instrument: int
) -> None:
    at %= len(fills)
    book, ledger = booked(fills, instrument)
    corrections = Corrections(MARKET, ledger, book, Nobody())
    execId = book.executions[at].execId
    for better in (right, again):
        execId = corrections.correct(execId, better.price, float(better.shares))
        meant = [*fills[:at], replace(better, buys=fills[at].buys), *fills[at + 1 :]]
        expected_book, expected = booked(meant, instrument)
        (held,), (expected_held,) = ledger.holdings("DU1"), expected.holdings("DU1")
        assert held.size == expected_held.size
        assert held.averageCost == pytest.approx(expected_held.averageCost)
        assert held.realized == pytest.approx(expected_held.realized)
        assert ledger.accounts["DU1"].cash == pytest.approx(expected.accounts["DU1"].cash)
        for one, other in zip(book.executions, expected_book.executions, strict=True):
            assert (one.realizedPnl is None) is (other.realizedPnl is None)
            assert (one.realizedPnl or 0.0) == pytest.approx(other.realizedPnl or 0.0)
            assert (one.shares, one.price, one.commission) == (other.shares, other.price, other.commission)
    assert execId.endswith(".03")


async def test_a_correction_reaches_the_position_and_the_cash_that_a_client_sees(
    gateway: Gateway, connect: Connect
) -> None:
    ib = await connect()
    trade = ib.placeOrder(await stock(ib, "V"), MarketOrder("BUY", 100, tif="DAY"))
    await until(ib, trade.isDone)
    (first,) = gateway.executions
    corrected = gateway.correct(first.execId, 198.0, 90.0)
    await echo(ib)
    assert [fill.execution.execId for fill in trade.fills] == [first.execId, corrected]
    (position,) = ib.positions()
    assert (position.position, position.avgCost) == (90.0, pytest.approx(198.0 + 1 / 90))
    (held,) = gateway.orders
    assert (held.filled, held.avgFillPrice) == (90.0, 198.0)
    again = await connect(clientId=2)
    assert float(next(one.value for one in again.accountValues() if one.tag == "TotalCashValue")) == pytest.approx(
        1_000_000.0 - 90 * 198.0 - 1.0
    )


async def test_a_correction_of_one_part_of_an_order_counts_the_order_anew(bench: Bench, connect: Connect) -> None:
    gateway = await bench.gateway()
    gateway.push_quote("V", 198.0, 199.0)
    ib = await connect()
    trade = ib.placeOrder(await stock(ib, "V"), LimitOrder("BUY", 150, 199.0, tif="DAY"))
    await until(ib, lambda: trade.orderStatus.filled == 100)
    gateway.push_quote("V", 198.0, 198.5)
    await until(ib, trade.isDone)
    first, second = gateway.executions
    gateway.correct(first.execId, 197.0, 100.0)
    assert [one.cumQty for one in gateway.executions] == [100.0, 150.0]
    assert gateway.orders[0].avgFillPrice == pytest.approx((100 * 197.0 + 50 * second.price) / 150)


async def test_what_is_no_execution_of_today_cannot_be_corrected(gateway: Gateway) -> None:
    with pytest.raises(KeyError, match="no execution of today"):
        gateway.correct("0000e0d5.00000001.00000001.01", 1.0, 1.0)
