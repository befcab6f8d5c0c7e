"""What generated code knows of the record at one edge of the topology: which variables hold which of its parts.

Values only. Keys and values travel as bytes, as objects, or both; ``operators.emitter`` turns one into the other
where an operator looks, so that a part nobody looks at is never decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from streams.errors import TopologyError
from streams.topology.nodes import AnySerde, UserFunction

if TYPE_CHECKING:
    from streams.operators.emitter import Emitter

PartName: TypeAlias = Literal["key", "value", "old"]
KEY: Final[PartName] = "key"
VALUE: Final[PartName] = "value"
OLD: Final[PartName] = "old"
PARTS: Final[tuple[PartName, PartName]] = (KEY, VALUE)
"""What every record has; ``OLD`` is there on the edges of tables whose readers ask for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A record's key or its value.

    Arguments:
        raw: the variable that holds its bytes (or None for null), if one does.
        value: the variable that holds the object, if one does.
        serde: the format of ``raw``.
        origin: the operator to blame when ``raw`` cannot be decoded.
        present: whether it is known not to be null.
    """

    raw: str | None = None
    value: str | None = None
    serde: AnySerde | None = None
    origin: str = ""
    present: bool = False

    @property
    def variable(self) -> str:
        """Any variable that is None exactly where the part is null."""
        variable = self.raw or self.value
        assert variable is not None
        return variable


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One record on its way: its parts and the variables of its timestamp and headers (None: it has no headers).

    On the edges of a table a record is a change of one row: ``value`` is the new value (null: deleted), and ``old``
    the value that this node sent last for the key, null where there was none. ``old`` itself is None where nobody
    downstream asks for it (``Operator.wants_old``).
    """

    key: Part
    value: Part
    timestamp: str
    headers: str | None
    old: Part | None = None
    count: str | None = None
    """The variable that says how many records this one stands for, where that may be more than one."""

    def part(self, name: PartName) -> Part:
        if name == OLD:
            assert self.old is not None, "an operator looks at old values without Operator.wants_old"
            return self.old
        return self.key if name == KEY else self.value

    def not_null(self, name: PartName) -> Flow:
        """The flow where this part has been seen not to be null."""
        return self.with_part(name, replace(self.part(name), present=True))

    def with_part(self, name: PartName, part: Part) -> Flow:
        if name == OLD:
            return replace(self, old=part)
        return replace(self, key=part) if name == KEY else replace(self, value=part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a lookup in a table found: the value, null where there is no row, and the variable of its timestamp, which
    means nothing then."""

    value: Part
    timestamp: str


def _no_functions(node: Any) -> tuple[UserFunction, ...]:
    return ()


def _encodes_nothing(node: Any) -> Mapping[PartName, AnySerde | None]:
    return {}


def _keeps_nothing(emitter: Emitter, node: Any) -> None:
    return None


def _has_no_rows(emitter: Emitter, node: Any, flow: Flow) -> Row:
    raise TopologyError(f"{node.name}: no rows can be looked up in a {type(node).__name__}")


def _looks_at_no_old(node: Any, sends_old: bool) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """What code generation knows of one node type.

    Arguments:
        emit: writes the node's code for a record that arrives as the given flow, and forwards what comes of it.
        keeps: parts that leave the node as they came.
        functions: the user's functions that it calls with the record.
        encodes: parts that it writes as bytes, and in which format (None: each value in its own type's).
        nests: in how many blocks of its own what comes after it is written.
        wants_old: whether the node needs ``Flow.old`` of the changes that reach it; the second argument is whether it
            must send old values itself.
        open_store: writes the names that the node's code has for its store, once per task.
        lookup: of a table: writes what finds the row of the flow's key (which is there as bytes of the table's key
            serde, and is not null).
    """

    emit: Callable[[Emitter, Any, Flow], None]
    keeps: tuple[PartName, ...] = PARTS
    functions: Callable[[Any], tuple[UserFunction, ...]] = _no_functions
    encodes: Callable[[Any], Mapping[PartName, AnySerde | None]] = _encodes_nothing
    nests: int = 0
    wants_old: Callable[[Any, bool], bool] = _looks_at_no_old
    open_store: Callable[[Emitter, Any], None] = _keeps_nothing
    lookup: Callable[[Emitter, Any, Flow], Row] = _has_no_rows
