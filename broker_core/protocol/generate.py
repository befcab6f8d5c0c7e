"""Turns a layout into a reader and a writer: one Python function each per (class, version), made once.

Owns the generated source. Runs of fixed-width fields become one ``struct`` call; everything else is a call of a
primitive or of a nested class's function. The source is registered with ``linecache``, so tracebacks show it.
"""

from __future__ import annotations

import linecache
import struct
from collections.abc import Callable
from functools import cache
from typing import Any
from uuid import UUID

from broker_core.errors import ProtocolError
from broker_core.protocol import primitives
from broker_core.protocol.layout import ArrayOf, Slot, Struct, StructOf, Type, layout, smallest_size
from broker_core.protocol.primitives import Primitive, Put

Reader = Callable[[bytes, int], tuple[Any, int]]
Writer = Callable[[Put, Any], None]


class _Source:
    """Lines of one function and the objects that its globals name."""

    def __init__(self, version: int, flexible: bool) -> None:
        self.version = version
        self.flexible = flexible
        self.lines: list[str] = []
        self.names: dict[str, Any] = {"ProtocolError": ProtocolError, "UUID": UUID, "from_bytes": _uuid}

    def add(self, indent: int, line: str) -> None:
        self.lines.append("    " * indent + line)

    def bind(self, value: Any, hint: str) -> str:
        """A global name for ``value``."""
        name = f"{hint}_{len(self.names)}"
        self.names[name] = value
        return name

    def primitive(self, verb: str, name: str, *, nullable: bool) -> str:
        """The function of ``primitives`` that reads or writes a value of variable width."""
        full = f"{verb}_{'compact_' * self.flexible}{'nullable_' * nullable}{'bytes' if name == 'records' else name}"
        self.names[full] = getattr(primitives, full)
        return full

    def function(self, name: str) -> Any:
        source = "\n".join(self.lines) + "\n"
        filename = f"<protocol {name} v{self.version}>"
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
        exec(compile(source, filename, "exec"), self.names)
        return self.names["function"]


def _uuid(raw: bytes) -> UUID:
    return UUID(bytes=raw) if any(raw) else primitives.NO_UUID


def _is_fixed(slot: Slot) -> bool:
    return isinstance(slot.type, Primitive) and bool(slot.type.format)


def _runs(slots: list[Slot]) -> list[list[Slot]]:
    """Neighbouring fixed-width fields together, every other field alone."""
    runs: list[list[Slot]] = []
    for slot in slots:
        if runs and _is_fixed(slot) and _is_fixed(runs[-1][-1]):
            runs[-1].append(slot)
        else:
            runs.append([slot])
    return runs


@cache
def writer(cls: type[Struct], version: int, flexible: bool) -> Writer:
    """A function ``(put, message)`` that hands the message's bytes at ``version`` to ``put``, piece by piece."""
    source = _Source(version, flexible)
    source.add(0, "def function(put, message):")
    slots = layout(cls, version)
    for slot in slots:
        if not slot.present and not slot.ignorable:
            default = source.bind(slot.default, "default")
            source.add(1, f"if message.{slot.name} != {default}:")
            source.add(2, f"raise ProtocolError('{cls.__name__}.{slot.name} cannot be sent in version {version}')")
    for run in _runs([slot for slot in slots if slot.present and slot.tag is None]):
        if _is_fixed(run[0]):
            _write_fixed(source, 1, run)
        else:
            _write_value(source, 1, run[0].type, _value_of(source, run[0]), nullable=run[0].nullable)
    tagged = _tagged(slots)
    if flexible and tagged:
        _write_tagged(source, tagged)
    elif flexible:
        source.add(1, "put(b'\\0')")
    source.add(1, "return None")
    made: Writer = source.function(f"write {cls.__name__}")
    return made


def _value_of(source: _Source, slot: Slot) -> str:
    """The expression of what is written; messages of errors are cut to what fits, so that an error is always told."""
    value = f"message.{slot.name}"
    if not slot.name.endswith("error_message"):
        return value
    source.names["fitting"] = primitives.fitting
    return f"fitting({value})"


def _tagged(slots: tuple[Slot, ...]) -> list[Slot]:
    return sorted((slot for slot in slots if slot.present and slot.tag is not None), key=lambda slot: slot.tag or 0)


def _write_fixed(source: _Source, indent: int, run: list[Slot]) -> None:
    codes = ""
    values = []
    for slot in run:
        assert isinstance(slot.type, Primitive)
        codes += slot.type.format
        values.append(f"message.{slot.name}" + ".bytes" * (slot.type.name == "uuid"))
    pack = source.bind(struct.Struct(">" + codes).pack, "pack")
    source.add(indent, f"put({pack}({', '.join(values)}))")


def _write_value(source: _Source, indent: int, kind: Type, value: str, *, nullable: bool) -> None:
    if isinstance(kind, Primitive):
        if kind.format:
            pack = source.bind(struct.Struct(">" + kind.format).pack, "pack")
            source.add(indent, f"put({pack}({value}{'.bytes' * (kind.name == 'uuid')}))")
        else:
            source.add(indent, f"{source.primitive('write', kind.name, nullable=nullable)}(put, {value})")
    elif isinstance(kind, StructOf):
        nested = source.bind(writer(kind.cls, source.version, source.flexible), "write")
        if nullable:
            source.add(indent, f"if {value} is None: put(b'\\xff')")
            source.add(indent, f"else: put(b'\\1'); {nested}(put, {value})")
        else:
            source.add(indent, f"{nested}(put, {value})")
    else:
        _write_array(source, indent, kind, value, nullable=nullable)


def _write_array(source: _Source, indent: int, kind: ArrayOf, value: str, *, nullable: bool) -> None:
    source.add(indent, f"items = {value}")
    if nullable:
        null = "b'\\0'" if source.flexible else "b'\\xff\\xff\\xff\\xff'"
        source.add(indent, f"if items is None: put({null})")
        source.add(indent, "else:")
        indent += 1
    if source.flexible:
        source.names["unsigned_varint"] = primitives.unsigned_varint
        source.add(indent, "put(unsigned_varint(len(items) + 1))")
    else:
        source.names["count"] = primitives.INT32.pack
        source.add(indent, "put(count(len(items)))")
    source.add(indent, "for item in items:")
    _write_value(source, indent + 1, kind.item, "item", nullable=False)


def _write_tagged(source: _Source, tagged: list[Slot]) -> None:
    source.names["unsigned_varint"] = primitives.unsigned_varint
    source.names["write_tags"] = _write_tags
    source.add(1, "tags = []")
    for slot in tagged:
        default = source.bind(slot.default, "default")
        source.add(1, f"if message.{slot.name} != {default}:")
        source.add(2, "pieces = []")
        source.add(2, f"tags.append(({slot.tag}, pieces))")
        source.add(2, "outer, put = put, pieces.append")
        _write_value(source, 2, slot.type, f"message.{slot.name}", nullable=slot.nullable)
        source.add(2, "put = outer")
    source.add(1, "write_tags(put, tags)")


def _write_tags(put: Put, tags: list[tuple[int, list[bytes]]]) -> None:
    put(primitives.unsigned_varint(len(tags)))
    for tag, pieces in tags:
        put(primitives.unsigned_varint(tag))
        put(primitives.unsigned_varint(sum(map(len, pieces))))
        for piece in pieces:
            put(piece)


@cache
def reader(cls: type[Struct], version: int, flexible: bool) -> Reader:
    """A function ``(data, position) -> (message, next position)``; ``struct.error`` also means "ends early"."""
    source = _Source(version, flexible)
    source.names["make"] = cls
    source.add(0, "def function(data, position):")
    slots = layout(cls, version)
    for run in _runs([slot for slot in slots if slot.present and slot.tag is None]):
        if _is_fixed(run[0]):
            _read_fixed(source, 1, run)
        else:
            _read_value(source, 1, run[0].type, f"f_{run[0].name}", nullable=run[0].nullable)
    tagged = _tagged(slots)
    if flexible and tagged:
        _read_tagged(source, tagged)
    elif flexible:
        source.names["skip_tagged_fields"] = primitives.skip_tagged_fields
        source.add(1, "if data[position:position + 1] == b'\\0': position += 1")
        source.add(1, "else: position = skip_tagged_fields(data, position)")
    arguments = ", ".join(f"{slot.name}=f_{slot.name}" for slot in slots if slot.present)
    source.add(1, f"return make({arguments}), position")
    made: Reader = source.function(f"read {cls.__name__}")
    return made


def _read_fixed(source: _Source, indent: int, run: list[Slot]) -> None:
    codes = "".join(slot.type.format for slot in run if isinstance(slot.type, Primitive))
    fixed = struct.Struct(">" + codes)
    unpack = source.bind(fixed.unpack_from, "unpack")
    targets = ", ".join(f"f_{slot.name}" for slot in run)
    source.add(indent, f"{targets}, = {unpack}(data, position)")
    source.add(indent, f"position += {fixed.size}")
    for slot in run:
        if isinstance(slot.type, Primitive) and slot.type.name == "uuid":
            source.add(indent, f"f_{slot.name} = from_bytes(f_{slot.name})")


def _read_value(source: _Source, indent: int, kind: Type, target: str, *, nullable: bool) -> None:
    if isinstance(kind, Primitive):
        if kind.format:
            fixed = struct.Struct(">" + kind.format)
            source.add(indent, f"{target}, = {source.bind(fixed.unpack_from, 'unpack')}(data, position)")
            source.add(indent, f"position += {fixed.size}")
            if kind.name == "uuid":
                source.add(indent, f"{target} = from_bytes({target})")
        else:
            function = source.primitive("read", kind.name, nullable=nullable)
            source.add(indent, f"{target}, position = {function}(data, position)")
    elif isinstance(kind, StructOf):
        nested = source.bind(reader(kind.cls, source.version, source.flexible), "read")
        if nullable:
            byte = source.bind(struct.Struct(">b").unpack_from, "unpack")
            source.add(indent, f"{target}, = {byte}(data, position)")
            source.add(indent, "position += 1")
            source.add(indent, f"if {target} < 0: {target} = None")
            source.add(indent, f"else: {target}, position = {nested}(data, position)")
        else:
            source.add(indent, f"{target}, position = {nested}(data, position)")
    else:
        _read_array(source, indent, kind, target, nullable=nullable)


def _read_array(source: _Source, indent: int, kind: ArrayOf, target: str, *, nullable: bool) -> None:
    function = "read_compact_count" if source.flexible else "read_count"
    source.names[function] = getattr(primitives, function)
    smallest = max(1, smallest_size(kind.item, source.version, source.flexible))
    source.add(indent, f"count, position = {function}(data, position, {smallest}, {nullable})")
    if nullable:
        source.add(indent, f"if count < 0: {target} = None")
        source.add(indent, "else:")
        indent += 1
    source.add(indent, f"{target} = []")
    source.add(indent, "for _ in range(count):")
    _read_value(source, indent + 1, kind.item, "item", nullable=False)
    source.add(indent + 1, f"{target}.append(item)")
    source.add(indent, f"{target} = tuple({target})")


def _read_tagged(source: _Source, tagged: list[Slot]) -> None:
    source.names["varint"] = primitives.read_unsigned_varint
    for slot in tagged:
        source.add(1, f"f_{slot.name} = {source.bind(slot.default, 'default')}")
    source.add(1, "tags, position = varint(data, position)")
    source.add(1, "for _ in range(tags):")
    source.add(2, "tag, position = varint(data, position)")
    source.add(2, "size, position = varint(data, position)")
    source.add(2, "end = position + size")
    source.add(2, "if end > len(data): raise ProtocolError(f'tagged field {tag} ends early')")
    for number, slot in enumerate(tagged):
        source.add(2, f"{'el' * (number > 0)}if tag == {slot.tag}:")
        _read_value(source, 3, slot.type, f"f_{slot.name}", nullable=slot.nullable)
        source.add(3, "if position != end: raise ProtocolError(f'tagged field {tag} is not {size} bytes long')")
    source.add(2, "position = end")
