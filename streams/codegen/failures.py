"""From an exception in generated code to the message that a user reads.

Finds the operator by the line that was executing (the traceback has it; records pay nothing) and the record by its
index. Decides nothing about what happens next: whoever runs the task does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import FrameType
from typing import Any, Final

from state.errors import StateError
from state.layers import CacheEntry, ChangeColumns
from streams.errors import ProcessingError
from streams.model import ColumnBatch, Offset
from streams.operators.emitter import Action, LineOrigin
from streams.serde.explain import decoding_problem, encoding_problem
from streams.topology.nodes import Aggregate, AnySerde, FlatMap, Map, Node, Source

_GOES_ON: Final = "Nothing of this record is committed: correct it and start again, and processing goes on with it."
_UNKNOWN: Final = LineOrigin("", Action.STATE, "", "")
_MISSING: Final = object()


class Failures:
    """The errors of one program.

    Arguments:
        origins: the line table of its code; may still be growing.
        nodes: by name.
    """

    def __init__(self, origins: Mapping[int, LineOrigin], nodes: Mapping[str, Node]) -> None:
        self.filename = ""
        """Of the code, once it has one."""
        self._origins = origins
        self._nodes = nodes

    def in_record(
        self, source: Source, error: Exception, batch: ColumnBatch, index: int, origin: LineOrigin | None = None
    ) -> Exception:
        """The error for the record at ``index`` of a batch. Raises ``error`` itself where it is not about a record."""
        operand = batch.values[index] if origin is not None and origin.action is Action.DECODE else _MISSING
        origin = origin or self._origin(error)
        _pass_through(error, origin)
        key = _readable(source.key_serde.decode, batch.keys[index])
        topic_partition, offset = batch.topic_partition, _offset(batch, index)
        place = f"topic {topic_partition.topic}, partition {topic_partition.partition}, offset {offset}, key {key!r}"
        return ProcessingError(
            self._message(error, origin, place, operand),
            operator=origin.operator,
            topic_partition=topic_partition,
            offset=offset,
            key=key,
        )

    def in_store(self, operator: str, store: str, error: Exception) -> Exception:
        """The error for a row that a store returned and the topology cannot read."""
        origin = LineOrigin(operator, Action.STATE, "", store)
        _pass_through(error, origin)
        return ProcessingError(
            self._message(error, origin, f"store {store}"), operator=operator, topic_partition=None, offset=-1, key=None
        )

    def in_row(self, node: Aggregate, error: Exception, entries: Iterable[CacheEntry]) -> Exception:
        """The error for an aggregate in a record cache that cannot be written; looks for it only now."""
        origin = LineOrigin(node.name, Action.ENCODE, "aggregate", node.value_serde.id, node.value_serde)
        if not isinstance(error, ValueError | TypeError):
            raise error
        for entry in entries:
            if entry.dirty and not _fits(node, entry.value):
                return self._of_change(node, error, origin, entry.key, entry.value)
        return self._of_change(node, error, origin, None)

    def in_change(self, node: Aggregate, error: Exception, changes: ChangeColumns, index: int) -> Exception:
        """The error for a change that a record cache sent on; it belongs to no single input record."""
        origin = self._origin(error)
        _pass_through(error, origin)
        return self._of_change(node, error, origin, changes.keys[index])

    def _of_change(
        self, node: Aggregate, error: Exception, origin: LineOrigin, raw_key: bytes | None, operand: object = _MISSING
    ) -> Exception:
        key = _readable(node.key_serde.decode, raw_key)
        return ProcessingError(
            self._message(error, origin, f"a change of store {node.store.name}, key {key!r}", operand),
            operator=origin.operator,
            topic_partition=None,
            offset=-1,
            key=key,
        )

    def _origin(self, error: Exception) -> LineOrigin:
        """The line of generated code that was executing."""
        return self._origins.get(self._place(error)[0], _UNKNOWN)

    def _place(self, error: Exception) -> tuple[int, FrameType | None]:
        """Line and frame of generated code: the innermost ones, where functions call each other."""
        line, frame = 0, None
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == self.filename:
                line, frame = trace.tb_lineno, trace.tb_frame
            trace = trace.tb_next
        return line, frame

    def _message(self, error: Exception, origin: LineOrigin, place: str, operand: object = _MISSING) -> str:
        node = self._nodes.get(origin.operator)
        where = f" ({node.location})" if node is not None and node.location else ""
        if operand is _MISSING:
            frame = self._place(error)[1]
            operand = frame.f_locals.get(origin.variable, _MISSING) if frame is not None else _MISSING
        reason = _misfit(error, origin, operand) or (
            f"{self._reason(error, origin, node)}: {type(error).__name__}: {error}"
        )
        return f"{origin.operator}{where} failed at {place}: {reason}. {_GOES_ON}"

    def _reason(self, error: Exception, origin: LineOrigin, node: Node | None) -> str:
        part, subject = origin.part, origin.subject
        if origin.action is Action.DECODE:
            return f"the stored {part} is no {subject}; was the store written with another type?"
        if origin.action is Action.ENCODE:
            return f"the {part} to write is no {subject or 'type with a known format'}; return that type"
        if origin.action is Action.STATE:
            return f"store {subject} could not be read; was it written with another type?"
        if isinstance(node, Map | FlatMap) and self._is_innermost(error):
            made = "(key, value)" if isinstance(node, Map) else "an iterable of (key, value)"
            return f"{subject} has to return {made}"
        return f"{subject} raised (traceback above); correct it, or filter such records out before"

    def _is_innermost(self, error: Exception) -> bool:
        """Whether generated code itself raised, not something that it called."""
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        return trace is not None and trace.tb_frame.f_code.co_filename == self.filename


def _pass_through(error: Exception, origin: LineOrigin) -> None:
    """Raise what no record and no user's function is to blame for: a store's disk, or a bug of ours."""
    if isinstance(error, StateError) or origin is _UNKNOWN:
        raise error


def _misfit(error: Exception, origin: LineOrigin, operand: object) -> str | None:
    """What the serde has to say of the bytes or the object that it refused; None where it refused nothing."""
    serde: AnySerde | None = origin.serde
    part = "value" if origin.part == "aggregate" else origin.part
    if serde is None or operand is _MISSING:
        return None
    if origin.action is Action.ENCODE:
        return encoding_problem(serde, operand, error, part)
    if origin.action is Action.DECODE and isinstance(operand, bytes):
        return decoding_problem(serde, operand, error, part)
    return None


def _offset(batch: ColumnBatch, index: int) -> Offset:
    return batch.base_offset + index if batch.offsets is None else batch.offsets[index]


def _readable(decode: Callable[[bytes], Any], raw: bytes | None) -> object:
    """The key as its user knows it, or its bytes where they are of another format."""
    if raw is None:
        return None
    try:
        return decode(raw)
    except Exception:
        return raw


def _fits(node: Aggregate, value: object) -> bool:
    try:
        if value is not None:
            node.value_serde.encode(value)
    except Exception:
        return False
    return True
