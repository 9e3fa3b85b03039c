"""Every client sees the same prices, through whichever channel it asks for them."""

from collections.abc import Callable

import pytest

from rules_engine.gateway.feeds.limits import Limits
from tests.clients.conftest import Connect, OpenStage, stock
from tests.clients.process import Record, Session
from tests.clients.stage import NOON_S, Stage

BID, ASK, LAST, LAST_SIZE, CLOSE, VOLUME = 1, 2, 4, 5, 9, 8
DELAYED_LAST, TRADES_WITH_VOLUME, HALTED = 68, 48, 49
INSERT, UPDATE = 0, 1
ASKS, BIDS = 0, 1


@pytest.fixture
def v(session: Session) -> Record:
    """Stock of V with its number, under which streams are told."""
    (details,) = session.ask("details", contract=stock("V"))
    return stock("V") | {"conId": details["conId"]}


def test_a_stream_begins_with_what_stands_and_goes_on_with_what_changes(
    session: Session, stage: Stage, v: Record
) -> None:
    session.ask("stream", contract=v)
    session.wait("tick", conId=v["conId"], type=LAST, value=199.0)
    session.wait("tick", conId=v["conId"], type=VOLUME)
    stage.push("V", 200.5, 300)
    session.wait("tick", conId=v["conId"], type=LAST, value=200.5)
    session.wait("tick", conId=v["conId"], type=LAST_SIZE, value=300)
    stage.quote("V", 200.25, 200.75)
    session.wait("tick", conId=v["conId"], type=BID, value=200.25)
    session.wait("tick", conId=v["conId"], type=ASK, value=200.75)


def test_prices_come_in_the_order_in_which_they_were_made(session: Session, stage: Stage, v: Record) -> None:
    session.ask("stream", contract=v)
    session.wait("tick", type=LAST)
    session.forget()
    for cents in range(50):
        stage.push("V", 200 + cents / 100)
    session.settle()
    assert [tick["value"] for tick in session.heard("tick", type=LAST)] == [200 + cents / 100 for cents in range(50)]


def test_a_stream_that_is_cancelled_is_silent(session: Session, stage: Stage, v: Record) -> None:
    session.ask("stream", contract=v)
    session.wait("tick", type=LAST)
    session.ask("unstream", contract=v)
    session.settle()
    session.forget()
    stage.push("V", 205.0)
    session.settle()
    assert session.heard("tick") == []


def test_a_generic_tick_is_told_to_whoever_asks_for_it(session: Session, stage: Stage, v: Record) -> None:
    session.ask("stream", contract=v, generic="233")
    session.settle()
    stage.push("V", 201.5, 300)
    session.wait("tick", conId=v["conId"], type=TRADES_WITH_VOLUME, value=201.5)


def test_a_snapshot_is_complete_and_ends(session: Session, stage: Stage, v: Record) -> None:
    stage.quote("V", 198.5, 199.5)
    snapshot = session.ask("snapshot", contract=v)
    assert (snapshot["bid"], snapshot["ask"], snapshot["last"]) == (198.5, 199.5, 199.0)


def test_lines_beyond_the_limit_are_refused(open_stage: OpenStage, connect_to: Callable[..., Connect]) -> None:
    session = connect_to(open_stage(limits=Limits(lines=1)))()
    for symbol in ("V", "MA"):
        (details,) = session.ask("details", contract=stock(symbol))
        session.ask("stream", contract=stock(symbol) | {"conId": details["conId"]})
    session.settle()
    assert session.codes() == [101]


def test_delayed_prices_have_numbers_of_their_own(session: Session, stage: Stage, v: Record) -> None:
    session.ask("data_type", number=3)
    session.ask("stream", contract=v)
    session.wait("tick", type=DELAYED_LAST, value=199.0)


def test_prices_that_are_not_subscribed_are_refused(session: Session, stage: Stage, v: Record) -> None:
    stage.do(lambda gateway: gateway.refuse_data("V", 354))
    session.ask("stream", contract=v)
    session.settle()
    assert session.codes() == [354]
    assert session.heard("tick") == []


def test_ticks_one_by_one(session: Session, stage: Stage, v: Record) -> None:
    session.ask("tick_by_tick", contract=v, kind="AllLast")
    session.settle()
    stage.push("V", 201.0, 7)
    session.wait("tick_by_tick", conId=v["conId"], price=201.0, size=7)
    stage.push("V", 201.0, 8)
    session.wait("tick_by_tick", conId=v["conId"], price=201.0, size=8)


@pytest.mark.parametrize(
    ("kind", "told"), [("BidAsk", {"bidPrice": 199.0, "askPrice": 200.0}), ("MidPoint", {"midPoint": 199.5})]
)
def test_quotes_one_by_one(session: Session, stage: Stage, v: Record, kind: str, told: Record) -> None:
    session.ask("tick_by_tick", contract=v, kind=kind)
    session.settle()
    stage.quote("V", 199.0, 200.0)
    session.wait("tick_by_tick", conId=v["conId"], **told)


def test_streams_of_single_ticks_are_few(session: Session) -> None:
    for symbol in ("V", "MA", "AAPL", "MSFT", "NVDA", "AMZN"):
        (details,) = session.ask("details", contract=stock(symbol))
        session.ask("tick_by_tick", contract=stock(symbol) | {"conId": details["conId"]}, kind="AllLast")
    session.settle()
    assert session.codes() == [10190]


@pytest.mark.parametrize("smart", [False, True], ids=["one exchange", "consolidated"])
def test_rows_of_depth_keep_up_with_the_book(session: Session, stage: Stage, v: Record, smart: bool) -> None:
    stage.quote("V", 198.5, 199.5)
    session.ask("depth", contract=v, rows=3, smart=smart)
    session.settle()
    assert ladder(session, BIDS) == [198.5, 198.49, 198.48]
    assert ladder(session, ASKS) == [199.5, 199.51, 199.52]
    stage.quote("V", 198.49, 199.45)
    session.settle()
    assert ladder(session, BIDS) == [198.49, 198.48, 198.47]
    assert ladder(session, ASKS) == [199.45, 199.46, 199.47]


def ladder(session: Session, side: int) -> list[float]:
    """The prices of one side, as the client's own program would rebuild them from what it heard."""
    rows: list[float] = []
    for told in session.heard("depth", side=side):
        if told["operation"] == INSERT:
            rows.insert(told["position"], told["price"])
        elif told["operation"] == UPDATE:
            rows[told["position"]] = told["price"]
        else:
            del rows[told["position"]]
    return rows


def test_a_halt_stops_prices_until_it_ends(session: Session, stage: Stage, v: Record) -> None:
    session.ask("stream", contract=v)
    stage.do(lambda gateway: gateway.halt("V"))
    session.wait("tick", conId=v["conId"], type=HALTED, value=1)
    stage.do(lambda gateway: gateway.halt("V", False))
    session.wait("tick", conId=v["conId"], type=HALTED, value=0)
    stage.push("V", 202.0)
    session.wait("tick", conId=v["conId"], type=LAST, value=202.0)


def test_bars_of_five_seconds(session: Session, stage: Stage, v: Record) -> None:
    session.ask("five_seconds", contract=v, what="TRADES")
    session.settle()
    stage.pass_time(5)
    for price in (202.0, 203.0, 201.0):
        stage.push("V", price, 10)
    stage.pass_time(5)
    bar = session.wait("five_seconds", conId=v["conId"], time_s=NOON_S + 5)
    assert (bar["open"], bar["high"], bar["low"], bar["close"], bar["volume"]) == (202.0, 203.0, 201.0, 201.0, 30)


def test_the_past_is_what_was_streamed(session: Session, stage: Stage, v: Record) -> None:
    stage.pass_time(60)
    for price in (201.0, 205.0, 203.0):
        stage.push("V", price, 10)
    bars = session.ask("history", contract=v, duration="600 S", size="1 min", what="TRADES")
    assert [(bar["time_s"], bar["open"], bar["high"], bar["low"], bar["close"], bar["volume"]) for bar in bars] == [
        (NOON_S, 199.0, 199.0, 199.0, 199.0, 100),
        (NOON_S + 60, 201.0, 205.0, 201.0, 203.0, 30),
    ]


def test_days_of_the_past_carry_dates(session: Session, v: Record) -> None:
    (bar,) = session.ask("history", contract=v, duration="2 D", size="1 day", what="TRADES", rth=True)
    assert (bar["time_s"], bar["close"]) == ("20260701", 199.0)


def test_kept_bars_change_and_begin_anew(session: Session, stage: Stage, v: Record) -> None:
    session.ask("history", contract=v, duration="600 S", size="1 min", what="TRADES", keep=True)
    stage.push("V", 210.0, 5)
    session.wait("bar", conId=v["conId"], time_s=NOON_S, high=210.0, low=199.0, close=210.0, volume=105)
    stage.pass_time(65)
    stage.push("V", 208.0, 5)
    session.wait("bar", conId=v["conId"], time_s=NOON_S + 60, open=208.0, close=208.0, volume=5)


def test_no_past_is_162_and_an_empty_list(session: Session) -> None:
    assert session.ask("history", contract=stock("AAPL"), duration="1 D", size="1 min", what="TRADES") == []
    assert session.codes() == [162]


def test_the_past_tick_by_tick(session: Session, stage: Stage, v: Record) -> None:
    assert session.ask("head", contract=v, what="TRADES") == NOON_S
    stage.pass_time(30)
    stage.push("V", 201.0, 7)
    stage.pass_time(30)
    ticks = session.ask("ticks", contract=v, start="20260701 11:00:00 US/Eastern", end="", count=10, what="TRADES")
    assert [(tick["time_s"] - NOON_S, tick["price"], tick["size"]) for tick in ticks] == [
        (0, 199.0, 100),
        (30, 201.0, 7),
    ]


def test_a_histogram_counts_what_traded_at_each_price(session: Session, stage: Stage, v: Record) -> None:
    for price in (200.0, 201.0, 200.0):
        stage.push("V", price, 10)
    stage.pass_time(1)
    histogram = dict(session.ask("histogram", contract=v, period="1 day"))
    assert (histogram[200.0], histogram[201.0]) == (20, 10)
