"""Recorded prices of V and MA through the gateway: the rule buys once, at MA's price of the moment V reached 200."""

import asyncio
import csv
from pathlib import Path

import pytest

from rules_engine.gateway import Gateway, parse_market
from rules_engine.notifying.receiver import Receiver
from tests.daemon.house import ACCOUNT, BUY_AT_200, House

SPEED = 5_000_000.0


def path_of(bar: dict[str, str]) -> list[float]:
    """A bar's four prints, worked out anew."""
    start, high, low, end = (float(bar[name]) for name in ("Open", "High", "Low", "Close"))
    return [start, low, high, end] if end >= start else [start, high, low, end]


def first_crossing(visa: Path, mastercard: Path, level: float) -> float:
    """MA's print at the moment of V's first one at or above the level, after one below."""
    below = False
    for v_bar, ma_bar in zip(_bars(visa), _bars(mastercard), strict=True):
        assert v_bar["Date"] == ma_bar["Date"]
        for v_price, ma_price in zip(path_of(v_bar), path_of(ma_bar), strict=True):
            if below and v_price >= level:
                return ma_price
            below = below or v_price < level
    raise AssertionError("never crossed")


def _bars(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


async def test_visa_at_200_buys_mastercard_once_at_its_recorded_price(tmp_path: Path, data_dir: Path) -> None:
    visa, mastercard = data_dir / "daily_V.csv", data_dir / "daily_MA.csv"
    market = parse_market([f"V={visa}", f"MA={mastercard}"], speed=SPEED)
    gateway = Gateway(market, accounts=(ACCOUNT,))
    receiver = Receiver()
    async with receiver.listening():
        await gateway.start()
        house = House(tmp_path, gateway, receiver)
        collecting = asyncio.create_task(house.collect())
        async with house.engine(BUY_AT_200):
            await house.until(lambda: gateway.executions, "the fill")
            played = len(gateway.executions)
            # V crosses 200 again and again in the years that follow.
            listed = market.catalogue.named("V")
            assert listed is not None
            visa_id = listed.conId
            await house.until(lambda: (market.quote(visa_id).last or 0.0) > 210, "a later year")
            await house.until(lambda: house.told("bought 100 MA"), "the message")
        collecting.cancel()
        await gateway.stop()
    assert played == len(gateway.executions) == len(house.orders()) == 1
    assert gateway.executions[0].price == pytest.approx(first_crossing(visa, mastercard, 200.0), abs=1e-9)
