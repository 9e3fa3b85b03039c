"""Orders that wait at the broker: from their arming to their end, over restarts and crashes."""

from decimal import Decimal

import pytest

from rules_engine.daemon.control import CommandRefused
from rules_engine.daemon.endings import Endings
from rules_engine.model.settings import Limits
from tests.daemon.house import BUY_AT_200, ON_FALL, House, held

BRACKET_AT_200 = """\
  - name: guarded
    when: V crosses above 200
    do: {buy: 10 MA, at: market, stop: 380}
"""


async def test_a_crossing_is_held_at_the_broker_and_its_fill_is_told_once(house: House) -> None:
    async with house.engine(BUY_AT_200):
        await house.until(lambda: held(house), "the held order")
        house.quote("V", 200.1)
        await house.until(lambda: house.told("bought 100 MA"), "the message")
        assert len(house.orders()) == 1
    assert len(house.told("bought 100 MA")) == 1
    assert [fire.fate for fire in house.fires()] == ["placed"]


async def test_a_clean_restart_keeps_the_held_order_and_sends_no_second(house: House) -> None:
    async with house.engine(BUY_AT_200):
        await house.until(lambda: held(house), "the held order")
    assert house.told("engine stopped", "Still alive at the broker", "buy 100 MA")
    async with house.engine() as engine:
        await house.until(lambda: house.told("engine started"), "the second start")
        await engine.until_state("ma-when-v-hits-200", "placed")
        house.quote("V", 199.0)
        house.quote("V", 200.1)
        await house.until(lambda: house.told("bought 100 MA"), "the fill")
        await engine.until_state("ma-when-v-hits-200", "done")
    assert len(house.orders()) == 1


async def test_a_fill_while_the_engine_was_down_is_told_once(house: House) -> None:
    async with house.engine(BUY_AT_200):
        await house.until(lambda: held(house), "the held order")
    house.quote("V", 200.1)
    await house.until(lambda: house.orders()[0].status == "Filled", "the fill")
    for _ in range(2):
        async with house.engine() as engine:
            await engine.until_state("ma-when-v-hits-200", "done")
            await house.until(lambda: house.told("bought 100 MA", "while"), "the news")
    assert len(house.told("bought 100 MA")) == 1
    assert len(house.orders()) == 1


async def test_a_held_order_that_ib_rejects_breaks_the_rule_until_it_is_rearmed(house: House) -> None:
    async with house.engine(BUY_AT_200.replace("100 MA", "90000000 MA")) as engine:
        entry = await engine.until_state("ma-when-v-hits-200", "broken")
        assert "rejected" in str(entry["why"])
        await house.until(lambda: house.told("is broken", "rules rearm"), "the message")
        house.write(BUY_AT_200.replace("100 MA", "50 MA"))
        await house.until(lambda: house.told("Rules reloaded"), "the reload")
        await engine.ask("rearm", rule="ma-when-v-hits-200")
        await engine.until_state("ma-when-v-hits-200", "placed")


async def test_a_rule_whose_order_waits_at_the_broker_is_not_rearmed_into_a_second_order(house: House) -> None:
    async with house.engine(BUY_AT_200) as engine:
        await house.until(lambda: held(house), "the held order")
        with pytest.raises(CommandRefused, match=r"is placed .* done or broken"):
            await engine.ask("rearm", rule="ma-when-v-hits-200")
        house.quote("V", 200.1)
        await house.until(lambda: house.told("bought 100 MA"), "the fill")
        await engine.until_state("ma-when-v-hits-200", "done")
    assert len(house.orders()) == 1


async def test_a_held_order_that_our_limits_refuse_breaks_the_rule_and_is_told_once(house: House) -> None:
    async with house.engine(BUY_AT_200, limits=Limits(max_order_quantity=Decimal(10))) as engine:
        entry = await engine.until_state("ma-when-v-hits-200", "broken")
        assert "max_order_quantity is 10" in str(entry["why"])
        await house.until(lambda: house.told("is broken", "max_order_quantity", "rules rearm"), "the message")
        house.quote("V", 198.0)
        house.quote("V", 199.0)
    assert [row.intent.state.value for row in house.intents()] == ["blocked"]
    assert len(house.told("max_order_quantity")) == 1


async def test_one_crossing_buys_once_although_the_fill_is_told_before_the_print(house: House) -> None:
    async with house.engine(BUY_AT_200.replace("    once: true\n", "")) as engine:
        await house.until(lambda: held(house), "the held order")
        house.quote("V", 199.0)
        house.quote("V", 201.0)
        await house.until(lambda: house.told("bought 100 MA"), "the fill")
        await engine.until_state("ma-when-v-hits-200", "armed")
        house.quote("V", 199.0)
        await engine.until_state("ma-when-v-hits-200", "placed")
        await house.until(lambda: len(house.orders()) == 2, "the next held order")
    assert len(house.told("bought 100 MA")) == 1


@pytest.mark.parametrize("edited", [False, True])
async def test_what_was_bought_at_once_is_bought_again_after_the_other_side_only_over_restarts_and_edits(
    house: House, edited: bool
) -> None:
    rule = "  - {name: above, when: V > 200, do: buy 100 MA, if_already_true: fire}\n"
    house.quote("V", 201.0)
    async with house.engine(rule) as engine:
        await house.until(lambda: house.told("bought 100 MA"), "the fill")
        if edited:
            house.write(rule.replace("100 MA", "70 MA"))
            await engine.ask("reload")
            await engine.until_state("above", "armed")
    async with house.engine() as engine:
        await engine.until_state("above", "armed")
        assert len(house.orders()) == 1
        house.quote("V", 199.0)
        await engine.until_state("above", "placed")


async def test_what_guards_a_position_outlives_its_rule_and_does_not_keep_it_from_arming_again(house: House) -> None:
    async with house.engine(BRACKET_AT_200, ON_FALL) as engine:
        await house.until(lambda: len(house.orders()) == 2, "the held bracket")
        house.quote("V", 201.0)
        await house.until(lambda: house.told("bought 10 MA"), "the entry's fill")
        house.quote("V", 199.0)
        await house.until(lambda: len(house.orders()) == 4, "the next held bracket")
        await engine.until_state("guarded", "placed")
        house.write(ON_FALL)
        await house.until(lambda: house.told("Rules reloaded", "guarded removed"), "the reload")
        await house.until(lambda: not house.orders()[2].live, "the cancellation of what was not triggered")
    assert [order.live for order in house.orders()] == [False, True, False, False]
    async with house.engine() as engine:
        await engine.until_state("buys-the-fall", "armed")
    assert [order.live for order in house.orders("SELL")] == [True, False]


async def test_an_arming_that_never_became_an_order_is_made_up_for_after_a_restart(house: House) -> None:
    async with house.engine(BUY_AT_200.replace("100 MA", "100 AAPL")) as engine:
        await engine.until_state("ma-when-v-hits-200", "placed")
    assert house.intents() == []
    house.quote("AAPL", 250.0)
    async with house.engine():
        await house.until(lambda: held(house), "the held order")


async def test_an_end_that_was_not_taken_in_before_a_crash_is_taken_in_after_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as crash:
        crash.setattr(Endings, "ended", lambda self, end: None)
        async with house.engine(BUY_AT_200):
            await house.until(lambda: held(house), "the held order")
            house.quote("V", 201.0)
            await house.until(lambda: house.told("bought 100 MA"), "the fill")
    async with house.engine() as engine:
        await engine.until_state("ma-when-v-hits-200", "done")
    assert len(house.told("bought 100 MA")) == 1


async def test_a_held_order_that_a_rule_cancels_stays_cancelled_until_the_user_rearms(house: House) -> None:
    cancels = (
        "  - name: cancels\n    when: V crosses above 198\n    do: cancel orders of ma-when-v-hits-200\n    run: here\n"
    )
    async with house.engine(BUY_AT_200, cancels) as engine:
        await house.until(lambda: held(house), "the held order")
        await engine.until_state("cancels", "armed")
        house.quote("V", 198.5)
        entry = await engine.until_state("ma-when-v-hits-200", "broken")
        assert "a rule asked" in str(entry["why"])
        house.quote("V", 197.0)
        house.quote("V", 200.1)
        await engine.ask("rearm", rule="ma-when-v-hits-200")
        house.quote("V", 199.0)
        await engine.until_state("ma-when-v-hits-200", "placed")
    assert [order.status for order in house.orders()] == ["Cancelled", "PreSubmitted"]


@pytest.mark.parametrize("wish", ["a pause", "an edit", "a rule"])
async def test_while_ib_is_asked_what_it_has_cancellations_leave_at_once(house: House, wish: str) -> None:
    cancels = "  - {name: gives-up, when: MA crosses below 390, do: cancel orders in MA, run: here}\n"
    async with house.engine(BUY_AT_200, cancels) as engine:
        await house.until(lambda: held(house), "the held order")
        await engine.until_state("gives-up", "armed")
        house.gateway.withhold("OpenOrderEnd")
        engine.ask_ib()
        await house.until(lambda: engine.asks_ib, "the question")
        match wish:
            case "a pause":
                await engine.ask("pause", rule="ma-when-v-hits-200")
            case "an edit":
                house.write(cancels)
                await engine.ask("reload")
            case _:
                house.quote("MA", 389.0)
        await house.until(lambda: [order.status for order in house.orders()] == ["Cancelled"], "the cancellation")
        assert engine.asks_ib
