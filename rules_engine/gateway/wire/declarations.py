"""What the annotations of a message type say about its fields."""

import dataclasses
import types
import typing
from dataclasses import dataclass

from rules_engine.gateway.wire.items import VERSION_NEVER, Identity, Infinite, OneOf, Only, Since, Until, Whole
from rules_engine.gateway.wire.values import KINDS


@dataclass(frozen=True, slots=True)
class Declared:
    """One field of a dataclass as its annotation declares it."""

    name: str
    type: typing.Any  # Any: annotations are generic aliases and unions, for which typing has no common type.
    optional: bool
    since: int
    until: int
    whole_until: int
    infinite: bool
    identity: bool
    texts: tuple[str, ...]
    only: str | None
    default: object

    @property
    def plain(self) -> bool:
        """The field is one text on the wire."""
        return self.type in KINDS

    @property
    def many(self) -> bool:
        """The field is a count and its elements."""
        return typing.get_origin(self.type) is tuple

    @property
    def element(self) -> typing.Any:  # Any: as for `type`.
        """What there are many of."""
        return typing.get_args(self.type)[0]


_declarations: dict[type, dict[str, Declared]] = {}


def declared(cls: type) -> dict[str, Declared]:
    """The fields of a message type by name, in wire order."""
    if cls not in _declarations:
        hints = typing.get_type_hints(cls, include_extras=True)
        _declarations[cls] = {field.name: _declaration(field, hints[field.name]) for field in dataclasses.fields(cls)}
    return _declarations[cls]


def variants(element: typing.Any) -> dict[int, type]:  # Any: as for `type`.
    """The classes of a union by their type number; none if it is no union."""
    if typing.get_origin(element) not in (types.UnionType, typing.Union):
        return {}
    return {arm.number: arm for arm in typing.get_args(element)}


def _declaration(field: "dataclasses.Field[object]", hint: typing.Any) -> Declared:
    marks: tuple[object, ...] = ()
    if typing.get_origin(hint) is typing.Annotated:
        hint, *rest = typing.get_args(hint)
        marks = tuple(rest)
    optional = typing.get_origin(hint) in (types.UnionType, typing.Union) and type(None) in typing.get_args(hint)
    if optional:
        (hint,) = (arm for arm in typing.get_args(hint) if arm is not type(None))
    return Declared(
        name=field.name,
        type=hint,
        optional=optional,
        since=max((mark.version for mark in marks if isinstance(mark, Since)), default=0),
        until=min((mark.version for mark in marks if isinstance(mark, Until)), default=VERSION_NEVER),
        whole_until=next((mark.until for mark in marks if isinstance(mark, Whole)), 0),
        infinite=any(isinstance(mark, Infinite) for mark in marks),
        identity=any(isinstance(mark, Identity) for mark in marks),
        texts=next((mark.texts for mark in marks if isinstance(mark, OneOf)), ()),
        only=next((mark.names for mark in marks if isinstance(mark, Only)), None),
        default=_absent(hint, optional) if field.default is dataclasses.MISSING else field.default,
    )


def _absent(hint: typing.Any, optional: bool) -> object:
    """The value of a field that did not travel, or came empty."""
    if typing.get_origin(hint) is tuple:
        return ()
    return None if optional or hint not in KINDS else KINDS[hint].zero
