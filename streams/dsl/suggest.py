"""What a function without annotation seems to return: for error messages only, never for choosing a serde.

So that a message can show ``key=str`` rather than ``key=<type>``. Reads the few byte codes of the simplest functions
(the parameter itself, one of its fields, a constant, a call of one class) and gives up on everything else.
"""

from __future__ import annotations

import builtins
import dis
import itertools
import types
import typing
from typing import Any

from streams.dsl import returns
from streams.dsl.flow import Flow
from streams.serde.explain import short_name
from streams.topology.nodes import UserFunction

_SKIPPED = ("RESUME", "PUSH_NULL", "PRECALL", "COPY_FREE_VARS", "CACHE", "NOT_TAKEN")
_CONTAINERS = {"BUILD_LIST": "list", "BUILD_MAP": "dict", "BUILD_TUPLE": "tuple", "BUILD_STRING": "str"}


def suggested(function: UserFunction, key: Flow, value: Flow, *, each: bool = False) -> str:
    """A type as it would be written in an argument, or ``""``.

    Arguments:
        key, value: what is known of the record that the function gets.
        each: the type of one element of the result is wanted.
    """
    code = getattr(function.call, "__code__", None)
    if not isinstance(code, types.CodeType):
        return ""
    known: dict[str, Any] = {}
    for name, role in zip(code.co_varnames, function.arguments, strict=False):
        flow = {"key": key, "value": value}.get(role)
        if flow is not None and flow.serde is not None:
            known[name] = flow.serde.type
    found = _result(code, known, getattr(function.call, "__globals__", {}))
    if each:
        found = returns.element_of(found)
    return "" if found is None else short_name(found)


def _result(code: types.CodeType, known: dict[str, Any], namespace: dict[str, Any]) -> Any:
    steps = [step for step in dis.get_instructions(code) if step.opname not in _SKIPPED]
    if not steps or not steps[-1].opname.startswith("RETURN"):
        return None
    if steps[-1].opname == "RETURN_CONST":
        return _type_of(steps[-1].argval) if len(steps) == 1 else None
    names = [step.opname for step in steps[:-1]]
    first = steps[0]
    if len(names) == 1 and names[0] in ("LOAD_CONST", "LOAD_SMALL_INT"):
        return _type_of(first.argval)
    if len(names) == 1 and names[0] in _CONTAINERS:
        return getattr(builtins, _CONTAINERS[names[0]])
    if names[0].startswith("LOAD_FAST"):
        return _of_parameter(steps[1:-1], known.get(first.argval))
    if names[0] == "LOAD_GLOBAL" and names[-1].startswith("CALL"):
        called = namespace.get(first.argval, getattr(builtins, str(first.argval), None))
        return returns.returned(called) if called is not None else None
    return None


def _of_parameter(steps: list[dis.Instruction], found: Any) -> Any:
    """Follow attributes, and at the end a method that is called with constants, from the type of a parameter."""
    attributes = list(itertools.takewhile(lambda step: step.opname in ("LOAD_ATTR", "LOAD_METHOD"), steps))
    rest = steps[len(attributes) :]
    method = attributes.pop() if rest and attributes else None
    for step in attributes:
        try:
            found = typing.get_type_hints(found).get(str(step.argval))
        except (NameError, TypeError):
            return None
    if not rest:
        return found
    if method is None or found is None or [step.opname for step in rest[:-1]] != ["LOAD_CONST"] * (len(rest) - 1):
        return None
    return returns.returned(getattr(found, str(method.argval), None)) if rest[-1].opname.startswith("CALL") else None


def _type_of(constant: object) -> type | None:
    return None if constant is None else type(constant)
