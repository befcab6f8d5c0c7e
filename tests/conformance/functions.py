"""The functions of the neutral form (``{"fn": name, ...}``) as Python functions; each does what its name says.

One table per role. Nothing here knows topologies. An unknown name is ``NotImplementedError``.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

Spec = dict[str, Any]
Function = Callable[..., Any]


def text(value: object) -> str:
    """As the neutral form prints it."""
    return "null" if value is None else str(value)


def filled(template: str, **parts: object) -> str:
    """``template`` with every ``{name}`` replaced, in one pass, so that values with braces stay as they are."""
    for name, value in parts.items():
        template = template.replace(f"{{{name}}}", f"\0{name}\0")
    for name, value in parts.items():
        template = template.replace(f"\0{name}\0", text(value))
    return template


def _unknown(spec: Spec, role: str) -> NotImplementedError:
    return NotImplementedError(f"{role} {spec.get('fn', spec)!r}")


def mapper(spec: Spec) -> Function:
    """``(key, value) -> value``: for map_values, select_key and group_by of a stream, and foreign keys."""
    match spec.get("fn"):
        case "template":
            return lambda key, value: filled(spec["template"], k=key, v=value)
        case "key":
            return lambda key, value: key
        case "value" | "identity":
            return lambda key, value: value
        case "null":
            return lambda key, value: None
        case "split-value":
            return lambda key, value: _part(value, spec)
        case "to-int":
            return lambda key, value: None if value is None else int(value)
        case "to-string":
            return lambda key, value: None if value is None else str(value)
        case "length":
            return lambda key, value: None if value is None else len(value)
        case "counter":
            calls = count(1)
            return lambda key, value: next(calls)
        case "first-char-minus":
            return lambda key, value: ord(value[0]) - ord(spec["char"])
    raise _unknown(spec, "mapper")


def _part(value: Any, spec: Spec) -> Any:
    parts = [] if value is None else str(value).split(spec["sep"])
    found = parts[spec["index"]] if spec["index"] < len(parts) else None
    if found is None or found == spec.get("null_if"):
        return None
    return int(found) if spec.get("as") == "int" else found


def record_mapper(spec: Spec) -> Function:
    """``(key, value) -> (key, value)``: for map."""
    match spec.get("fn"):
        case "identity":
            return lambda key, value: (key, value)
        case "key-letter-index":
            return lambda key, value: (ord(key[0]) - ord("A"), value)
        case "swap":
            return lambda key, value: (value, key)
        case "value-as-key":
            return lambda key, value: (value, value)
    raise _unknown(spec, "mapper of map")


def records_mapper(spec: Spec) -> Function:
    """``(key, value) -> [(key, value), ...]``: for flat_map."""
    match spec.get("fn"):
        case "identity":
            return lambda key, value: [(key, value)]
        case "repeat-by-key":
            return lambda key, value: [(str(10 * key + i), value) for i in range(key)]
    raise _unknown(spec, "mapper of flat_map")


def values_mapper(spec: Spec) -> Function:
    """``(key, value) -> [value, ...]``: for flat_map_values."""
    if "templates" in spec:
        return lambda key, value: [filled(template, k=key, v=value) for template in spec["templates"]]
    if spec.get("fn") == "identity":
        return lambda key, value: [value]
    raise _unknown(spec, "mapper of flat_map_values")


def row_mapper(spec: Spec) -> Function:
    """``(key, value) -> (group key, value)`` or None for no group: for group_by of a table."""
    match spec.get("fn"):
        case "identity":
            return lambda key, value: (key, value)
        case "value-as-key":
            return lambda key, value: (value, value)
        case "swap":
            return lambda key, value: (value, key)
        case "key-chars":
            return lambda key, value: (key[0], key[1])
        case "drop-keys-null":
            return lambda key, value: None if key == "NULL" else (None if key == "null" else value, value)
        case "truncate-value":
            return lambda key, value: (key, int(str(value).split(".")[0]))
    raise _unknown(spec, "mapper of a table's group_by")


def predicate(spec: Spec) -> Function:
    """``(key, value) -> bool``."""
    match spec.get("fn"):
        case "value-even":
            return lambda key, value: value is not None and int(value) % 2 == 0
        case "value-equals-ignore-case":
            return lambda key, value: value is not None and value.lower() == spec["arg"].lower()
        case "key-divisible-by":
            return lambda key, value: key % spec["arg"] == 0
        case "key-negative":
            return lambda key, value: key < 0
    raise _unknown(spec, "predicate")


def joiner(spec: Spec) -> Function:
    """``(left, right) -> value``."""
    match spec.get("fn"):
        case "concat":
            return lambda left, right: text(left) + spec["sep"] + text(right)
        case "template":
            return lambda left, right: filled(spec["template"], l=left, r=right)
    raise _unknown(spec, "joiner")


def combiner(spec: Spec) -> Function:
    """``(aggregate, value) -> aggregate``: adder, reducer, subtractor, merger."""
    match spec.get("fn"):
        case "concat":
            return lambda aggregate, value: text(aggregate) + spec["sep"] + text(value)
        case "sum":
            return lambda aggregate, value: int(aggregate) + int(value)
        case "subtract":
            return lambda aggregate, value: int(aggregate) - int(value)
        case "remove-substring":
            return lambda aggregate, value: text(aggregate).replace(text(value), "")
    raise _unknown(spec, "adder")


def topic_of(template: str) -> Function:
    """``(key, value, context) -> topic``: where a record goes."""
    return lambda key, value, context: filled(template, topic=context.topic, k=key, v0=text(value)[0])
