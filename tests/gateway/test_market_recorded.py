"""Recorded CSV files: what is played, when, together with what, and what is refused."""

import subprocess
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from rules_engine.gateway.contracts.catalogue import Catalogue
from rules_engine.gateway.contracts.hours import CALENDARS
from rules_engine.gateway.files import MarketError
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.market.quote import Tick, TickKind
from rules_engine.gateway.market.recorded import read_recording
from rules_engine.gateway.market.spec import parse_market
from rules_engine.model.clock import SteppedClock

START_S = 1_900_000_000.0
DAY_S = 86_400.0
BARS = """Date,Open,High,Low,Close,Adj Close,Volume
2030-01-03,10,12,9,11,5,400
2030-01-04,11,12,8,9,5,800
2030-01-07,9,9.5,8.5,9,5,400
"""


def play(words: list[str], speed: float = 1.0) -> Market:
    market = parse_market(words, speed=speed, clock=SteppedClock(START_S))
    market.start(START_S)
    return market


def recording(tmp_path: Path, text: str, name: str = "prices.csv") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def number(market: Market, name: str) -> int:
    listing = market.catalogue.named(name)
    assert listing is not None
    return listing.conId


def batches(market: Market, until_s: float = START_S + 1e9) -> list[tuple[Tick, ...]]:
    return list(market.advance(until_s))


def trades(market: Market, until_s: float = START_S + 1e9) -> list[tuple[float, float]]:
    return [
        (round(tick.time_s - START_S, 6), tick.price)
        for batch in batches(market, until_s)
        for tick in batch
        if tick.kind is TickKind.TRADE
    ]


def test_a_bar_is_four_prints_in_the_order_of_its_colour(tmp_path: Path) -> None:
    market = play([f"V={recording(tmp_path, BARS)}"], speed=DAY_S)
    assert trades(market) == [
        *((0.0, 10.0), (0.25, 9.0), (0.5, 12.0), (0.75, 11.0)),  # Closed up: the low comes first.
        *((1.0, 11.0), (1.25, 12.0), (1.5, 8.0), (1.75, 9.0)),  # Closed down: the high comes first.
        *((4.0, 9.0), (4.25, 8.5), (4.5, 9.5), (4.75, 9.0)),  # Flat counts as up; the weekend passes as it is.
    ]


def test_a_market_order_gets_the_recorded_price_of_the_moment(tmp_path: Path) -> None:
    market = play([f"V={recording(tmp_path, BARS)}"], speed=DAY_S)
    visa = number(market, "V")
    for batch in market.advance(START_S + 10):
        price = batch[-1].price
        assert market.fill_price(visa, "BUY") == market.fill_price(visa, "SELL") == price
        quote = market.quote(visa)
        assert (quote.bid, quote.ask, quote.mid) == (round(price - 0.01, 8), round(price + 0.01, 8), price)


def test_a_recorded_day_is_a_day_of_the_quote(tmp_path: Path) -> None:
    market = play([f"V={recording(tmp_path, BARS)}"], speed=DAY_S)
    visa = number(market, "V")
    batches(market, START_S + 0.9)
    quote = market.quote(visa)
    assert (quote.open, quote.high, quote.low, quote.volume, quote.close) == (10.0, 12.0, 9.0, 400.0, None)
    batches(market, START_S + 1.6)
    assert (quote.open, quote.high, quote.low, quote.volume, quote.close) == (11.0, 12.0, 8.0, 600.0, 11.0)


def test_nothing_is_shown_before_it_is_due(tmp_path: Path) -> None:
    market = play([f"V={recording(tmp_path, BARS)}"])
    visa = number(market, "V")
    assert market.quote(visa).last is None
    assert market.prints(visa, None, None, 10) == ()
    assert market.next_s() == START_S
    assert batches(market, START_S - 1) == []
    assert len(batches(market, START_S)) == 1
    assert [one.price for one in market.prints(visa, None, None, 10)] == [10.0]


def test_files_share_one_time_axis_and_one_instant_is_one_batch(tmp_path: Path) -> None:
    visa = recording(tmp_path, BARS, "v.csv")
    master = recording(tmp_path, BARS.replace("2030-01-03,10,12,9,11,5,400\n", ""), "ma.csv")
    market = play([f"V={visa}", f"MA={master}"], speed=DAY_S)
    together = [{tick.conId for tick in batch if tick.kind is TickKind.TRADE} for batch in batches(market)]
    both = {number(market, "V"), number(market, "MA")}
    assert together == [{number(market, "V")}] * 4 + [both] * 8


def test_the_end_of_the_recording_is_quiet(tmp_path: Path) -> None:
    market = play([f"V={recording(tmp_path, BARS)}"], speed=DAY_S)
    batches(market)
    assert market.next_s() is None
    assert market.quote(number(market, "V")).last == 9.0


def test_ticks_with_sizes_may_share_an_instant(tmp_path: Path) -> None:
    text = "price,size,timestamp\n5,10,2030-01-03T15:00:00Z\n6,20,2030-01-03T15:00:00Z\n7,30,2030-01-03T15:00:01.5Z\n"
    market = play([f"V={recording(tmp_path, text)}"])
    first, second = batches(market)
    assert [(tick.price, tick.size) for tick in first if tick.kind is TickKind.TRADE] == [(5.0, 10.0), (6.0, 20.0)]
    assert second[-1].time_s == START_S + 1.5


def test_quotes_have_their_own_sizes_where_the_file_has_them(tmp_path: Path) -> None:
    text = "timestamp,bid,bid_size,ask,ask_size\n2030-01-03 15:00:00,99,300,101,0\n"
    market = play([f"V={recording(tmp_path, text)}"])
    [ticks] = batches(market)
    assert [(tick.kind, tick.price, tick.size) for tick in ticks] == [(TickKind.BID, 99, 300), (TickKind.ASK, 101, 0)]


def test_quotes_fill_at_the_touch(tmp_path: Path) -> None:
    text = "timestamp,bid,ask\n2030-01-03 15:00:00,99,101\n2030-01-03 15:00:01,99,102\n"
    market = play([f"V={recording(tmp_path, text)}"])
    visa = number(market, "V")
    first, second = batches(market)
    assert [tick.kind for tick in first] == [TickKind.BID, TickKind.ASK]
    assert [tick.kind for tick in second] == [TickKind.ASK]
    assert (market.fill_price(visa, "BUY"), market.fill_price(visa, "SELL")) == (102.0, 99.0)
    assert market.quote(visa).last is None


def test_a_currency_pair_played_from_bars_has_quotes_whose_midpoint_is_the_print(tmp_path: Path) -> None:
    market = play([f"EURUSD={recording(tmp_path, BARS)}"], speed=DAY_S)
    pair = number(market, "EURUSD")
    assert trades(market) == []
    assert market.quote(pair).mid == market.fill_price(pair, "BUY") == 9.0
    assert [bar.close for bar in market.bars(pair, START_S + 10, 20, 86_400, "MIDPOINT", False)] == [9.0]


def test_an_unlisted_symbol_becomes_a_us_stock(tmp_path: Path) -> None:
    market = play([f"FOO={recording(tmp_path, BARS)}"])
    listing = market.catalogue.named("FOO")
    assert listing is not None
    assert (listing.contract.secType, listing.contract.currency) == ("STK", "USD")


def test_history_is_what_was_played(tmp_path: Path) -> None:
    market = play([f"V={recording(tmp_path, BARS)}"], speed=DAY_S)
    visa = number(market, "V")
    batches(market, START_S + 1.6)
    bars = market.bars(visa, START_S + 1.6, 2, 1, "TRADES", True)
    assert [(bar.open, bar.high, bar.low, bar.close, bar.volume, bar.count) for bar in bars] == [
        (10.0, 12.0, 9.0, 11.0, 400.0, 4),
        (11.0, 12.0, 8.0, 8.0, 600.0, 3),
    ]
    assert market.head_s(visa) == START_S


def test_epoch_times_of_any_unit(tmp_path: Path) -> None:
    for unit in (1, 1_000, 1_000_000, 1_000_000_000):
        text = f"time,price\n{1_577_836_800 * unit},5\n{1_577_836_802 * unit},6\n"
        assert trades(play([f"V={recording(tmp_path, text)}"])) == [(0.0, 5.0), (2.0, 6.0)]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Date,Open,High,Low,Close\n2030-01-03,1,2,x,1\n", "prices.csv:2: low: 'x' is not a number"),
        ("Date,Open,High,Low,Close\n2030-01-03,1,2,nan,1\n", "prices.csv:2: low: nan is not a price"),
        ("Date,Open,High,Low,Close\n2030-01-03,1,2,-1,1\n", "prices.csv:2: low: -1 is not a price"),
        ("Date,Open,High,Low,Close\n2030-01-03,1,2,0,1\n", "prices.csv:2: low: 0 is not a price"),
        ("Date,Open,High,Low,Close\n2030-01-03,1,1,2,1\n", "prices.csv:2: low: 2 is above the high, 1"),
        ("Date,Open,High,Low,Close\n2030-01-03,1,2,1\n", "prices.csv:2: 4 values under 5 columns"),
        (
            "Date,Open,High,Low,Close\n2030-01-03,1,2,1,1\n2030-01-02,1,2,1,1\n",
            "prices.csv:3: date: earlier than the row above",
        ),
        ("Date,Open,High,Low,Close\n2030-01-03,1,2,1,1\n2030-01-03,1,2,1,1\n", "prices.csv:3: date: a second bar"),
        ("Date,Open,High,Low,Close\n03/01/2030,1,2,1,1\n", "prices.csv:2: date: '03/01/2030' is neither"),
        ("Date,Open,High,Low,Close\n", "prices.csv: no prices in this file"),
        ("Date,Open,High,Low\n2030-01-03,1,2,1\n", "prices.csv:1: the columns are date, open, high, low"),
        ("Open,High,Low,Close\n1,2,1,1\n", "prices.csv:1: the columns are open, high, low, close"),
        ("time,price,price\n1,2,3\n", "prices.csv:1: there are two columns 'price'"),
        ("time,price,size\n2030-01-03,5,-1\n", "prices.csv:2: size: -1 is not a quantity"),
        ("time,bid,ask\n2030-01-03,5,4\n", "prices.csv:2: bid: 5 is above the ask, 4"),
        ('time,price\n2030-01-03,"5\n', "prices.csv:2: a quote is not closed on its line"),
        ("", "prices.csv: no prices in this file"),
    ],
)
def test_a_bad_recording_is_a_located_problem(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(MarketError) as raised:
        play([f"V={recording(tmp_path, text)}"])
    assert problem in str(raised.value)


def test_a_file_that_is_not_there_not_a_file_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(MarketError, match=r"nowhere\.csv:1: the file is not read: No such file"):
        play([f"V={tmp_path / 'nowhere.csv'}"])
    with pytest.raises(MarketError, match="the file is not read"):
        play([f"V={tmp_path}"])
    (tmp_path / "raw.csv").write_bytes(b"time,price\n\xff\xfe")
    with pytest.raises(MarketError, match=r"raw\.csv:2: not UTF-8 text"):
        play([f"V={tmp_path / 'raw.csv'}"])


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["wlak"], "'wlak': a market is 'walk', SCRIPT.yaml or SYMBOL=FILE.csv"),
        (["=x.csv"], "'' is no symbol"),
        (["visa=x.csv"], "'visa' is no symbol"),
        (["", "walk"], "'': a market is"),
    ],
)
def test_a_word_that_is_no_market(words: list[str], problem: str) -> None:
    with pytest.raises(MarketError) as raised:
        parse_market(words)
    assert problem in str(raised.value)


def test_no_symbol_twice_and_no_impossible_speed(tmp_path: Path) -> None:
    path = recording(tmp_path, BARS)
    with pytest.raises(MarketError, match="'V' is played already"):
        parse_market([f"V={path}", f"V={path}"])
    for speed in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(MarketError, match="must be above zero"):
            parse_market(["walk"], speed=speed)
    with pytest.raises(MarketError, match="only be kept at speed 1"):
        parse_market(["walk"], speed=2.0, sessions=True)


def test_the_walk_plays_what_no_recording_does(tmp_path: Path) -> None:
    market = play(["walk", f"V={recording(tmp_path, BARS)}"])
    visa, master = number(market, "V"), number(market, "MA")
    market.quote(master)
    seen = {tick.conId: tick.price for batch in batches(market, START_S + 5) for tick in batch}
    assert seen[visa] == 10.0
    assert seen[master] > 100.0


def test_a_market_without_recordings_does_without_what_reads_them() -> None:
    program = (
        "import sys; import rules_engine.cli.gateway, rules_engine.gateway.server;"
        "from rules_engine.gateway.market.spec import parse_market; parse_market(['walk']);"
        "sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_v_and_ma_print_together_for_six_years(data_dir: Path) -> None:
    market = play([f"V={data_dir / 'daily_V.csv'}", f"MA={data_dir / 'daily_MA.csv'}"], speed=DAY_S)
    visa, master = number(market, "V"), number(market, "MA")
    instants = 0
    crossed: float | None = None
    for batch in market.advance(START_S + 1e9):
        instants += 1
        assert {tick.conId for tick in batch if tick.kind is TickKind.TRADE} == {visa, master}
        last = market.quote(visa).last
        assert last is not None
        if crossed is None and last >= 200.0:
            crossed = market.fill_price(master, "BUY")
    assert instants == 4 * 1556
    assert crossed == market.prints(master, START_S, None, 10_000)[_first_at_least(market, visa, 200.0)].price
    assert market.quote(master).last == 469.260010


def _first_at_least(market: Market, conId: int, price: float) -> int:
    prints = market.prints(conId, START_S, None, 10_000)
    return next(row for row, one in enumerate(prints) if one.price >= price)


def test_minutes_of_an_index_and_ticks_of_a_pair(data_dir: Path) -> None:
    index_words = [f"SPX={data_dir / 'minute_SPX_2019-11-05_08.csv'}"]
    market = play(index_words, speed=3600.0)
    index = number(market, "SPX")
    kinds = {tick.kind for batch in market.advance(START_S + 1e6) for tick in batch}
    assert kinds == {TickKind.TRADE}
    assert market.quote(index).close == 3085.35  # The last print of the day before.
    assert market.quote(index).last == 3092.91
    pair_market = play([f"USDJPY={data_dir / 'ticks_USDJPY_2013-01-01.csv'}"], speed=60.0)
    pair = number(pair_market, "USDJPY")
    batches(pair_market)
    assert (pair_market.quote(pair).bid, pair_market.quote(pair).ask) == (86.836, 86.854)
    assert (pair_market.fill_price(pair, "BUY"), pair_market.fill_price(pair, "SELL")) == (86.854, 86.836)


def test_a_day_of_a_future_begins_on_the_evening_before(tmp_path: Path) -> None:
    rows = "date,open,high,low,close\n2030-01-02,10,14,8,12\n2030-01-03,20,24,18,22\n2030-01-04,30,34,28,32\n"
    future = Catalogue(clock=SteppedClock(START_S)).named("ES")
    assert future is not None
    times_s = read_recording(recording(tmp_path, rows), future).trades.times_s
    chicago = ZoneInfo("America/Chicago")
    assert [datetime.fromtimestamp(at_s, chicago) for at_s in times_s[::4]] == [
        datetime(2030, 1, day, 17, tzinfo=chicago) for day in (1, 2, 3)
    ]
    hours = CALENDARS[future.calendar]
    assert [hours.trade_date(at_s).day for at_s in times_s] == [2] * 4 + [3] * 4 + [4] * 4
