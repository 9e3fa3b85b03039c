"""One market through every channel: lines, single ticks, bars of every kind, depth and history tell one story."""

import itertools
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rules_engine.gateway import Gateway, parse_market
from rules_engine.gateway.feeds.limits import Limits
from rules_engine.model.clock import SteppedClock
from tests.gateway.channels import LIVE_SHOWN, Bar, Channels, Heard
from tests.gateway.conftest import NOON_S, Bench, Dial

ENDS_S = (0.5, 1.0, 3.2, 4.999, 5.0, 9.7, 30.0, 61.3, 61.4, 127.0)
"""How far the market has come, in seconds, whenever the client listens."""
LASTS_S = 130.0
KEPT = ("5 secs", "1 min")
LIMITS = Limits(tick_streams=20, depth_lines=10)
SCRIPT = """
symbols:
  V:
    play:
      - {at: 0s, bid: 199.90, ask: 200.10, bid_size: 300, ask_size: 500}
      - {at: 0s, price: 200}
      - {at: 1500ms, bid: 199.95, ask: 200.10, bid_size: 300, ask_size: 500}
      - {at: 1500ms, price: 199.95, size: 20}
      - {at: 1500ms, price: 200.10, size: 7}
      - {at: 1500ms, bid: 199.95, ask: 200.10, bid_size: 280, ask_size: 493}
      - {at: 2s, bid: 199.95, ask: 200.10, bid_size: 280, ask_size: 493}
      - {at: 5s, price: 200.05}
      - {to: 205, over: 20s, every: 250ms}
      - {at: 26s, bid: 204.90, ask: 205.10}
      - {at: 30s, halt: general}
      - {at: 31s, every: 1s, prices: "1, 2, 3"}
      - {at: 40s, resume: yes}
      - {at: 40s, bid: 203, ask: 203.5}
      - {at: 40s, price: 203.25}
      - {to: 199, over: 60s, every: 400ms, size: 11}
  ESZ6:
    play: {every: 700ms, prices: "5000, 5000.25, 5001 x40, 4999.75 x60, _, _, 5002"}
  EURUSD:
    play:
      - {at: 0s, bid: 1.0850, ask: 1.0851, bid_size: 1000000, ask_size: 2000000}
      - {at: 2s, bid: 1.0851, ask: 1.0852, bid_size: 1000000, ask_size: 2000000}
      - {at: 3s, bid: 1.0850, ask: 1.0853, bid_size: 500000, ask_size: 500000}
      - {at: 64s, bid: 1.0860, ask: 1.0861, bid_size: 1000000, ask_size: 2000000}
      - {at: 66s, bid: 1.0855, ask: 1.0856, bid_size: 1000000, ask_size: 2000000}
"""
TRADED = {"V": True, "ESZ6": True, "EURUSD": False}

Listen = Callable[[Sequence[str]], Awaitable[Channels]]


@pytest.fixture
def listen(bench: Bench, dial: Dial, clock: SteppedClock) -> Listen:
    """Has a client hear all of a market for two minutes, in steps of all lengths."""

    async def heard(words: Sequence[str]) -> Channels:
        market = parse_market(words, seed=11, clock=clock)
        gateway = Gateway(market, clock=clock, limits=LIMITS)
        await gateway.start()
        bench.running.append(gateway)
        listings = [market.catalogue.named(name) for name in TRADED]
        channels = Channels(await dial.greeted(gateway), [one.conId for one in listings if one is not None])
        gateway.step_to(NOON_S + 0.1)
        for number, trades in enumerate(TRADED.values()):
            await channels.subscribe(number, trades=trades, kept=KEPT)
        for end_s in (*ENDS_S, LASTS_S):
            gateway.step_to(NOON_S + end_s)
            await channels.listen()
            for one in channels.heard:
                assert [*one.bids[0], *one.asks[0]] == [one.quote[0], one.quote[2], one.quote[1], one.quote[3]]
        return channels

    return heard


@pytest.fixture(params=["walk", "script"])
def words(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    if request.param == "walk":
        return ["walk"]
    (tmp_path / "market.yaml").write_text(SCRIPT)
    return [str(tmp_path / "market.yaml")]


async def test_every_channel_tells_the_same_market(listen: Listen, words: list[str]) -> None:
    channels = await listen(words)
    for number, (heard, trades) in enumerate(zip(channels.heard, TRADED.values(), strict=True)):
        assert heard.quotes, "something must have happened"
        assert bool(heard.prints) is trades
        shown = iter(heard.shown)
        assert all(quote[1:] in shown for quote in heard.quotes), "the line showed every quote, in this order"
        if trades:
            check_reports(heard)
            assert await channels.past_ticks(number, "TRADES", START) == after(heard.prints)
        assert await channels.past_ticks(number, "BID_ASK", START) == after(heard.quotes)
        assert await channels.past_ticks(number, "MIDPOINT", START) == after(heard.middles)
        for what in LIVE_SHOWN if trades else LIVE_SHOWN[1:]:
            past = await channels.past_bars(number, "5 secs", "600 S", what)
            check_live_bars(heard, what, past)
        await check_kept_bars(channels, number, "TRADES" if trades else "MIDPOINT")
        await check_day(channels, number, trades=trades)


START_S = int(NOON_S) + 1
START = datetime.fromtimestamp(START_S, UTC).strftime("%Y%m%d-%H:%M:%S")
"""A second in which the client was listening already."""


def after(ticks: Iterable[tuple[float, ...]]) -> list[tuple[float, ...]]:
    """Ticks of a second in which the client listened from its beginning on."""
    return [tick for tick in ticks if tick[0] >= START_S]


def check_reports(heard: Heard) -> None:
    """Trade reports, last prices and single ticks are the same prints, and volume is the sum of their sizes."""
    assert [report[:3] for report in heard.reports] == heard.prints
    assert heard.lasts[-len(heard.prints) :] == [(price, size) for _, price, size in heard.prints]
    sizes = itertools.accumulate((size for _, _, size in heard.prints), initial=heard.volumes[0])
    told = list(sizes)
    assert heard.volumes == pytest.approx(told)
    assert [report[3] for report in heard.reports] == pytest.approx(told[1:])
    prices = [price for _, price, _ in heard.prints]
    assert heard.extremes[6] >= max(prices)
    assert heard.extremes[7] <= min(prices)


def seen(heard: Heard, what: str) -> list[tuple[int, float, float]]:
    """Second, price and size of everything that a bar of this kind is made of."""
    if what == "TRADES":
        return heard.prints
    if what == "MIDPOINT":
        return [(second, (bid + ask) / 2, 0.0) for second, bid, ask, *_ in heard.quotes]
    side = 1 if what == "BID" else 2
    return [(quote[0], quote[side], 0.0) for quote in heard.quotes]


def slow_bar(start: int, length_s: int, ticks: list[tuple[int, float, float]]) -> Bar | None:
    """The obvious bar of the ticks that were streamed, None when there were none."""
    inside = [(price, size) for second, price, size in ticks if start <= second < start + length_s]
    if not inside:
        return None
    prices = [price for price, _ in inside]
    volume = sum(size for _, size in inside)
    return Bar(start, prices[0], max(prices), min(prices), prices[-1], volume, len(inside))


def check_live_bars(heard: Heard, what: str, past: list[Bar]) -> None:
    """A real-time bar every five seconds: the ticks that were streamed, and the bar that history has later."""
    live = heard.live_bars[what]
    assert [bar.start for bar in live] == [int(NOON_S) + 5 * slot for slot in range(len(live))]
    assert live[-1].start == int(NOON_S + LASTS_S) - 5
    history = {bar.start: bar for bar in past}
    for bar, before in zip(live[1:], live, strict=False):
        aggregate = slow_bar(bar.start, 5, seen(heard, what))
        if aggregate is None:
            assert bar.start not in history
            assert bar[1:5] == (before.close,) * 4
        else:
            assert bar == pytest.approx(history[bar.start])
            assert bar[:5] == pytest.approx(aggregate[:5])
            assert bar[5:] == (pytest.approx(aggregate[5:]) if what == "TRADES" else (-1.0, -1))
    assert live[0] == pytest.approx(history[live[0].start]), "what was partly over is told whole"


async def check_kept_bars(channels: Channels, number: int, what: str) -> None:
    """Bars that were kept up to date are those that history has later."""
    for size, kept in channels.heard[number].kept.items():
        past = await channels.past_bars(number, size, "600 S", what)
        assert len(kept) >= 2
        told = [bar for bar in past if bar.start >= int(NOON_S)]
        assert [bar.start for bar in told] == sorted(start for start in kept if start >= int(NOON_S))
        for bar in told:
            assert kept[bar.start] == pytest.approx(bar)


async def check_day(channels: Channels, number: int, *, trades: bool) -> None:
    """The bar of the day is the day's figures on the line."""
    heard = channels.heard[number]
    day = (await channels.past_bars(number, "1 day", "1 D", "TRADES" if trades else "MIDPOINT"))[-1]
    if trades:
        assert (day.high, day.low) == (heard.extremes[6], heard.extremes[7])
        assert day.volume == pytest.approx(heard.volumes[-1])
        assert day.close == heard.lasts[-1][0]
    else:
        assert day.close == pytest.approx((heard.quote[0] + heard.quote[1]) / 2)


async def test_a_halt_is_told_and_leaves_a_hole_in_every_channel(listen: Listen, tmp_path: Path) -> None:
    (tmp_path / "market.yaml").write_text(SCRIPT)
    channels = await listen([str(tmp_path / "market.yaml")])
    visa = channels.heard[0]
    assert visa.halts == [0.0, 1.0, 0.0]
    assert [second for second, *_ in visa.prints if NOON_S + 30 <= second < NOON_S + 40] == []
    assert all(price > 150 for _, price, _ in visa.prints)
    assert all(bar.low > 150 for bar in await channels.past_bars(0, "1 min", "600 S", "TRADES"))
    assert all(bar.volume == 0 for bar in visa.live_bars["TRADES"] if NOON_S + 30 <= bar.start < NOON_S + 40)
