"""The grammar of sentences: what each kind of condition brings, with expressions and actions, made into one parser."""

import os
import pkgutil
import re
from functools import cache
from importlib import import_module
from pathlib import Path

from lark import Lark
from lark.lexer import PatternStr

import rules_engine.conditions
from rules_engine.conditions.phrase import Level, Phrase
from rules_engine.language.durations import DURATION_PATTERN
from rules_engine.model.expression import Function
from rules_engine.model.instrument import Field

CONDITION, VALUE, ACTION, ENTRY, ENTRY_PRICE = "condition", "value", "action", "entry", "entry_price"
"""What a text may be asked to be; ENTRY is `300 NVDA`, ENTRY_PRICE `limit NVDA.ask`."""

ARITHMETIC_FUNCTIONS = {"abs": (1, 1), "min": (2, 20), "max": (2, 20), "floor": (1, 1), "round": (1, 2)}
"""How many arguments each takes, at least and at most."""
COUNTING_FUNCTIONS = frozenset({"position", "working_orders"})
LATER_FUNCTIONS = frozenset({"ema", "rsi", "atr", "vwap"})

_CONDITIONS = """
?condition: either
?either: both
    {either}
?both: negated
    {both}
?negated: qualified
    {negated}
?qualified: sentence
    {qualified}
?sentence: "(" either ")"
    {sentence}

amount: NUMBER "%" -> relative
      | NUMBER ("points" | "point") -> absolute
      | NUMBER -> unitless
side: "above" -> up
    | "below" -> down
way: "up" -> up
   | "down" -> down
relation: RELATION
duration: DURATION
bar: DURATION
clock: [DATE] CLOCK
instrument: NAME
method: "default" -> method_default
      | "double" "bid" "/" "ask" -> method_double_bid_ask
      | "last" -> method_last
      | "double" "last" -> method_double_last
      | "bid" "/" "ask" -> method_bid_ask
      | "midpoint" -> method_midpoint
"""

_EXPRESSIONS = """
?value: term
      | value "+" term -> plus
      | value "-" term -> minus
?term: factor
     | term "*" factor -> times
     | term "/" factor -> over
?factor: operand
       | "-" factor -> negative
       | "+" factor
?operand: "(" value ")"
        | NUMBER -> number
        | NUMBER "%" -> percent
        | NAME ["[" bar "]"] [FIELD] -> reading
        | "account" FIELD -> account
        | NAME "(" [argument ("," argument)*] ")" -> call
?argument: value
         | DURATION -> span
"""

_ACTIONS = """
?action: order
       | "close" instrument -> close
       | "cancel" ORDERS_OF -> cancel_of
       | "cancel" "orders" "in" instrument -> cancel_in
       | "notify" NAME -> notify
order: deal quantity instrument [price] order_word*
deal: "buy" -> buy
    | "sell" -> sell
quantity: value -> units
        | value "of" "equity" "in" -> share_of_equity
?price: "at" priced
      | "trailing" amount -> trailing
?priced: "market" -> at_market
       | "midpoint" -> at_midpoint
       | "limit" value -> at_limit
       | "stop" value ["limit" value] -> at_stop
?order_word: "day" -> day
           | "good" "till" "cancelled" -> good_till_cancelled
           | "good" "till" clock -> good_till
           | "immediate" "or" "cancel" -> immediate_or_cancel
           | "fill" "or" "kill" -> fill_or_kill
           | "outside" "hours" -> outside_hours
entry: quantity instrument
entry_price: priced order_word*
"""

_TERMINALS = r"""
ORDERS_OF.4: /orders\s+of\s+\S+/
DURATION.3: /%s/
DATE.3: /[0-9]{4}-[0-9]{2}-[0-9]{2}(?![\w-])/
CLOCK.3: /[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?(?![\w:])/
NUMBER: /[0-9][0-9A-Za-z_.]*/
FIELD: /\.[A-Za-z_]\w*/
NAME: /[A-Za-z_]\w*/
RELATION: /[<>]=?|==/
%%ignore /\s+/
"""


@cache
def phrases() -> dict[str, Phrase]:
    """Every way to say a condition, by name: what the modules of `conditions` list as PHRASES."""
    found: list[Phrase] = []
    for module in sorted(pkgutil.iter_modules(rules_engine.conditions.__path__), key=lambda module: module.name):
        found += getattr(import_module(f"rules_engine.conditions.{module.name}"), "PHRASES", ())
    return {phrase.name: phrase for phrase in found}


@cache
def sentence_parser() -> Lark:
    """The parser of all sentences; made once, at the first sentence.

    Its tables take a third of a small check to compute, so they are kept in the user's own cache folder where that
    can be written; lark itself sees when they no longer belong to the grammar.
    """
    try:
        return _parser(str(_cache_folder() / "sentences"))
    except (OSError, RuntimeError):
        # No home, or none that can be written.
        return _parser(None)


def _cache_folder() -> Path:
    """Made for its user alone. Raises OSError or RuntimeError where there is none to be had."""
    kept = os.environ.get("XDG_CACHE_HOME")
    folder = (Path(kept) if kept else Path.home() / ".cache") / "rules-engine"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _parser(kept_in: str | None) -> Lark:
    return Lark(
        grammar_text(),
        parser="lalr",
        lexer="basic",
        start=[CONDITION, VALUE, ACTION, ENTRY, ENTRY_PRICE],
        propagate_positions=True,
        maybe_placeholders=True,
        cache=kept_in or False,
    )


def grammar_text() -> str:
    """The whole grammar in lark's notation."""
    alternatives = {
        level.value: "\n    ".join(
            f"| {phrase.grammar} -> {phrase.name}" for phrase in phrases().values() if phrase.level is level
        )
        for level in Level
    }
    terminals = _TERMINALS % DURATION_PATTERN.replace("/", r"\/")
    return _CONDITIONS.format(**alternatives) + _EXPRESSIONS + _ACTIONS + terminals


@cache
def keywords() -> dict[str, str]:
    """The words of sentences, by the name of their terminal."""
    patterns = {terminal.name: terminal.pattern for terminal in sentence_parser().terminals}
    return {
        name: pattern.value
        for name, pattern in patterns.items()
        if isinstance(pattern, PatternStr) and re.fullmatch(r"[a-z]+", pattern.value)
    }


@cache
def reserved_words() -> frozenset[str]:
    """The lower-case words of the language: no instrument, `let` or channel may be called so."""
    # Imported only where a name is checked: templates are of no use to rules that have none.
    from rules_engine.model.template import FIXED_FIELDS

    functions = {*ARITHMETIC_FUNCTIONS, *COUNTING_FUNCTIONS, *LATER_FUNCTIONS, *(series.value for series in Function)}
    fields = {field.value for field in Field}
    units = {f"{unit}{s}" for unit in ("second", "minute", "hour", "day") for s in ("", "s")}
    return frozenset({*keywords().values(), *functions, *units, *fields, *FIXED_FIELDS, "true", "false", "null"})
