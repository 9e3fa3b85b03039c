"""W6 with the rolling windows of pandas and polars, as their documentation shows; everybody's answer is the firings."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Column = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Firings = list[tuple[str, float]]
_DUST = 1e-12
_UP, _DOWN = 1 - _DUST, 1 + _DUST


def edges(name: str, times_s: Column, holds: Flags, known: Flags, *, happens: bool = False) -> Firings:
    """Where what was known to be false turns true; with ``happens``, also where it was not known yet."""
    at = np.flatnonzero(known | holds if happens else known)
    truths = holds[at]
    before = np.concatenate(([not happens], truths[:-1]))
    return [(name, time_s) for time_s in times_s[at[truths & ~before]].tolist()]


def moves_in_pandas(times_s: Column, prices: Column) -> Firings:
    """`S moves 5% in 5m`."""
    series = pd.Series(prices, index=pd.to_datetime(times_s, unit="s"))
    rolling = series.rolling("300s")
    holds = (series >= rolling.min() * (1.05 * _UP)) | (series <= rolling.max() * (0.95 * _DOWN))
    return edges("moves", times_s, holds.to_numpy(), times_s >= times_s[0] + 300.0, happens=True)


def moves_in_polars(times_s: Column, prices: Column) -> Firings:
    """The same."""
    pl: Any = import_module("polars")
    price = pl.col("price")
    low, high = (find("at", "300s", closed="right") for find in (price.rolling_min_by, price.rolling_max_by))
    holds = _frame(times_s, prices).select((price >= low * (1.05 * _UP)) | (price <= high * (0.95 * _DOWN)))
    return edges("moves", times_s, holds.to_series().to_numpy(), times_s >= times_s[0] + 300.0, happens=True)


def mix_in_pandas(markets: Sequence[tuple[Column, Column]]) -> Firings:
    """The ten rules of each symbol."""
    found: Firings = []
    for symbol, (times_s, prices) in enumerate(markets):
        series = pd.Series(prices, index=pd.to_datetime(times_s, unit="s"))
        tens, minute, five = (series.rolling(length) for length in ("10s", "60s", "300s"))
        before = pd.merge_asof(
            pd.DataFrame({"at": series.index.to_numpy() - np.timedelta64(60, "s")}),
            pd.DataFrame({"at": series.index, "price": prices}),
            on="at",
        )["price"].to_numpy()
        columns = (
            *(tens.mean(), minute.mean(), minute.std(), five.mean(), five.std()),
            *(minute.min(), minute.max(), five.min(), five.max()),
        )
        found += _mix(symbol, times_s, prices, [*(column.to_numpy() for column in columns), before])
    return found


def mix_in_polars(markets: Sequence[tuple[Column, Column]]) -> Firings:
    """The same, all symbols at once."""
    pl: Any = import_module("polars")
    price = pl.col("price")

    def over(find: Any, window: str) -> Any:
        return find("at", window, closed="right")

    columns = [
        over(price.rolling_mean_by, "10s").alias("tens"),
        over(price.rolling_mean_by, "60s").alias("minute"),
        over(price.rolling_std_by, "60s").alias("minute_deviation"),
        over(price.rolling_mean_by, "300s").alias("five"),
        over(price.rolling_std_by, "300s").alias("five_deviation"),
        over(price.rolling_min_by, "60s").alias("minute_low"),
        over(price.rolling_max_by, "60s").alias("minute_high"),
        over(price.rolling_min_by, "300s").alias("low"),
        over(price.rolling_max_by, "300s").alias("high"),
    ]
    frames = []
    for times_s, prices in markets:
        frame = _frame(times_s, prices).lazy().set_sorted("at")
        past = frame.select("at", pl.col("price").alias("before"))
        asked = frame.select(pl.col("at") - pl.duration(seconds=60))
        before = asked.join_asof(past, on="at", strategy="backward").select("before")
        frames.append(pl.concat([frame.select(columns), before], how="horizontal"))
    found: Firings = []
    for symbol, ((times_s, prices), frame) in enumerate(zip(markets, pl.collect_all(frames), strict=True)):
        found += _mix(symbol, times_s, prices, [column.to_numpy() for column in frame.get_columns()])
    return found


def _frame(times_s: Column, prices: Column) -> Any:
    pl: Any = import_module("polars")
    at = np.rint(times_s * 1e6).astype(np.int64)
    return pl.DataFrame({"at": at, "price": prices}).with_columns(pl.col("at").cast(pl.Datetime("us")))


def _mix(symbol: int, times_s: Column, prices: Column, columns: Sequence[Column]) -> Firings:
    """What the ten rules make of the windows' values. Sums that floats carried along have dust in the ninth digit."""
    dust = 1e-7
    tens, minute, minute_deviation, five, five_deviation, minute_low, minute_high, low, high, before = columns
    full, long = times_s >= times_s[0] + 60.0, times_s >= times_s[0] + 300.0
    always = np.ones(len(prices), dtype=np.bool_)
    spread = minute_deviation > dust
    names = iter(f"r{symbol}-{number}" for number in range(10))
    found = edges(next(names), times_s, prices >= 204 - dust, always)
    found += edges(next(names), times_s, prices <= 196 + dust, always)
    moved = (prices >= minute_low * (1.02 * _UP)) | (prices <= minute_high * (0.98 * _DOWN))
    found += edges(next(names), times_s, moved, full, happens=True)
    moved = (prices >= low * (1.03 * _UP)) | (prices <= high * (0.97 * _DOWN))
    found += edges(next(names), times_s, moved, long, happens=True)
    found += edges(next(names), times_s, tens >= minute - dust, full)
    found += edges(next(names), times_s, prices > five + 3 * five_deviation + dust, long)
    with np.errstate(divide="ignore", invalid="ignore"):
        score = (prices - minute) / minute_deviation
    found += edges(next(names), times_s, score > 3 + dust, full & spread)
    found += edges(next(names), times_s, (prices >= 199 - dust) & (prices <= 201 + dust), always)
    found += edges(next(names), times_s, high > 1.02 * low * _DOWN, long)
    return found + edges(next(names), times_s, prices >= before * (1.02 * _UP), ~np.isnan(before))
