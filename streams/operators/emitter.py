"""Writes the text of generated functions, and remembers which line does what for whom.

Owns names, indentation, the constants that the text refers to, and the line table by which a traceback names the
operator at no cost per record. Knows no graph: ``forward`` is given by whoever walks it (``codegen.generator``).
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from enum import Enum
from typing import Any, Final, NamedTuple

from streams.errors import TopologyError
from streams.operators.flow import KEY, PARTS, Flow, Part, PartName, Row
from streams.operators.needs import Needs
from streams.serde.base import same_format
from streams.serde.own import encode_by_type
from streams.serde.plain import absent
from streams.topology.nodes import AnySerde, Node, UserFunction

CONTEXT: Final = "context"
_INDENT: Final = "    "


class Action(Enum):
    """What a line of generated code does; decides what a failure in it is called."""

    CALL = "call"
    DECODE = "decode"
    ENCODE = "encode"
    STATE = "state"


class LineOrigin(NamedTuple):
    """Whose line it is. ``subject`` is the user's function, or the serde's id, or the store's name.

    ``serde`` and ``variable`` say of a line that decodes or encodes by which format, and which local it reads.
    """

    operator: str
    action: Action
    part: str
    subject: str
    serde: AnySerde | None = None
    variable: str = ""


class Emitter:
    """Text under construction.

    Arguments:
        cache: whether aggregates go through the record cache.
        forward: emits what comes after a node for a record that leaves it as the given flow.
        sends_old: whether somebody after a node needs ``Flow.old``, which the node's operator must then fill.
        tables: the tables that a node looks rows up in; those above it, where it is a table itself.
        lookup: emits what finds a table's row of the flow's key.
        uncached: names of nodes whose changes go through no record cache, whatever ``cache`` says.
        needs: what a first walk has found the policies to ask for.
    """

    def __init__(
        self,
        *,
        cache: bool,
        forward: Callable[[Node, Flow], None],
        sends_old: Callable[[Node], bool] = lambda node: False,
        tables: Callable[[Node], tuple[Node, ...]] = lambda node: (),
        lookup: Callable[[Node, Flow], Row] | None = None,
        uncached: Collection[str] = (),
        needs: Needs = Needs.NOTHING,
    ) -> None:
        self.cache = cache
        self.forward = forward
        self.sends_old = sends_old
        self.tables = tables
        self.lookup = lookup
        self.uncached = uncached
        self.batch_timestamp: str | None = None
        """In a batch's function, the local with a record's timestamp as it is in the batch."""
        self.needs = needs
        self.found_needs = Needs.NOTHING
        """What the policies of the operators that were written ask for."""
        self.lines: list[str] = []
        self.origins: dict[int, LineOrigin] = {}
        self.constants: dict[str, object] = {}
        self._constant_names: dict[int, str] = {}
        self._taken: dict[str, str] = {}
        self._depth = 0
        self._locals: dict[str, int] = {}
        self._known: list[dict[tuple[str, str], str]] = [{}]

    # Text.

    def line(self, text: str, origin: LineOrigin | None = None) -> None:
        """One statement; ``origin`` where it can fail on a record."""
        self.lines.append(_INDENT * self._depth + text if text else "")
        if origin is not None:
            self.origins[len(self.lines)] = origin

    def call_over_lines(self, head: str, arguments: Iterable[str]) -> None:
        """A call with one argument a line, for the reader's sake."""
        self.line(f"{head}(")
        for argument in arguments:
            self.line(f"{_INDENT}{argument},")
        self.line(")")

    @contextmanager
    def block(self, header: str, origin: LineOrigin | None = None) -> Iterator[None]:
        """An indented block; what is decoded or encoded inside is not known after it."""
        self.line(header, origin)
        self._depth += 1
        self._known.append({})
        length = len(self.lines)
        yield
        if len(self.lines) == length:
            self.line("pass")
        self._known.pop()
        self._depth -= 1

    @contextmanager
    def function(self, header: str) -> Iterator[None]:
        """A function's block: nothing that is decoded or encoded outside is known inside."""
        known, self._known = self._known, []
        with self.block(header):
            yield
        self._known = known

    def new_names(self) -> None:
        """Local names start afresh: an outermost function begins."""
        self._locals.clear()

    def local(self, hint: str) -> str:
        """A local name that the current function does not use yet."""
        count = self._locals[hint] = self._locals.get(hint, 0) + 1
        return hint if count == 1 else f"{hint}_{count}"

    def named(self, prefix: str, name: str) -> str:
        """The identifier that stands for a node's or store's name; two names never share one."""
        wanted = f"{prefix}_{re.sub(r'[^0-9A-Za-z_]', '_', name)}"
        while self._taken.setdefault(wanted, name) != name:
            wanted += "_"
        return wanted

    def constant(self, hint: str, value: object) -> str:
        """The global name of an object that does not depend on the task."""
        name = self._constant_names.get(id(value))
        if name is None:
            base = name = re.sub(r"[^0-9A-Za-z_]", "_", hint)
            count = 1
            while name in self.constants:
                count += 1
                name = f"{base}_{count}"
            self.constants[name] = value
            self._constant_names[id(value)] = name
        return name

    # Parts of a record.

    def decode(self, flow: Flow, name: PartName) -> Flow:
        """The flow with this part as an object; emits the decoding unless a visible variable has it."""
        part = flow.part(name)
        if part.value is not None:
            return flow
        assert part.raw is not None and part.serde is not None
        value = self._seen(part.raw, "decode")
        if value is None:
            value = self.local(name)
            decode = self.constant(f"decode_{part.origin}_{name}", part.serde.decode)
            origin = LineOrigin(part.origin, Action.DECODE, name, part.serde.id, part.serde, part.raw)
            decoded = f"{decode}({part.raw})"
            self.line(f"{value} = {decoded if part.present else _unless_null(part.raw, decoded)}", origin)
            self._known[-1][part.raw, "decode"] = value
        return flow.with_part(name, replace(part, value=value))

    def encode(self, flow: Flow, name: PartName, serde: AnySerde | None, operator: str) -> str:
        """The variable with this part's bytes in the given format (None for null), encoding only where it must.

        ``serde`` None: bytes that are there already, else by the value's own type.
        """
        part = flow.part(name)
        if has_bytes(part, serde):
            assert part.raw is not None
            return part.raw
        value = self.decode(flow, name).part(name).value
        assert value is not None
        format_id = "" if serde is None else serde.id
        encoding_of = f"encode {id(encode_by_type if serde is None else serde.encode)}"
        raw = self._seen(value, encoding_of)
        if raw is None:
            raw = self.local(f"raw_{name}")
            origin = LineOrigin(operator, Action.ENCODE, name, format_id, serde, value)
            encoding = self.encoding(value, serde, f"{operator}_{name}", present=part.present)
            self.line(f"{raw} = {encoding}", origin)
            self._known[-1][value, encoding_of] = raw
        return raw

    def encoding(self, value: str, serde: AnySerde | None, hint: str, *, present: bool = False) -> str:
        """An expression for the bytes of the object in variable ``value``; null stays None."""
        if serde is None or serde.fast is None:
            if serde is absent:
                encoded = "b''"
            elif serde is None:
                encoded = f"{self.constant('encode_by_type', encode_by_type)}({value})"
            else:
                encoded = f"{self.constant(f'encode_{hint}', serde.encode)}({value})"
            return encoded if present else _unless_null(value, encoded)
        fast = self.constant(f"fast_{hint}", serde.fast.encode)
        exact = self._type(serde.fast.exact)
        slow = self.constant(f"checked_{hint}", nullable(serde.encode))
        return f"{fast}({value}) if type({value}) is {exact} else {slow}({value})"

    def call(
        self,
        node: Node,
        function: UserFunction,
        flow: Flow,
        extra: Mapping[str, str] | None = None,
        *,
        many: bool = False,
    ) -> tuple[str, LineOrigin]:
        """An expression that calls the user's function, and whose line it is; emits the decoding it needs.

        Arguments:
            extra: further argument names and the expressions for them.
            many: whether it returns an iterable.
        """
        names = {CONTEXT: CONTEXT, "timestamp": flow.timestamp, **(extra or {})}
        arguments: list[str] = []
        for argument in function.arguments:
            if argument in PARTS:
                name: PartName = "key" if argument == KEY else "value"
                flow = self.decode(flow, name)
                arguments.append(str(flow.part(name).value))
            elif argument in names:
                arguments.append(names[argument])
            else:
                raise TopologyError(f"{node.name}: no operator of this kind has an argument {argument!r} to give")
        called = self.constant(f"call_{node.name}", function.call)
        # An aggregate's functions are called again: what they returned may have been changed since.
        if Needs.RECALL in self.needs and "aggregate" not in function.arguments and arguments:
            recall = "recall_all" if many else "recall"
            return f"{recall}({', '.join((called, *arguments))})", LineOrigin(node.name, Action.CALL, "", function.name)
        return f"{called}({', '.join(arguments)})", LineOrigin(node.name, Action.CALL, "", function.name)

    def drop(self, node: Node, reason: str, count: str = "1") -> None:
        """Count dropped records."""
        self.line(f"dropped[{node.name!r}, {reason!r}] += {count}")

    def _type(self, kind: type) -> str:
        name = kind.__name__
        return name if getattr(builtins, name, None) is kind else self.constant(f"type_{name}", kind)

    def _seen(self, variable: str, what: str) -> str | None:
        for scope in reversed(self._known):
            if (variable, what) in scope:
                return scope[variable, what]
        return None


def has_bytes(part: Part, serde: AnySerde | None) -> bool:
    """Whether the part travels as bytes of this format already (None: any will do)."""
    return part.raw is not None and (serde is None or part.serde is None or same_format(part.serde, serde))


def nullable(encode: Callable[[Any], bytes]) -> Callable[[Any], bytes | None]:
    """``encode`` for objects that may be None; called by generated code."""

    def encode_nullable(value: Any) -> bytes | None:
        return None if value is None else encode(value)

    return encode_nullable


def _unless_null(variable: str, expression: str) -> str:
    return f"None if {variable} is None else {expression}"
