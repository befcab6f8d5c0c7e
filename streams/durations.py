"""Lengths of time as users write them, in milliseconds. Points in time are not lengths and do not live here."""

from __future__ import annotations

import re
from datetime import timedelta

from streams.errors import ConfigError

_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_TEXT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)\s*")


def duration_ms(duration: object, what: str = "duration") -> int:
    """Milliseconds of a ``timedelta`` or of a text such as ``"10s"``, ``"500ms"``, ``"1.5h"``, ``"7d"``.

    Arguments:
        duration: what the user gave; bare numbers are refused, since nobody can see their unit.
        what: name of the argument, for the message.

    Raises:
        ConfigError: neither of the two, negative, or no whole number of milliseconds.
    """
    if isinstance(duration, timedelta):
        milliseconds = duration / timedelta(milliseconds=1)
    elif isinstance(duration, str) and (found := _TEXT.fullmatch(duration)):
        milliseconds = float(found[1]) * _UNITS_MS[found[2]]
    else:
        hint = f"; write '{duration}ms' or '{duration}s'" if isinstance(duration, int | float) else ""
        raise ConfigError(
            f"{what}={duration!r} is no duration: a timedelta, or a text such as '500ms', '10s', '1h'{hint}"
        )
    if milliseconds < 0 or abs(milliseconds - round(milliseconds)) > 1e-6:
        raise ConfigError(f"{what}={duration!r} is negative or no whole number of milliseconds")
    return round(milliseconds)


def duration_text(milliseconds: int) -> str:
    """The shortest text that ``duration_ms`` reads as this: ``"10s"``, ``"1500ms"``, ``"1h"``."""
    for unit in ("d", "h", "min", "s"):
        if milliseconds and milliseconds % _UNITS_MS[unit] == 0:
            return f"{milliseconds // _UNITS_MS[unit]}{unit}"
    return f"{milliseconds}ms"
