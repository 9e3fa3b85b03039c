"""Tickers into ticks: what counts as a price, a print and a snapshot."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from rules_engine.broker.library import UNSET_DOUBLE, Contract, TickData, Ticker
from rules_engine.broker.ticks import Stream, generic_ticks, read_tickers
from rules_engine.model.instrument import Field
from rules_engine.model.tick import Tick

NOW_S = 1000.0


def _read(
    stream: Stream, *raw: tuple[int, float, float], times: Sequence[float | None] = (), delayed: bool = False
) -> list[Tick]:
    now = datetime.fromtimestamp(NOW_S, UTC)
    ticker = Ticker(
        contract=Contract(conId=stream.contract_id),
        ticks=[TickData(now, kind, price, size) for kind, price, size in raw],
    )
    streams = {stream.contract_id: stream}
    return list(read_tickers([ticker], streams, lambda ticker: times, NOW_S, delayed=delayed))


def _stock() -> Stream:
    return Stream(("V",), 1, "STK", since_s=990.0)


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (1, Field.BID),
        (2, Field.ASK),
        (4, Field.LAST),
        (6, Field.HIGH),
        (7, Field.LOW),
        (9, Field.CLOSE),
        (14, Field.OPEN),
        (37, Field.MARK),
        (48, Field.LAST),
    ],
)
def test_price_types_are_fields(kind: int, field: Field) -> None:
    (tick,) = _read(_stock(), (kind, 200.5, 10.0))
    assert (tick.field, tick.value, tick.size) == (field, 200.5, 10.0)


@pytest.mark.parametrize("kind", [0, 3, 5, 21, 45, 49, 77, 86, 999])
def test_other_types_say_nothing(kind: int) -> None:
    assert _read(_stock(), (kind, 200.5, 10.0)) == []


@pytest.mark.parametrize("price", [-1.0, 0.0, math.nan, math.inf, UNSET_DOUBLE])
def test_what_is_no_price_is_none(price: float) -> None:
    assert [tick.value for tick in _read(_stock(), (1, price, 0.0))] == [None]


def test_future_below_zero_has_a_price() -> None:
    assert [tick.value for tick in _read(Stream(("CL",), 1, "FUT", 0.0), (48, -37.63, 1.0))] == [-37.63]


def test_volume_may_be_zero_but_not_less() -> None:
    assert [tick.value for tick in _read(_stock(), (8, -1.0, 0.0), (8, -1.0, 700.0), (8, -1.0, -1.0))] == [0, 700, None]


def test_trade_is_counted_once_where_trades_are_reported() -> None:
    stream = _stock()
    first = _read(stream, (4, 199.0, 1.0))
    then = _read(stream, (4, 200.0, 5.0), (48, 200.0, 5.0), (4, 200.0, 5.0), (48, 200.0, 7.0), times=[995.0, 996.0])
    assert [(tick.value, tick.snapshot) for tick in first] == [(199.0, True)]
    assert [(tick.size, tick.time_s, tick.snapshot) for tick in then] == [(5.0, 995.0, False), (7.0, 996.0, False)]


def test_trade_before_the_subscription_is_a_snapshot() -> None:
    old, new = _read(_stock(), (48, 199.0, 1.0), (48, 200.0, 1.0), times=[989.999, 990.0])
    assert (old.snapshot, new.snapshot) == (True, False)


def test_snapshot_does_not_make_the_first_trades_look_late() -> None:
    snapshot, trade = _read(_stock(), (4, 199.0, 1.0), (48, 200.0, 1.0), times=[990.5])
    assert snapshot.time_s <= trade.time_s


def test_exchange_clock_that_runs_ahead_is_not_believed() -> None:
    (tick,) = _read(_stock(), (48, 200.0, 1.0), times=[NOW_S + 3])
    assert tick.time_s == NOW_S


def test_trade_report_without_a_time_counts_from_its_arrival() -> None:
    stream = _stock()
    stream.seen.add(Field.LAST)
    (tick,) = _read(stream, (48, 200.0, 1.0), times=[None])
    assert (tick.time_s, tick.snapshot) == (NOW_S, False)


def test_every_field_has_its_own_snapshot() -> None:
    ticks = _read(_stock(), (1, 199.0, 1.0), (2, 201.0, 1.0), (1, 199.5, 1.0))
    assert [tick.snapshot for tick in ticks] == [True, True, False]


def test_index_counts_every_last() -> None:
    index = Stream(("VIX",), 1, "IND", since_s=990.0)
    assert [tick.value for tick in _read(index, (4, 20.0, 0.0), (4, 21.0, 0.0), (4, 21.0, 0.0))] == [20.0, 21.0, 21.0]
    assert generic_ticks("IND") == generic_ticks("CASH") == ""


@pytest.mark.parametrize("kind", [66, 67, 68, 72, 73, 74, 75, 76])
def test_delayed_types_are_refused_unless_allowed(kind: int) -> None:
    assert _read(_stock(), (kind, 200.0, 5.0)) == []
    assert len(_read(_stock(), (kind, 200.0, 5.0), delayed=True)) == 1


def test_unknown_contract_is_passed_over() -> None:
    ticker = Ticker(contract=Contract(conId=77), ticks=[TickData(datetime.fromtimestamp(0, UTC), 1, 5.0, 1.0)])
    assert list(read_tickers([ticker], {}, lambda ticker: (), NOW_S)) == []
