"""Every order type on a short tape of quotes and prints: what it fills, at what price, and when not."""

from dataclasses import dataclass, field

import pytest

from rules_engine.gateway.orders.matching import KINDS
from rules_engine.gateway.orders.order import Order
from tests.gateway.hall import Hall


@dataclass(frozen=True)
class Tape:
    """An order placed under the first quote, the quotes and prints after it, and its fills (price, shares) at the end.

    `early` is how many fills it has before the last step.
    """

    name: str
    order: tuple[str, float, str]
    fields: dict[str, object]
    steps: str
    fills: list[tuple[float, float]] = field(default_factory=list)
    status: str = "Filled"
    early: int = 0


FIRST = "99.90x300/100.00x300"
TAPES = [
    Tape("market buys at the ask", ("BUY", 100, "MKT"), {}, FIRST, [(100.0, 100)]),
    Tape("market sells at the bid", ("SELL", 100, "MKT"), {}, FIRST, [(99.9, 100)]),
    Tape("a limit at the ask trades", ("BUY", 100, "LMT"), {"lmtPrice": 100.0}, FIRST, [(100.0, 100)]),
    Tape("a better ask is paid", ("BUY", 100, "LMT"), {"lmtPrice": 105.0}, FIRST, [(100.0, 100)]),
    Tape(
        "a limit below rests until the ask comes",
        ("BUY", 100, "LMT"),
        {"lmtPrice": 99.5},
        f"{FIRST}, 99.40/99.51, 99.40/99.50",
        [(99.5, 100)],
    ),
    Tape(
        "prints alone do not fill a limit where there are quotes",
        ("BUY", 100, "LMT"),
        {"lmtPrice": 99.95},
        f"{FIRST}, 99.90x50",
        [],
        "Submitted",
    ),
    Tape(
        "a discretionary amount reaches further than the limit",
        ("BUY", 100, "LMT"),
        {"lmtPrice": 99.9, "discretionaryAmt": 0.05},
        f"{FIRST}, 99.80/99.96, 99.80/99.95",
        [(99.95, 100)],
    ),
    Tape(
        "a stop buys above",
        ("BUY", 100, "STP"),
        {"auxPrice": 101.0},
        "100.0, 100.99, 101.00",
        [(101.0, 100)],
    ),
    Tape("a stop sells below", ("SELL", 100, "STP"), {"auxPrice": 99.0}, "100.0, 99.01, 98.50", [(98.5, 100)]),
    Tape(
        "a stop that is passed already sells at once",
        ("SELL", 100, "STP"),
        {"auxPrice": 100.5},
        "100.0",
        [(100.0, 100)],
    ),
    Tape(
        "a stop limit rests when the market has run away",
        ("BUY", 100, "STP LMT"),
        {"auxPrice": 101.0, "lmtPrice": 101.5},
        "100.0, 102.0, 101.5",
        [(101.5, 100)],
    ),
    Tape(
        "a protected stop pays no more than a hundredth above the touch",
        ("BUY", 1000, "STP PRT"),
        {"auxPrice": 101.0},
        "100.0, 101.0",
        [(101.0, 1000)],
    ),
    Tape("a touched order buys below", ("BUY", 100, "MIT"), {"auxPrice": 99.0}, "100.0, 99.01, 98.9", [(98.9, 100)]),
    Tape("a touched order sells above", ("SELL", 100, "MIT"), {"auxPrice": 101.0}, "100, 100.9, 101", [(101.0, 100)]),
    Tape(
        "a limit if touched rests at its limit once it is touched",
        ("BUY", 100, "LIT"),
        {"auxPrice": 99.0, "lmtPrice": 98.5},
        "100.0, 98.4, 98.6, 98.5",
        [(98.4, 100)],
        early=1,
    ),
    Tape(
        "a limit if touched does not trade before",
        ("SELL", 100, "LIT"),
        {"auxPrice": 101.0, "lmtPrice": 99.0},
        "100.0, 100.5, 101.0",
        [(101.0, 100)],
    ),
    Tape(
        "a trailing stop follows up and sells on the way down",
        ("SELL", 100, "TRAIL"),
        {"auxPrice": 2.0},
        "100.0, 103.0, 101.01, 101.0",
        [(101.0, 100)],
    ),
    Tape(
        "a trailing stop limit takes its limit from its stop",
        ("SELL", 100, "TRAIL LIMIT"),
        {"auxPrice": 2.0, "lmtPriceOffset": 0.5, "trailStopPrice": 98.0},
        "100.0, 103.0, 100.4, 100.49, 100.50",
        [(100.5, 100)],
    ),
    Tape("the middle of the quote", ("BUY", 100, "MIDPRICE"), {}, FIRST, [(99.95, 100)]),
    Tape(
        "the middle, not above a cap",
        ("BUY", 100, "MIDPRICE"),
        {"lmtPrice": 99.9},
        f"{FIRST}, 99.80/100.00",
        [(99.9, 100)],
    ),
    Tape(
        "a relative order stands above the bid and is hit by a print",
        ("BUY", 100, "REL"),
        {"auxPrice": 0.02},
        f"{FIRST}, 99.93x500, 99.92x500",
        [(99.92, 100)],
    ),
    Tape(
        "a relative order follows the bid up to its cap",
        ("BUY", 100, "REL"),
        {"auxPrice": 0.02, "lmtPrice": 99.95},
        f"{FIRST}, 99.94/100.10, 99.96x500, 99.95x60, 99.94x60",
        [(99.95, 60), (99.95, 40)],
        early=1,
    ),
    Tape(
        "a relative sell stands below the ask",
        ("SELL", 100, "REL"),
        {"auxPrice": 0.02},
        f"{FIRST}, 99.97x500, 99.98x500",
        [(99.98, 100)],
    ),
    Tape(
        "pegged to the middle it waits for somebody to come",
        ("SELL", 100, "PEG MID"),
        {},
        f"{FIRST}, 99.94x500, 99.95x500",
        [(99.95, 100)],
    ),
    Tape(
        "pegged away from the middle",
        ("BUY", 100, "PEG MID"),
        {"auxPrice": 0.03},
        f"{FIRST}, 99.93x500, 99.92x500",
        [(99.92, 100)],
    ),
    Tape("market to limit takes the touch", ("BUY", 100, "MTL"), {}, FIRST, [(100.0, 100)]),
    Tape(
        "market to limit rests at the price it paid",
        ("BUY", 500, "MTL"),
        {},
        f"{FIRST}, 99.90/100.01, 99.90x100/100.00x400",
        [(100.0, 300), (100.0, 200)],
        early=1,
    ),
    Tape("a protected market order", ("BUY", 100, "MKT PRT"), {}, FIRST, [(100.0, 100)]),
]


def run(hall: Hall, tape: Tape) -> Order:
    first, *steps = (step.strip() for step in tape.steps.split(","))
    hall.quote(first)
    order = hall.place(*tape.order, **tape.fields)
    for place, step in enumerate(steps):
        if place == len(steps) - 1:
            assert len(hall.fills()) == tape.early
        hall.quote(step)
    return order


@pytest.mark.parametrize("tape", TAPES, ids=lambda tape: tape.name)
def test_an_order_type_trades_as_it_should(tape: Tape) -> None:
    hall = Hall()
    order = run(hall, tape)
    assert hall.fills() == tape.fills
    assert order.status == tape.status


def test_every_type_but_those_of_auctions_has_a_tape() -> None:
    assert {tape.order[2] for tape in TAPES} == {name for name, kind in KINDS.items() if not kind.at_close}


def test_a_protected_market_order_leaves_what_is_too_far_away() -> None:
    hall = Hall()
    hall.quote("0.99x100/1.00x100")
    order = hall.place("BUY", 100_000, "MKT PRT")
    assert {price for price, _ in hall.fills()} == {1.0, 1.01}
    assert (order.status, order.form.lmtPrice) == ("Submitted", 1.01)


@pytest.mark.parametrize(
    ("method", "steps", "fired"),
    [
        (2, "99/101.5, 101.0", True),
        (4, "99/101.5, 101.0", False),
        (4, "101.0/101.5", True),
        (1, "101.0/101.5, 100.0/101.5, 101.1/101.5", False),
        (1, "101.0/101.5, 101.1/101.5", True),
        (3, "101.0, 100.0, 101.0", False),
        (3, "101.0, 101.2", True),
        (8, "100.0/101.9", False),
        (8, "100.0/102.0", True),
    ],
)
def test_stops_listen_to_their_trigger_method(method: int, steps: str, fired: bool) -> None:
    hall = Hall()
    hall.quote("99.0/100.0")
    order = hall.place("BUY", 1, "STP", auxPrice=101.0, triggerMethod=method)
    for step in steps.split(","):
        hall.quote(step)
    assert bool(hall.fills(order)) is fired


def test_stops_of_currency_pairs_listen_to_the_quote() -> None:
    hall = Hall()
    hall.quote("1.0850x1000000/1.0851x1000000", "EUR.USD")
    order = hall.place("SELL", 20_000, "STP", "EUR.USD", auxPrice=1.08)
    hall.quote("1.0799x1000000/1.0801x1000000", "EUR.USD")
    assert not hall.fills(order), "a fall is seen in the ask"
    hall.quote("1.0799x1000000/1.0800x1000000", "EUR.USD")
    assert hall.fills(order) == [(1.0799, 20_000)]


def test_nothing_fills_in_a_halt_and_stops_see_none_of_it() -> None:
    hall = Hall()
    hall.quote(FIRST)
    hall.market.halt(hall.number("V"), at_s=hall.clock.time_s)
    market, stop = hall.place("BUY", 1, "MKT"), hall.place("SELL", 1, "STP", auxPrice=99.95)
    hall.quote("98.0/98.1")
    assert hall.fills() == []
    hall.market.halt(hall.number("V"), False, at_s=hall.clock.time_s)
    hall.quote("100.1/100.2")
    assert hall.fills(market) == [(100.2, 1)]
    assert hall.fills(stop) == []


def test_fractions_of_a_crypto_currency_are_traded() -> None:
    hall = Hall()
    hall.quote("60000x0.2/60001x0.3", "BTC")
    order = hall.place("BUY", 0.25, "MKT", "BTC")
    assert hall.fills(order) == [(60_001.0, 0.25)]


def test_a_sale_without_a_position_is_a_short_position() -> None:
    hall = Hall()
    hall.quote(FIRST)
    hall.place("SELL", 7, "MKT")
    assert hall.ledger.size("DU1", hall.number("V")) == -7
