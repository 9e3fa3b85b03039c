"""A farm that breaks silences what it may serve, and nothing else."""

import pytest

from rules_engine.broker.farms import farm_in, may_serve
from rules_engine.broker.library import Contract
from rules_engine.gateway import Gateway
from rules_engine.model.instrument import Instrument, Kind
from rules_engine.model.reports import FeedUp
from tests.broker.conftest import MA, Connect, Heard, V

EUR = Instrument("EUR", Kind.FOREX, "EURUSD")

SHARE = Contract(secType="STK", exchange="SMART", primaryExchange="NYSE", currency="USD")
LONDON_SHARE = Contract(secType="STK", exchange="SMART", primaryExchange="LSEETF", currency="USD")
GERMAN_SHARE = Contract(secType="STK", exchange="SMART", primaryExchange="IBIS", currency="EUR")
JAPANESE_SHARE = Contract(secType="STK", exchange="SMART", primaryExchange="TSEJ", currency="JPY")
MEXICAN_SHARE = Contract(secType="STK", exchange="MEXI", currency="MXN")
PAIR = Contract(secType="CASH", exchange="IDEALPRO", currency="USD")
ES = Contract(secType="FUT", exchange="CME", currency="USD")
DAX = Contract(secType="FUT", exchange="EUREX", currency="EUR")
INDEX = Contract(secType="IND", exchange="CBOE", currency="USD")
OPTION = Contract(secType="OPT", exchange="SMART", currency="USD")

IN_DOUBT = (LONDON_SHARE, MEXICAN_SHARE, DAX, INDEX, OPTION)


@pytest.mark.parametrize(
    ("farm", "spared"),
    [
        ("usfarm", [PAIR, GERMAN_SHARE, JAPANESE_SHARE]),
        ("usfarm.nj", [PAIR, GERMAN_SHARE, JAPANESE_SHARE]),
        ("usfuture", [PAIR, GERMAN_SHARE, JAPANESE_SHARE]),
        ("usopt", [PAIR, GERMAN_SHARE, JAPANESE_SHARE]),
        ("cashfarm", [SHARE, ES, GERMAN_SHARE, JAPANESE_SHARE]),
        ("eufarm", [SHARE, ES, PAIR, JAPANESE_SHARE]),
        ("jfarm", [SHARE, ES, PAIR, GERMAN_SHARE]),
        ("cafarm", [SHARE, ES, PAIR, GERMAN_SHARE, JAPANESE_SHARE]),
        ("moonfarm", []),
        ("", []),
    ],
)
def test_a_farm_may_serve_all_that_is_not_surely_of_another_region(farm: str, spared: list[Contract]) -> None:
    contracts = [SHARE, ES, PAIR, GERMAN_SHARE, JAPANESE_SHARE, *IN_DOUBT]
    for contract in contracts:
        assert may_serve(farm, contract) is (contract not in spared), contract


@pytest.mark.parametrize(
    ("text", "farm"),
    [
        ("Market data farm connection is broken:usfarm.nj", "usfarm.nj"),
        ("Market data farm connection is broken: usfarm ", "usfarm"),
        ("Die Verbindung ist unterbrochen:cashfarm", "cashfarm"),
        ("Market data farm connection is broken", ""),
    ],
)
def test_the_farm_is_what_the_message_names_behind_its_colon(text: str, farm: str) -> None:
    assert farm_in(text) == farm


@pytest.mark.parametrize(
    ("farm", "silenced"), [("usfarm", {"V", "MA"}), ("cashfarm", {"EUR"}), ("usopt", {"V", "MA"}), ("eufarm", set())]
)
async def test_a_broken_farm_silences_its_region_alone_until_each_instrument_ticks(
    connect: Connect, gateway: Gateway, heard: Heard, farm: str, silenced: set[str]
) -> None:
    gateway.push_quote("EUR.USD", 1.0850, 1.0852)
    connection = await connect([V, MA, EUR])
    await heard.subscribed("V", "MA", "EUR")
    gateway.break_farm(farm)
    await connection.probe()
    heard.items += heard.inbox.take()
    assert {name for name, code in heard.silenced() if code == 2103} == silenced
    heard.items.clear()
    gateway.restore_farm(farm)
    for number, name in enumerate(("V", "MA")):
        gateway.push(name, 201.0 + number)
    gateway.push_quote("EUR.USD", 1.0860, 1.0862)
    await heard.until(lambda: {report.instrument for report in heard.of(FeedUp)} == silenced)


async def test_a_farm_that_nobody_knows_silences_everything(connect: Connect, gateway: Gateway, heard: Heard) -> None:
    gateway.push_quote("EUR.USD", 1.0850, 1.0852)
    connection = await connect([V, EUR])
    await heard.subscribed("V", "EUR")
    gateway.send_code(2103, "Market data farm connection is broken:moonfarm")
    await connection.probe()
    heard.items += heard.inbox.take()
    assert {name for name, code in heard.silenced() if code == 2103} == {"V", "EUR"}
