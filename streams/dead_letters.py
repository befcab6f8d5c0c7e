"""What a dead letter looks like: the headers that say where a record came from and what it failed on.

The record itself keeps its key, value, timestamp and headers. Names and forms of the first six headers are those of
Kafka Streams (KIP-1034), so that tools for its dead letters read ours; the others are ours. Writer and reader are
twins; who writes is ``codegen.recovery``, who reads ``cli.dlq``. Format: docs/formats/dead_letters.md.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Final

from streams.model import Headers
from streams.on_error import ErrorContext

PREFIX: Final = "__streams.errors."
EXCEPTION: Final = f"{PREFIX}exception"
MESSAGE: Final = f"{PREFIX}message"
STACKTRACE: Final = f"{PREFIX}stacktrace"
TOPIC: Final = f"{PREFIX}topic"
PARTITION: Final = f"{PREFIX}partition"
OFFSET: Final = f"{PREFIX}offset"
OPERATOR: Final = f"{PREFIX}operator"
APPLICATION: Final = f"{PREFIX}application.id"

MAX_TRACE_CHARACTERS: Final = 16_384
"""A trace of deep recursion must not make the dead letter too large to be written; its end says most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a dead letter came from and what happened there.

    ``topic`` is empty and ``partition`` and ``offset`` are -1 for a change that a record cache sent on, which no single
    record caused.
    """

    topic: str
    partition: int
    offset: int
    operator: str
    application_id: str
    exception: str
    message: str


def dead_letter_headers(context: ErrorContext, error: BaseException, application_id: str) -> Headers:
    """The record's own headers and those of the error."""
    trace = "".join(traceback.format_exception(error))[-MAX_TRACE_CHARACTERS:]
    return (
        *own_headers(context.headers),
        (EXCEPTION, _text(f"{_class_name(error)}: {error}")),
        (MESSAGE, _text(str(error))),
        (STACKTRACE, _text(trace)),
        (TOPIC, _text(context.topic)),
        (PARTITION, _text(str(context.partition))),
        (OFFSET, _text(str(context.offset))),
        (OPERATOR, _text(context.operator)),
        (APPLICATION, _text(application_id)),
    )


def own_headers(headers: Headers) -> Headers:
    """The headers that the record had before it failed; also of a dead letter that fails again after a redrive."""
    return tuple(header for header in headers if not header[0].startswith(PREFIX))


def origin_of(headers: Headers) -> Origin | None:
    """Where a dead letter came from; None for a record that is none, or whose headers somebody has changed."""
    found = {name: (value or b"").decode(errors="replace") for name, value in headers if name.startswith(PREFIX)}
    try:
        return Origin(
            topic=found[TOPIC],
            partition=int(found[PARTITION]),
            offset=int(found[OFFSET]),
            operator=found.get(OPERATOR, ""),
            application_id=found.get(APPLICATION, ""),
            exception=found[EXCEPTION],
            message=found.get(MESSAGE, ""),
        )
    except (KeyError, ValueError):
        return None


def _class_name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _text(text: str) -> bytes:
    return text.encode(errors="replace")
