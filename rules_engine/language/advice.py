"""What to write instead of a name that nothing has."""

from rules_engine.language.nearest import did_you_mean
from rules_engine.language.scope import Scope

ADVICE = {
    **dict.fromkeys(("if", "when", "by", "the", "shares", "contracts", "please"), "leave the word out"),
    "then": "write what is done under 'do'",
    "percent": "write '5%'",
}
"""Words that belong to English and not to the language."""


def name_hint(name: str, scope: Scope) -> str:
    """The known name that is most like it, or how a name gets its meaning."""
    if name == "all":
        return "write how many; 'close MA' flattens a position"
    known = [*scope.instruments.declared_names(), *scope.lets, *scope.instruments.known()]
    otherwise = f"write '{name.upper()}' for a US stock, or declare '{name}' under 'instruments' or 'let'"
    return ADVICE.get(name) or did_you_mean(name, known, otherwise)
