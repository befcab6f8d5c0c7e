"""JSON through a type's own model: msgspec for plain types, dataclasses, TypedDicts and structs, pydantic for its own.

Which types go here is decided in ``resolve``; nothing in this module knows about keys, values or topologies.
"""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import Any, TypeVar, get_args, get_origin, is_typeddict

import msgspec

from streams.serde.base import Fast, Serde

T = TypeVar("T")

_encode_json: Callable[[object], bytes] = msgspec.json.Encoder().encode


def _encode_int(value: int) -> bytes:
    if type(value) is int:
        return _encode_json(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return _encode_json(int(value))
    raise TypeError(f"expected an int, got {type(value).__name__}")


def _encode_float(value: float) -> bytes:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"expected a float, got {type(value).__name__}")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"JSON has no {number}; serde.float64 keeps it")
    return _encode_json(number)


def _encode_bool(value: bool) -> bytes:
    if value is True:
        return b"true"
    if value is False:
        return b"false"
    raise TypeError(f"expected a bool, got {type(value).__name__}")


integer: Serde[int] = Serde(
    encode=_encode_int, decode=msgspec.json.Decoder(int).decode, id="json:int", type=int, fast=Fast(int, _encode_json)
)
floating: Serde[float] = Serde(
    encode=_encode_float, decode=msgspec.json.Decoder(float).decode, id="json:float", type=float
)
boolean: Serde[bool] = Serde(encode=_encode_bool, decode=msgspec.json.Decoder(bool).decode, id="json:bool", type=bool)
anything: Serde[Any] = Serde(encode=_encode_json, decode=msgspec.json.Decoder().decode, id="json", type=object)
"""Any JSON value, without a model: ``serde.json``."""


def through_msgspec(python_type: Any, name: str) -> Serde[Any]:
    """JSON of a type that msgspec knows: struct, dataclass, TypedDict, container, enum, date, UUID, Decimal, ...

    Arguments:
        python_type: the type, without ``None`` in it.
        name: stable name, for the id.
    """
    decode = msgspec.json.Decoder(python_type).decode
    return _checked(python_type, _encode_json, decode, name)


def through_pydantic(python_type: Any, name: str) -> Serde[Any]:
    """JSON by pydantic: a model's own validator and serializer, or a ``TypeAdapter`` for a type made of models.

    Aliases are written, since they are what validation reads. A field whose value does not fit its type (an assignment
    that was never validated) is an error rather than a warning.
    """
    from pydantic import BaseModel, TypeAdapter

    if isinstance(python_type, type) and issubclass(python_type, BaseModel):
        serializer, decode = python_type.__pydantic_serializer__, python_type.__pydantic_validator__.validate_json
    else:
        adapter = TypeAdapter(python_type)
        serializer, decode = adapter.serializer, adapter.validator.validate_json
    encode = functools.partial(serializer.to_json, by_alias=True, warnings="error")
    return _checked(python_type, encode, decode, name)


def is_pydantic(python_type: Any) -> bool:
    """Whether pydantic has to be asked: a model or a pydantic dataclass is the type, or somewhere inside it."""
    if "pydantic" not in sys.modules:
        return False  # nobody can have made a model without importing it, and importing it is slow
    return any(hasattr(part, "__pydantic_validator__") for part in _parts(python_type))


def _parts(python_type: Any, seen: tuple[Any, ...] = ()) -> Iterator[Any]:
    if python_type in seen:
        return
    yield python_type
    yield from (part for argument in get_args(python_type) for part in _parts(argument, (*seen, python_type)))


def _checked(python_type: Any, encode: Callable[[Any], bytes], decode: Callable[[bytes], Any], name: str) -> Serde[Any]:
    """Without the check, JSON would take a value of any type, and only a later reader would find out."""
    expected = _runtime_class(python_type)
    if expected is None:
        return Serde(encode=encode, decode=decode, id=f"json:{name}", type=python_type)

    def checked(value: Any) -> bytes:
        if isinstance(value, expected):
            return encode(value)
        raise TypeError(f"expected {name}, got {type(value).__name__}")

    return Serde(encode=checked, decode=decode, id=f"json:{name}", type=python_type, fast=Fast(expected, encode))


def _runtime_class(python_type: Any) -> type | None:
    """The class that a value must be an instance of; None where the type is no class (a union, a literal)."""
    if is_typeddict(python_type) or is_typeddict(get_origin(python_type)):
        return dict
    found = get_origin(python_type) or python_type
    return found if isinstance(found, type) else None


def type_name(python_type: Any) -> str:
    """A name that is the same in every run: of a class its module and qualified name, of a generic all its parts.

    A class of the file that is being run has the file's name, so that ``python app.py`` and ``streams run app.py``
    mean the same type.
    """
    origin, arguments = get_origin(python_type), get_args(python_type)
    if origin is not None and arguments:
        head = "|" if not isinstance(origin, type) or origin.__name__ == "UnionType" else type_name(origin)
        inner = [type_name(argument) for argument in arguments]
        return "|".join(inner) if head == "|" else f"{head}[{','.join(inner)}]"
    if not isinstance(python_type, type):
        return repr(python_type)
    if python_type.__module__ == "builtins":
        return python_type.__qualname__
    module = python_type.__module__
    if module == "__main__":
        path = getattr(sys.modules["__main__"], "__file__", None)
        module = PurePath(path).stem if path else module
    return f"{module}.{python_type.__qualname__}"
