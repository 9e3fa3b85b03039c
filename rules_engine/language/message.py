"""Checks the `message:` of a rule: every name that it uses exists, and numbers alone are formatted."""

from rules_engine.language.codes import Code
from rules_engine.language.fault import Fault
from rules_engine.language.nearest import did_you_mean, listed
from rules_engine.language.scope import Scope
from rules_engine.model.instrument import Field
from rules_engine.model.template import FIXED_FIELDS, Slot, TemplateFault, parse_template

_TEXTS = frozenset({"rule", "time", "order"})
_FIELDS = tuple(field.value for field in Field)


def check_message(text: str, scope: Scope) -> tuple[Fault, ...]:
    """What is wrong with a template, at offsets in its text."""
    template = parse_template(text)
    if isinstance(template, TemplateFault):
        end = template.position + template.length
        return (Fault(template.position, end, Code.BAD_MESSAGE, "this is not a template", template.message),)
    return tuple(fault for slot in template.slots if (fault := _fault(slot, scope)) is not None)


def _fault(slot: Slot, scope: Scope) -> Fault | None:
    if slot.name in FIXED_FIELDS or slot.name in scope.lets:
        if slot.field:
            return _at(slot, f"'{slot.name}' has no fields", f"write '{{{slot.name}}}'")
        if slot.form and slot.name in _TEXTS:
            return _at(slot, f"'{slot.name}' is text and takes no format", f"write '{{{slot.name}}}'")
        return None
    if scope.instruments.named(slot.name) is None:
        known = [*sorted(FIXED_FIELDS), *scope.lets, *scope.instruments.known()]
        return _at(
            slot, f"'{slot.name}' is not known", did_you_mean(slot.name, known, f"there are {listed(known, 'and')}")
        )
    if slot.field and slot.field not in _FIELDS:
        hint = did_you_mean(slot.field, _FIELDS, f"write {listed(_FIELDS)}")
        return _at(slot, f"'{slot.name}' has no field '{slot.field}'", hint)
    return None


def _at(slot: Slot, message: str, hint: str) -> Fault:
    return Fault(slot.position, slot.position + slot.length, Code.BAD_MESSAGE, message, hint)
