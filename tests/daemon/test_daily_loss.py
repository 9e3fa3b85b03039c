"""The daily loss of a rule, where something that it holds has no price any more."""

from decimal import Decimal

from rules_engine.model.settings import Limits
from tests.daemon.house import House

BUYS = "  - {name: buys, when: V crosses above 200, do: buy 10 MA, run: here}\n"
BUYS_ANOTHER = "  - {name: buys, when: V crosses above 200, do: buy 3 V, run: here}\n"


def cross(house: House) -> None:
    house.quote("V", 199.0)
    house.quote("V", 200.1)


async def test_a_holding_that_no_rule_names_any_more_is_named_and_can_be_left_out(house: House) -> None:
    limits = Limits(max_daily_loss_per_rule=Decimal(500), price_wait_s=0.2)
    async with house.engine(BUYS, limits=limits) as engine:
        await engine.until_state("buys", "armed")
        cross(house)
        await house.until(lambda: house.told("bought 10 MA"), "the fill")
        house.write(BUYS_ANOTHER)
        await engine.ask("reload")
        await engine.until_state("buys", "armed")
        cross(house)
        await house.until(lambda: house.told("max_daily_loss_per_rule cannot be checked", "MA"), "the refusal")
        assert "counts no more" not in str(await engine.ask("resume"))
        assert "what it did in MA so far counts no more" in str(await engine.ask("resume", rule="buys"))
        cross(house)
        await house.until(lambda: house.told("bought 3 V"), "the next order")
