"""The seeded random walk: reproducible, consistent with its own past, and free for what nobody asks for."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from rules_engine.gateway.contracts.contract import Contract
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.market.quote import Print, Tick, TickKind
from rules_engine.gateway.market.spec import parse_market
from rules_engine.model.clock import SteppedClock

START_S = datetime(2030, 11, 20, 15, 0, tzinfo=UTC).timestamp()  # A Wednesday morning in New York.
DAY_S = 86_400.0


def walk(seed: int = 7, speed: float = 1.0, sessions: bool = False, start_s: float = START_S) -> Market:
    market = parse_market(["walk"], seed=seed, speed=speed, sessions=sessions, clock=SteppedClock(start_s))
    market.start(start_s)
    return market


def number(market: Market, name: str) -> int:
    listing = market.catalogue.named(name)
    assert listing is not None
    return listing.conId


def played(market: Market, until_s: float) -> list[Tick]:
    return [tick for batch in market.advance(until_s) for tick in batch]


def trades(ticks: list[Tick], conId: int) -> list[Print]:
    return [Print(*tick[1:2], *tick[3:5]) for tick in ticks if tick.conId == conId and tick.kind is TickKind.TRADE]


def test_nothing_plays_until_somebody_asks() -> None:
    market = walk()
    assert played(market, START_S + 60) == []
    market.quote(number(market, "V"))
    assert {tick.conId for tick in played(market, START_S + 70)} == {number(market, "V")}


def test_a_print_about_every_second_with_a_quote_around_it() -> None:
    market = walk()
    visa = number(market, "V")
    market.quote(visa)
    seen = trades(played(market, START_S + 300), visa)
    assert 200 < len(seen) <= 300
    assert [one.time_s for one in seen] == sorted(one.time_s for one in seen)
    quote = market.quote(visa)
    assert quote.bid is not None and quote.ask is not None and quote.last is not None
    assert quote.bid < quote.ask and quote.bid <= quote.last <= quote.ask
    assert market.fill_price(visa, "BUY") == quote.ask and market.fill_price(visa, "SELL") == quote.bid


def test_prices_are_multiples_of_the_tick() -> None:
    market = walk()
    future = number(market, "ESZ0")
    market.quote(future)
    assert all(tick.price % 0.25 == 0 for tick in played(market, START_S + 60))


def test_the_same_seed_plays_the_same_and_another_one_does_not() -> None:
    first, second, other = walk(), walk(), walk(seed=8)
    for market in (first, second, other):
        market.quote(number(market, "V"))
    ticks = played(first, START_S + 60)
    assert ticks == played(second, START_S + 60)
    assert ticks != played(other, START_S + 60)


def test_who_is_watched_besides_does_not_matter() -> None:
    alone, crowd = walk(), walk()
    visa = number(alone, "V")
    for name in ("MA", "V", "SPX", "EURUSD"):
        crowd.quote(number(crowd, name))
    alone.quote(visa)
    expected = trades(played(alone, START_S + 60), visa)
    assert trades(played(crowd, START_S + 60), visa) == expected


@pytest.mark.parametrize("speed", [1.0, 7.0, 60.0])
def test_history_is_what_was_streamed(speed: float) -> None:
    market = walk(speed=speed)
    visa = number(market, "V")
    market.quote(visa)
    seen = trades(played(market, START_S + 61.7), visa)
    assert list(market.prints(visa, START_S, START_S + 61.7, 100_000)) == seen
    assert seen and seen[-1].time_s <= START_S + 61.7


def test_the_past_joins_the_present_and_is_the_same_when_asked_twice() -> None:
    market = walk()
    visa = number(market, "V")
    before = market.bars(visa, START_S, 600, 60, "TRADES", False)
    assert len(before) == 10
    opening = market.quote(visa).last
    first = trades(played(market, START_S + 5), visa)[0]
    assert opening == before[-1].close
    assert first.price == pytest.approx(before[-1].close, rel=0.002)
    assert market.bars(visa, START_S, 600, 60, "TRADES", False) == before


def test_an_instrument_watched_late_starts_late_and_its_day_so_far_is_whole() -> None:
    late, early = walk(), walk()
    visa = number(late, "V")
    early.quote(visa)
    played(early, START_S + 100.4)
    played(late, START_S + 100.4)
    assert (late.quote(visa).volume, late.quote(visa).last) == (early.quote(visa).volume, early.quote(visa).last)
    assert played(late, START_S + 130) == played(early, START_S + 130)


def test_bars_of_any_length_agree() -> None:
    market = walk()
    visa = number(market, "V")
    minutes = market.bars(visa, START_S, 7200, 60, "TRADES", False)
    hours = market.bars(visa, START_S, 7200, 3600, "TRADES", False)
    assert sum(bar.volume for bar in minutes) == pytest.approx(sum(bar.volume for bar in hours))
    assert max(bar.high for bar in minutes) == max(bar.high for bar in hours)
    assert minutes[0].open == hours[0].open and minutes[-1].close == hours[-1].close


def test_days_of_the_past_are_trading_days_and_regular_hours_start_at_the_open() -> None:
    market = walk()
    visa = number(market, "V")
    days = market.bars(visa, START_S, 30 * DAY_S, DAY_S, "TRADES", True)
    assert [datetime.fromtimestamp(bar.time_s + 12 * 3600, UTC).weekday() < 5 for bar in days] == [True] * len(days)
    assert len(days) in (22, 23)
    friday = datetime(2030, 11, 15, 21, 0, tzinfo=UTC).timestamp()
    hours = market.bars(visa, friday, 8 * 3600, 3600, "TRADES", True)
    assert [datetime.fromtimestamp(bar.time_s, UTC).strftime("%H:%M") for bar in hours] == [
        *("14:30", "15:00", "16:00", "17:00", "18:00", "19:00", "20:00")
    ]


def test_a_weekend_start_still_has_minutes_of_past_to_fill_windows_from() -> None:
    sunday_s = START_S + 4 * DAY_S
    market = walk(start_s=sunday_s)
    assert len(market.bars(number(market, "V"), sunday_s, 600, 60, "TRADES", True)) == 10


def test_kept_sessions_end_and_begin() -> None:
    evening_s = datetime(2030, 11, 22, 0, 59, tzinfo=UTC).timestamp()  # A minute before the close of extended hours.
    market = walk(sessions=True, start_s=evening_s)
    visa = number(market, "V")
    market.quote(visa)
    seen = trades(played(market, evening_s + 9 * 3600), visa)
    gap_s = max(later.time_s - earlier.time_s for earlier, later in pairwise(seen))
    assert 7.9 * 3600 < gap_s < 8.1 * 3600


def test_quotes_of_the_past_in_all_their_forms() -> None:
    market = walk()
    pair = number(market, "EURUSD")
    assert market.bars(pair, START_S, 300, 60, "TRADES", False) == ()
    mids, bids, asks, both = (
        market.bars(pair, START_S, 300, 60, what, False) for what in ("MIDPOINT", "BID", "ASK", "BID_ASK")
    )
    assert len(mids) == len(bids) == len(asks) == len(both) == 5
    assert all(bid.high < ask.high for bid, ask in zip(bids, asks, strict=True))
    assert all(one.low == bid.low and one.high == ask.high for one, bid, ask in zip(both, bids, asks, strict=True))
    assert mids[0].open == pytest.approx((bids[0].open + asks[0].open) / 2)


def test_an_option_follows_its_underlying() -> None:
    market = walk()
    terms = {"symbol": "AAPL", "secType": "OPT", "lastTradeDateOrContractMonth": "20301220"}
    (call,) = market.catalogue.find(Contract(**terms, strike=150.0, right="C"))
    stock, option = market.quote(number(market, "AAPL")).last, market.quote(call.conId).last
    assert stock is not None and option is not None
    assert option == pytest.approx(max(stock - 150.0, 0.01), rel=0.1, abs=1.0)


def test_ten_years_back_and_no_further() -> None:
    market = walk()
    visa = number(market, "V")
    head_s = market.head_s(visa)
    assert head_s is not None and START_S - head_s == 3650 * DAY_S
    assert len(market.prints(visa, 0.0, None, 3)) == 3
    assert market.bars(visa, head_s, 365 * DAY_S, DAY_S, "TRADES", True) == ()


def test_five_days_begin_five_trade_dates_ago() -> None:
    market = walk()
    visa = number(market, "V")
    start_s = market.days_start_s(visa, START_S, 5)
    assert datetime.fromtimestamp(start_s, UTC) == datetime(2030, 11, 14, 5, 0, tzinfo=UTC)
    assert len(market.bars(visa, START_S, START_S - start_s, DAY_S, "TRADES", True)) == 5
