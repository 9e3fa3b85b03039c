"""Every server version from the oldest to the newest, as far as a client goes along, does what the others do."""

import pytest

from rules_engine.gateway.wire.frames import VERSION_MIN
from tests.clients.conftest import CLIENTS, OpenStage, limit_order, order, stock
from tests.clients.process import Process
from tests.clients.test_conditions import six

RANGE = [(client, version) for client, newest in CLIENTS.items() for version in range(VERSION_MIN, newest + 1)]


@pytest.mark.parametrize(("client", "version"), RANGE, indirect=["client"], ids=lambda value: str(value))
def test_a_version_carries_contracts_prices_orders_and_accounts(
    process: Process, open_stage: OpenStage, version: int
) -> None:
    stage = open_stage(version_max=version)
    session = process.session()
    assert session.ask("connect", port=stage.port, clientId=1)["version"] == version

    (v,) = session.ask("details", contract=stock("V"))
    assert (v["minTick"], v["primaryExchange"], v["underSymbol"]) == (0.01, "NYSE", "")
    assert session.ask("symbols", pattern="V")
    contract = stock("V") | {"conId": v["conId"]}
    session.ask("stream", contract=contract)
    session.wait("tick", type=4, value=199.0)
    (bar,) = session.ask("history", contract=contract, duration="600 S", size="1 min", what="TRADES")
    assert bar["close"] == 199.0

    resting = {"tif": "GTC", "conditions": six(v["conId"], joined=True), "conditionsIgnoreRth": True, "orderRef": "key"}
    newer = {"autoCancelParent": True} if version >= 162 else {}
    orderId = session.ask("place", contract=contract, order=limit_order(150.0, **resting, **newer))
    told = session.wait("open", orderId=orderId)
    sent = resting | newer | {"lmtPrice": 150.0, "totalQuantity": 10}
    assert {name: told[name] for name in sent} == sent
    assert {name: session.ask("all_open_orders")[0][name] for name in sent} == sent
    session.ask("cancel", orderId=orderId)
    session.wait("error", id=orderId, code=202)
    (completed,) = session.ask("completed_orders")
    assert {name: completed[name] for name in sent} == sent

    session.ask("place", contract=contract, order=order("MKT"))
    session.wait("status", status="Filled", avgFillPrice=199.0)
    (fill,) = session.ask("executions")
    assert (fill["shares"], fill["price"]) == (10, 199.0)
    session.wait("commission", execId=fill["execId"], commission=1.0)
    assert session.ask("positions")[0]["position"] == 10
    assert float(session.ask("account", account="DU1")["NetLiquidation"]) > 900_000
    assert session.ask("what_if", contract=contract, order=order("MKT"))["initMarginChange"] > 0
    assert session.codes() == [202]
