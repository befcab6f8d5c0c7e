"""count, reduce and aggregate: a record changes its key's row, and the change goes on.

With the record cache the change stays there, and what goes on is the last one per key at the next flush; without it
the store is written and the change sent on at once. Both apply Kafka Streams' rules (G2, G3, G5): a null key or value
is skipped and counted; the row's timestamp is the largest seen; a null result deletes the row, and the next record
starts anew with a timestamp of its own.

Stores and caches themselves are ``state``'s; how a cache is flushed is ``codegen.generator``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from streams.operators import attempted_aggregate, rows
from streams.operators.attempts import attempt, succeeded
from streams.operators.drops import NULL_KEY, NULL_VALUE
from streams.operators.emitter import Action, Emitter, LineOrigin, has_bytes
from streams.operators.flow import KEY, VALUE, Flow, Operator, Part, PartName
from streams.operators.needs import is_handled
from streams.topology.nodes import Aggregate, AnySerde, UserFunction


def is_cached(emitter: Emitter, node: Aggregate) -> bool:
    """Whether this node's changes go through the record cache."""
    return emitter.cache and node.store.cached and node.name not in emitter.uncached


def open_store(emitter: Emitter, node: Aggregate) -> None:
    """Names for the node's store, and for its cache where it has one, once per task."""
    name = node.store.name
    rows.open_store(emitter, node)
    if not is_cached(emitter, node):
        return
    encode = emitter.constant(f"encode_{name}", encoder(node))
    decode = emitter.constant(f"decode_{name}", node.value_serde.decode)
    cache = emitter.named("cache", name)
    emitter.line(f"{cache} = stores.open_cache({name!r}, {encode}, {decode})")
    emitter.line(f"{emitter.named('entries', name)} = {cache}.entries")
    emitter.line(f"{emitter.named('dirty', name)} = {cache}.dirty")


def encoder(node: Aggregate) -> Callable[[Any], bytes]:
    """What a record cache encodes the node's aggregates by: a count is always an int, which needs no check."""
    fast = node.value_serde.fast
    return fast.encode if node.kind == "count" and fast is not None and fast.exact is int else node.value_serde.encode


def emit(emitter: Emitter, node: Aggregate, flow: Flow) -> None:
    with emitter.block(f"if {flow.key.variable} is None:"):
        emitter.drop(node, NULL_KEY)
    with emitter.block(f"elif {flow.value.variable} is None:"):
        emitter.drop(node, NULL_VALUE)
    with emitter.block("else:"):
        flow = flow.not_null(KEY).not_null(VALUE)
        if node.kind == "reduce" or any(VALUE in function.arguments for function in functions_of(node)):
            flow = emitter.decode(flow, VALUE)
        if is_handled(node) and any(KEY in function.arguments for function in functions_of(node)):
            flow = emitter.decode(flow, KEY)
        with encoded_key(emitter, node, flow, node.key_serde) as keyed:
            if is_cached(emitter, node):
                _emit_cached(emitter, node, keyed)
            else:
                emit_row(emitter, node, keyed, keyed.key)


@contextmanager
def encoded_key(emitter: Emitter, node: Aggregate, flow: Flow, serde: AnySerde) -> Iterator[Flow]:
    """What the node does with the record goes inside, with its key as bytes."""
    if not is_handled(node) or has_bytes(flow.key, serde):
        key = emitter.encode(flow, KEY, serde, node.name)
        yield flow.with_part(KEY, Part(raw=key, value=flow.key.value, serde=serde, origin=node.name))
        return
    flow = emitter.decode(flow, KEY)
    with attempt(emitter, node):
        key = emitter.encode(flow, KEY, serde, node.name)
    with succeeded(emitter, node):
        yield flow.with_part(KEY, Part(raw=key, value=flow.key.value, serde=serde, origin=node.name))


def _emit_cached(emitter: Emitter, node: Aggregate, flow: Flow) -> None:
    emit_update(emitter, node, flow, *emit_entry(emitter, node, flow))


def emit_update(emitter: Emitter, node: Aggregate, flow: Flow, entry: str, value: str) -> None:
    """Let the record change a cache entry; its value is in a variable too."""
    if is_handled(node) and functions_of(node):
        attempted_aggregate.emit_cached(emitter, node, flow, entry, value, _emit_update)
        return
    with emitter.block(f"if {value} is None:"):
        _emit_first(emitter, node, flow, value)
        emitter.line(f"{entry}.timestamp = {flow.timestamp}")
    with emitter.block("else:"):
        _emit_next(emitter, node, flow, value, value)
        with emitter.block(f"if {flow.timestamp} > {entry}.timestamp:"):
            emitter.line(f"{entry}.timestamp = {flow.timestamp}")
    emitter.line(f"{entry}.value = {value}")
    emit_dirty(emitter, node, entry)


def emit_entry(emitter: Emitter, node: Aggregate, flow: Flow) -> tuple[str, str]:
    """Variables of the cache entry of the flow's key, loaded if need be, and of its value."""
    name = node.store.name
    state = LineOrigin(node.name, Action.STATE, "", name)
    entry, value = emitter.local("entry"), emitter.local("aggregate")
    emitter.line(f"{entry} = {emitter.named('entries', name)}.get({flow.key.raw})")
    with emitter.block(f"if {entry} is None:"):
        load = emitter.constant("load_entry", load_entry)
        emitter.line(f"{entry} = {load}({emitter.named('cache', name)}, {flow.key.raw})", state)
    emitter.line(f"{value} = {entry}.value")
    return entry, value


def emit_dirty(emitter: Emitter, node: Aggregate, entry: str) -> None:
    """Let the next flush write this entry."""
    with emitter.block(f"if not {entry}.dirty:"):
        emitter.line(f"{entry}.dirty = True")
        emitter.line(f"{emitter.named('dirty', node.store.name)}.append({entry})")


def _emit_update(emitter: Emitter, node: Aggregate, flow: Flow, value: str, old: str) -> None:
    """The aggregate after a record, in variable ``value``; ``old`` holds the one before, or None."""
    with emitter.block(f"if {old} is None:"):
        _emit_first(emitter, node, flow, value)
    with emitter.block("else:"):
        _emit_next(emitter, node, flow, value, old)


def emit_row(emitter: Emitter, node: Aggregate, flow: Flow, key: Part) -> None:
    """Let the record change the row of a key, and send the change on under that key.

    Arguments:
        flow: the record as the user's functions see it.
        key: of the row; its bytes are known.
    """
    if is_handled(node) and functions_of(node):
        attempted_aggregate.emit_row(emitter, node, flow, key, _emit_update, _forward)
        return
    name = node.store.name
    state = LineOrigin(node.name, Action.STATE, "", node.store.name)
    row, value, timestamp = emitter.local("row"), emitter.local("aggregate"), emitter.local("timestamp")
    before = Part(raw=emitter.local("raw_old"), serde=node.value_serde, origin=node.name)
    emitter.line(f"{row} = {emitter.named('get', name)}({key.raw})", state)
    with emitter.block(f"if {row} is None:"):
        if emitter.sends_old(node):
            emitter.line(f"{before.raw} = None")
        _emit_first(emitter, node, flow, value)
        emitter.line(f"{timestamp} = {flow.timestamp}")
    with emitter.block("else:"):
        old = emitter.local("old")
        decode = emitter.constant(f"decode_{name}", node.value_serde.decode)
        emitter.line(f"{before.raw}, {timestamp} = {row}")
        origin = LineOrigin(node.name, Action.DECODE, "aggregate", node.value_serde.id)
        emitter.line(f"{old} = {decode}({before.raw})", origin)
        _emit_next(emitter, node, flow, value, old)
        with emitter.block(f"if {flow.timestamp} > {timestamp}:"):
            emitter.line(f"{timestamp} = {flow.timestamp}")
    raw = emitter.local("raw_value")
    encode = emitter.encoding(value, node.value_serde, name)
    origin = LineOrigin(node.name, Action.ENCODE, "aggregate", node.value_serde.id, node.value_serde, value)
    emitter.line(f"{raw} = {encode}", origin)
    emitter.line(f"{emitter.named('put', name)}({key.raw}, {raw}, {timestamp})", state)
    changed = Part(raw=raw, value=value, serde=node.value_serde, origin=node.name)
    _forward(emitter, node, replace(flow, key=key, value=changed, timestamp=timestamp, old=before))


def _forward(emitter: Emitter, node: Aggregate, changed: Flow) -> None:
    """Send a change on."""
    emitter.forward(node, changed if emitter.sends_old(node) else replace(changed, old=None))


def _emit_first(emitter: Emitter, node: Aggregate, flow: Flow, value: str) -> None:
    """The aggregate after the first record of a key."""
    if node.kind == "count":
        emitter.line(f"{value} = {flow.count or 1}")
    elif node.kind == "reduce":
        emitter.line(f"{value} = {flow.value.value}")
    else:
        assert node.initializer is not None
        call, origin = emitter.call(node, node.initializer, flow)
        emitter.line(f"{value} = {call}", origin)
        _emit_next(emitter, node, flow, value, value)


def _emit_next(emitter: Emitter, node: Aggregate, flow: Flow, value: str, old: str) -> None:
    """The aggregate after a further record, from the one before in variable ``old``."""
    if node.kind == "count":
        emitter.line(f"{value} = {old} + {flow.count or 1}")
        return
    assert node.adder is not None
    call, origin = emitter.call(node, node.adder, flow, {"aggregate": old})
    emitter.line(f"{value} = {call}", origin)


def load_entry(cache: Any, key: bytes) -> Any:
    """The entry of a key that is not cached yet."""
    cache.ensure((key,))
    return cache.entries[key]


def functions_of(node: Aggregate) -> tuple[UserFunction, ...]:
    """The user's functions that make the aggregate."""
    return tuple(function for function in (node.initializer, node.adder) if function is not None)


def _encodes(node: Aggregate) -> Mapping[PartName, AnySerde | None]:
    return {"key": node.key_serde}


OPERATOR = Operator(
    emit=emit,
    keeps=(),
    functions=functions_of,
    encodes=_encodes,
    nests=1,
    open_store=open_store,
    lookup=rows.stored,
)
