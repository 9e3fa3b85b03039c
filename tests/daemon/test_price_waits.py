"""Firings before there is a price to check their order against."""

import pytest

from rules_engine.model.settings import Limits
from tests.daemon.house import BUY_AT_200, HERE_AT_200, ON_FALL, House, held

AAPL_AT_200 = HERE_AT_200.replace("100 MA", "100 AAPL")


async def test_a_held_order_waits_for_a_price_to_check_it_against(house: House) -> None:
    async with house.engine(BUY_AT_200.replace("100 MA", "100 AAPL")) as engine:
        entry = await engine.until_state("ma-when-v-hits-200", "placed")
        assert "still to be sent" in str(entry["why"])
        house.quote("AAPL", 250.0)
        await house.until(lambda: held(house), "the held order")


async def test_a_firing_before_the_first_price_of_what_it_orders_waits_for_that_price(house: House) -> None:
    async with house.engine(AAPL_AT_200) as engine:
        await engine.until_state("here-at-200", "armed")
        house.quote("V", 200.1)
        await engine.until_state("here-at-200", "armed")
        assert house.fires() == []
        house.quote("AAPL", 250.0)
        await house.until(lambda: house.told("bought 100 AAPL"), "the purchase")
    assert [fire.fate for fire in house.fires()] == ["placed"]


async def test_a_firing_that_gets_no_price_is_held_back_and_told(house: House) -> None:
    async with house.engine(AAPL_AT_200, limits=Limits(price_wait_s=0.2)) as engine:
        await engine.until_state("here-at-200", "armed")
        house.quote("V", 200.1)
        await house.until(lambda: house.told("held back", "no fresh price"), "the message")
    assert [fire.fate for fire in house.fires()] == ["held back"]


async def test_an_engine_that_stops_while_a_firing_waits_for_a_price_tells(house: House) -> None:
    async with house.engine(AAPL_AT_200) as engine:
        await engine.until_state("here-at-200", "armed")
        house.quote("V", 200.1)
        house.quote("V", 199.0)
        house.quote("V", 200.2)
        await house.until(lambda: engine.waits_for_price("here-at-200", behind=1), "both firings")
    assert len(house.told("held back", "no fresh price")) == 2
    assert [fire.fate for fire in house.fires()] == ["held back"] * 2


async def test_a_rule_that_changes_while_its_firing_waits_for_a_price_holds_it_back(house: House) -> None:
    async with house.engine(AAPL_AT_200) as engine:
        await engine.until_state("here-at-200", "armed")
        house.quote("V", 200.1)
        await house.until(lambda: engine.waits_for_price("here-at-200"), "the firing")
        house.write(ON_FALL)
        await house.until(lambda: house.told("held back", "its rule changed"), "the message")
        house.quote("AAPL", 250.0)
    assert house.orders() == []


@pytest.mark.parametrize("new", [ON_FALL, HERE_AT_200.replace("above 200", "above 500").replace("100 MA", "7 MA")])
async def test_what_fired_behind_it_is_held_back_with_it_and_never_sent_as_the_new_rule_says(
    house: House, new: str
) -> None:
    async with house.engine(AAPL_AT_200) as engine:
        await engine.until_state("here-at-200", "armed")
        house.quote("MA", 400.0)
        for price in (200.1, 199.0, 200.2):
            house.quote("V", price)
        await house.until(lambda: engine.waits_for_price("here-at-200", behind=1), "both firings")
        house.write(new)
        await house.until(lambda: len(house.told("held back", "its rule changed")) == 2, "the messages")
    assert [fire.fate for fire in house.fires()] == ["held back"] * 2
    assert house.orders() == []


async def test_a_pause_while_firings_wait_for_a_price_holds_them_back(house: House) -> None:
    async with house.engine(AAPL_AT_200) as engine:
        await engine.until_state("here-at-200", "armed")
        for price in (200.1, 199.0, 200.2):
            house.quote("V", price)
        await house.until(lambda: engine.waits_for_price("here-at-200", behind=1), "both firings")
        await engine.ask("pause", rule="here-at-200")
        await house.until(lambda: len(house.told("held back", "its rule was paused")) == 2, "the messages")
        await engine.ask("resume", rule="here-at-200")
        house.quote("AAPL", 250.0)
    assert [fire.fate for fire in house.fires()] == ["held back"] * 2
    assert house.orders() == []


async def test_the_kill_switch_ends_the_wait_for_a_price_also_when_it_is_lifted(house: House) -> None:
    async with house.engine(AAPL_AT_200) as engine:
        await engine.until_state("here-at-200", "armed")
        house.quote("V", 200.1)
        await house.until(lambda: engine.waits_for_price("here-at-200"), "the firing")
        await engine.ask("stop")
        await house.until(lambda: house.told("held back", "no fresh price"), "the message")
        await engine.ask("stop", lift=True)
        house.quote("AAPL", 250.0)
    assert house.orders() == []


async def test_a_crash_while_a_firing_waits_for_a_price_leaves_the_rule_as_before_it(house: House) -> None:
    async with house.engine(AAPL_AT_200 + "    once: true\n") as engine:
        await engine.until_state("here-at-200", "armed")
        house.quote("V", 200.1)
        await house.until(lambda: engine.waits_for_price("here-at-200"), "the firing")
        engine.save()
        assert not engine.remembers_done("here-at-200")
