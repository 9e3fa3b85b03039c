"""The obvious codec: walks the declaration of a message field by field, each time anew."""

import typing
from collections.abc import Iterator, Sequence

from rules_engine.gateway.wire.declarations import Declared, declared, variants
from rules_engine.gateway.wire.items import Block, Fields, Fixed, Item, names_in
from rules_engine.gateway.wire.values import KINDS, Malformed, NotAnIdentity, number_or_infinity, number_text


def plain_fields(message: object, items: Sequence[Item], version: int) -> Iterator[str]:
    """The fields of a message, one after the other."""
    for item in items:
        if isinstance(item, Fixed):
            if item.since <= version < item.until:
                yield item.text
        elif isinstance(item, Block):
            if version >= item.since and item.test.holds(valued(message, item.test.path)):
                yield from plain_fields(message, item.items, version)
        else:
            for path in names_in(item.names, version):
                yield from field_texts(message, path, version)


def valued(message: object, path: str) -> object:
    for name in path.split("."):
        message = getattr(message, name)
    return message


def field_texts(message: object, path: str, version: int) -> Iterator[str]:
    name, _, rest = path.partition(".")
    one, value = declared(type(message))[name], getattr(message, name)
    if rest:
        yield from field_texts(value, rest, version)
    elif not one.since <= version < one.until:
        return
    elif one.type in KINDS:
        yield text_of(one, value, version)
    elif one.many:
        yield str(len(value))
        for element in value:
            yield from element_texts(one, element, version)
    else:
        yield from plain_fields(value, [Fields(one.only or " ".join(declared(one.type)))], version)


def text_of(one: Declared, value: typing.Any, version: int) -> str:
    if value is None:
        return ""
    if one.type is float:
        return number_text(round(value) if version < one.whole_until else value)
    return str(int(value)) if one.type is bool else str(value)


def element_texts(one: Declared, element: object, version: int) -> Iterator[str]:
    if type(element) in KINDS:
        yield KINDS[type(element)].write(element)
        return
    for number, cls in variants(one.element).items():
        if cls is type(element):
            yield str(number)
    yield from plain_fields(element, [Fields(" ".join(declared(type(element))))], version)


class PlainReader:
    """Reads one field after the other into flat paths, and builds the message from them."""

    def __init__(self, fields: Sequence[str], version: int) -> None:
        self.fields = list(fields)
        self.version = version

    def message(self, cls: type, items: Sequence[Item]) -> object:
        made = self.record(cls, items)
        if self.fields:
            raise Malformed("#", self.fields[0], "expected")
        return made

    def record(self, cls: type, items: Sequence[Item]) -> object:
        values: dict[str, object] = {}
        self.items(cls, items, values)
        return built(cls, values, "")

    def items(self, cls: type, items: Sequence[Item], values: dict[str, object]) -> None:
        for item in items:
            if isinstance(item, Fixed):
                if item.since <= self.version < item.until:
                    self.take("(unused)")
            elif isinstance(item, Block):
                if self.version >= item.since and item.test.holds(values[item.test.path]):
                    self.items(cls, item.items, values)
            else:
                for path in names_in(item.names, self.version):
                    self.field(cls, path, "", values)

    def field(self, cls: type, path: str, prefix: str, values: dict[str, object]) -> None:
        name, _, rest = path.partition(".")
        one = declared(cls)[name]
        if rest:
            self.field(one.type, rest, f"{prefix}{name}.", values)
        elif not one.since <= self.version < one.until:
            return
        elif one.type in KINDS:
            values[prefix + name] = self.value(one)
        elif one.many:
            values[prefix + name] = self.elements(one)
        else:
            for inner in names_in(one.only or " ".join(declared(one.type)), self.version):
                self.field(one.type, inner, f"{prefix}{name}.", values)

    def value(self, one: Declared) -> object:
        if one.identity and not self.fields:
            raise NotAnIdentity(one.name)
        text = self.take(one.name)
        if one.texts and text not in one.texts:
            raise Malformed(one.name, text, "one of them")
        if text == "" and not one.identity:
            return one.default
        kind = KINDS[one.type]
        try:
            value = number_or_infinity(text) if one.infinite else kind.read(text)
        except ValueError as error:
            if one.identity:
                raise NotAnIdentity(one.name) from error
            raise Malformed(one.name, text, str(error)) from error
        return None if one.optional and value == kind.unset else value

    def elements(self, one: Declared) -> tuple[object, ...]:
        text = self.take(one.name)
        if not (text == "" or (text.isascii() and text.isdecimal() and len(text) < 10)):
            raise Malformed(one.name, text, "a count")
        if int(text or 0) > len(self.fields):
            raise Malformed(one.name, text, "a count")
        return tuple(self.element(one) for _ in range(int(text or 0)))

    def element(self, one: Declared) -> object:
        cls = one.element
        if cls in KINDS:
            text = self.take("element")
            try:
                return KINDS[cls].read(text)
            except ValueError as error:
                raise Malformed("element", text, str(error)) from error
        if variants(cls):
            text = self.take("type")
            cls = {str(number): arm for number, arm in variants(cls).items()}.get(text)
            if cls is None:
                raise Malformed("type", text, "one of them")
        return self.record(cls, [Fields(" ".join(declared(cls)))])

    def take(self, name: str) -> str:
        if not self.fields:
            raise Malformed(name, "", "present")
        return self.fields.pop(0)


def built(cls: type, values: dict[str, object], prefix: str) -> object:
    arguments: dict[str, object] = {}
    for name, one in declared(cls).items():
        path = prefix + name
        if path in values:
            arguments[name] = values[path]
        elif one.many or one.type in KINDS:
            arguments[name] = one.default
        else:
            arguments[name] = built(one.type, values, f"{path}.")
    return cls(**arguments)
