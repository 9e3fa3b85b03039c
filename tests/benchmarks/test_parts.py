"""The pieces that measure: what they count is what passed."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import growth, l1, l2, l3, start, w1
from benchmarks.__main__ import left_out
from benchmarks.measure import interleaved, ratio, table
from benchmarks.relay import Frames, Relay
from rules_engine import Engine
from rules_engine.gateway import parse_market


def frame(*fields: str) -> bytes:
    payload = "".join(f"{field}\0" for field in fields).encode()
    return len(payload).to_bytes(4, "big") + payload


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_frames_are_whole_however_the_bytes_are_split(size: int) -> None:
    stream = b"API\0" + frame("v157..178") + frame("71", "2", "5", "") + frame("3", "x")
    frames, found = Frames(b"API\0"), []
    for start_at in range(0, len(stream), size):
        found += [fields[:-1] for fields in frames.feed(stream[start_at : start_at + size])]
    assert found == [["v157..178"], ["71", "2", "5", ""], ["3", "x"]]


def test_a_reaction_runs_from_the_leap_to_the_first_order_after_it() -> None:
    relay = Relay(200.0)
    for price, at_s in ((205.0, 1.0), (190.0, 2.0), (201.0, 3.0), (202.0, 3.5)):
        relay._note_price(["46", "6", "1", "48", f"{price};100;0;0;{price};true", ""], at_s)
    relay._note_price(["46", "6", "1", "45", "190"], 3.6)
    for at_s in (4.0, 5.0):
        relay._note_order(["3", "17", ""], at_s)
    assert (relay.triggers, relay.reactions_s) == (1, [1.0])


def test_the_market_of_l2_can_be_played_and_its_rule_fires_at_every_leap(tmp_path: Path) -> None:
    market = tmp_path / "market.yaml"
    market.write_text(l2.script(3))
    parse_market((str(market),))
    engine = Engine(l2.RULES)
    fired = [engine.tick("V", number, price) for number, price in enumerate([190, 201, 190, 202, 203, 190, 203])]
    assert [bool(firings) for firings in fired] == [False, True, False, True, False, False, True]


def test_a_burst_that_fits_the_inbox_loses_no_firing() -> None:
    wanted, received = l1.burst(l1.SHORT)
    assert wanted.total() > 20
    assert received.fired == wanted


def test_many_rules_are_armed_and_an_edited_file_of_them_is_in_force() -> None:
    taken = l3.once(l3.SHORT)
    assert min(taken.armed_s, taken.edited_s, taken.longest_s) > 0


def test_the_rules_of_start_are_rules() -> None:
    Engine(start.rules_text(start.RULES_IDLE))


def test_contenders_take_turns_and_ratios_are_taken_round_by_round() -> None:
    order = []

    def contender(name: str, seconds: float) -> float:
        order.append(name)
        return seconds

    costs = interleaved({"a": lambda: contender("a", 2.0), "b": lambda: contender("b", 1.0)}, rounds=2)
    assert order == ["a", "b", "a", "b"]
    assert costs["a"].seconds == (2.0, 2.0)
    assert ratio((2.0, 6.0, 4.0), (1.0, 2.0, 1.0)).median == 3.0


def test_tables_line_up() -> None:
    assert (
        table("T", ["", "us"], [["engine", "1"], ["x", "12.5"]])
        == "T\n            us\n  engine     1\n  x       12.5\n"
    )


def test_what_a_machine_does_not_have_is_left_out_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.in_c.COMPILER", None)
    monkeypatch.setattr("benchmarks.peers.find_spec", lambda name: None if name in ("river", "polars") else name)
    assert left_out() == (
        "Left out here: no C compiler (cc): nothing is compared with C\n"
        "Left out here: not installed (pip install -e '.[peers]'): river, polars\n"
    )
    assert "C, one call" not in w1.report(replace(w1.SHORT, prints=500, prints_naive=100), with_peers=False)


def test_growth_has_a_row_for_each_contender_and_a_column_for_each_value() -> None:
    size = growth.Size((1, 2), (1, 2), (1, 2), prints=300, rounds=1)
    by_window = growth.by_window(size)
    assert {name: list(curve) for name, curve in by_window.items()} == {
        "engine, moves": [1, 2],
        "engine, zscore": [1, 2],
        "deques, moves": [1, 2],
    }
    assert growth.report(size).count("Cost of a print") == 3
