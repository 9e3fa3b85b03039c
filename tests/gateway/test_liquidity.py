"""What can be traded at a moment: the quoted touch, the levels behind it, and what orders took away."""

import math

import pytest

from rules_engine.gateway import Catalogue, Market
from rules_engine.gateway.market.liquidity import LEVELS, Level, Liquidity


@pytest.fixture
def market() -> Market:
    return Market(Catalogue())


def number(market: Market, symbol: str) -> int:
    listing = market.catalogue.named(symbol)
    assert listing is not None
    return listing.conId


def test_the_touch_has_the_quoted_size_and_deeper_levels_lie_a_tick_apart(market: Market) -> None:
    v, liquidity = number(market, "V"), Liquidity(market)
    market.push_quote(v, 199.0, 199.02, 300.0, 700.0, at_s=1.0)
    bids, asks = liquidity.bids(v), liquidity.asks(v)
    assert (bids[0], asks[0]) == (Level(199.0, 300.0), Level(199.02, 700.0))
    assert [level.price for level in bids] == [round(199.0 - 0.01 * step, 2) for step in range(LEVELS)]
    assert [level.price for level in asks] == [round(199.02 + 0.01 * step, 2) for step in range(LEVELS)]
    assert all(level.size > 0 and level.size % 100 == 0 for level in bids + asks)


def test_the_same_seed_shows_the_same_book_and_another_seed_another(market: Market) -> None:
    v = number(market, "V")
    market.push_quote(v, 199.0, 199.02, at_s=1.0)
    assert Liquidity(market, 3).asks(v) == Liquidity(market, 3).asks(v)
    assert Liquidity(market, 3).asks(v) != Liquidity(market, 4).asks(v)


def test_what_was_taken_is_gone_until_the_quote_changes(market: Market) -> None:
    v, liquidity = number(market, "V"), Liquidity(market)
    market.push_quote(v, 199.0, 199.02, 300.0, 300.0, at_s=1.0)
    fresh = liquidity.asks(v)
    liquidity.take(v, 199.02, 100.0)
    assert liquidity.asks(v) == (Level(199.02, 200.0), *fresh[1:])
    liquidity.take(v, 199.02, 200.0)
    assert liquidity.asks(v) == fresh[1:]
    assert len(liquidity.bids(v)) == LEVELS
    market.push_quote(v, 199.0, 199.02, 300.0, 300.0, at_s=2.0)
    assert liquidity.asks(v) == fresh[1:], "the same quote once more is no change"
    market.push_quote(v, 199.0, 199.02, 400.0, 300.0, at_s=3.0)
    assert liquidity.asks(v) == fresh


@pytest.mark.parametrize(("side", "limit", "count"), [("BUY", 199.04, 3), ("SELL", 198.99, 2), ("BUY", 199.01, 0)])
def test_a_limit_reaches_the_levels_at_it_or_better(market: Market, side: str, limit: float, count: int) -> None:
    v, liquidity = number(market, "V"), Liquidity(market)
    market.push_quote(v, 199.0, 199.02, at_s=1.0)
    everything = liquidity.asks(v) if side == "BUY" else liquidity.bids(v)
    assert liquidity.within(v, side, limit) == everything[:count]
    assert liquidity.within(v, side, None) == everything


def test_a_quote_drawn_around_a_print_trades_any_size_at_the_print(market: Market) -> None:
    v, liquidity = number(market, "V"), Liquidity(market)
    market.push(v, 199.0, at_s=1.0)
    assert (liquidity.bids(v)[0].price, liquidity.asks(v)[0].price) == (198.99, 199.01)
    assert liquidity.within(v, "BUY", 199.0) == (Level(199.0, math.inf),)
    liquidity.take(v, 199.0, 1e9)
    assert liquidity.within(v, "SELL", None) == (Level(199.0, math.inf),)
    assert liquidity.within(v, "SELL", 199.01) == ()


def test_without_a_price_there_is_nothing_to_trade(market: Market) -> None:
    v, liquidity = number(market, "V"), Liquidity(market)
    assert liquidity.bids(v) == liquidity.asks(v) == liquidity.within(v, "BUY", None) == ()


def test_bids_end_above_zero(market: Market) -> None:
    v, liquidity = number(market, "V"), Liquidity(market)
    market.push_quote(v, 0.03, 0.04, at_s=1.0)
    assert [level.price for level in liquidity.bids(v)] == [0.03, 0.02, 0.01]


def test_currency_pairs_and_crypto_currencies_have_sizes_of_their_own(market: Market) -> None:
    euro, bitcoin, liquidity = number(market, "EUR.USD"), number(market, "BTC"), Liquidity(market)
    market.push_quote(euro, 1.085, 1.0851, 1e6, 1e6, at_s=1.0)
    market.push_quote(bitcoin, 60_000.0, 60_001.0, 0.5, 0.5, at_s=1.0)
    assert all(level.size >= 250_000 for level in liquidity.asks(euro))
    assert all(level.size <= 2.25 for level in liquidity.asks(bitcoin))
