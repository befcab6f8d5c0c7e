"""What a function returns, as far as that is written down: return annotations, classes, and a few built-in functions.

Nothing is guessed from a body or from a type checker: lambdas return None here, which means "not known".
"""

from __future__ import annotations

import collections.abc
import functools
import inspect
import types
import typing
from typing import Any, TypeVar, Union, get_args, get_origin

UNKNOWN: Any = None

_BUILTINS: dict[Any, Any] = {
    len: int, abs: UNKNOWN, ord: int, chr: str, repr: str, hash: int,
    str.upper: str, str.lower: str, str.casefold: str, str.title: str, str.capitalize: str, str.swapcase: str,
    str.strip: str, str.lstrip: str, str.rstrip: str, str.format: str,
    str.split: list[str], str.rsplit: list[str], str.splitlines: list[str], str.encode: bytes,
    str.isalpha: bool, str.isdigit: bool, str.isalnum: bool, str.isspace: bool,
    bytes.decode: str, bytes.hex: str, bytes.upper: bytes, bytes.lower: bytes, bytes.strip: bytes,
    bytes.split: list[bytes], bytes.splitlines: list[bytes],
}  # fmt: skip
"""Functions written in C have no annotations; these are the ones that topologies use bare."""


def returned(function: Any) -> Any:
    """The declared type of the result, or ``UNKNOWN``.

    A class called as a function returns its own instances. An annotation that says nothing (``Any``, ``object``, a type
    variable, ``None``) counts as none, and so does one whose names cannot be found.
    """
    if isinstance(function, functools.partial):
        return returned(function.func)
    if isinstance(function, type) or get_origin(function) is not None:
        return function if function is not type else UNKNOWN
    if isinstance(function, types.BuiltinFunctionType | types.MethodDescriptorType | types.WrapperDescriptorType):
        return _BUILTINS.get(function)
    target = function if inspect.isroutine(function) else getattr(type(function), "__call__", function)  # noqa: B004
    try:
        annotation = typing.get_type_hints(inspect.unwrap(target)).get("return")
    except (NameError, TypeError, AttributeError, ValueError):
        return UNKNOWN
    return _meaningful(annotation)


def element_of(iterable: Any) -> Any:
    """The type of what an iterable yields: ``list[str]`` gives ``str``."""
    iterable = _without_none(iterable)
    if iterable is str:
        return str
    origin, arguments = get_origin(iterable), get_args(iterable)
    if not arguments or not isinstance(origin, type):
        return UNKNOWN
    if origin is tuple:
        kinds = [kind for kind in arguments if kind is not Ellipsis]
        return _meaningful(kinds[0]) if len(set(map(str, kinds))) == 1 else UNKNOWN
    if issubclass(origin, collections.abc.Iterable):
        return _meaningful(arguments[0])
    return UNKNOWN


def pair_of(pair: Any) -> tuple[Any, Any]:
    """Key and value type of an annotated ``tuple[K, V]``."""
    pair = _without_none(pair)
    arguments = get_args(pair)
    if get_origin(pair) is tuple and len(arguments) == 2 and Ellipsis not in arguments:
        return _meaningful(arguments[0]), _meaningful(arguments[1])
    return UNKNOWN, UNKNOWN


def _meaningful(annotation: Any) -> Any:
    if annotation in (None, type(None), Any, object, typing.NoReturn) or isinstance(annotation, TypeVar):
        return UNKNOWN
    return annotation


def _without_none(kind: Any) -> Any:
    if get_origin(kind) not in (Union, types.UnionType):
        return kind
    rest = [part for part in get_args(kind) if part is not type(None)]
    return rest[0] if len(rest) == 1 else kind
