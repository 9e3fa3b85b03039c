"""The parts of a sentence into values: numbers, readings, functions, durations, clock times."""

import re
from datetime import date, time
from itertools import islice

from lark import Token, Tree

from rules_engine.conditions.phrase import Misspoken
from rules_engine.conditions.time_of_day import ClockTime
from rules_engine.language.advice import name_hint
from rules_engine.language.arithmetic import constant_value, is_constant
from rules_engine.language.codes import Code
from rules_engine.language.durations import BARS_HINT, BARS_S, read_duration
from rules_engine.language.fault import Fault
from rules_engine.language.functions import FUNCTION_WORDS, BadCall, Span, read_call
from rules_engine.language.grammar import reserved_words
from rules_engine.language.nearest import did_you_mean, listed
from rules_engine.language.scope import Scope
from rules_engine.language.units import is_percentage, is_price
from rules_engine.model.direction import Amount, Direction
from rules_engine.model.expression import (
    AccountField,
    AccountReading,
    Arithmetic,
    Expression,
    Negative,
    Number,
    Reading,
    spell_number,
    walk,
)
from rules_engine.model.instrument import Field, Instrument, us_stock
from rules_engine.model.trigger_method import TriggerMethod

DIGITS_MAX = 12
NAMED_MAX = 800
"""Values that the names of one sentence may stand for, together."""
_NUMBER = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)
_FIELDS = tuple(field.value for field in Field)
_ACCOUNT_FIELDS = tuple(field.value for field in AccountField)
_BAR_FIELDS = frozenset(Field) - {Field.MARK, Field.CHANGE_TODAY}


class Values:
    """Gives the nodes of one parsed sentence their meaning, innermost first; what is wrong collects in ``faults``.

    A word that means nothing is replaced by a stand-in, so that one reading finds every fault.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.faults: list[Fault] = []
        self._named = 0

    def blame(self, part: "Token | Tree[Token]", code: Code, message: str, hint: str = "") -> None:
        """Records what is wrong with a token or a subtree."""
        start, end = span_of(part)
        self.faults.append(Fault(start, end, code, message, hint))

    def number(self, token: Token) -> Number:
        if _NUMBER.fullmatch(token) is None:
            self.blame(token, Code.BAD_NUMBER, f"'{token}' is not a number", _number_hint(str(token)))
            return Number(1.0)
        if len(token.replace(".", "").strip("0")) > DIGITS_MAX or len(token) > 3 * DIGITS_MAX:
            self.blame(token, Code.BAD_NUMBER, f"a number has at most {DIGITS_MAX} digits", "write fewer digits")
            return Number(1.0)
        return Number(float(token))

    def percent(self, token: Token) -> Number:
        return Number(self.number(token).value / 100, percent=True)

    def reading(self, name: Token, bar_s: float | None, field: Token | None) -> Expression:
        if name in self.scope.lets:
            return self._let(name, bar_s, field)
        instrument = self.instrument(name)
        chosen = instrument.default_field if field is None else self._field(field, instrument)
        if bar_s is not None and chosen is not instrument.default_field and chosen not in _BAR_FIELDS:
            self.blame(
                field or name, Code.UNKNOWN_FIELD, f"a bar has no {chosen}", f"write {listed(sorted(_BAR_FIELDS))}"
            )
        return Reading(instrument, chosen, bar_s)

    def _let(self, name: Token, bar_s: float | None, field: Token | None) -> Expression:
        if bar_s is not None or field is not None:
            message = f"'{name}' is a value of 'let', and has no fields or bars"
            self.blame(field or name, Code.UNKNOWN_FIELD, message, f"write '{name}' alone")
        value = self.scope.lets[name]
        self._named += sum(1 for _ in islice(walk(value), NAMED_MAX + 1))
        if self._named > NAMED_MAX:
            raise BadCall(Code.TOO_LONG, "values built on values grow too large", "write it more simply", 0)
        return value

    def _field(self, token: Token, instrument: Instrument) -> Field:
        word = token.removeprefix(".")
        if word in _FIELDS:
            return Field(word)
        hint = did_you_mean(word, _FIELDS, f"write {listed(_FIELDS)}")
        self.blame(token, Code.UNKNOWN_FIELD, f"'{instrument.name}' has no field '{word}'", hint)
        return instrument.default_field

    def instrument(self, name: Token) -> Instrument:
        found = self.scope.instruments.named(str(name))
        if found is not None:
            return found
        if name in reserved_words():
            message = f"'{name}' is a word of the language and names no instrument"
            hint = f"write '{name}(...)'" if name in FUNCTION_WORDS else "name an instrument or a value"
            self.blame(name, Code.UNKNOWN_NAME, message, hint)
        else:
            self.blame(name, Code.UNKNOWN_NAME, f"'{name}' is not known", name_hint(str(name), self.scope))
        return us_stock(str(name))

    def account(self, field: Token) -> Expression:
        word = field.removeprefix(".")
        if word in _ACCOUNT_FIELDS:
            return AccountReading(AccountField(word))
        hint = did_you_mean(word, _ACCOUNT_FIELDS, f"write {listed(_ACCOUNT_FIELDS)}")
        self.blame(field, Code.UNKNOWN_FIELD, f"the account has no field '{word}'", hint)
        return AccountReading(AccountField.EQUITY)

    def call(self, name: Token, *arguments: Expression | Span | None) -> Expression:
        given = [argument for argument in arguments if argument is not None]
        return read_call(str(name), given, self.scope.bars_s)

    def span(self, token: Token) -> Span:
        return Span(self.duration(token))

    def negative(self, operand: Expression) -> Expression:
        return Number(-operand.value, operand.percent) if isinstance(operand, Number) else Negative(operand)

    def plus(self, left: Expression, right: Expression) -> Expression:
        return self._sum("+", left, right)

    def minus(self, left: Expression, right: Expression) -> Expression:
        return self._sum("-", left, right)

    def _sum(self, sign: str, left: Expression, right: Expression) -> Arithmetic:
        if is_percentage(right) and isinstance(right, Number) and is_price(left):
            factor = spell_number(1 + right.value if sign == "+" else 1 - right.value)
            hint = f"write '{left if not isinstance(left, Arithmetic) else f'({left})'} * {factor}'"
            raise Misspoken(_mixed(left), hint, 1)
        if is_percentage(left) and is_price(right):
            raise Misspoken(_mixed(right), "write a price", 0)
        return Arithmetic(sign, left, right)

    def times(self, left: Expression, right: Expression) -> Expression:
        return Arithmetic("*", left, right)

    def over(self, left: Expression, right: Expression) -> Expression:
        if is_constant(right) and constant_value(right) in (None, 0):
            raise Misspoken("this divides by zero", "divide by something else", 1)
        return Arithmetic("/", left, right)

    def relative(self, token: Token) -> Amount:
        return Amount(self._positive(token) / 100, relative=True)

    def absolute(self, token: Token) -> Amount:
        return Amount(self._positive(token), relative=False)

    def unitless(self, token: Token) -> Amount:
        self.blame(token, Code.UNIT_MISSING, f"'{token}' has no unit", f"write '{token}%' or '{token} points'")
        return Amount(1.0, relative=False)

    def _positive(self, token: Token) -> float:
        value = self.number(token).value
        if value == 0:
            self.blame(token, Code.NOT_POSITIVE, "an amount must be more than zero", "write how much it must be")
        return value

    def duration(self, token: Token) -> float:
        seconds = read_duration(str(token))
        if seconds is None:
            hint = "write more than zero and at most 366 days, as in 30s, 5m or 1h30m"
            self.blame(token, Code.BAD_DURATION, f"'{token}' is not a length of time that can be used", hint)
        return seconds or 1.0

    def bar(self, token: Token) -> float:
        seconds = self.duration(token)
        if seconds not in BARS_S:
            self.blame(token, Code.BAD_DURATION, f"there are no bars of {token}", BARS_HINT)
        return seconds

    def clock(self, day: Token | None, at: Token) -> ClockTime:
        try:
            moment = time.fromisoformat(at.zfill(len(at) + len(at.split(":")[0]) % 2))
        except ValueError:
            self.blame(at, Code.BAD_TIME, f"'{at}' is not a time of day", "write 00:00 to 23:59")
            moment = time()
        return ClockTime(moment, self._date(day) if day is not None else None)

    def _date(self, token: Token) -> date:
        try:
            return date.fromisoformat(token)
        except ValueError:
            self.blame(token, Code.BAD_TIME, f"'{token}' is not a date", "write year-month-day, as in 2030-12-01")
            return date(2030, 1, 1)

    def relation(self, token: Token) -> str:
        return str(token)

    def up(self) -> Direction:
        return Direction.UP

    def down(self) -> Direction:
        return Direction.DOWN

    def method(self, chosen: TriggerMethod) -> TriggerMethod:
        return chosen

    def method_default(self) -> TriggerMethod:
        return TriggerMethod.DEFAULT

    def method_double_bid_ask(self) -> TriggerMethod:
        return TriggerMethod.DOUBLE_BID_ASK

    def method_last(self) -> TriggerMethod:
        return TriggerMethod.LAST

    def method_double_last(self) -> TriggerMethod:
        return TriggerMethod.DOUBLE_LAST

    def method_bid_ask(self) -> TriggerMethod:
        return TriggerMethod.BID_ASK

    def method_midpoint(self) -> TriggerMethod:
        return TriggerMethod.MIDPOINT


def span_of(part: "Token | Tree[Token]") -> tuple[int, int]:
    """Where a token or a subtree stands in its sentence."""
    if isinstance(part, Token):
        return part.start_pos or 0, part.end_pos or 0
    return part.meta.start_pos, part.meta.end_pos


def _mixed(price: Expression) -> str:
    return f"'{price}' is a price, and a percentage cannot be added to it or taken from it"


def _number_hint(text: str) -> str:
    plain = text.replace("_", "")
    if _NUMBER.fullmatch(plain):
        return f"write '{plain}'"
    stripped = plain.lstrip("0") or "0"
    if _NUMBER.fullmatch(stripped):
        return f"write '{stripped}'"
    return "write digits with at most one point, as in 1000 or 199.5"
