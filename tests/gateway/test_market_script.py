"""Market scripts: what a file says is what is played, and what it says wrongly is located."""

import re
from pathlib import Path

import pytest

from rules_engine.gateway.contracts.catalogue import Catalogue
from rules_engine.gateway.files import MarketError
from rules_engine.gateway.market.market import Market
from rules_engine.gateway.market.quote import TickKind
from rules_engine.gateway.market.spec import parse_market
from rules_engine.model.clock import SteppedClock

START_S = 1_900_000_000.0


def play(tmp_path: Path, text: str, speed: float = 1.0) -> Market:
    path = tmp_path / "market.yaml"
    path.write_text(text)
    market = parse_market([str(path)], speed=speed, clock=SteppedClock(START_S))
    market.start(START_S)
    return market


def number(market: Market, name: str) -> int:
    listing = market.catalogue.named(name)
    assert listing is not None
    return listing.conId


def trades(market: Market, until_s: float = 1e6) -> list[tuple[float, float]]:
    return [
        (round(tick.time_s - START_S, 6), tick.price)
        for batch in market.advance(START_S + until_s)
        for tick in batch
        if tick.kind is TickKind.TRADE
    ]


def test_timed_steps_follow_each_other(tmp_path: Path) -> None:
    text = """
version: 1
symbols:
  V:
    close: 195.8
    play:
      - {at: 0s, price: 197}
      - {at: 2s, price: 198.5, size: 300}
      - {to: 200.5, over: 2s, every: 500ms}
      - {at: 1m, every: 1s, prices: [201, _, 200 x2]}
"""
    market = play(tmp_path, text)
    assert market.quote(number(market, "V")).close == 195.8
    assert trades(market) == [
        *((0.0, 197.0), (2.0, 198.5), (3.5, 199.0), (4.0, 199.5), (4.5, 200.0), (5.0, 200.5)),
        *((60.0, 201.0), (62.0, 200.0), (63.0, 200.0)),
    ]
    assert market.quote(number(market, "V")).volume == 1100.0


def test_a_row_of_prices_may_be_text_as_in_rule_tests(tmp_path: Path) -> None:
    market = play(tmp_path, "symbols:\n  V:\n    play: {every: 2s, prices: '199.50 x2, _, 200.10'}\n")
    assert trades(market) == [(0.0, 199.5), (2.0, 199.5), (6.0, 200.1)]


def test_history_lies_before_the_start_and_is_never_streamed(tmp_path: Path) -> None:
    text = """
symbols:
  V:
    history:
      - {every: 10s, prices: [190, 191, 192]}
      - {to: 195, over: 30s, every: 10s}
    play: {every: 1s, prices: [196]}
"""
    market = play(tmp_path, text)
    visa = number(market, "V")
    assert market.quote(visa).last == 195.0
    past = market.prints(visa, None, None, 100)
    assert [(one.time_s - START_S, one.price) for one in past] == [
        *((-70.0, 190.0), (-60.0, 191.0), (-50.0, 192.0)),
        *((-30.0, 193.0), (-20.0, 194.0), (-10.0, 195.0)),
    ]
    assert market.head_s(visa) == START_S - 70
    assert trades(market) == [(0.0, 196.0)]
    assert [bar.count for bar in market.bars(visa, START_S + 1, 120, 3600, "TRADES", True)] == [7]


def test_quotes_of_a_script_are_real_ones(tmp_path: Path) -> None:
    text = "symbols:\n  V:\n    play:\n      - {bid: 199.9, ask: 200.1, bid_size: 5}\n      - {at: 1s, price: 200}\n"
    market = play(tmp_path, text)
    visa = number(market, "V")
    assert trades(market) == [(1.0, 200.0)]
    quote = market.quote(visa)
    assert (quote.bid, quote.ask, quote.bidSize, quote.askSize) == (199.9, 200.1, 5.0, 100.0)
    assert market.fill_price(visa, "BUY") == 200.1


def test_a_loop_plays_again_and_keeps_its_history(tmp_path: Path) -> None:
    text = (
        "loop: 10s\nsymbols:\n  V:\n    history: {every: 1s, prices: [5]}\n    play: {every: 4s, prices: [1, 2, 3]}\n"
    )
    market = play(tmp_path, text)
    visa = number(market, "V")
    assert trades(market, 21) == [
        (0.0, 1.0),
        (4.0, 2.0),
        (8.0, 3.0),
        (10.0, 1.0),
        (14.0, 2.0),
        (18.0, 3.0),
        (20.0, 1.0),
    ]
    assert [one.price for one in market.prints(visa, None, None, 100)] == [5.0, 1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 1.0]
    assert [one.price for one in market.prints(visa, START_S + 9, START_S + 15, 100)] == [1.0, 2.0]
    assert market.next_s() == START_S + 24


def test_symbols_of_one_instant_come_together(tmp_path: Path) -> None:
    text = "symbols:\n  V: {play: {every: 1s, prices: [1, 2]}}\n  MA: {play: {every: 1s, prices: [3, 4]}}\n"
    market = play(tmp_path, text)
    assert [len({tick.conId for tick in batch}) for batch in market.advance(START_S + 9)] == [2, 2]


def test_speed_compresses_a_script(tmp_path: Path) -> None:
    market = play(tmp_path, "symbols:\n  V: {play: {every: 1m, prices: [1, 2]}}\n", speed=60.0)
    assert trades(market) == [(0.0, 1.0), (1.0, 2.0)]


def test_nothing_prints_from_a_halt_to_the_resumption_and_nothing_of_it_is_history(tmp_path: Path) -> None:
    text = """
loop: 20s
symbols:
  V:
    play:
      - {at: 0s, every: 1s, prices: "100, 101"}
      - {at: 2s, halt: volatility}
      - {at: 2s, every: 1s, prices: "102, 103, 104"}
      - {at: 5s, resume: yes}
      - {at: 5s, price: 105}
"""
    market = play(tmp_path, text)
    visa, heard = number(market, "V"), []
    market.on_halt(lambda conId: heard.append((conId, market.quote(conId).halted)))
    assert trades(market, 10) == [(0.0, 100.0), (1.0, 101.0), (5.0, 105.0)]
    assert heard == [(visa, 2), (visa, 0)]
    assert [at_s for at_s, _ in trades(market, 30)] == [20.0, 21.0, 25.0]
    assert [one.price for one in market.prints(visa, START_S, None, 10)] == [100.0, 101.0, 105.0] * 2
    assert [bar.close for bar in market.bars(visa, START_S + 10, 10, 1, "MIDPOINT", False)] == [100.0, 101.0, 105.0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("symbols:\n  V: {}\n", "market.yaml:2:6: no price"),
        ("symbols: {}\n", "market.yaml:1:10: no symbols"),
        ("loop: 5s\n", "market.yaml:1:1: a market script needs 'symbols:'"),
        ("version: 2\nsymbols: {}\n", "market.yaml:1:10: version 2 is not known"),
        ("symbols:\n  v: {play: {prices: [1]}}\n", "market.yaml:2:6: 'v' is no symbol"),
        ("symbols:\n  V: {play: {prices: [1, x]}}\n", "market.yaml:2:26: 'x' is not a number"),
        ("symbols:\n  V: {play: {prices: [0]}}\n", "market.yaml:2:23: '0' must be above zero"),
        ("symbols:\n  V: {play: {prices: [-1]}}\n", "market.yaml:2:23: '-1' must be above zero"),
        ("symbols:\n  V: {play: {prices: [.nan]}}\n", "market.yaml:2:23: '.nan' is not a number"),
        ("symbols:\n  V: {play: {prices: [NaN]}}\n", "market.yaml:2:23: 'NaN' is not a price"),
        ("symbols:\n  V: {play: {prices: [inf]}}\n", "market.yaml:2:23: 'inf' is not a price"),
        ("symbols:\n  V: {play: {every: 5, prices: [1]}}\n", "market.yaml:2:21: '5' is not a duration"),
        ("symbols:\n  V: {play: {every: 0s, prices: [1]}}\n", "market.yaml:2:21: must be longer than nothing"),
        (
            "symbols:\n  V:\n    play:\n      - {at: 5s, price: 1}\n      - {at: 4s, price: 1}\n",
            "market.yaml:5:9: 4s lies before",
        ),
        ("symbols:\n  V:\n    play:\n      - {to: 5, over: 3s}\n", "market.yaml:4:9: nothing to move from"),
        ("symbols:\n  V:\n    play:\n      - {from: 4, to: 5}\n", "market.yaml:4:9: 'to' needs 'over'"),
        ("symbols:\n  V:\n    play:\n      - {bid: 5, ask: 4}\n", "market.yaml:4:9: bid 5 is above ask 4"),
        ("symbols:\n  V:\n    play:\n      - {bid: 5}\n", "market.yaml:4:9: a step has"),
        ("symbols:\n  V:\n    play:\n      - {price: 5, colour: 1}\n", "market.yaml:4:28: unknown key 'colour'"),
        ("symbols:\n  V:\n    play: {prices: [1 x9999999]}\n", "market.yaml:3:21: more than 1000000 prices"),
        (
            "symbols:\n  V:\n    play: {from: 1, to: 2, over: 9d, every: 1ms}\n",
            "market.yaml:3:11: more than 1000000 prices",
        ),
        ("symbols:\n  V: {play: {prices: [1]}}\n  V: {play: {prices: [1]}}\n", "market.yaml:3:3: 'V' is written twice"),
        (
            "loop: 1s\nsymbols:\n  V: {play: {every: 1s, prices: [1, 2]}}\n",
            "market.yaml:1:7: a loop of 1s must be longer",
        ),
        ("a: &x [*x]\n", "market.yaml:1:4: "),
        ("symbols: !!python/object:os.system {}\n", "market.yaml:1:10: no symbols"),
        ("symbols:\n  V: {play: {halt: maybe}}\n", "market.yaml:2:20: 'maybe' is none of general, volatility"),
        ("symbols:\n  V: {play: {resume: no}}\n", "market.yaml:2:22: 'no' is none of yes"),
        ("symbols:\n  V: {history: {halt: general}}\n", "market.yaml:2:16: 'halt' and 'resume' belong to 'play:'"),
        ("symbols: [\n", "market.yaml:2:1: not YAML"),
        ("symbols:\n  V: 5\n", "market.yaml:2:6: expected a mapping"),
        ("", "market.yaml: the file is empty"),
    ],
)
def test_a_bad_script_is_a_located_problem(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(MarketError) as raised:
        play(tmp_path, text)
    assert problem in str(raised.value)


def test_the_examples_in_the_documentation_play(tmp_path: Path) -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "gateway.md").read_text()
    script, catalogue, *_ = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert len(trades(play(tmp_path, script), 60)) > 60
    (tmp_path / "own.yaml").write_text(catalogue)
    assert Catalogue(tmp_path / "own.yaml").named("ACME") is not None


def test_two_documents_and_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MarketError, match="not YAML"):
        play(tmp_path, "symbols: {}\n---\nsymbols: {}\n")
    with pytest.raises(MarketError, match=r"gone\.yaml: cannot be read"):
        parse_market([str(tmp_path / "gone.yaml")])
