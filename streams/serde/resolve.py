"""From what a user writes (a type, or a serde) to a serde; the one place that says which format a type has.

Knows nothing about where the type was written: its errors say what is wrong with the type, callers add the place.
"""

from __future__ import annotations

import types
from typing import Any, TypeVar, Union, get_args, get_origin

import msgspec

from streams.errors import SerdeError
from streams.serde import models, plain
from streams.serde.base import Serde

_DIRECT: dict[Any, Serde[Any]] = {
    str: plain.utf8,
    bytes: plain.raw,
    int: models.integer,
    float: models.floating,
    bool: models.boolean,
}


def resolve(kind: Any) -> Serde[Any]:
    """The serde of a type, or the serde itself.

    ``str`` is UTF-8, ``bytes`` raw, everything else JSON through its own model: pydantic models by pydantic, msgspec
    structs, dataclasses, TypedDicts, enums, containers and plain values by msgspec. ``X | None`` is X: null is null on
    the wire.

    Raises:
        SerdeError: it is no type, or a type that has no format; says what to write instead.
    """
    if isinstance(kind, Serde):
        return kind
    refusal = _no_type(kind)
    if refusal:
        raise SerdeError(refusal)
    kind = _without_none(kind)
    direct = _DIRECT.get(kind) if _is_hashable(kind) else None
    if direct is not None:
        return direct
    name = models.type_name(kind)
    if models.is_pydantic(kind):
        try:
            return models.through_pydantic(kind, name)
        except Exception as error:  # pydantic's many schema errors have no common base
            raise SerdeError(f"pydantic cannot handle {name}: {error}") from error
    try:
        _refuse_unknown_classes(msgspec.inspect.type_info(kind), name)
        return models.through_msgspec(kind, name)
    except (TypeError, ValueError, NameError) as error:
        if isinstance(error, SerdeError):
            raise
        raise SerdeError(f"there is no format for {name}: {error}") from error


def _no_type(kind: Any) -> str | None:
    if kind is None or kind is type(None):
        return "None is no type: null needs no serde"
    if kind is Any or kind is object or isinstance(kind, TypeVar):
        return (
            f"{models.type_name(kind)} says nothing about the bytes; write the type, or serde.json for any JSON value"
        )
    if isinstance(kind, str):
        proposal = f"; write {kind} without the quotes" if kind.isidentifier() else ""
        return f"{kind!r} is a string, not a type{proposal}"
    if isinstance(kind, type) or get_origin(kind) is not None:
        return None
    if isinstance(kind, types.ModuleType):
        return f"{kind.__name__} is a module, not a type"
    if type(kind).__module__ == "typing" or isinstance(kind, types.UnionType):
        return None
    if isinstance(kind, dict | list | tuple | int | float | bytes) or not callable(kind):
        return f"{kind!r} is a value of type {type(kind).__name__}, not a type; write {type(kind).__name__}"
    return (
        f"{getattr(kind, '__name__', kind)!r} is a function, not a type; "
        "serde.of(encode, decode) makes a serde of two functions"
    )


def _without_none(kind: Any) -> Any:
    if get_origin(kind) not in (Union, types.UnionType):
        return kind
    remaining = tuple(part for part in get_args(kind) if part is not type(None))
    return Union[remaining]  # noqa: UP007  (built at run time from a tuple)


def _is_hashable(kind: Any) -> bool:
    try:
        hash(kind)
    except TypeError:
        return False
    return True


def _refuse_unknown_classes(info: Any, name: str, seen: tuple[type, ...] = ()) -> None:
    """msgspec takes a class that it does not know until the first value arrives; the build is the time to say so."""
    if isinstance(info, msgspec.inspect.CustomType):
        inner = models.type_name(info.cls)
        if info.cls is object:
            raise SerdeError(f"object inside {name} says nothing about the bytes; write typing.Any for any JSON value")
        where = "" if inner == name else f" (inside {name})"
        raise SerdeError(
            f"there is no format for {inner}{where}: it is no dataclass, TypedDict, msgspec.Struct or pydantic model. "
            f"Make it one, for example with @dataclass, or give serde.of(encode, decode)"
        )
    cls = getattr(info, "cls", None)
    if cls is not None:
        if cls in seen:
            return
        seen = (*seen, cls)
    for field in getattr(info, "__struct_fields__", ()):
        part = getattr(info, field)
        for item in part if isinstance(part, tuple) else (part,):
            if isinstance(item, msgspec.inspect.Field):
                _refuse_unknown_classes(item.type, name, seen)
            elif isinstance(item, msgspec.inspect.Type):
                _refuse_unknown_classes(item, name, seen)
