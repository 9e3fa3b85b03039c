"""Bars as prints: as one would write it down, and as the gateway plays the same file."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.gateway.contracts.catalogue import Catalogue
from rules_engine.gateway.market.recorded import read_recording
from rules_engine.model.clock import SteppedClock
from rules_engine.recordings import Recording
from tests.recordings.written import NEW_YORK, rows

DAY_S = 86_400
Bar = tuple[float, float, float, float, float]
"""Time, open, high, low, close."""


def obvious(bars: list[Bar]) -> list[tuple[float, float]]:
    """Time and price of four prints a bar."""
    spacings = Counter(after[0] - before[0] for before, after in pairwise(bars))
    most = max(spacings.values(), default=0)
    usual_s = min((spacing for spacing, count in spacings.items() if count == most), default=60.0)
    if DAY_S < usual_s <= 4.05 * DAY_S:
        usual_s = DAY_S
    prints = []
    for bar, following in zip(bars, [*bars[1:], None], strict=True):
        at_s, open_, high, low, close = bar
        length_s = usual_s if following is None else min(usual_s, following[0] - at_s)
        path = (open_, low, high, close) if close >= open_ else (open_, high, low, close)
        prints += [(at_s + quarter * length_s / 4, price) for quarter, price in enumerate(path)]
    return prints


@given(
    gaps=st.lists(st.sampled_from([60, 60, 60, 61, 300, DAY_S, 3 * DAY_S]), min_size=0, max_size=12),
    data=st.data(),
)
def test_bars_of_any_spacing(tmp_path_factory: pytest.TempPathFactory, gaps: list[int], data: st.DataObject) -> None:
    bars: list[Bar] = []
    at_s = 1_893_682_800
    for gap in [0, *gaps]:
        at_s += gap
        open_, close = data.draw(st.integers(90, 110)), data.draw(st.integers(90, 110))
        bars.append((at_s, open_, max(open_, close) + 1, min(open_, close) - 1, close))
    path = tmp_path_factory.mktemp("bars") / "bars.csv"
    path.write_text("timestamp,open,high,low,close\n" + "\n".join(",".join(map(str, bar)) for bar in bars))
    assert [(row[0], row[2]) for row in rows(Recording("V", path, NEW_YORK))] == obvious(bars)


@pytest.mark.parametrize(
    ("file", "quotes"),
    [("daily_V.csv", False), ("minute_SPX_2019-11-05_08.csv", False), ("ticks_USDJPY_2013-01-01.csv", True)],
)
def test_the_gateway_plays_the_same_prices_at_the_same_instants(data_dir: Path, file: str, quotes: bool) -> None:
    visa = Catalogue(clock=SteppedClock(1_900_000_000.0)).named("V")
    assert visa is not None
    track = read_recording(data_dir / file, visa)
    if quotes:
        expected = list(zip(track.quotes.times_s, track.quotes.bids, track.quotes.asks, strict=True))
    else:
        expected = list(zip(track.trades.times_s, track.trades.prices, track.trades.sizes, strict=True))
    played = rows(Recording("V", data_dir / file, NEW_YORK))
    assert len(played) >= 1000
    assert [(row[0], row[2], row[3]) for row in played] == expected
