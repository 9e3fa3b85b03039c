"""The gateway reads recordings its own way, and must find the same prices at the same instants."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.gateway.contracts.catalogue import Catalogue
from rules_engine.gateway.contracts.contract import Listing
from rules_engine.gateway.market.recorded import read_recording
from rules_engine.model.clock import SteppedClock
from rules_engine.recordings import Recording
from tests.recordings.written import NEW_YORK, rows


@pytest.fixture(scope="module")
def visa() -> Listing:
    listing = Catalogue(clock=SteppedClock(1_900_000_000.0)).named("V")
    assert listing is not None
    return listing


@pytest.mark.parametrize(
    ("file", "quotes"),
    [("daily_V.csv", False), ("minute_SPX_2019-11-05_08.csv", False), ("ticks_USDJPY_2013-01-01.csv", True)],
)
def test_recorded_prices(data_dir: Path, visa: Listing, file: str, quotes: bool) -> None:
    track = read_recording(data_dir / file, visa)
    if quotes:
        expected = list(zip(track.quotes.times_s, track.quotes.bids, track.quotes.asks, strict=True))
    else:
        expected = list(zip(track.trades.times_s, track.trades.prices, track.trades.sizes, strict=True))
    played = rows(Recording("V", data_dir / file, NEW_YORK))
    assert len(played) >= 1000
    assert [(row[0], row[2], row[3]) for row in played] == expected


@given(
    gaps=st.lists(st.sampled_from([60, 60, 60, 61, 300, 86_400, 3 * 86_400]), min_size=0, max_size=12),
    data=st.data(),
)
def test_bars_of_any_spacing(
    tmp_path_factory: pytest.TempPathFactory, visa: Listing, gaps: list[int], data: st.DataObject
) -> None:
    at_s, lines = 1_893_682_800, ["timestamp,open,high,low,close"]
    for gap in [0, *gaps]:
        at_s += gap
        open_, close = data.draw(st.integers(90, 110)), data.draw(st.integers(90, 110))
        lines.append(f"{at_s},{open_},{max(open_, close) + 1},{min(open_, close) - 1},{close}")
    path = tmp_path_factory.mktemp("bars") / "bars.csv"
    path.write_text("\n".join(lines))
    track = read_recording(path, visa)
    expected = zip(track.trades.times_s, track.trades.prices, track.trades.sizes, strict=True)
    assert [(row[0], row[2], row[3]) for row in rows(Recording("V", path, NEW_YORK))] == list(expected)
