"""What to say when a serde refuses: whose fault it is and what to write instead.

Serdes are C functions wherever possible and raise what those raise; the explanation is made here, off the hot path.
"""

from __future__ import annotations

from typing import Any, TypeVar

from streams.errors import SerdeError
from streams.serde.base import Serde
from streams.serde.models import type_name
from streams.serde.resolve import resolve

T = TypeVar("T")

MAX_SHOWN_BYTES = 60


def encode(serde: Serde[T], value: T | None, part: str = "value") -> bytes | None:
    """Bytes of a value, None for None.

    Raises:
        SerdeError: it does not fit; explained.
    """
    try:
        return None if value is None else serde.encode(value)
    except Exception as error:
        raise SerdeError(encoding_problem(serde, value, error, part)) from error


def decode(serde: Serde[T], data: bytes | None, part: str = "value") -> T | None:
    """The value of bytes, None for None.

    Raises:
        SerdeError: they are of another format; explained.
    """
    try:
        return None if data is None else serde.decode(data)
    except Exception as error:
        raise SerdeError(decoding_problem(serde, data, error, part)) from error


def encoding_problem(serde: Serde[Any], value: object, error: Exception, part: str) -> str:
    """Why this value cannot be written as the declared type, and the fix.

    Arguments:
        part: ``key`` or ``value``: the argument that declares the type.
    """
    declared = declared_as(serde)
    shown = f"the {part} {value!r:.{MAX_SHOWN_BYTES}} is of type {type_name(type(value))}, "
    if _of_declared_type(serde, value):
        return f"{shown}which {declared} takes, but not this one: {error}"
    try:
        resolve(type(value))
        fix = f"Declare {part}={short_name(type(value))}, or return {_article(declared)}"
    except SerdeError:
        fix = f"Return {_article(declared)}"
    return f"{shown}but {part}={declared} is declared. {fix} where it is made ({type(error).__name__}: {error})"


def decoding_problem(serde: Serde[Any], data: bytes | None, error: Exception, part: str) -> str:
    """Why these bytes are not of the declared type, and which type they may be of.

    Arguments:
        part: ``key`` or ``value``: the argument that declares the type.
    """
    assert data is not None, "null is never decoded"
    shown = f"{data[:MAX_SHOWN_BYTES]!r}{' ...' if len(data) > MAX_SHOWN_BYTES else ''}"
    size = "1 byte is" if len(data) == 1 else f"{len(data)} bytes are"
    return (
        f"the {part}'s {size} not {part}={declared_as(serde)}: {shown} "
        f"({type(error).__name__}: {error}). {_other_type(serde, data, part)}"
    )


def record_problem(timestamp: object, headers: Any) -> str | None:
    """What is wrong with a record's timestamp or headers, which no serde looks at; None if nothing is."""
    if not isinstance(timestamp, int) or not 0 <= timestamp < 2**63:
        return f"the timestamp {timestamp!r:.{MAX_SHOWN_BYTES}} is no number of milliseconds since the epoch"
    try:
        fits = all(isinstance(name, str) and (value is None or isinstance(value, bytes)) for name, value in headers)
    except (TypeError, ValueError):
        fits = False
    return None if fits else f"the headers {headers!r:.{MAX_SHOWN_BYTES}} are no pairs of str and bytes (or None)"


def declared_as(serde: Serde[Any]) -> str:
    """The serde as a user would write it in an argument."""
    if serde.id in ("int16", "int32", "int64", "float32", "float64", "uuid"):
        return f"serde.{serde.id}"
    if serde.id.startswith("ordered:"):
        return f"serde.ordered({short_name(serde.type)})"
    if serde.id == "json":
        return "serde.json"
    return short_name(serde.type) if serde.type is not None else serde.id


def short_name(kind: object) -> str:
    """A type as it would be written where its name is imported: ``list[Bid]``."""
    if isinstance(kind, type) and not getattr(kind, "__args__", None):
        return kind.__name__
    arguments = getattr(kind, "__args__", ())
    origin = getattr(kind, "__origin__", None)
    if isinstance(origin, type) and arguments:
        return f"{origin.__name__}[{', '.join(short_name(argument) for argument in arguments)}]"
    if arguments:
        return " | ".join(short_name(argument) for argument in arguments)
    return "..." if kind is Ellipsis else getattr(kind, "__name__", repr(kind))


def _of_declared_type(serde: Serde[Any], value: object) -> bool:
    kind = getattr(serde.type, "__origin__", serde.type)
    return isinstance(kind, type) and isinstance(value, kind) and not (kind is int and isinstance(value, bool))


def _article(declared: str) -> str:
    name = declared.removeprefix("serde.")
    if name == "bytes":
        return name
    return f"{'an' if name[:1] in 'aeiou' else 'a'} {name}"


_WIDTHS = {
    int: {2: "serde.int16", 4: "serde.int32", 8: "serde.int64"},
    float: {4: "serde.float32", 8: "serde.float64"},
}


def _other_type(serde: Serde[Any], data: bytes, part: str) -> str:
    """The likeliest mistake: a producer that writes Kafka's binary numbers, or text where JSON is expected."""
    binary = _WIDTHS.get(serde.type, {}).get(len(data)) if isinstance(serde.type, type) else None
    if binary is not None and serde.id.startswith("json:"):
        return f"If another client wrote a binary number, declare {part}={binary}"
    if serde.id in ("int32", "int64") and len(data) in (4, 8):
        return f"By its length it could be {part}=serde.{'int32' if len(data) == 4 else 'int64'}"
    if serde.id in ("int16", "int32", "int64", "float32", "float64") and _is_number_text(data):
        return f"It looks like the text of a number: declare {part}={short_name(serde.type)}"
    if serde.id.startswith("json") and _is_text(data):
        return f"If it is plain text, declare {part}=str; if it is JSON of another shape, declare its type"
    return f"Declare the type that the producer writes; {part}=bytes takes everything as it is"


def _is_text(data: bytes) -> bool:
    try:
        return data.decode().isprintable()
    except UnicodeDecodeError:
        return False


def _is_number_text(data: bytes) -> bool:
    try:
        float(data)
    except ValueError:
        return False
    return True
