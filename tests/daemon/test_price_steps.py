"""Price steps as IB tells them: what they change of rules at work, and of what the broker holds for these."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from rules_engine.daemon.control import CommandRefused
from rules_engine.daemon.in_force import InForce
from rules_engine.execution.cancelling import Cancelling
from rules_engine.gateway.messages.order_form import PriceCondition
from tests.daemon.house import ON_FALL, House, held

INSTRUMENTS = "instruments:\n  ES: {future: ES, exchange: CME, expiry: front}\n"
ABOVE = """\
  - name: above
    when: ES > 5000
    do: buy 1 MA
    once: true
"""
OUTSIDE = """\
  - name: outside
    when: ES >= 5001 or ES <= 5000
    do: buy 1 MA
"""


def step_of_es(house: House, step: float) -> None:
    """From now on the gateway lists ES with this price step."""
    roots = house.gateway.market.catalogue._roots
    number = next(number for number, root in roots.items() if root.tradingClass == "ES")
    roots[number] = replace(roots[number], tick=step)


def levels(house: House) -> list[tuple[str, float]]:
    """Each order at the gateway with the level that it waits for."""
    return [
        (order.status, condition.price)
        for order in house.orders()
        for condition in order.form.conditions
        if isinstance(condition, PriceCondition)
    ]


async def unheard(in_force: InForce, new: Mapping[str, Decimal]) -> None:
    """IB has not told the steps yet."""


async def test_what_the_broker_holds_is_not_watched_here_too_before_ib_tells_the_step_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.quote("ES", 4990.0)
    async with house.engine(ABOVE, INSTRUMENTS) as engine:
        await house.until(lambda: held(house), "the held order")
        await engine.until_state("above", "placed")
    monkeypatch.setattr(InForce, "replan", unheard)
    async with house.engine() as engine:
        await house.until(lambda: engine.price("ES") == 4990.0, "the price")
        await engine.until_state("above", "placed")
        house.quote("ES", 5001.0)
        await house.until(lambda: house.told("bought 1 MA"), "the fill")
        await engine.until_state("above", "done")
    assert len(house.orders()) == 1


async def test_a_restart_with_the_same_steps_leaves_what_the_broker_holds_alone(house: House) -> None:
    house.quote("ES", 4990.0)
    for _ in range(2):
        async with house.engine(ABOVE, INSTRUMENTS) as engine:
            await house.until(lambda: held(house), "the held order")
            await house.until(lambda: engine.price("ES") == 4990.0, "the price")
            await engine.until_state("above", "placed")
    assert levels(house) == [("PreSubmitted", 5000.25)]


async def test_another_step_moves_what_the_broker_holds_and_nothing_is_bought_twice(house: House) -> None:
    house.quote("ES", 4990.0)
    async with house.engine(ABOVE, INSTRUMENTS) as engine:
        await house.until(lambda: held(house), "the held order")
        step_of_es(house, 0.5)
        house.gateway.drop_connections()
        moved = [("Cancelled", 5000.25), ("PreSubmitted", 5000.5)]
        await house.until(lambda: levels(house) == moved, "the new level")
        house.quote("ES", 5001.0)
        await house.until(lambda: house.told("bought 1 MA"), "the fill")
        await engine.until_state("above", "done")
    assert len(house.orders()) == 2


async def test_another_step_while_the_engine_was_off_moves_it_at_the_next_start(house: House) -> None:
    house.quote("ES", 4990.0)
    async with house.engine(ABOVE, INSTRUMENTS):
        await house.until(lambda: held(house), "the held order")
    step_of_es(house, 0.5)
    async with house.engine() as engine:
        moved = [("Cancelled", 5000.25), ("PreSubmitted", 5000.5)]
        await house.until(lambda: levels(house) == moved, "the new level")
        await engine.until_state("above", "placed")


async def test_a_rule_that_ib_can_no_longer_hold_runs_here_and_only_here(house: House) -> None:
    house.quote("ES", 5000.5)
    async with house.engine(OUTSIDE, INSTRUMENTS) as engine:
        await engine.until_state("outside", "placed")
        await house.until(lambda: len(levels(house)) == 2, "the held orders")
        step_of_es(house, 1.0)
        house.gateway.drop_connections()
        await house.until(lambda: not any(order.live for order in house.orders()), "the cancellations")
        await engine.until_state("outside", "armed")
        house.quote("ES", 5002.0)
        await house.until(lambda: house.told("bought 1 MA"), "the fill")
    assert [order.status for order in house.orders()] == ["Cancelled", "Cancelled", "Filled"]


async def test_a_rule_that_insists_on_the_broker_is_told_once_when_it_runs_here_all_the_same(house: House) -> None:
    insists = OUTSIDE + "    run: at broker\n"
    house.quote("ES", 5000.5)
    async with house.engine(insists, INSTRUMENTS) as engine:
        await engine.until_state("outside", "placed")
        assert house.told("outside runs here") == []
        step_of_es(house, 1.0)
        house.gateway.drop_connections()
        await engine.until_state("outside", "armed")
        await house.until(lambda: house.told("outside runs here", "never wholly false"), "the word")
        step_of_es(house, 2.0)
        house.gateway.drop_connections()
        await house.until(lambda: len(house.told("Connection to IB is back")) == 2, "the connection")
    async with house.engine() as engine:
        await engine.until_state("outside", "armed")
        house.quote("ES", 5002.0)
        await house.until(lambda: house.told("bought 1 MA"), "the fill")
        assert len(house.told("outside runs here")) == 1
        house.write(insists.replace("buy 1", "buy 2"), INSTRUMENTS)
        with pytest.raises(CommandRefused, match="'run: at broker' is not possible"):
            await engine.ask("reload")


async def test_a_firing_here_is_held_back_while_the_broker_may_still_fill_an_order_of_the_rule(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.quote("ES", 5000.5)
    async with house.engine(OUTSIDE, INSTRUMENTS) as engine:
        await house.until(lambda: len(levels(house)) == 2, "the held orders")
        monkeypatch.setattr(Cancelling, "send_wanted", lambda self, session, besides=(): None)
        step_of_es(house, 1.0)
        house.gateway.drop_connections()
        await engine.until_state("outside", "armed")
        house.quote("ES", 5002.0)
        await house.until(lambda: house.told("bought 1 MA"), "the fill")
        await house.until(lambda: house.told("outside", "has not ended yet"), "the word")
    assert [order.status for order in house.orders()] == ["Filled", "Cancelled"]


async def test_a_rule_that_a_reload_brings_is_not_placed_with_a_step_that_ib_has_not_told(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.quote("ES", 4990.0)
    house.quote("AAPL", 250.0)
    replan, may_go_on = InForce.replan, asyncio.Event()

    async def late(in_force: InForce, new: Mapping[str, Decimal]) -> None:
        if "AAPL" in new:
            await may_go_on.wait()
        await replan(in_force, new)

    monkeypatch.setattr(InForce, "replan", late)
    priced = ABOVE.replace("buy 1 MA", "buy 1 AAPL at limit 249.999")
    async with house.engine(ON_FALL) as engine:
        await engine.until_state("buys-the-fall", "armed")
        house.write(priced, INSTRUMENTS)
        await house.until(lambda: engine.price("ES") == 4990.0 and engine.price("AAPL") == 250.0, "the prices")
        await engine.ask("reload")
        assert house.intents() == []
        may_go_on.set()
        await house.until(lambda: held(house), "the held order")
    assert [order.form.lmtPrice for order in house.orders()] == [249.99]
