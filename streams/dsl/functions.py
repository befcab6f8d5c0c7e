"""Which shapes of function each operator takes; the number of required parameters chooses one, at build time.

The table is the documentation's too (docs/reference/functions.md). Types of results are ``returns``' business.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from operator import attrgetter, itemgetter
from typing import Any, TypeAlias

from streams.errors import TopologyError
from streams.on_error import ErrorPolicy, dead_letter, retry
from streams.topology.graph import at
from streams.topology.nodes import UserFunction

Shape: TypeAlias = tuple[str, ...]

OF_RECORD: tuple[Shape, ...] = (("value",), ("key", "value"), ("key", "value", "context"))

OF_ROW: tuple[Shape, ...] = (("value",), ("key", "value"))
"""Of operators on tables: a row has no context, for it is also looked up when another record arrives."""
OF_ROWS: tuple[Shape, ...] = (("left", "right"), ("key", "left", "right"))

SHAPES: dict[str, tuple[Shape, ...]] = {
    "filter": OF_RECORD,
    "filter_not": OF_RECORD,
    "branch": OF_RECORD,
    "map": OF_RECORD,
    "map_values": OF_RECORD,
    "flat_map": OF_RECORD,
    "flat_map_values": OF_RECORD,
    "select_key": OF_RECORD,
    "group_by": OF_RECORD,
    "peek": OF_RECORD,
    "for_each": OF_RECORD,
    "to": OF_RECORD,
    "reduce": (("aggregate", "value"),),
    "aggregate": (("aggregate", "value"), ("key", "aggregate", "value")),
    "initializer": ((),),
    "join": OF_ROWS,
    "left_join": OF_ROWS,
    "outer_join": OF_ROWS,
    "timestamp": (("value",),),
    "partitioner": (("topic", "key", "value", "partitions"),),
    "on_error": (("error",), ("error", "context")),
}
"""Operator (or argument) to shapes, the shortest first."""

GENERATORS_WELCOME = frozenset({"flat_map", "flat_map_values"})

_UNLIMITED = 1_000


def shape_function(
    function: object, operator: str, location: str, *, argument: str = "", shapes: tuple[Shape, ...] = ()
) -> UserFunction:
    """Choose the shape.

    The shortest shape that has as many places as the function has required parameters wins, so optional parameters do
    not count; a callable without a signature (``int``, ``itemgetter``) or with ``*args`` takes the shortest it can.

    Arguments:
        function: what the user gave.
        operator: row of ``SHAPES``.
        location: of the user's call, for the message.
        argument: name of the argument, where the call takes more than one function.
        shapes: instead of the row's.

    Raises:
        TopologyError: not callable, a coroutine or generator where results are needed at once, or no shape fits.
    """
    called = f"{operator}(...)" if not argument else f"{argument}="
    if not callable(function):
        raise TopologyError(f"{at(location)}{called} takes a function, not {_described(function)}{_hint(function)}")
    _refuse_deferred(function, operator, f"{at(location)}{called}")
    required, capacity, names = _parameters(function, f"{at(location)}{called}")
    shapes = shapes or SHAPES[operator]
    for shape in shapes:
        if required <= len(shape) <= capacity:
            return UserFunction(call=function, arguments=shape)
    accepted = " or ".join(f"({', '.join(shape)})" for shape in shapes)
    raise TopologyError(
        f"{at(location)}{called} calls its function with {accepted}; {display_name(function)}({', '.join(names)}) "
        f"{'requires' if required else 'takes'} {required or capacity or 'no'} parameter{'' if required == 1 else 's'}"
    )


def error_policy(on_error: object, location: str) -> ErrorPolicy | UserFunction | None:
    """A policy, the shape of a function that chooses one, or None where nothing was given.

    Raises:
        TopologyError: neither a policy nor a function of an exception.
    """
    if on_error is None or isinstance(on_error, ErrorPolicy):
        return on_error
    if on_error in (retry, dead_letter):
        name = getattr(on_error, "__name__", "")
        raise TopologyError(
            f"{at(location)}on_error={name}: call it, {name}({'topic' if name == 'dead_letter' else ''})"
        )
    if not callable(on_error):
        raise TopologyError(
            f"{at(location)}on_error= takes fail, skip, retry(...), dead_letter('topic') or a function of the "
            f"exception that returns one of them, not {_described(on_error)}"
        )
    return shape_function(on_error, "on_error", location, argument="on_error")


def timestamp_function(timestamp: object, value_type: object, location: str) -> UserFunction:
    """The function of the value that gives the event time: a field by name, or the user's own.

    Raises:
        TopologyError: the type has no such field, or it is no function of one parameter.
    """
    if not isinstance(timestamp, str):
        return shape_function(timestamp, "timestamp", location, argument="stream(timestamp)")
    fields = _fields(value_type)
    if fields is not None and timestamp not in fields:
        raise TopologyError(
            f"{at(location)}stream(timestamp={timestamp!r}): {getattr(value_type, '__name__', value_type)} has no such "
            f"field; it has {', '.join(fields)}"
        )
    by_item = typing.is_typeddict(value_type) or (typing.get_origin(value_type) or value_type) is dict
    getter = itemgetter(timestamp) if by_item else attrgetter(timestamp)
    return UserFunction(call=getter, arguments=("value",))


def _fields(value_type: object) -> tuple[str, ...] | None:
    """Names of a model's fields, or None for a type without declared fields."""
    if not isinstance(value_type, type) or value_type.__module__ == "builtins":
        return None
    names = [name for base in reversed(value_type.__mro__) for name in getattr(base, "__annotations__", {})]
    return tuple(dict.fromkeys(name for name in names if not name.startswith("_"))) or None


def display_name(function: object) -> str:
    """As a user would call it in conversation."""
    name = str(getattr(function, "__qualname__", type(function).__qualname__))
    return "lambda" if name.endswith("<lambda>") else name


def _parameters(function: Callable[..., Any], called: str) -> tuple[int, int, list[str]]:
    """Required positional parameters, how many it can take, and their names."""
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):
        return 0, _UNLIMITED, ["..."]
    required = capacity = 0
    names: list[str] = []
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            capacity = _UNLIMITED
            names.append(f"*{parameter.name}")
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            capacity += 1
            required += parameter.default is parameter.empty
            names.append(parameter.name)
        elif parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty:
            raise TopologyError(
                f"{called} cannot give {display_name(function)} its keyword-only parameter {parameter.name!r}; "
                f"bind it first: functools.partial({display_name(function)}, {parameter.name}=...)"
            )
    return required, capacity, names


def _refuse_deferred(function: Callable[..., Any], operator: str, called: str) -> None:
    body = function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004
    if inspect.iscoroutinefunction(body) or inspect.isasyncgenfunction(body):
        raise TopologyError(
            f"{called} calls its function and uses the result at once; {display_name(function)} is async. "
            "Write it as a plain function"
        )
    if operator not in GENERATORS_WELCOME and inspect.isgeneratorfunction(body):
        raise TopologyError(
            f"{called} needs a result, but {display_name(function)} is a generator (it has a yield). Return the "
            "result, or use flat_map_values(...) for many results"
        )


def _described(thing: object) -> str:
    return "None" if thing is None else f"{thing!r} ({type(thing).__name__})"


def _hint(thing: object) -> str:
    if thing is None:
        return ": pass the function itself, without calling it"
    if isinstance(thing, str):
        return ": for a field of the value, write lambda value: value." + (thing if thing.isidentifier() else "field")
    return ""
