"""A rule that is armed for the broker before its order can be placed."""

from rules_engine.model.intent import IntentState
from rules_engine.model.settings import Limits
from tests.daemon.house import BUY_AT_200, House, Running

RULE = BUY_AT_200.replace("100 MA", "100 AAPL")
AT_LIMIT = BUY_AT_200.replace("100 MA", "10 MA at limit 390")
NAME = "ma-when-v-hits-200"


def held(house: House) -> bool:
    return [order.status for order in house.orders()] == ["PreSubmitted"]


async def priced(house: House, engine: Running) -> None:
    """The price comes that the order lacked, and the engine has taken a turn with it."""
    house.quote("AAPL", 250.0)
    await house.until(lambda: engine.price("AAPL") == 250.0, "the price")
    await engine.ask("reload")


async def test_an_edited_rule_is_not_placed_because_the_old_one_had_seen_its_other_side(house: House) -> None:
    async with house.engine(RULE) as engine:
        await engine.until_state(NAME, "placed")
        house.write(RULE.replace("above 200", "above 195"))
        await house.until(lambda: house.told("Rules reloaded"), "the reload")
        await priced(house, engine)
        assert house.intents() == []
        house.quote("V", 194.0)
        await house.until(lambda: held(house), "the order of the new rule")


async def test_a_rule_that_is_paused_before_its_order_could_be_placed_places_none_until_it_is_resumed(
    house: House,
) -> None:
    async with house.engine(RULE) as engine:
        await engine.until_state(NAME, "placed")
        await engine.ask("pause", rule=NAME)
        await engine.until_state(NAME, "paused")
        await priced(house, engine)
        assert house.intents() == []
        await engine.ask("resume", rule=NAME)
        await house.until(lambda: held(house), "the order")


async def triggered(house: House) -> None:
    """The order at the broker works, and has filled nothing yet."""
    await house.until(lambda: held(house), "the held order")
    house.quote("V", 201.0)
    await house.until(lambda: [row.intent.state for row in house.intents()] == [IntentState.WORKING], "the trigger")


async def fills_and_is_done(house: House, engine: Running) -> None:
    """The edited rule sees its other side; then the older order fills, and that was all."""
    house.quote("V", 199.0)
    await engine.until_state(NAME, "placed")
    house.quote("MA", 389.0)
    await engine.until_state(NAME, "done")
    await engine.ask("reload")
    assert [order.form.totalQuantity for order in house.orders()] == [10]


async def test_an_edit_while_its_triggered_order_works_does_not_let_a_rule_buy_twice_that_buys_once(
    house: House,
) -> None:
    async with house.engine(AT_LIMIT, limits=Limits(price_collar=None)) as engine:
        await triggered(house)
        house.write(AT_LIMIT.replace("buy 10", "buy 20"))
        await house.until(lambda: house.told("Rules reloaded"), "the reload")
        await fills_and_is_done(house, engine)


async def test_an_edit_while_the_engine_is_off_does_not_either(house: House) -> None:
    limits = Limits(price_collar=None)
    async with house.engine(AT_LIMIT, limits=limits):
        await triggered(house)
    async with house.engine(AT_LIMIT.replace("buy 10", "buy 20"), limits=limits) as engine:
        await fills_and_is_done(house, engine)
