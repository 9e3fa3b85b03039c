"""Messages about prices into ticks and quotes: what counts as a price, a print, a snapshot, and as life of a price."""

import math
from dataclasses import dataclass, field

import pytest

from rules_engine.broker.feeds import Feeds
from rules_engine.broker.inbox import Inbox
from rules_engine.broker.library import UNSET_DOUBLE
from rules_engine.broker.ticks import Prices, Stream, generic_ticks
from rules_engine.model.clock import SteppedClock
from rules_engine.model.instrument import Field
from rules_engine.model.reports import FeedDown
from rules_engine.model.tick import Tick

NOW_S = 1000.0
REQUEST = 7


@dataclass
class Heard:
    """One stream, and what the inbox gets of it."""

    stream: Stream
    delayed: bool = False
    inbox: Inbox = field(default_factory=Inbox)

    def __post_init__(self) -> None:
        self.prices = Prices(self.inbox, Feeds(self.inbox, SteppedClock(NOW_S)), delayed=self.delayed)
        self.prices.now_s = NOW_S
        self.prices.streams[REQUEST] = self.stream

    def price(self, kind: int, price: float, size: float) -> list[Tick]:
        self.prices.price(REQUEST, kind, price, size)
        return self.ticks()

    def size(self, kind: int, size: float) -> list[Tick]:
        self.prices.size(REQUEST, kind, size)
        return self.ticks()

    def trade(self, price: float, size: float, at_s: float | None) -> list[Tick]:
        milliseconds = "" if at_s is None else f"{at_s * 1000:.0f}"
        self.prices.report(REQUEST, f"{price!r};{size!r};{milliseconds};500;{price!r};true")
        return self.ticks()

    def ticks(self) -> list[Tick]:
        return [item for item in self.inbox.take() if isinstance(item, Tick)]


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
    ],
)
def test_price_types_are_fields(kind: int, field: Field) -> None:
    (tick,) = Heard(_stock()).price(kind, 200.5, 10.0)
    assert (tick.field, tick.value, tick.size) == (field, 200.5, 10.0)


@pytest.mark.parametrize("kind", [0, 3, 5, 21, 45, 49, 77, 86, 999])
def test_other_types_say_nothing(kind: int) -> None:
    heard = Heard(_stock())
    assert heard.price(kind, 200.5, 10.0) == heard.size(kind, 10.0) == []


@pytest.mark.parametrize("price", [-1.0, math.nan, math.inf, UNSET_DOUBLE])
def test_what_is_no_price_is_none(price: float) -> None:
    assert [tick.value for tick in Heard(_stock()).price(1, price, 0.0)] == [None]


def test_no_price_of_no_size_says_nothing_and_one_of_some_size_that_there_is_none() -> None:
    heard = Heard(_stock())
    assert heard.price(1, 0.0, 0.0) == []
    assert [tick.value for tick in heard.price(1, 0.0, 5.0)] == [None]


def test_future_below_zero_has_a_price() -> None:
    oil = Heard(Stream(("CL",), 1, "FUT", 0.0))
    assert [tick.value for tick in oil.trade(-37.63, 1.0, NOW_S)] == [-37.63]


def test_volume_may_be_zero_but_not_less() -> None:
    heard = Heard(_stock())
    assert [tick.value for size in (0.0, 700.0, -1.0) for tick in heard.size(8, size)] == [0, 700, None]


def test_trade_is_counted_once_where_trades_are_reported() -> None:
    heard = Heard(_stock())
    first = heard.price(4, 199.0, 1.0)
    then = [*heard.price(4, 200.0, 5.0), *heard.trade(200.0, 5.0, 995.0)]
    then += [*heard.price(4, 200.0, 5.0), *heard.trade(200.0, 7.0, 996.0)]
    assert [(tick.value, tick.snapshot) for tick in first] == [(199.0, True)]
    assert [(tick.size, tick.time_s, tick.snapshot) for tick in then] == [(5.0, 995.0, False), (7.0, 996.0, False)]


def test_trade_before_the_subscription_is_a_snapshot() -> None:
    heard = Heard(_stock())
    old, new = [*heard.trade(199.0, 1.0, 989.999), *heard.trade(200.0, 1.0, 990.0)]
    assert (old.snapshot, new.snapshot) == (True, False)


def test_snapshot_does_not_make_the_first_trades_look_late() -> None:
    heard = Heard(_stock())
    snapshot, trade = [*heard.price(4, 199.0, 1.0), *heard.trade(200.0, 1.0, 990.5)]
    assert snapshot.time_s <= trade.time_s


def test_exchange_clock_that_runs_ahead_is_not_believed() -> None:
    (tick,) = Heard(_stock()).trade(200.0, 1.0, NOW_S + 3)
    assert tick.time_s == NOW_S


def test_trade_report_without_a_time_counts_from_its_arrival() -> None:
    heard = Heard(_stock())
    heard.price(4, 199.0, 1.0)
    (tick,) = heard.trade(200.0, 1.0, None)
    assert (tick.time_s, tick.snapshot) == (NOW_S, False)


@pytest.mark.parametrize("text", ["", "x;1;2;3;4;true", "200.0;;2;3;4;true", "200.0;1", "200.0;1;soon;3;4;true"])
def test_trade_report_that_cannot_be_read_is_left_out(text: str) -> None:
    heard = Heard(_stock())
    heard.prices.report(REQUEST, text)
    assert heard.ticks() == []


@pytest.mark.parametrize("text", [";0;1;2;3;true", "0.0;5;1;2;3;true", "200.0;0;1;2;3;true"])
def test_trade_report_without_a_price_or_a_size_says_nothing(text: str) -> None:
    heard = Heard(_stock())
    heard.prices.report(REQUEST, text)
    assert (heard.ticks(), heard.stream.last) == ([], None)


def test_every_field_has_its_own_snapshot() -> None:
    heard = Heard(_stock())
    ticks = [*heard.price(1, 199.0, 1.0), *heard.price(2, 201.0, 1.0), *heard.price(1, 199.5, 1.0)]
    assert [tick.snapshot for tick in ticks] == [True, True, False]


def test_quote_that_is_said_again_is_one_tick() -> None:
    heard = Heard(_stock())
    said = [(199.0, 1.0), (199.0, 1.0), (199.0, 2.0), (199.5, 2.0), (199.5, 2.0), (199.0, 1.0)]
    ticks = [tick for price, size in said for tick in heard.price(1, price, size)]
    assert [(tick.value, tick.size) for tick in ticks] == [(199.0, 1.0), (199.0, 2.0), (199.5, 2.0), (199.0, 1.0)]


def test_index_counts_every_last() -> None:
    index = Heard(Stream(("VIX",), 1, "IND", since_s=990.0))
    assert [tick.value for price in (20.0, 21.0, 21.0) for tick in index.price(4, price, 0.0)] == [20.0, 21.0, 21.0]
    assert generic_ticks("IND") == generic_ticks("CASH") == ""


@pytest.mark.parametrize("kind", [66, 67, 68, 72, 73, 75, 76])
def test_delayed_types_are_refused_unless_allowed(kind: int) -> None:
    assert Heard(_stock()).price(kind, 200.0, 5.0) == []
    assert len(Heard(_stock(), delayed=True).price(kind, 200.0, 5.0)) == 1


def test_delayed_volume_is_refused_unless_allowed() -> None:
    assert Heard(_stock()).size(74, 5.0) == []
    assert [tick.value for tick in Heard(_stock(), delayed=True).size(74, 5.0)] == [5.0]


@pytest.mark.parametrize("kind", [3, 4])
def test_nothing_of_a_stream_that_is_delayed_counts_unless_allowed(kind: int) -> None:
    for allowed in (False, True):
        heard = Heard(_stock(), delayed=allowed)
        heard.prices.data_type(REQUEST, kind)
        found = [*heard.price(1, 200.0, 5.0), *heard.size(8, 100.0), *heard.trade(200.0, 5.0, 995.0)]
        assert len(found) == (3 if allowed else 0)


@pytest.mark.parametrize(("kind", "stands"), [(1, True), (3, False), (4, False)])
def test_live_price_stands_no_more_once_only_delayed_ones_follow(kind: int, stands: bool) -> None:
    heard = Heard(_stock())
    heard.price(1, 199.0, 1.0)
    heard.prices.data_type(REQUEST, kind)
    assert (heard.stream.bid is not None) is stands
    assert [type(item) for item in heard.inbox.take()] == ([] if stands else [FeedDown])
    heard.prices.data_type(REQUEST, 1)
    heard.price(1, 199.0, 1.0)
    assert heard.stream.bid == 199.0


def test_every_delayed_trade_counts_for_there_are_no_reports_of_these() -> None:
    heard = Heard(_stock(), delayed=True)
    heard.prices.data_type(REQUEST, 3)
    assert [tick.value for price in (200.0, 201.0, 201.5) for tick in heard.price(68, price, 5.0)] == [200, 201, 201.5]


def test_what_is_said_of_another_request_is_passed_over() -> None:
    heard = Heard(_stock())
    for request_id in (REQUEST - 1, REQUEST + 1):
        heard.prices.price(request_id, 1, 5.0, 1.0)
        heard.prices.size(request_id, 8, 5.0)
        heard.prices.report(request_id, "5.0;1.0;995000;1;5.0;true")
        heard.prices.generic(request_id, 49, 1.0)
        heard.prices.data_type(request_id, 3)
    assert (heard.ticks(), heard.stream) == ([], _stock())


def test_prices_count_for_nothing_while_the_link_is_lost() -> None:
    heard = Heard(_stock())
    heard.prices.is_deaf = True
    assert [*heard.price(1, 5.0, 1.0), *heard.size(8, 5.0), *heard.trade(5.0, 1.0, 995.0)] == []
    assert (heard.stream.values, heard.prices.came) == ({}, False)


# What orders are checked against.


def test_quote_is_known_whether_rules_read_it_or_not() -> None:
    heard = Heard(_stock())
    heard.prices.listen(heard.stream, frozenset({Field.LAST}))
    assert [*heard.price(1, 199.0, 1.0), *heard.price(2, 201.0, 1.0)] == []
    assert [tick.field for tick in heard.trade(200.0, 1.0, 995.0)] == [Field.LAST]
    assert (heard.stream.bid, heard.stream.ask, heard.stream.last) == (199.0, 201.0, 200.0)


def test_field_that_a_rule_begins_to_read_starts_with_a_snapshot_of_what_is_known() -> None:
    heard = Heard(_stock())
    heard.prices.listen(heard.stream, frozenset({Field.LAST}))
    heard.price(1, 199.0, 1.0)
    heard.price(1, 198.0, 1.0)
    heard.prices.listen(heard.stream, frozenset({Field.LAST, Field.BID, Field.ASK}))
    assert heard.ticks() == [Tick("V", NOW_S, Field.BID, 198.0, 0.0, snapshot=True)]
    assert [tick.snapshot for tick in heard.price(1, 199.0, 1.0)] == [False]
    heard.prices.listen(heard.stream, frozenset({Field.BID, Field.ASK}))
    assert heard.ticks() == []


@pytest.mark.parametrize(("size_type", "price_type"), [(0, 1), (3, 2), (5, 4)])
def test_size_beside_a_price_keeps_it_alive(size_type: int, price_type: int) -> None:
    heard = Heard(_stock())
    heard.price(price_type, 199.0, 1.0)
    heard.prices.now_s = NOW_S + 60
    assert heard.size(size_type, 3.0) == []
    assert heard.stream.quoted_s == NOW_S + 60


@pytest.mark.parametrize("size_type", [0, 3, 5])
def test_size_without_a_price_beside_it_is_no_life_of_another(size_type: int) -> None:
    heard = Heard(_stock())
    heard.price(9, 199.0, 1.0)
    heard.size(size_type, 3.0)
    heard.price(1, -1.0, 0.0)
    quoted_s = heard.stream.quoted_s
    heard.prices.now_s = NOW_S + 60
    heard.size(size_type, 3.0)
    assert heard.stream.quoted_s == quoted_s


@pytest.mark.parametrize("size_type", [21, 27, 30, 34, 86, 89])
def test_other_sizes_keep_no_price_alive(size_type: int) -> None:
    heard = Heard(_stock())
    heard.price(1, 199.0, 1.0)
    heard.prices.now_s = NOW_S + 60
    heard.size(size_type, 3.0)
    assert heard.stream.quoted_s == NOW_S


def test_quote_that_is_said_again_is_alive() -> None:
    heard = Heard(_stock())
    heard.price(1, 199.0, 1.0)
    heard.prices.now_s = NOW_S + 60
    heard.price(1, 199.0, 1.0)
    assert heard.stream.quoted_s == NOW_S + 60


@pytest.mark.parametrize("kind", [1, 2, 4])
def test_word_that_there_is_no_price_keeps_no_other_price_alive(kind: int) -> None:
    for heard in (Heard(_stock()), Heard(Stream(("VIX",), 1, "IND", since_s=990.0))):
        heard.trade(200.0, 1.0, NOW_S)
        heard.prices.now_s = NOW_S + 60
        for _ in range(2):
            heard.price(kind, -1.0, 0.0)
        assert heard.stream.quoted_s == NOW_S


def test_trade_that_is_reported_late_does_not_make_the_quote_older_nor_younger() -> None:
    heard = Heard(_stock())
    heard.price(1, 199.0, 1.0)
    heard.trade(200.0, 1.0, NOW_S - 30)
    assert heard.stream.quoted_s == NOW_S
    heard.prices.now_s = NOW_S + 60
    heard.trade(200.0, 1.0, NOW_S + 10)
    assert heard.stream.quoted_s == NOW_S + 10


def test_what_is_forgotten_is_unknown_until_it_is_said_anew() -> None:
    heard = Heard(_stock())
    heard.price(1, 199.0, 1.0)
    heard.stream.forget(NOW_S)
    heard.size(0, 5.0)
    assert heard.stream.bid is None
    assert [(tick.value, tick.snapshot) for tick in heard.price(1, 199.0, 1.0)] == [(199.0, False)]
    assert heard.stream.bid == 199.0


@pytest.mark.parametrize(("price", "is_heard"), [(402.1, False), (402.0, True), (99.5, True), (99.4, False)])
def test_trade_far_outside_the_quotes_beside_it_is_left_out(price: float, is_heard: bool) -> None:
    heard = Heard(_stock())
    heard.price(1, 199.0, 1.0)
    heard.price(2, 201.0, 1.0)
    assert [tick.value for tick in heard.trade(price, 1.0, 995.0)] == ([price] if is_heard else [])
    assert heard.stream.last == (price if is_heard else None)


def test_without_quotes_a_lone_trade_far_from_the_one_before_is_left_out() -> None:
    heard = Heard(_stock())
    heard.trade(200.0, 1.0, 995.0)
    heard.stream.forget(NOW_S)
    assert [heard.trade(price, 1.0, 996.0) for price in (2.0, 200.0)] == [[], []]
    assert [tick.value for tick in heard.trade(201.0, 1.0, 997.0)] == [201.0]


def test_without_quotes_the_second_trade_of_a_real_jump_counts() -> None:
    heard = Heard(_stock())
    heard.trade(200.0, 1.0, 995.0)
    heard.stream.forget(NOW_S)
    assert not heard.trade(50.0, 1.0, 996.0)
    assert [tick.value for tick in heard.trade(50.1, 1.0, 997.0)] == [50.1]


@pytest.mark.parametrize("is_report_first", [True, False])
def test_a_lone_trade_that_is_told_twice_is_no_second_trade(is_report_first: bool) -> None:
    heard = Heard(_stock())
    heard.trade(200.0, 1.0, 995.0)
    heard.stream.forget(NOW_S)
    ways = [lambda: heard.trade(20_000.0, 1.0, 996.0), lambda: heard.price(4, 20_000.0, 1.0)]
    assert [way() for way in (ways if is_report_first else ways[::-1])] == [[], []]
    assert heard.stream.last is None


def test_a_trade_that_the_quotes_proved_wrong_says_nothing_of_the_next() -> None:
    heard = Heard(_stock())
    heard.price(1, 199.0, 1.0)
    heard.price(2, 201.0, 1.0)
    heard.trade(200.0, 1.0, 995.0)
    heard.trade(2.0, 1.0, 995.5)
    heard.stream.forget(NOW_S)
    assert [tick.value for tick in heard.trade(201.0, 1.0, 996.0)] == [201.0]


@pytest.mark.parametrize(("value", "halted"), [(1.0, True), (2.0, True), (0.0, False), (-1.0, False)])
def test_halt_is_what_the_exchange_says(value: float, halted: bool) -> None:
    heard = Heard(_stock())
    heard.prices.generic(REQUEST, 49, 1.0)
    heard.prices.generic(REQUEST, 54, 0.0)
    heard.prices.generic(REQUEST, 49, value)
    assert heard.stream.is_halted is halted


def test_the_last_trade_of_a_stock_is_known_again_after_a_silence_before_the_next_report_of_one() -> None:
    heard = Heard(_stock())
    assert heard.trade(200.0, 5.0, NOW_S)
    assert heard.price(4, 200.0, 5.0) == [], "a trade that was reported is not told twice"
    heard.stream.forget(NOW_S)
    assert heard.stream.last is None
    [again] = heard.price(4, 204.0, 5.0)
    assert (again.value, again.snapshot, again.time_s) == (204.0, True, NOW_S), (
        "of unknown age, so nothing happens by it"
    )
    assert heard.stream.last == 204.0
    assert heard.price(4, 204.0, 5.0) == []
    [next_one] = heard.trade(205.0, 5.0, NOW_S)
    assert (next_one.value, next_one.snapshot) == (205.0, False)
    heard.stream.forget(NOW_S)
    assert heard.price(4, -1.0, 0.0) == []
    assert heard.price(4, 204.0, 5.0)


def test_the_last_price_after_a_silence_does_not_make_the_trades_behind_it_look_late() -> None:
    """They are read late where this program was held up, and bear the exchange's times."""
    heard = Heard(_stock())
    heard.price(4, 199.0, 1.0)
    heard.stream.forget(NOW_S)
    heard.prices.now_s = NOW_S + 20
    shown, *trades = [
        *heard.price(4, 200.0, 1.0),
        *heard.trade(200.0, 1.0, NOW_S + 1),
        *heard.trade(201.0, 1.0, NOW_S + 2),
    ]
    assert (shown.snapshot, [trade.snapshot for trade in trades]) == (True, [False, False])
    assert shown.time_s <= trades[0].time_s < trades[1].time_s
