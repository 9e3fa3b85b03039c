"""Rules that are edited, renamed to other contracts, or taken away while the engine runs or is off."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from rules_engine.daemon.control import CommandRefused
from rules_engine.daemon.in_force import InForce
from rules_engine.gateway.messages.order_form import PriceCondition
from rules_engine.model.settings import Mode
from rules_engine.model.slices import Slices
from tests.daemon.house import BUY_AT_200, HERE_AT_200, ON_FALL, RULES_HEAD, House, Running, held


async def quoted(house: House, engine: Running, symbol: str, price: float) -> None:
    """The next price of X, which is that symbol."""
    house.quote(symbol, price)
    await house.until(lambda: engine.price("X") == price, "the price")


async def test_nonsense_while_running_keeps_the_old_rules_and_tells(house: House) -> None:
    async with house.engine(BUY_AT_200) as engine:
        await house.until(lambda: held(house), "the held order")
        (house.rules / "rules.yaml").write_text(RULES_HEAD + "  - name: x\n    when: V crosses over 200\n    do: fly\n")
        await house.until(lambda: house.told("not reloaded", "crosses over"), "the complaint")
        status: Any = await engine.status()
        assert [rule["name"] for rule in status["rules"]] == ["ma-when-v-hits-200"]
        assert len(status["reload"]["problems"]) == 2
        with pytest.raises(CommandRefused, match="nothing was changed"):
            await engine.ask("reload")
        house.quote("V", 200.1)
        await house.until(lambda: house.told("bought 100 MA"), "the old rule's fill")


async def test_an_edit_is_taken_over_and_the_difference_is_shown_first(house: House) -> None:
    async with house.engine(BUY_AT_200) as engine:
        await house.until(lambda: held(house), "the held order")
        file = house.rules / "rules.yaml"
        edited = RULES_HEAD + BUY_AT_200.replace("above 200", "above 205") + ON_FALL
        hidden = file.with_suffix(".new")
        hidden.write_text(edited)
        hidden.replace(file)
        await house.until(lambda: house.told("Rules reloaded", "buys-the-fall added"), "the reload")
        await house.until(
            lambda: [order.status for order in house.orders()] == ["Cancelled", "PreSubmitted"], "the new level"
        )
        [condition] = house.orders()[1].form.conditions
        assert isinstance(condition, PriceCondition) and condition.price == 205
        assert "nothing changed" in str(await engine.ask("reload", dry=True))


NAMED = """\
version: 1
defaults: {{notify: phone}}
instruments:
  X: {{stock: {symbol}}}
rules:
  - name: crossed
    when: X crosses below {level}
    do: buy 1 MA
    run: here
  - name: fell
    when: X moves down 5% in 5m
    do: buy 2 MA
    run: here
"""


async def test_from_one_contract_to_another_of_the_same_name_no_price_moves(house: House) -> None:
    async with house.engine(HERE_AT_200) as engine:
        await engine.until_state("here-at-200", "armed")
        file = house.rules / "rules.yaml"
        for symbol, price in (("MA", 400.0), ("V", 196.0)):
            file.write_text(NAMED.format(symbol=symbol, level=300))
            await engine.ask("reload")
            for cents in range(3):
                await quoted(house, engine, symbol, price + cents / 100)
        assert house.fires() == []
        house.quote("V", 170.0)
        await house.until(lambda: [fire.rule for fire in house.fires()] == ["fell"], "the fall")


async def test_changing_only_the_action_of_a_held_rule_replaces_its_order(house: House) -> None:
    async with house.engine(BUY_AT_200):
        await house.until(lambda: held(house), "the held order")
        house.write(BUY_AT_200.replace("100 MA", "50 MA"))
        await house.until(
            lambda: (
                [(order.status, order.form.totalQuantity) for order in house.orders()]
                == [("Cancelled", 100), ("PreSubmitted", 50)]
            ),
            "the replacement",
        )


async def test_a_deleted_rule_takes_its_order_from_the_broker_and_a_dry_reload_says_so(house: House) -> None:
    async with house.engine(BUY_AT_200, ON_FALL) as engine:
        await house.until(lambda: held(house), "the held order")
        file = house.rules / "rules.yaml"
        text = RULES_HEAD + ON_FALL
        preview = asyncio.create_task(engine.ask("reload", dry=True))
        await preview
        file.write_text(text)
        await house.until(lambda: house.told("its order held at the broker is cancelled"), "the reload")
        await house.until(lambda: [order.status for order in house.orders()] == ["Cancelled"], "the cancellation")


async def test_a_rule_deleted_while_the_engine_was_down_loses_its_order_at_the_start(house: House) -> None:
    async with house.engine(BUY_AT_200):
        await house.until(lambda: held(house), "the held order")
    async with house.engine(ON_FALL):
        await house.until(lambda: [order.status for order in house.orders()] == ["Cancelled"], "the cancellation")


async def test_a_rule_edited_for_a_dry_run_takes_its_order_from_the_broker_when_paper_goes_on(house: House) -> None:
    half = BUY_AT_200.replace("100 MA", "50 MA")
    async with house.engine(BUY_AT_200):
        await house.until(lambda: held(house), "the held order")
    async with house.engine(half, mode=Mode.DRY) as dry:
        await dry.until_state("ma-when-v-hits-200", "placed")
    assert [order.status for order in house.orders()] == ["PreSubmitted"]
    async with house.engine(half):
        await house.until(
            lambda: (
                [(order.status, order.form.totalQuantity) for order in house.orders()]
                == [("Cancelled", 100), ("PreSubmitted", 50)]
            ),
            "the replacement",
        )


async def test_a_reload_that_a_stop_cuts_off_once_it_is_in_force_is_told(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_off = asyncio.Event()

    def endless(in_force: InForce, rules: Sequence[str]) -> Slices[None]:
        cut_off.set()
        while True:
            yield

    async with house.engine(ON_FALL) as engine:
        await engine.until_state("buys-the-fall", "armed")
        monkeypatch.setattr(InForce, "_saving", endless)
        house.write(ON_FALL, BUY_AT_200)
        await house.until(cut_off.is_set, "the reload")
    monkeypatch.undo()
    async with house.engine() as engine:
        await engine.until_state("ma-when-v-hits-200", "placed")
        await house.until(lambda: house.told("Rules reloaded", "ma-when-v-hits-200 added"), "the word")
    assert len(house.told("Rules reloaded")) == 1
