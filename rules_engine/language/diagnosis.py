"""Why a sentence could not be read: the word at fault, and what to write instead."""

from collections.abc import Callable, Iterable
from functools import cached_property

from lark import Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.parsers.lalr_interactive_parser import InteractiveParser

from rules_engine.language.advice import ADVICE, name_hint
from rules_engine.language.codes import Code
from rules_engine.language.fault import Fault
from rules_engine.language.functions import FUNCTION_WORDS
from rules_engine.language.grammar import ACTION, CONDITION, VALUE, keywords, sentence_parser
from rules_engine.language.nearest import listed, nearest
from rules_engine.language.scope import Scope

_KINDS = {CONDITION: "a condition", VALUE: "a value", ACTION: "an action"}
_ODD = {
    "=": "write '=='",
    "$": "write the number alone",
    "@": "write 'at limit 400'",
    "!": "write 'not V == 200'",
    "&": "write 'and'",
    "|": "write 'or'",
    "^": "there are no powers; write V * V",
    '"': "sentences hold no quoted text",
    "'": "sentences hold no quoted text",
    ",": "write numbers without ',', and 'and' between conditions",
    ";": "write several actions as a list",
    "{": "a mapping is written in YAML, not inside a sentence",
}
_SYNONYMS = {
    "over": "above",
    "under": "below",
    "rises": "moves up",
    "climbs": "moves up",
    "gains": "moves up",
    "falls": "moves down",
    "drops": "moves down",
    "loses": "moves down",
    "hits": "crosses",
    "reaches": "crosses",
    "touches": "crosses",
    "passes": "crosses",
    "exceeds": "is above",
    "equals": "==",
    "within": "is inside",
    "during": "in",
    "alert": "notify",
    "purchase": "buy",
    "gtc": "good till cancelled",
    "ioc": "immediate or cancel",
    "fok": "fill or kill",
}
_SHAPES = {
    "DURATION": "a length of time such as 5m",
    "CLOCK": "a time such as 09:45",
    "RELATION": "'>'",
    "ORDERS_OF": "'orders of RULE'",
    "RPAR": "')'",
}


def diagnose(text: str, kind: str, scope: Scope, error: UnexpectedInput) -> Fault:
    """The one fault at which reading stopped, or the unknown word before it that is the likelier cause."""
    wrong = error.token.start_pos if isinstance(error, UnexpectedToken) and error.token.type != "$END" else None
    tokens = list(_tokens(text, wrong))
    walk = _Walk(kind)
    for at, token in enumerate(tokens):
        if _is_unknown(tokens, at, scope):
            return _unknown_word(tokens, at, walk, scope)
        if token.start_pos == wrong:
            return _misplaced(token, tokens[:at], walk)
        walk.feed(token)
    if isinstance(error, UnexpectedCharacters):
        return _odd_character(text, error.pos_in_stream or 0)
    return _unfinished(text, walk)


class _Walk:
    """Feeds words to the parser up to where it stops, and says what could follow there."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._parser: InteractiveParser = sentence_parser().parse_interactive("", start=kind)
        self._last = ""

    def feed(self, token: Token) -> None:
        self._parser.feed_token(token)
        self._last = str(token)

    def words(self) -> list[str]:
        return sorted(keywords()[name] for name in self._accepted if name in keywords())

    def expected(self) -> list[str]:
        """What could follow, in words of the user."""
        accepted = self._accepted
        name = "the name of a channel" if self._last == "notify" else "the name of an instrument"
        value = ["a value"] if self.takes_value() else [name] if "NAME" in accepted else []
        value = value or (["a number"] if "NUMBER" in accepted else [])
        shapes = [shape for name, shape in sorted(_SHAPES.items()) if name in accepted]
        words = [word for word in self.words() if not (value and word == "account")]
        return [*value, *(f"'{word}'" for word in words), *shapes]

    def is_complete(self) -> bool:
        return "$END" in self._accepted

    def takes_value(self) -> bool:
        return {"NUMBER", "LPAR"} <= self._accepted

    @cached_property
    def _accepted(self) -> set[str]:
        """Tries every word there is, so it is asked once, where the walk has ended."""
        accepts: Callable[[], set[str]] = self._parser.accepts
        return accepts()


def _tokens(text: str, last: int | None) -> Iterable[Token]:
    """The words up to the one that starts at ``last``, or up to a character that begins none."""
    try:
        for token in sentence_parser().lex(text):
            yield token
            if token.start_pos == last:
                return
    except UnexpectedCharacters:
        return


def _is_unknown(tokens: list[Token], at: int, scope: Scope) -> bool:
    token = tokens[at]
    if token.type != "NAME" or token == token.upper() or token in scope.lets or token in FUNCTION_WORDS:
        return False
    after_notify = at > 0 and tokens[at - 1] == "notify"
    called = at + 1 < len(tokens) and tokens[at + 1] == "("
    return not after_notify and not called and scope.instruments.named(token) is None


def _unknown_word(tokens: list[Token], at: int, walk: _Walk, scope: Scope) -> Fault:
    token, words = tokens[at], walk.words()
    if token in ADVICE:
        message = f"'{token}' is not a word of this sentence"
        return _fault(token, token, Code.UNKNOWN_WORD, message, ADVICE[token])
    near = nearest(token, words)
    if near is not None:
        hint = f"did you mean '{near}'?"
        return _fault(token, token, Code.UNKNOWN_WORD, f"'{token}' is not a word of this sentence", hint)
    lead = _leading_words(tokens[:at])
    kind = _KINDS.get(walk.kind, "part of an order")
    if lead and words:
        phrase = " ".join([*lead, token])
        choices = [" ".join([*lead, word]) for word in words if word not in ("account", "time", "not", "any", "no")]
        if walk.takes_value() and choices:
            choices.append(" ".join(lead))
        hint = f"write {listed(choices)}" if choices else f"write a value after '{' '.join(lead)}'"
        return _fault(tokens[at - len(lead)], token, Code.NOT_A_SENTENCE, f"'{phrase}' is not {kind}", hint)
    if walk.takes_value():
        return _fault(token, token, Code.UNKNOWN_NAME, f"'{token}' is not known", name_hint(token, scope))
    synonym = _SYNONYMS.get(token.lower())
    hint = f"write '{synonym}'" if synonym else _expectation(walk)
    return _fault(token, token, Code.UNKNOWN_WORD, f"'{token}' is not a word of this sentence", hint)


def _leading_words(tokens: list[Token]) -> list[Token]:
    """The words of the language right before the end, as in `good till`."""
    lead: list[Token] = []
    for token in reversed(tokens):
        if token.type not in keywords() or token in ("and", "or", "not"):
            break
        lead.insert(0, token)
    return lead


def _misplaced(token: Token, before: list[Token], walk: _Walk) -> Fault:
    if token.lower() in walk.words():
        hint = f"write '{token.lower()}' in small letters"
        return _fault(token, token, Code.NOT_A_SENTENCE, f"'{token}' is not a word of the language", hint)
    if token.type == "RELATION" and any(other.type == "RELATION" for other in before):
        hint = "write 'V is inside 190 to 200', or 'and' between two comparisons"
        return _fault(token, token, Code.NOT_A_SENTENCE, "two comparisons in a row", hint)
    if token.type == "CLOCK" and walk.kind == CONDITION:
        return _fault(token, token, Code.NOT_A_SENTENCE, f"'{token}' cannot stand here", "write 'time is after 09:45'")
    if token == "*" and before and before[-1] == "*":
        return _fault(token, token, Code.NOT_A_SENTENCE, "there are no powers", "write V * V")
    if before and before[-1] == "notify" and token.type in keywords():
        message = f"'{token}' is a word of the language and names no channel"
        return _fault(token, token, Code.RESERVED_NAME, message, "give the channel another name")
    synonym = f"at {token}" if token in ("limit", "stop", "market", "midpoint") and "at" not in before else ""
    hint = f"write '{synonym}'" if synonym else _ODD.get(token) or _expectation(walk)
    return _fault(token, token, Code.NOT_A_SENTENCE, f"'{token}' cannot stand here", hint)


def _odd_character(text: str, at: int) -> Fault:
    hint = _ODD.get(text[at], "remove it")
    return Fault(at, at + 1, Code.ODD_CHARACTER, f"'{text[at]}' has no meaning in a sentence", hint)


def _unfinished(text: str, walk: _Walk) -> Fault:
    end = len(text.rstrip())
    start = max(text.rstrip().rfind(" ") + 1, 0)
    message = "the sentence is empty" if not text.strip() else "the sentence ends too early"
    return Fault(start, max(end, start + 1), Code.UNFINISHED, message, _expectation(walk))


def _expectation(walk: _Walk) -> str:
    expected = walk.expected()
    if not expected:
        return "end the sentence here" if walk.is_complete() else ""
    shown = expected[:12]
    listing = shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"
    end = ", or end the sentence here" if walk.is_complete() else ""
    return f"write {listing}{end}"


def _fault(first: Token, last: Token, code: Code, message: str, hint: str) -> Fault:
    return Fault(first.start_pos or 0, last.end_pos or 0, code, message, hint)
