"""Window arithmetic against its definition, restated naively."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.windows import MAX_END, TimeWindows, UnlimitedWindows

SIZES = st.integers(1, 40).flatmap(lambda size: st.tuples(st.just(size), st.integers(1, size), st.integers(0, 30)))


def windows(size: int, advance: int, grace: int = 0) -> TimeWindows:
    return TimeWindows(size_ms=size, advance_ms=advance, grace_ms=grace)


@given(SIZES, st.integers(0, 300))
def test_a_record_is_in_every_window_that_holds_its_time(sizes: tuple[int, int, int], timestamp: int) -> None:
    kind = windows(*sizes)
    size, advance, _ = sizes
    holding = [start for start in range(0, timestamp + 1, advance) if start <= timestamp < start + size]
    assert list(kind.starts(timestamp)) == holding
    assert all(kind.end(start) == start + size for start in holding)


@given(SIZES, st.integers(0, 300), st.integers(0, 400))
def test_closed_windows_are_all_up_to_one(sizes: tuple[int, int, int], start: int, stream_time: int) -> None:
    """Point 14: closed when end <= stream time - grace."""
    kind = windows(*sizes)
    closed = start + sizes[0] <= stream_time - sizes[2]
    assert kind.is_closed(start, stream_time) is closed
    assert (start <= kind.closed_until(stream_time)) is closed


@given(SIZES, st.lists(st.integers(0, 200), min_size=1, max_size=8), st.integers(-1, 200))
def test_where_none_may_be_late_none_is(sizes: tuple[int, int, int], times: list[int], stream_time: int) -> None:
    kind = windows(*sizes)
    may_be = kind.may_be_late(min(times), max(stream_time, *times))
    late = False
    for time in times:
        stream_time = max(stream_time, time)
        late = late or any(kind.is_closed(start, stream_time) for start in kind.starts(time))
    assert may_be or not late


def test_tumbling_windows_lie_side_by_side() -> None:
    assert windows(10, 10).is_tumbling
    assert list(windows(10, 10).starts(20)) == [20]
    assert list(windows(10, 5).starts(3)) == [0], "none starts below 0"
    assert windows(10, 5, 7).lifetime_ms == 17


def test_a_negative_timestamp_asks_for_the_check() -> None:
    assert windows(10, 10, 1_000).may_be_late(-1, 0)


def test_an_unlimited_window_never_ends() -> None:
    kind = UnlimitedWindows(start_ms=5)
    assert (list(kind.starts(4)), list(kind.starts(5)), list(kind.starts(10**15))) == ([], [5], [5])
    assert kind.end(5) == MAX_END
