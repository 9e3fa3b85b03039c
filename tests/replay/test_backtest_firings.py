"""A backtest fires exactly where the evaluator does, on tapes and on random prices."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules_engine import Engine
from rules_engine.model.expression import AccountReading, Position, WorkingOrders
from rules_engine.planning.reads import reads_of
from rules_engine.replay.backtest import Backtest
from rules_engine.replay.reads import values_of
from rules_engine.replay.request import Request
from rules_engine.replay.span import Span
from tests.evaluation.tape import Tape, tapes
from tests.replay.playing import FREE, HEAD, START_S, Played, play, prices, recordings


def is_expressible(tape: Tape) -> bool:
    """Files hold prices of instruments that print from the first step on; no lost feeds, no account."""
    default = {one.name: one.default_field for one in reads_of(tape.plan.rule).instruments}
    whole = all(
        cell is None or (cell.kind == "print" and (cell.value or 0) > 0) for row in tape.rows.values() for cell in row
    )
    prints = all(default.get(name) is field for name, field in tape.rows) and all(row[0] for row in tape.rows.values())
    account = any(isinstance(value, AccountReading | Position | WorkingOrders) for value in values_of(tape.plan.rule))
    return whole and prints and not account


TAPES = [tape for tape in tapes() if is_expressible(tape)]


def test_most_tapes_can_be_written_as_files() -> None:
    assert len(TAPES) > len(list(tapes())) / 2


@pytest.mark.parametrize("engine", ["streaming", "columns"])
@pytest.mark.parametrize("tape", TAPES, ids=lambda tape: tape.name)
def test_tape(tape: Tape, engine: str, tmp_path: Path) -> None:
    files, last_step = {}, 0
    for (name, _), row in tape.rows.items():
        lines = [f"{tape.start_s + step * tape.every_s!r},{cell.value!r}" for step, cell in enumerate(row) if cell]
        files[name] = "time,price\n" + "\n".join(lines)
        last_step = max(last_step, max(step for step, cell in enumerate(row) if cell))
    instruments = {one.name: one for one in reads_of(tape.plan.rule).instruments}
    request = Request([tape.plan], instruments, recordings(tmp_path, files), assumptions=FREE)
    played = Played(Backtest(request, engine))
    fired = [round((firing.at_s - tape.start_s) / tape.every_s, 6) for firing in played.firings]
    held = {round((one.firing.at_s - tape.start_s) / tape.every_s, 6): one.reason.name for one in played.held_back}
    # The clock stops with the last price.
    if tape.fires is not None:
        assert fired == [step for step in tape.fires if step <= last_step]
    assert held == {step: reason for step, reason in tape.held.items() if step <= last_step}
    if tape.verdicts and tape.fires is None:
        assert fired == [step for step in _edges(tape) if step <= last_step]


def _edges(tape: Tape) -> list[float]:
    """Steps at which the verdict turns true after it was last known to be false."""
    edges, known = [], None
    for step, verdict in enumerate(tape.verdicts):
        if verdict == "T" and known == "F":
            edges.append(float(step))
        known = verdict if verdict != "U" else known
    return edges


RULES = """
rules:
  - {name: level, when: V > 100, do: notify desk}
  - {name: crossing, when: V crosses above MA, do: notify desk}
  - {name: move, when: V moves 3% in 5s, do: notify desk, cooldown: 7s}
  - {name: change, when: MA changes up 2% in 4s, do: notify desk, at_most: 3 per day}
  - {name: lasting, when: V > 101 for 3s, do: notify desk}
  - {name: silent, when: no tick from MA for 6s, do: notify desk}
  - {name: mean, when: "sma(V, 3s) > sma(V, 9s)", do: notify desk, clears_when: V < 99}
  - {name: bars, when: "V > highest(V[5s], 2)", do: notify desk}
  - {name: spread, when: "zscore(V - MA, 8s) > 1", do: notify desk, only_if: V > 95}
  - {name: clock, when: time is after 10:00:30, do: notify desk}
  - {name: two, cases: [{when: V enters 98 to 99, do: notify a}, {when: MA leaves 98 to 102, do: notify b}], once: true}
"""
STEPS = st.lists(
    st.tuples(st.sampled_from([0, 0, 1, 1, 2, 5]), st.sampled_from(["V", "MA"]), st.integers(93, 107)),
    min_size=1,
    max_size=80,
)


def in_files(steps: list[tuple[int, str, int]]) -> tuple[dict[str, str], list[tuple[float, str, float]]]:
    """The prices by file, and in the order in which a backtest plays them: of one instant, file by file."""
    at_s, told = START_S, []
    for gap, name, price in steps:
        at_s += gap
        told.append((float(at_s), name, float(price)))
    names = sorted({name for _, name, _ in told}, reverse=True)
    files = {
        name: "time,price\n" + "\n".join(f"{at_s},{price}" for at_s, one, price in told if one == name)
        for name in names
    }
    return files, sorted(told, key=lambda tick: (tick[0], names.index(tick[1])))


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_random_prices_fire_as_the_engine_does(tmp_path: Path, steps: list[tuple[int, str, int]]) -> None:
    files, told = in_files(steps)
    engine = Engine(HEAD + RULES)
    expected = [firing for at_s, name, price in told for firing in engine.tick(name, at_s, price)]
    # At one instant, rules that have nothing to do with each other come in the order of the file.
    expected.sort(key=lambda firing: (firing.at_s, firing.rule == "clock"))
    assert play(tmp_path, RULES, files).firings == expected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, start=st.integers(0, 40), length=st.integers(1, 60))
def test_a_span_is_judged_by_rules_that_have_seen_what_came_before(
    tmp_path: Path, steps: list[tuple[int, str, int]], start: int, length: int
) -> None:
    """With rules that remember nothing but windows, arming late is firing late."""
    rules = """
rules:
  - {name: mean, when: "V > sma(V, 9s)", do: notify desk}
  - {name: high, when: "V >= highest(V, 6s)", do: notify desk, if_already_true: fire}
"""
    files, _ = in_files([(gap, "V", price) for gap, _, price in steps])
    span = Span(START_S + start, START_S + start + length)
    whole = play(tmp_path, rules, files)
    part = play(tmp_path, rules, files, span=span)
    assert all(span.start_s <= firing.at_s < span.end_s for firing in part.firings)
    inside = [firing for firing in whole.firings if span.start_s < firing.at_s < span.end_s]
    # What was true already when the rule was armed fires at once, or not at all; everything after it is the same.
    settled_s = min((firing.at_s for firing in inside), default=span.end_s)
    assert [firing for firing in part.firings if firing.at_s > settled_s] == [
        firing for firing in inside if firing.at_s > settled_s
    ]


def test_prices_before_the_span_fill_windows_and_fire_nothing(tmp_path: Path) -> None:
    rules = "rules:\n  - {name: mean, when: 'V > sma(V, 3s)', do: notify desk, once: true}\n"
    files = {"V": prices(100, 101, 100, 99, 98, 97, 99)}
    assert play(tmp_path, rules, files).fired_s == [6]
    assert play(tmp_path, rules, files, span=Span(START_S + 5)).fired_s == [6]
    late = "time,price\n" + "\n".join(files["V"].splitlines()[6:])
    assert play(tmp_path, rules, {"V": late}).fired_s == []


def test_a_crossing_takes_its_side_from_the_last_price_before_the_span(tmp_path: Path) -> None:
    rules = "rules:\n  - {name: hit, when: V crosses above 200, do: notify desk}\n"
    files = {"V": prices(199, 201, 199, 201)}
    assert play(tmp_path, rules, files).fired_s == [1, 3]
    assert play(tmp_path, rules, files, span=Span(START_S + 3)).fired_s == [3]
    assert play(tmp_path, rules, files, span=Span(START_S + 1, START_S + 3)).fired_s == [1]
    assert play(tmp_path, rules, files, span=Span(START_S + 2, START_S + 3)).fired_s == []


def test_a_rule_is_not_used_up_before_the_span(tmp_path: Path) -> None:
    rules = "rules:\n  - {name: hit, when: V crosses above 200, do: notify desk, once: true, cooldown: 1h}\n"
    assert play(tmp_path, rules, {"V": prices(199, 201, 199, 201)}, span=Span(START_S + 2)).fired_s == [3]


def test_expires_and_active_hours_hold(tmp_path: Path) -> None:
    rules = """
rules:
  - {name: ends, when: V > 100, do: notify desk, expires: 2030-11-22 10:00:50}
  - {name: sleeps, when: V > 100, do: notify desk, active: {days: mon-fri, hours: '10:01-10:02'}}
"""
    played = play(tmp_path, rules, {"V": prices(99, 101, 99, 101, 99, 101, every=20)})
    assert [(firing.rule, firing.at_s - START_S) for firing in played.firings] == [
        *(("ends", 20), ("sleeps", 60), ("sleeps", 100))
    ]


def test_a_rule_that_insists_on_the_broker_is_judged_on_the_same_prices(tmp_path: Path) -> None:
    rules = "rules:\n  - {name: hit, when: V crosses above 200, do: buy 1 V, run: at broker}\n"
    assert play(tmp_path, rules, {"V": prices(199, 200, 199, 201)}).fired_s == [1, 3]


@pytest.mark.parametrize(
    ("when", "text", "fired"),
    [
        ("V.bid > 100", "time,bid,ask\n{0},99,101\n{1},100.5,101\n", [1]),
        ("V.mid > 100", "time,bid,ask\n{0},99,100\n{1},100.5,101\n", [1]),
        ("V > 100", "time,bid,ask\n{0},99,100\n{1},100.5,101\n", []),
        ("EUR > 1.1", "time,bid,ask\n{0},1,1.1\n{1},1.1,1.2\n", [1]),
        ("EUR > 1.1", "time,price\n{0},1\n{1},1.2\n", [1]),
        ("V.ask > 100", "time,price\n{0},99\n{1},101\n", [1]),
        ("V.volume >= 300", "time,price,size\n{0},99,200\n{1},99,100\n", [1]),
        ("V.high > 100", "time,price\n{0},99\n{1},101\n", [1]),
        ("V.change_today > 1%", "time,price\n1921500000,99\n{0},99\n{1},101\n", [1]),
        ("V.close > 98", "time,price\n1921400000,98\n1921500000,99\n{0},99\n{1},101\n", [0]),
    ],
)
def test_fields_are_those_that_the_data_tell(tmp_path: Path, when: str, text: str, fired: list[int]) -> None:
    rules = f"instruments: {{EUR: {{forex: EURUSD}}}}\nrules:\n  - {{name: one, when: '{when}', do: notify desk}}\n"
    name = "EUR" if "EUR" in when else "V"
    played = play(tmp_path, rules, {name: text.format(START_S, START_S + 1)})
    assert [at_s for at_s in played.fired_s if at_s >= 0] == fired


def test_what_the_data_cannot_tell_is_said(tmp_path: Path) -> None:
    rules = "rules:\n  - {name: one, when: V > 1 and MA > 1 and V.volume > 5, do: buy 1 AXP}\n"
    quotes = f"time,bid,ask\n{START_S},99,101\n"
    assert play(tmp_path, rules, {"V": quotes}).summary.warnings == (
        "MA has no prices: what rules read of it is unknown",
        "AXP has no prices: orders in it never fill",
        "V.last is unknown: its data are bids and asks",
        "V.volume is unknown: its data are bids and asks",
    )


@pytest.mark.parametrize(
    ("contract", "is_warned"),
    [
        ("{future: ES, exchange: CME, expiry: front}", True),
        ("{conId: 495512516}", True),
        ("{future: ES, exchange: CME, expiry: front, multiplier: 50}", False),
        ("{option: AAPL, expiry: 2030-12-20, strike: 250, right: put}", False),
        ("{stock: ES}", False),
    ],
)
def test_a_contract_of_unknown_size_is_said_where_it_is_traded(tmp_path: Path, contract: str, is_warned: bool) -> None:
    rules = f"instruments: {{ES: {contract}}}\nrules:\n  - {{name: one, when: ES > 1, do: DO}}\n"
    prices = {"ES": f"time,price\n{START_S},99\n"}
    traded = play(tmp_path, rules.replace("DO", "buy 1 ES"), prices).summary.warnings
    told = "ES: a contract counts as one unit; say how many it is under instruments (multiplier: 50)"
    assert traded == ((told,) if is_warned else ())
    assert play(tmp_path, rules.replace("DO", "notify desk"), prices).summary.warnings == ()
