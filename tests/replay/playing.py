"""Rules and written prices through a backtest."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from rules_engine.language import Loaded, Source, load
from rules_engine.model.firing import Firing, HeldBack
from rules_engine.model.plan import Plan
from rules_engine.model.settings import Limits
from rules_engine.planning import plan_all
from rules_engine.recordings import Recording
from rules_engine.recordings.slices import SLICE_ROWS
from rules_engine.replay.assumptions import Assumptions, Charge
from rules_engine.replay.backtest import Backtest
from rules_engine.replay.orders import Order
from rules_engine.replay.request import Request
from rules_engine.replay.span import Span
from rules_engine.replay.summary import Summary

START_S = 1_921_590_000
"""2030-11-22 10:00 in New York."""
FREE = Assumptions(Charge(0.0), Charge(0.0), 10_000.0, Limits(price_collar=None, allow_short=True))
"""Trading costs nothing, so that prices can be checked by eye."""
HEAD = "version: 1\ntimezone: America/New_York\n"


class Played:
    """A backtest that has run."""

    def __init__(self, backtest: Backtest) -> None:
        backtest.survey()
        self.outcomes = list(backtest.outcomes())
        self.summary: Summary = backtest.summary()
        self.rows_held_max = backtest.rows_held_max

    @property
    def firings(self) -> list[Firing]:
        return [outcome for outcome in self.outcomes if isinstance(outcome, Firing)]

    @property
    def held_back(self) -> list[HeldBack]:
        return [outcome for outcome in self.outcomes if isinstance(outcome, HeldBack)]

    @property
    def fired_s(self) -> list[float]:
        """Seconds after the start."""
        return [firing.at_s - START_S for firing in self.firings]

    @property
    def orders(self) -> list[tuple[str, str, float | None, float | None]]:
        """Each order in words, how it ended, when (in seconds after the start) and at what price it filled."""
        return [_told(order) for order in self.summary.orders]


def _told(order: Order) -> tuple[str, str, float | None, float | None]:
    filled_s = None if order.filled_s is None else order.filled_s - START_S
    price = None if order.price is None else round(order.price, 6)
    return f"{order.draft.side} {order.draft.quantity} {order.draft.kind}", str(order.end), filled_s, price


def prices(*each: float, every: float = 1) -> str:
    """A CSV file with a print every so many seconds from the start."""
    return "time,price\n" + "".join(f"{START_S + step * every},{price}\n" for step, price in enumerate(each))


def play(
    folder: Path,
    rules: str,
    files: dict[str, str],
    *,
    assumptions: Assumptions = FREE,
    span: Span | None = None,
    engine: str = "columns",
    slice_rows: int = SLICE_ROWS,
) -> Played:
    """``rules`` follow the head of a rule file; ``files`` are texts by instrument."""
    loaded, plans = loaded_rules(rules)
    request = Request(plans, loaded.instruments, recordings(folder, files), span or Span(), assumptions)
    return Played(Backtest(request, engine, slice_rows))


@cache
def loaded_rules(rules: str) -> tuple[Loaded, tuple[Plan, ...]]:
    loaded = load([Source("rules.yaml", (HEAD + rules).encode())], now_s=0.0)
    assert loaded.ok, loaded.problems
    plans, problems = plan_all(loaded.rules)
    assert not problems
    return loaded, plans


def recordings(folder: Path, files: dict[str, str]) -> Sequence[Recording]:
    found = []
    for name, text in files.items():
        path = folder / f"{name}.csv"
        path.write_text(text)
        found.append(Recording(name, path, ZoneInfo("America/New_York")))
    return found
