"""nautilus_trader: its backtest engine plays trade ticks to a strategy that is the deque loop."""

import time
from collections.abc import Sequence
from decimal import Decimal

from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import TradeTick
from nautilus_trader.model.enums import AccountType, AggressorSide, OmsType
from nautilus_trader.model.identifiers import TradeId, Venue
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy

from benchmarks.moves import DequeLoop
from benchmarks.ticks import Print

_NS = 1_000_000_000


class Moves(Strategy):
    """Asks the deque loop at every trade."""

    def __init__(self, instrument: object) -> None:
        super().__init__()
        self._instrument, self._tick = instrument, DequeLoop().tick
        self.fired: list[int] = []

    def on_start(self) -> None:
        self.subscribe_trade_ticks(self._instrument)

    def on_trade_tick(self, tick: TradeTick) -> None:
        if self._tick(tick.ts_event / _NS, float(tick.price)):
            self.fired.append(tick.ts_event)


def play_moves(prints: Sequence[Print]) -> tuple[list[float], float]:
    """The times at which it fired and the CPU seconds that it took. Ticks are made before the clock starts."""
    instrument = TestInstrumentProvider.equity(symbol="S", venue="SIM")
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.add_venue(Venue("SIM"), OmsType.NETTING, AccountType.CASH, starting_balances=[Money(1_000_000, USD)])
    engine.add_instrument(instrument)
    one = Quantity.from_int(1)
    ticks, at = [], {round(each.time_s * _NS): each.time_s for each in prints}
    for number, (time_ns, each) in enumerate(zip(at, prints, strict=True)):
        price = Price(Decimal(each.cents) / 100, 2)
        ticks.append(TradeTick(instrument.id, price, one, AggressorSide.BUYER, TradeId(str(number)), time_ns, time_ns))
    engine.add_data(ticks)
    strategy = Moves(instrument.id)
    engine.add_strategy(strategy)
    start_s = time.process_time()
    engine.run()
    taken_s = time.process_time() - start_s
    engine.dispose()
    return [at[time_ns] for time_ns in strategy.fired], taken_s
