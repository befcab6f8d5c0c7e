"""reduce and aggregate under an error policy: a failing call leaves the row as it was, and the record ends there.

The same code as ``aggregate``'s, in another order: everything that may fail comes first, the row is touched after it.
A function may change an aggregate and fail then; what was there before the call is therefore kept as bytes, but for
values that cannot be changed. Without a record cache the row's bytes are there anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from streams.operators.attempts import attempt, succeeded
from streams.operators.emitter import Action, Emitter, LineOrigin
from streams.operators.flow import Flow, Part
from streams.operators.needs import is_handled
from streams.topology.nodes import Aggregate, AnySerde

Image = tuple[bool, Any]
"""Whether it is bytes, and the value or its bytes."""
UNCHANGEABLE: Final = frozenset((type(None), bool, int, float, str, bytes))


@contextmanager
def kept_entry(emitter: Emitter, node: Aggregate, entry: str, value: str, changed: str = "") -> Iterator[None]:
    """What changes an aggregate goes inside; a failure, or a result that cannot be written, restores the cache entry.

    Arguments:
        entry, value: the variables of the entry, loaded, and of its value.
        changed: the variable of the new aggregate; default: ``value`` again.
    """
    if not is_handled(node):
        yield
        return
    name, image, changed = node.store.name, emitter.local("image"), changed or value
    restored = emitter.constant(f"restored_{name}", restorer(node.value_serde))
    check = emitter.constant(f"check_{name}", checker(node.value_serde))
    emitter.line(f"{image} = {emitter.constant(f'image_{name}', imager(node.value_serde))}({value})")
    with attempt(emitter, node, f"{entry}.value = {restored}({image})"):
        yield
        # At the next flush nobody would know any more which record it was.
        origin = LineOrigin(node.name, Action.ENCODE, "aggregate", node.value_serde.id, node.value_serde, changed)
        emitter.line(f"{check}({changed})", origin)


def emit_cached(emitter: Emitter, node: Aggregate, flow: Flow, entry: str, value: str, update: Update) -> None:
    """The change of a cache entry.

    Arguments:
        entry, value: the variables of the entry, loaded, and of its value.
        update: writes the new aggregate.
    """
    name = node.store.name
    changed = emitter.local("changed")
    with kept_entry(emitter, node, entry, value, changed):
        update(emitter, node, flow, changed, value)
    with succeeded(emitter, node):
        with emitter.block(f"if {value} is None or {flow.timestamp} > {entry}.timestamp:"):
            emitter.line(f"{entry}.timestamp = {flow.timestamp}")
        emitter.line(f"{entry}.value = {changed}")
        with emitter.block(f"if not {entry}.dirty:"):
            emitter.line(f"{entry}.dirty = True")
            emitter.line(f"{emitter.named('dirty', name)}.append({entry})")


def emit_row(
    emitter: Emitter, node: Aggregate, flow: Flow, key: Part, update: Update, forward: Callable[..., None]
) -> None:
    """The change of a row without record cache; the row is touched only after everything that may fail.

    Arguments:
        key: of the row; its bytes are known.
        update: writes the new aggregate.
        forward: sends the change on.
    """
    name = node.store.name
    state = LineOrigin(node.name, Action.STATE, "", name)
    row, value, timestamp, old, raw = (
        emitter.local(hint) for hint in ("row", "aggregate", "timestamp", "old", "raw_value")
    )
    before = Part(raw=emitter.local("raw_old"), serde=node.value_serde, origin=node.name)
    emitter.line(f"{row} = {emitter.named('get', name)}({key.raw})", state)
    emitter.line(f"{before.raw}, {timestamp} = (None, -1) if {row} is None else {row}")
    decode = emitter.constant(f"decode_{name}", node.value_serde.decode)
    origin = LineOrigin(node.name, Action.DECODE, "aggregate", node.value_serde.id)
    emitter.line(f"{old} = None if {row} is None else {decode}({before.raw})", origin)
    with attempt(emitter, node):
        update(emitter, node, flow, value, old)
        origin = LineOrigin(node.name, Action.ENCODE, "aggregate", node.value_serde.id, node.value_serde, value)
        emitter.line(f"{raw} = {emitter.encoding(value, node.value_serde, name)}", origin)
    with succeeded(emitter, node):
        emitter.line(f"{timestamp} = {flow.timestamp} if {row} is None else max({timestamp}, {flow.timestamp})")
        emitter.line(f"{emitter.named('put', name)}({key.raw}, {raw}, {timestamp})", state)
        changed = Part(raw=raw, value=value, serde=node.value_serde, origin=node.name)
        forward(emitter, node, replace(flow, key=key, value=changed, timestamp=timestamp, old=before))


Update = Callable[[Emitter, Aggregate, Flow, str, str], None]


def imager(serde: AnySerde) -> Callable[[Any], Image]:
    """A function that keeps what a value is now."""

    def image_of(value: Any) -> Image:
        return (False, value) if type(value) in UNCHANGEABLE else (True, serde.encode(value))

    return image_of


def restorer(serde: AnySerde) -> Callable[[Image], Any]:
    """The inverse of ``imager``'s."""

    def restored(image: Image) -> Any:
        is_bytes, kept = image
        return serde.decode(kept) if is_bytes else kept

    return restored


def checker(serde: AnySerde) -> Callable[[Any], None]:
    """A function that fails where a new aggregate cannot be written."""
    exact = None if serde.fast is None else serde.fast.exact

    def check(value: Any) -> None:
        if value is not None and (type(value) is not exact or exact not in UNCHANGEABLE):
            serde.encode(value)

    return check
