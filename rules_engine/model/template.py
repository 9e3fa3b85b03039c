"""The `message:` of a rule: text with named values in braces, and nothing that computes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rules_engine.model.expression import spell_number

FIXED_FIELDS = frozenset({"rule", "case", "time", "move", "order", "price"})
"""What every firing can name; besides these, instruments, their fields, and the rule's own `let` names."""

_SLOT = re.compile(
    r"(?P<name>[A-Za-z_]\w*)(?:\.(?P<field>[a-z][a-z_]*))?(?::(?P<form>\+?,?(?:\.[0-9])?[f%]?))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Slot:
    """One `{name.field:form}`; ``position`` and ``length`` are where it stands in the template's text, in characters.

    ``form`` is `[+][,][.0-9][f%]`.
    """

    name: str
    field: str
    form: str
    position: int
    length: int

    @property
    def key(self) -> str:
        """How the value is called: `price`, `V` or `V.last`."""
        return f"{self.name}.{self.field}" if self.field else self.name


@dataclass(frozen=True, slots=True)
class Template:
    """A `message:`, read: text and the values that are put into it."""

    parts: tuple[str | Slot, ...]

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The values that it names, in order."""
        return tuple(part for part in self.parts if isinstance(part, Slot))


@dataclass(frozen=True, slots=True)
class TemplateFault:
    """Why a text is not a template, at ``position`` (0-based, in characters) for ``length`` characters."""

    position: int
    length: int
    message: str


def parse_template(text: str) -> Template | TemplateFault:
    """Splits the text at its braces; `{{` and `}}` are plain braces. Which names exist is the caller's to check."""
    parts: list[str | Slot] = []
    position = 0
    while position < len(text):
        part, end = _next_part(text, position)
        if isinstance(part, TemplateFault):
            return part
        parts.append(part)
        position = end
    return Template(tuple(parts))


def _next_part(text: str, start: int) -> tuple[str | Slot | TemplateFault, int]:
    if text.startswith(("{{", "}}"), start):
        return text[start], start + 2
    if text[start] == "}":
        return TemplateFault(start, 1, "a '}' without its '{' (a plain brace is written '}}')"), start
    if text[start] == "{":
        return _slot(text, start)
    plain = re.compile(r"[^{}]+").match(text, start)
    assert plain is not None, "a character that is no brace is plain text"
    return plain[0], plain.end()


def _slot(text: str, start: int) -> tuple[Slot | TemplateFault, int]:
    close = text.find("}", start)
    if close < 0:
        return TemplateFault(start, 1, "a '{' without its '}' (a plain brace is written '{{')"), start
    inside = _SLOT.fullmatch(text, start + 1, close)
    length = close + 1 - start
    if inside is None:
        allowed = "write {name}, {name.field} or {name:form}, where form is [+][,][.0-9][f%]"
        return TemplateFault(start, length, allowed), start
    return Slot(inside["name"], inside["field"] or "", inside["form"] or "", start, length), close + 1


def fill(template: Template, values: Mapping[str, float | str]) -> str:
    """The text with its values; `?` stands where a value is not known."""
    return "".join(part if isinstance(part, str) else _spell(part, values.get(part.key)) for part in template.parts)


def _spell(slot: Slot, value: float | str | None) -> str:
    if value is None:
        return "?"
    if isinstance(value, str):
        return value
    if not slot.form.strip("+,"):
        return _shortest(value, slot.form)
    form = slot.form if slot.form[-1] in "f%" else f"{slot.form}f"
    return format(value, form)


def _shortest(value: float, form: str) -> str:
    """As many decimals as the number has; ``form`` may ask for its sign and for groups of three."""
    whole, point, decimals = spell_number(abs(value)).partition(".")
    sign = "-" if value < 0 else "+" if "+" in form else ""
    return f"{sign}{f'{int(whole):,}' if ',' in form else whole}{point}{decimals}"
