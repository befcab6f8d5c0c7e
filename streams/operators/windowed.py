"""count, reduce and aggregate over windows: a record changes its key's row in each of its windows that is open.

The record's windows come by start, ascending, and all that one causes is complete before the next. Lateness is judged
per record and window, by the stream time of this operator with the record counted. What happens to one row is
``aggregate``'s; which windows there are is ``streams.windows``'; stores and caches are ``state``'s.
"""

from __future__ import annotations

from collections.abc import Mapping

from state.keys import window_start_bytes
from streams.operators import rows
from streams.operators.aggregate import emit_row, emit_update, encoded_key, encoder, functions_of, is_cached
from streams.operators.drops import LATE, NULL_KEY, NULL_VALUE
from streams.operators.emitter import Action, Emitter, LineOrigin
from streams.operators.flow import KEY, VALUE, Flow, Operator, Part, PartName
from streams.topology.nodes import AnySerde, WindowedAggregate
from streams.windows import TimeWindows, UnlimitedWindows

NO_TIME = -1


def stream_time(node: WindowedAggregate) -> str:
    """The operator's stream time: what has to be committed and restored lies in a dictionary by operator."""
    return f"stream_times[{node.name!r}]"


def late_flag(emitter: Emitter, node: WindowedAggregate) -> str:
    """The local of a batch's function that says whether any of its records may be late."""
    return emitter.named("may_be_late", node.name)


def open_store(emitter: Emitter, node: WindowedAggregate) -> None:
    """Names for the node's store, and for its cache where it has one, once per task."""
    name = node.store.name
    emitter.line(f"stream_times.setdefault({node.name!r}, {NO_TIME})")
    rows.open_store(emitter, node)
    if not is_cached(emitter, node):
        return
    encode = emitter.constant(f"encode_{name}", encoder(node))
    decode = emitter.constant(f"decode_{name}", node.value_serde.decode)
    cache = emitter.named("cache", name)
    emitter.line(f"{cache} = stores.open_cache({name!r}, {encode}, {decode})")
    emitter.line(f"{emitter.named('windows', name)} = {cache}.windows")
    emitter.line(f"{emitter.named('dirty', name)} = {cache}.dirty")


def emit_may_be_late(emitter: Emitter, node: WindowedAggregate) -> None:
    """Once per batch, from ``earliest`` and ``latest`` of its timestamps; other records may reach the node or not."""
    if isinstance(node.windows, TimeWindows):
        may_be_late = emitter.constant(f"may_be_late_in_{node.name}", node.windows.may_be_late)
        emitter.line(f"{late_flag(emitter, node)} = {may_be_late}(earliest, max(latest, {stream_time(node)}))")


def emit_expiry(emitter: Emitter, node: WindowedAggregate) -> None:
    """After a flush: let go of the windows that are closed, and of the rows that retention does not ask for."""
    if isinstance(node.windows, UnlimitedWindows):
        return
    name = node.store.name
    if is_cached(emitter, node):
        closed_until = emitter.constant(f"closed_until_{node.name}", node.windows.closed_until)
        emitter.line(f"{emitter.named('cache', name)}.close_until({closed_until}({stream_time(node)}))")
    emitter.line(f"{emitter.named('store', name)}.expire({stream_time(node)})")


def emit(emitter: Emitter, node: WindowedAggregate, flow: Flow) -> None:
    with emitter.block(f"if {flow.key.variable} is None:"):
        emitter.drop(node, NULL_KEY)
    with emitter.block(f"elif {flow.value.variable} is None:"):
        emitter.drop(node, NULL_VALUE)
    with emitter.block("else:"):
        flow = flow.not_null(KEY).not_null(VALUE)
        looked_at = {argument for function in functions_of(node) for argument in function.arguments}
        if node.kind == "reduce" or VALUE in looked_at:
            flow = emitter.decode(flow, VALUE)
        if KEY in looked_at:
            flow = emitter.decode(flow, KEY)
        with encoded_key(emitter, node, flow, node.group_serde) as keyed:
            with emitter.block(f"if {keyed.timestamp} > {stream_time(node)}:"):
                emitter.line(f"{stream_time(node)} = {keyed.timestamp}")
            _emit_windows(emitter, node, keyed)


def _emit_windows(emitter: Emitter, node: WindowedAggregate, flow: Flow) -> None:
    start, timestamp, windows = emitter.local("window_start"), flow.timestamp, node.windows
    if isinstance(windows, UnlimitedWindows):
        with emitter.block(f"if {timestamp} >= {windows.start_ms}:"):
            emitter.line(f"{start} = {windows.start_ms}")
            _emit_window(emitter, node, flow, start)
    elif windows.is_tumbling:
        emitter.line(f"{start} = {timestamp} - {timestamp} % {windows.size_ms}")
        _emit_unless_late(emitter, node, windows, flow, start)
    else:
        starts = emitter.constant(f"starts_in_{node.name}", windows.starts)
        with emitter.block(f"for {start} in {starts}({timestamp}):"):
            _emit_unless_late(emitter, node, windows, flow, start)


def _emit_unless_late(emitter: Emitter, node: WindowedAggregate, windows: TimeWindows, flow: Flow, start: str) -> None:
    grace = f" - {windows.grace_ms}" if windows.grace_ms else ""
    closed = f"{start} + {windows.size_ms} <= {stream_time(node)}{grace}"
    if flow.timestamp == emitter.batch_timestamp:
        closed = f"{late_flag(emitter, node)} and {closed}"
    with emitter.block(f"if {closed}:"):
        emitter.drop(node, LATE)
    with emitter.block("else:"):
        _emit_window(emitter, node, flow, start)


def _emit_window(emitter: Emitter, node: WindowedAggregate, flow: Flow, start: str) -> None:
    name = node.store.name
    state = LineOrigin(node.name, Action.STATE, "", name)
    if not is_cached(emitter, node):
        pack = emitter.constant("window_start_bytes", window_start_bytes)
        windowed = emitter.local("raw_windowed")
        emitter.line(f"{windowed} = {flow.key.raw} + {pack}({start})")
        emit_row(emitter, node, flow, Part(raw=windowed, serde=node.key_serde, origin=node.name, present=True))
        return
    window, entry, cache = emitter.local("window"), emitter.local("entry"), emitter.named("cache", name)
    emitter.line(f"{window} = {emitter.named('windows', name)}.get({start})")
    with emitter.block(f"if {window} is None:"):
        emitter.line(f"{window} = {cache}.open({start})", state)
    emitter.line(f"{entry} = {window}.entries.get({flow.key.raw})")
    with emitter.block(f"if {entry} is None:"):
        emitter.line(f"{entry} = {cache}.entry({window}, {flow.key.raw})", state)
    value = emitter.local("aggregate")
    emitter.line(f"{value} = {entry}.value")
    emit_update(emitter, node, flow, entry, value)


def _encodes(node: WindowedAggregate) -> Mapping[PartName, AnySerde | None]:
    return {"key": node.group_serde}


OPERATOR = Operator(
    emit=emit,
    keeps=(),
    functions=functions_of,
    encodes=_encodes,
    nests=4,
    open_store=open_store,
    lookup=rows.stored,
)
