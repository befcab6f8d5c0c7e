"""What a message class looks like in one version: its fields in wire order, with their types and defaults.

Owns the reading of annotations (``Field``, the primitive aliases, nested classes, tuples). Produces no bytes:
``generate`` turns a layout into a reader and a writer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, TypeAlias, Union, get_args, get_origin, get_type_hints

import msgspec

from broker_core.protocol.primitives import Primitive

NEWEST: Final = 32_767


class Struct(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base of every message class: an immutable value with keyword-only fields.

    Not a dataclass, because both the 150 classes at import and the values on the wire's path are made in a tenth of
    the time. ``msgspec.structs.replace`` copies one with changes. Messages hold no cycles, so the collector need not
    look at them.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """In which versions a field exists, and how; absent for a field that is plain in every version.

    Arguments:
        since, until: first and last version with the field (both inclusive).
        nullable: first version in which it may be null (the annotation must then admit ``None``).
        tag: number of a tagged field (KIP-482); written only when it differs from the default.
        ignorable: dropped silently in versions without the field. Otherwise a value other than the default
            cannot be sent there: that is an error, as in Kafka.
    """

    since: int = 0
    until: int = NEWEST
    nullable: int | None = None
    tag: int | None = None
    ignorable: bool = False


@dataclass(frozen=True, slots=True)
class ArrayOf:
    """A sequence; a tuple in Python."""

    item: Type


@dataclass(frozen=True, slots=True)
class StructOf:
    """A nested message class."""

    cls: type[Struct]


Type: TypeAlias = Primitive | ArrayOf | StructOf


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One field of one class in one version."""

    name: str
    type: Type
    default: Any
    present: bool
    nullable: bool
    tag: int | None
    ignorable: bool


@cache
def layout(cls: type[Struct], version: int) -> tuple[Slot, ...]:
    """The fields of ``cls`` at ``version`` in declaration order, absent ones included (they have defaults)."""
    hints = get_type_hints(cls, include_extras=True)
    return tuple(
        _slot(member.name, hints[member.name], member.default, version) for member in msgspec.structs.fields(cls)
    )


def _slot(name: str, hint: Any, default: Any, version: int) -> Slot:
    field = Field()
    for note in getattr(hint, "__metadata__", ()):
        if isinstance(note, Field):
            field = note
    return Slot(
        name=name,
        type=_type(hint),
        default=default,
        present=field.since <= version <= field.until,
        nullable=field.nullable is not None and version >= field.nullable,
        tag=field.tag,
        ignorable=field.ignorable,
    )


def _type(hint: Any) -> Type:
    origin = get_origin(hint)
    if origin is Annotated:
        for note in hint.__metadata__:
            if isinstance(note, Primitive):
                return note
        return _type(get_args(hint)[0])
    if origin is Union or origin is UnionType:
        (inner,) = (choice for choice in get_args(hint) if choice is not NoneType)
        return _type(inner)
    if origin is tuple:
        return ArrayOf(_type(get_args(hint)[0]))
    if isinstance(hint, type) and issubclass(hint, Struct):
        return StructOf(hint)
    raise TypeError(f"{hint!r} is no wire type")


def smallest_size(kind: Type, version: int, flexible: bool, nullable: bool = False) -> int:
    """The fewest bytes a value can take; what an announced array length is checked against."""
    if isinstance(kind, StructOf) and not nullable:
        inner: int = sum(
            smallest_size(slot.type, version, flexible, slot.nullable)
            for slot in layout(kind.cls, version)
            if slot.present and slot.tag is None
        )
        return inner + (1 if flexible else 0)
    if isinstance(kind, StructOf):
        return 1
    if isinstance(kind, ArrayOf):
        return 1 if flexible else 4
    widths = {"?": 1, "b": 1, "h": 2, "H": 2, "i": 4, "I": 4, "q": 8, "d": 8, "16s": 16}
    if kind.format:
        return widths[kind.format]
    if flexible:
        return 1
    return 2 if kind.name == "string" else 4
