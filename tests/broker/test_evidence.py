"""The four questions of a reconciliation: complete answers, or none."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from rules_engine.broker.connection import Connection
from rules_engine.gateway import Gateway
from rules_engine.model.action import Duration, Side, TimeInForce
from rules_engine.model.errors import EvidenceIncomplete
from rules_engine.model.order import HeldPrice, OrderDraft, OrderKind
from rules_engine.model.reports import BrokerStatus, OrderReport
from rules_engine.model.trigger_method import TriggerMethod
from tests.broker.conftest import DEADLINE_S, MA, NEVER_S, Connect, Heard, V

BUY = OrderDraft(MA, Side.BUY, Decimal(10), OrderKind.MARKET, TimeInForce(Duration.DAY))
RESTING = replace(BUY, kind=OrderKind.LIMIT, limit=Decimal(200))
HELD = replace(BUY, conditions=(HeldPrice(V, True, Decimal(500), TriggerMethod.DEFAULT),))


async def test_orders_of_an_earlier_connection_are_found_by_their_key(
    connect: Connect, gateway: Gateway, heard: Heard
) -> None:
    first = await connect(client_id=9)
    _place(first, BUY, "filled")
    _place(first, RESTING, "resting")
    held_id = _place(first, HELD, "held")
    first.cancel(_place(first, RESTING, "cancelled"))
    await first.probe()
    first.close()
    second = await connect(client_id=9, order_id_floor=held_id + 1)
    evidence = await second.evidence()
    assert {one.order_ref: one.status for one in evidence.open_orders} == {
        "resting": BrokerStatus.WORKING,
        "held": BrokerStatus.HELD,
    }
    assert {one.order_id for one in evidence.open_orders if one.order_ref == "held"} == {held_id}
    assert {one.order_ref: one.status for one in evidence.completed} == {
        "filled": BrokerStatus.FILLED,
        "cancelled": BrokerStatus.CANCELLED,
    }
    assert all(one.completed for one in evidence.completed)
    assert [(one.order_ref, one.quantity) for one in evidence.executions] == [("filled", Decimal(10))]
    assert [(one.instrument, one.quantity) for one in evidence.positions] == [("MA", Decimal(10))]
    assert evidence.next_order_id == held_id + 2


async def test_orders_of_other_clients_are_open_orders_too(connect: Connect) -> None:
    other = await connect(client_id=2)
    _place(other, RESTING, "foreign")
    await other.probe()
    evidence = await (await connect(client_id=1)).evidence()
    assert [(one.order_ref, one.client_id) for one in evidence.open_orders] == [("foreign", 2)]


async def test_an_answer_that_repeats_what_was_told_is_evidence_and_no_news(connect: Connect, heard: Heard) -> None:
    connection = await connect()
    _place(connection, RESTING, "resting")
    _place(connection, HELD, "held")
    await connection.probe()
    await connection.evidence()
    await heard.until(lambda: heard.of(OrderReport))
    told = len(heard.of(OrderReport))
    for _ in range(2):
        assert {one.order_ref for one in (await connection.evidence()).open_orders} == {"resting", "held"}
    heard.items += heard.inbox.take()
    assert len(heard.of(OrderReport)) == told
    connection.cancel(next(one.order_id for one in heard.of(OrderReport) if one.order_ref == "held"))
    await heard.until(lambda: heard.of(OrderReport)[-1].status is BrokerStatus.CANCELLED)


async def test_nothing_is_complete_evidence_of_nothing(connect: Connect) -> None:
    evidence = await (await connect()).evidence()
    assert (evidence.open_orders, evidence.completed, evidence.executions, evidence.positions) == ((), (), (), ())


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ("OpenOrderEnd", "our open orders"),
        ("CompletedOrdersEnd", "the completed orders"),
        ("ExecDetailsEnd", "the executions"),
        ("NextValidId", "the next order id"),
        ("PositionEnd", "the positions"),
    ],
)
async def test_withheld_answer_is_incomplete_evidence(
    reply: str, words: str, connect: Connect, gateway: Gateway
) -> None:
    connection = await connect()
    gateway.withhold(reply)
    with pytest.raises(EvidenceIncomplete, match=words):
        await connection.evidence(0.1)


async def test_answer_withheld_for_good_ends_the_connection(connect: Connect, gateway: Gateway) -> None:
    connection = await connect()
    gateway.withhold("CompletedOrdersEnd")
    with pytest.raises(EvidenceIncomplete):
        await connection.evidence(0.1)
    gateway.withhold("CompletedOrdersEnd", withheld=False)
    with pytest.raises(EvidenceIncomplete):
        await connection.evidence(0.1)
    assert not connection.is_open


async def test_late_answers_do_not_spoil_the_next_round(connect: Connect, gateway: Gateway) -> None:
    connection = await connect()
    gateway.freeze()
    with pytest.raises(EvidenceIncomplete):
        await connection.evidence(0.1)
    gateway.thaw()
    await connection.probe()
    _place(connection, RESTING, "since")
    evidence = await connection.evidence()
    assert [one.order_ref for one in evidence.open_orders] == ["since"]


async def test_lost_ib_servers_make_evidence_incomplete(connect: Connect, gateway: Gateway) -> None:
    connection = await connect()
    gateway.freeze()
    asking = asyncio.create_task(connection.evidence(2))
    await asyncio.sleep(0)
    gateway.send_code(1100)
    gateway.send_code(1102)
    gateway.thaw()
    with pytest.raises(EvidenceIncomplete, match="link was lost"):
        await asking
    gateway.send_code(1100)
    await connection.probe()
    with pytest.raises(EvidenceIncomplete):
        await connection.evidence()


async def test_losing_the_connection_makes_evidence_incomplete_at_once(connect: Connect, gateway: Gateway) -> None:
    connection = await connect()
    gateway.withhold("CompletedOrdersEnd")
    asking = asyncio.create_task(connection.evidence(NEVER_S))
    await connection.probe()
    gateway.drop_connections()
    async with asyncio.timeout(DEADLINE_S):
        with pytest.raises(EvidenceIncomplete):
            await asking
    with pytest.raises(EvidenceIncomplete, match="not connected"):
        await connection.evidence()


def _place(connection: Connection, draft: OrderDraft, key: str) -> int:
    order_id = connection.next_order_id(0)
    connection.place(order_id, draft, key=key, account="DU1", group="", parent_id=0, transmit=True)
    return order_id
