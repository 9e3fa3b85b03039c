"""What is known of prices and holdings at an instant of a backtest: execution's market."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation

from rules_engine.execution.ports import Quote
from rules_engine.model.action import Side
from rules_engine.model.expression import Expression, spell_number
from rules_engine.model.holding import Terms
from rules_engine.model.instrument import Instrument, Kind
from rules_engine.model.order import OrderDraft, OrderKind
from rules_engine.model.reports import Traded
from rules_engine.recordings.slices import Row
from rules_engine.replay.assumptions import Assumptions
from rules_engine.replay.book import Book
from rules_engine.replay.touch import Price, Touch, touch_of
from rules_engine.replay.voices import Voice

_OPTION_MULTIPLIER = Decimal(100)


class Known:
    """Implements execution's Market. ``latest`` is the newest row of each recording; ``reader`` reads expressions."""

    def __init__(
        self, voices: Sequence[Voice], instruments: Mapping[str, Instrument], assumptions: Assumptions, book: Book
    ) -> None:
        self.assumptions = assumptions
        self.now_s = 0.0
        self.latest: list[Row | None] = [None] * len(voices)
        self.numbers = {voice.instrument.name: number for number, voice in enumerate(voices)}
        self.reader: Callable[[Expression], float | None] = lambda expression: None
        self._voices = voices
        self._instruments = instruments
        self._book = book

    def name(self, number: int) -> str:
        """Of the instrument that a recording is of."""
        return self._voices[number].instrument.name

    def touch(self, number: int, first: Price, second: Price) -> Touch[Price]:
        """What orders meet at a row of that recording, or at each of several."""
        return touch_of(first, second, self.assumptions.spread, self._voices[number].has_quotes)

    def best(self, draft: OrderDraft) -> float | None:
        """The price from which a trailing order starts."""
        touch = self._touch_now(draft.instrument.name)
        return touch.trigger(draft.side) if touch is not None and draft.kind is OrderKind.TRAILING else None

    def read(self, expression: Expression) -> float | None:
        return self.reader(expression)

    def quote(self, instrument: str) -> Quote | None:
        """A recorded price holds until the next one comes, however long that takes."""
        touch = self._touch_now(instrument)
        if touch is None:
            return None
        bid, ask = (_decimal(touch.price(side)) for side in (Side.SELL, Side.BUY))
        return Quote(self.now_s, bid, ask, None if touch.last is None else _decimal(touch.last))

    def position(self, instrument: str) -> Decimal | None:
        return Decimal(spell_number(self._book.whole.held.get(instrument, 0.0)))

    def traded(self, instrument: str) -> Traded | None:
        of = self._instruments[instrument]
        step = Terms().price_step(of) or Decimal(0)
        return Traded(of.contract_id, step, self.multiplier(of), of.currency, of.kind, of.symbol, of.exchange)

    def exchange_rate(self, currency: str) -> Decimal | None:
        return Decimal(1)

    def multiplier(self, of: Instrument) -> Decimal:
        return multiplier_of(of)

    def _touch_now(self, instrument: str) -> Touch[float] | None:
        number = self.numbers.get(instrument)
        row = None if number is None else self.latest[number]
        return None if row is None else self.touch(*row[1:])


def multiplier_of(of: Instrument) -> Decimal:
    """How many units one contract is: as the rules say, else a hundred for options and one for everything else."""
    try:
        return Decimal(of.multiplier)
    except InvalidOperation:
        return _OPTION_MULTIPLIER if of.kind is Kind.OPTION else Decimal(1)


def _decimal(price: float) -> Decimal:
    return Decimal(spell_number(price))
