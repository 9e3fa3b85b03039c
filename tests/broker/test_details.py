"""Trading hours and price steps out of contract details."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from rules_engine.broker.contracts import Qualified
from rules_engine.broker.details import market_rule, sessions, traded, zone_of
from rules_engine.broker.library import UNSET_DOUBLE, Contract, ContractDetails, PriceIncrement
from rules_engine.model.instrument import Kind, us_stock

NEW_YORK = ZoneInfo("America/New_York")


def _utc(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()


def test_hours_are_read_in_the_exchange_zone_across_a_clock_change() -> None:
    text = "20301101:0930-20301101:1600;20301102:CLOSED;20301104:0930-20301104:1600"
    assert sessions(text, NEW_YORK) == (
        (_utc(2030, 11, 1, 13, 30), _utc(2030, 11, 1, 20)),
        (_utc(2030, 11, 4, 14, 30), _utc(2030, 11, 4, 21)),
    )


def test_evening_session_begins_the_day_before() -> None:
    assert sessions("20301104:1700-20301105:1600", ZoneInfo("America/Chicago")) == (
        (_utc(2030, 11, 4, 23), _utc(2030, 11, 5, 22)),
    )


def test_older_form_with_two_sessions_a_day_is_read() -> None:
    assert sessions("20301104:0930-1200,1300-1600", NEW_YORK) == (
        (_utc(2030, 11, 4, 14, 30), _utc(2030, 11, 4, 17)),
        (_utc(2030, 11, 4, 18), _utc(2030, 11, 4, 21)),
    )


def test_midnight_may_be_written_as_2400() -> None:
    assert sessions("20301104:0000-20301104:2400", ZoneInfo("UTC")) == ((_utc(2030, 11, 4), _utc(2030, 11, 5)),)


@pytest.mark.parametrize(
    "text",
    [
        *("", "CLOSED", "20301104:CLOSED", "nonsense", "20301104:93-1600"),
        *("20301104:0930-20301104:1699999999999", "99991231:0930-99991231:2400"),
    ],
)
def test_hours_that_cannot_be_read_are_not_known(text: str) -> None:
    assert sessions(text, NEW_YORK) == ()


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("US/Eastern", "US/Eastern"),
        ("EST (Eastern Standard Time)", "America/New_York"),
        ("CST", "America/Chicago"),
        ("MET", "MET"),
    ],
)
def test_zone_names_of_ib_mean_zones_with_summer_time(name: str, zone: str) -> None:
    assert zone_of(name) == ZoneInfo(zone)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc", "America", "x" * 300])
def test_unknown_zone_is_none(name: str) -> None:
    assert zone_of(name) is None
    assert sessions("20301104:0930-20301104:1600", zone_of(name)) == ()


def test_price_step_is_the_coarsest_of_the_exchange_where_we_order() -> None:
    qualified = _qualified(validExchanges="NYSE,SMART", marketRuleIds="26,42", minTick=0.0001)
    assert market_rule(qualified) == 42
    rule = [PriceIncrement(0.0, 0.0001), PriceIncrement(1.0, 0.01)]
    assert traded(qualified, rule).min_tick == Decimal("0.01")
    assert traded(qualified).min_tick == Decimal("0.0001")


def test_contract_without_a_price_rule_has_none() -> None:
    assert market_rule(_qualified(validExchanges="NYSE", marketRuleIds="26")) is None
    assert market_rule(_qualified()) is None


def test_price_magnifier_makes_the_multiplier_one_of_money() -> None:
    qualified = _qualified(multiplier="40000", priceMagnifier=100)
    assert traded(qualified).multiplier == Decimal(400)


@pytest.mark.parametrize(
    ("told", "step", "least"), [((1.0, 1.0), 1, 1), ((0.0001, 0.0001), 1, "0.0001"), ((100.0, 100.0), 100, 100)]
)
def test_shares_are_ordered_whole_however_small_ib_s_steps_are(
    told: tuple[float, float], step: int, least: int | str
) -> None:
    """Error 10243 (page message_codes): fractions of a share cannot be ordered through the API."""
    found = traded(_qualified(minSize=told[0], sizeIncrement=told[1]))
    assert (found.size_step, found.min_size) == (Decimal(step), Decimal(least))


def test_an_older_tws_tells_no_sizes_and_what_is_no_stock_has_ib_s_own_steps() -> None:
    assert (traded(_qualified()).size_step, traded(_qualified()).min_size) == (Decimal(1), Decimal(0))
    coin = _qualified(minSize=UNSET_DOUBLE, sizeIncrement=1e-8)
    assert coin.details.contract is not None
    coin.details.contract.secType = "CRYPTO"
    assert (traded(coin).size_step, traded(coin).min_size) == (Decimal("1e-8"), Decimal(0))


def _qualified(multiplier: str = "", **details: object) -> Qualified:
    contract = Contract(secType="STK", conId=1, symbol="X", exchange="SMART", currency="USD", multiplier=multiplier)
    filled = ContractDetails(contract=contract, **{"minTick": 0.01, **details})
    return Qualified(us_stock("X"), contract, filled)


def test_kind_of_a_plain_contract_number_is_learnt() -> None:
    assert traded(_qualified()).kind == Kind.STOCK
