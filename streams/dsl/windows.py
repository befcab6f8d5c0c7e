"""``tumbling``, ``hopping`` and ``unlimited``: windows as users write them, checked where they are written.

The arithmetic is ``streams.windows``'; an aggregation over windows is ``windowed``'s.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TypeAlias

from streams.dsl.builder import caller
from streams.durations import duration_ms, duration_text
from streams.errors import ConfigError, TopologyError
from streams.topology.graph import at
from streams.windows import TimeWindows, UnlimitedWindows

Duration: TypeAlias = timedelta | str


def tumbling(size: Duration, *, grace: Duration | None = None) -> TimeWindows:
    """Windows side by side: each record is in exactly one.

    Arguments:
        size: ``"10s"`` gives [0, 10 s), [10 s, 20 s), ... since the epoch.
        grace: how long after its end, in stream time, a window still takes late records; default: not at all.

    Raises:
        TopologyError: no durations, or a size of 0.
    """
    location = caller()
    size_ms = _duration("tumbling", "size", size, location)
    grace_ms = _grace("tumbling", grace, location)
    return TimeWindows(size_ms=size_ms, advance_ms=size_ms, grace_ms=grace_ms)


def hopping(size: Duration, advance: Duration, *, grace: Duration | None = None) -> TimeWindows:
    """Windows that overlap: one of ``size`` starts every ``advance``, so that a record is in several.

    Arguments:
        size, advance: ``hopping("10s", advance="2s")`` gives [0, 10 s), [2 s, 12 s), ...; a record is in five of them.
        grace: as for ``tumbling``.

    Raises:
        TopologyError: no durations, a size or an advance of 0, or an advance longer than the size.
    """
    location = caller()
    size_ms = _duration("hopping", "size", size, location)
    advance_ms = _duration("hopping", "advance", advance, location)
    grace_ms = _grace("hopping", grace, location)
    if advance_ms > size_ms:
        raise TopologyError(
            f"{at(location)}hopping(size={size!r}, advance={advance!r}): windows that advance by more than their size "
            f"leave gaps, and records in a gap would be lost; give advance={duration_text(size_ms)!r} or less"
        )
    return TimeWindows(size_ms=size_ms, advance_ms=advance_ms, grace_ms=grace_ms)


def unlimited(start: int = 0) -> UnlimitedWindows:
    """One window with every record from ``start`` (epoch milliseconds) on; earlier records are in none.

    Raises:
        TopologyError: no whole number, or negative.
    """
    if isinstance(start, bool) or not isinstance(start, int) or start < 0:
        raise TopologyError(
            f"{at(caller())}unlimited(start={start!r}): a point in time is a whole number of milliseconds since the "
            "epoch, from 0 on"
        )
    return UnlimitedWindows(start_ms=start)


def _grace(operator: str, grace: Duration | None, location: str) -> int:
    """Of a window; 0 unless given."""
    if grace is None:
        return 0
    if isinstance(grace, timedelta) and grace < timedelta(0):
        raise TopologyError(
            f"{at(location)}{operator}(grace={grace!r}) is negative: a window would close before it ends; leave grace "
            "out to close it right at its end"
        )
    return _duration(operator, "grace", grace, location, may_be_zero=True)


def _duration(operator: str, argument: str, given: object, location: str, *, may_be_zero: bool = False) -> int:
    try:
        found = duration_ms(given, argument)
    except ConfigError as error:
        raise TopologyError(f"{at(location)}{operator}(): {error}") from error
    if found == 0 and not may_be_zero:
        raise TopologyError(
            f"{at(location)}{operator}({argument}={given!r}) must be longer than 0; the shortest is '1ms'"
        )
    return found
