"""What the account holds: each position under the names that mean its contract, and under no other."""

from decimal import Decimal

import pytest

from rules_engine.gateway import Gateway
from rules_engine.gateway.contracts.contract import Contract
from rules_engine.model.action import Duration, Side, TimeInForce
from rules_engine.model.instrument import Instrument, Kind
from rules_engine.model.order import OrderDraft, OrderKind
from rules_engine.model.reports import ExecutionReport, PositionReport, PositionsTold
from tests.broker.conftest import MA, Connect, Heard, V

V_ID = 49462172
Held = dict[str, tuple[int, Decimal]]


@pytest.fixture
def months(gateway: Gateway) -> list[int]:
    """The next two months of ES, the nearer first."""
    listed = gateway.market.catalogue.find(Contract(symbol="ES", secType="FUT", exchange="CME"))
    return [one.conId for one in sorted(listed, key=lambda one: one.contract.lastTradeDateOrContractMonth)[:2]]


@pytest.fixture
def call(gateway: Gateway) -> int:
    """A call on V."""
    chains = gateway.market.catalogue.find(Contract(symbol="V", secType="OPT", right="C", strike=200.0))
    return chains[0].conId


async def test_what_no_rule_names_is_never_told_under_a_name_that_rules_use(
    connect: Connect, gateway: Gateway, heard: Heard, months: list[int], call: int
) -> None:
    near, far = months
    connection = await connect([V, Instrument("ES", Kind.CONTRACT, contract_id=far)])
    for contract_id, quantity in ((V_ID, 500), (call, 5), (far, 2), (near, 3)):
        _buy(gateway, contract_id, quantity)
    evidence = await connection.evidence()
    await heard.until(lambda: heard.of(PositionReport))
    expected: Held = {"V": (V_ID, Decimal(500)), "ES": (far, Decimal(2))}
    assert _held(heard.of(PositionReport)) == expected
    expected |= {f"V {call}": (call, Decimal(5)), f"ES {near}": (near, Decimal(3))}
    assert _held(evidence.positions) == expected
    assert {one.instrument for one in evidence.executions} == set(expected)


async def test_what_was_held_before_is_told_once_a_rule_names_it(
    connect: Connect, gateway: Gateway, heard: Heard, call: int
) -> None:
    _buy(gateway, call, 5)
    connection = await connect([V])
    [held] = (await connection.evidence()).positions
    assert (held.instrument, held.quantity) == (f"V {call}", Decimal(5))
    await connection.watch([V, Instrument("upside", Kind.CONTRACT, contract_id=call)])
    await heard.until(lambda: "upside" in _held(heard.of(PositionReport)))
    assert _held(heard.of(PositionReport)) == {"V": (V_ID, Decimal(0)), "upside": (call, Decimal(5))}


async def test_what_a_complete_answer_does_not_name_is_held_no_longer(
    connect: Connect, gateway: Gateway, heard: Heard
) -> None:
    _buy(gateway, V_ID, 5)
    connection = await connect([V])
    await heard.until(lambda: _held(heard.of(PositionReport)) == {"V": (V_ID, Decimal(5))})
    gateway.drop("Position", count=1)
    gateway.place_in_tws(V_ID, "SELL", 5)
    assert (await connection.evidence()).positions == ()
    await heard.until(lambda: len(heard.of(PositionsTold)) == 2)
    assert _held(heard.of(PositionReport)) == {"V": (V_ID, Decimal(0))}
    last = [item for item in heard.items if isinstance(item, PositionReport | PositionsTold)][-1]
    assert isinstance(last, PositionsTold), "all positions were told before it"


async def test_an_end_of_positions_that_nobody_asked_for_says_nothing(
    connect: Connect, gateway: Gateway, heard: Heard
) -> None:
    _buy(gateway, V_ID, 5)
    gateway.duplicate("PositionEnd")
    await connect([V])
    await heard.until(lambda: _held(heard.of(PositionReport)) == {"V": (V_ID, Decimal(5))})
    assert len(heard.of(PositionsTold)) == 1


async def test_a_stock_that_no_rule_names_goes_by_its_symbol_unless_that_means_something_else(
    connect: Connect, gateway: Gateway
) -> None:
    connection = await connect([MA])
    _buy(gateway, V_ID, 5)
    assert [one.instrument for one in (await connection.evidence()).positions] == ["V"]
    await connection.watch([Instrument("V", Kind.STOCK, "AAPL")])
    assert [one.instrument for one in (await connection.evidence()).positions] == [f"V {V_ID}"]
    await connection.watch([Instrument("V", Kind.STOCK, "NOPE")])
    assert [one.instrument for one in (await connection.evidence()).positions] == [f"V {V_ID}"]


async def test_two_names_of_one_contract_both_hear_of_a_fill_and_of_what_it_made(
    connect: Connect, gateway: Gateway, heard: Heard
) -> None:
    connection = await connect([V, Instrument("VISA", Kind.CONTRACT, contract_id=V_ID)])
    buy = OrderDraft(V, Side.BUY, Decimal(5), OrderKind.MARKET, TimeInForce(Duration.DAY))
    order_id = connection.next_order_id(0)
    connection.place(order_id, buy, key="re1.a", account="DU1", group="", parent_id=0, transmit=True)
    await heard.until(lambda: [one.instrument for one in heard.of(ExecutionReport)] == ["V", "VISA"])
    both = {"V": (V_ID, Decimal(5)), "VISA": (V_ID, Decimal(5))}
    await heard.until(lambda: _held(heard.of(PositionReport)) == both)
    assert len((await connection.evidence()).executions) == 1


def _buy(gateway: Gateway, contract_id: int, quantity: int) -> None:
    """Somebody buys in TWS."""
    gateway.push(contract_id, 5.0)
    gateway.push_quote(contract_id, 4.0, 6.0)
    gateway.place_in_tws(contract_id, "BUY", quantity)


def _held(reports: list[PositionReport] | tuple[PositionReport, ...]) -> Held:
    return {one.instrument: (one.contract_id, one.quantity) for one in reports}
