"""Sources whose records are only counted: the whole batch goes through a kernel, and nothing looks at a record.

Writes the body of such a source's function; which sources these are is ``codegen.analysis``'s to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from state.layers import ENTRY_OVERHEAD_BYTES, CacheEntry
from streams.codegen import kernels, window_kernels
from streams.operators import combine, windowed
from streams.operators.drops import LATE, NEGATIVE_TIMESTAMP, NULL_KEY, NULL_VALUE
from streams.topology.nodes import Aggregate, Node, Source, WindowedAggregate
from streams.windows import TimeWindows

if TYPE_CHECKING:
    from streams.codegen.failures import Failures
    from streams.operators.emitter import Emitter

_COLUMNS = ("batch.keys", "batch.values", "batch.timestamps", "start", "stop")


def emit_count(emitter: Emitter, failures: Failures, node: Source, counted: Aggregate, *, counts: bool) -> None:
    """Count a batch into the record cache of a count without windows.

    Arguments:
        counts: whether a record may be a count of others.
    """
    store = counted.store.name
    entries, cache = emitter.named("entries", store), emitter.named("cache", store)
    missing_keys = emitter.constant("missing_keys", kernels.missing_keys)
    count_column = emitter.constant("count_column", kernels.count_column)
    emitter.line(f"missing = {missing_keys}({entries}, batch.keys, start, stop)")
    _emit_guarded(emitter, failures, counted, lambda: emitter.line(f"{cache}.ensure(missing)"))
    combined = f"{emitter.constant('counts_of', combine.counts_of)}(batch, start, stop)" if counts else "None"
    emitter.call_over_lines(
        f"negative, null_key, null_value = {count_column}",
        (entries, emitter.named("dirty", store), *_COLUMNS, combined),
    )
    _emit_dropped(emitter, _dropped(node, counted))


def emit_windowed_count(emitter: Emitter, failures: Failures, node: Source, counted: WindowedAggregate) -> None:
    """Count a batch into the record cache of a windowed count."""
    windows = counted.windows
    assert isinstance(windows, TimeWindows)
    cache, time = emitter.named("cache", counted.store.name), windowed.stream_time(counted)
    time_bounds = emitter.constant("time_bounds", window_kernels.time_bounds)
    missing_in_windows = emitter.constant("missing_in_windows", window_kernels.missing_in_windows)
    count_windows = emitter.constant("count_windows", window_kernels.count_windows)
    sizes = (str(windows.size_ms), str(windows.advance_ms))
    emitter.line(f"earliest, latest = {time_bounds}(batch.timestamps, start, stop)")
    windowed.emit_may_be_late(emitter, counted)

    def load() -> None:
        closed = f"{time} - {windows.grace_ms}"
        emitter.call_over_lines(f"missing = {missing_in_windows}", (cache, *_COLUMNS, *sizes, closed))
        emitter.line(f"{cache}.load(missing)")

    _emit_guarded(emitter, failures, counted, load)
    entry = emitter.constant("CacheEntry", CacheEntry)
    late = windowed.late_flag(emitter, counted)
    emitter.call_over_lines(
        f"{time}, negative, null_key, null_value, late = {count_windows}",
        (cache, entry, str(ENTRY_OVERHEAD_BYTES), *_COLUMNS, *sizes, str(windows.grace_ms), time, late),
    )
    _emit_dropped(emitter, [*_dropped(node, counted), ("late", counted, LATE)])


def _emit_guarded(emitter: Emitter, failures: Failures, node: Aggregate, body: Callable[[], None]) -> None:
    """What reads the store: a row that is there and cannot be decoded is the store's failure."""
    failed = emitter.constant(f"failed_{node.name}", partial(failures.in_store, node.name, node.store.name))
    with emitter.block("try:"):
        body()
    with emitter.block("except Exception as error:"):
        emitter.line(f"raise {failed}(error) from error")


def _dropped(node: Source, counted: Aggregate) -> list[tuple[str, Node, str]]:
    return [
        ("negative", node, NEGATIVE_TIMESTAMP),
        ("null_key", counted, NULL_KEY),
        ("null_value", counted, NULL_VALUE),
    ]


def _emit_dropped(emitter: Emitter, dropped: Iterable[tuple[str, Node, str]]) -> None:
    for count, dropper, reason in dropped:
        with emitter.block(f"if {count}:"):
            emitter.drop(dropper, reason, count)
