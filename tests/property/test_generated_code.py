"""Generated code does what a naive interpreter, which takes one record at a time through the graph, does.

The interpreter below is the specification: objects, recursion, dictionaries, nothing shared with the code generator.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.model import Headers
from streams.serde.base import Serde
from streams.serde.binary import int64
from streams.topology.compile import SubTopology
from streams.topology.nodes import (
    Aggregate,
    Filter,
    FlatMap,
    FlatMapValues,
    ForEach,
    Map,
    MapValues,
    Merge,
    Node,
    Peek,
    SelectKey,
    Sink,
    Source,
    ToStream,
    UserFunction,
)
from tests.unit.streams.chains import NUMBER, TEXT, Runner, aggregate, batch_of, function, sink, source, sub_topology

LIMIT = 1000
"""Values stay small, so that every format can hold them."""

ANGLED: Serde[str] = Serde(
    encode=lambda text: b"<%s>" % text.encode(), decode=lambda data: data[1:-1].decode(), id="angled"
)


def _number(value: int | None) -> int:
    return 0 if value is None else value


PREDICATES = [
    function(lambda value: _number(value) % 2 == 0),
    function(lambda key, value: key is not None and _number(value) < 7, "key", "value"),
    function(lambda key: key != "b", "key"),
]
VALUE_MAPPERS = [
    function(lambda value: (_number(value) * 3 + 1) % LIMIT),
    function(lambda value: None if _number(value) % 5 == 0 else value),
    function(lambda key, value: len(key or "") + _number(value) % LIMIT, "key", "value"),
]
KEY_MAPPERS = [
    function(lambda value: None if value is None else str(value % 3)),
    function(lambda key, value: (key or "z") + "'", "key", "value"),
    function(lambda key: "same", "key"),
]
PAIR_MAPPERS = [
    function(lambda value: ("abc"[_number(value) % 3], _number(value) // 2)),
    function(lambda key, value: (key, value), "key", "value"),
    function(lambda key, value: (None, None), "key", "value"),
]
FLAT_MAPPERS = [
    function(lambda key, value: [(key, _number(value)), ("twice", value)], "key", "value"),
    function(lambda value: []),
    function(lambda value: ((str(index), index) for index in range(_number(value) % 4))),
]
FLAT_VALUE_MAPPERS = [
    function(lambda value: [value, None]),
    function(lambda key, value: range(_number(value) % 3), "key", "value"),
]
ADDERS = [
    function(lambda old, value: (old + value) % LIMIT, "aggregate", "value"),
    function(lambda old, value: None if value % 4 == 0 else value, "aggregate", "value"),
    function(lambda key, old, value: (len(key) + old + value) % LIMIT, "key", "aggregate", "value"),
]


def kinds(name: str) -> list[st.SearchStrategy[Node]]:
    """Every kind of node that takes a stream, but for sinks."""

    def one(kind: type[Node], argument: str, functions: list[UserFunction], **rest: Any) -> st.SearchStrategy[Node]:
        return st.sampled_from(functions).map(lambda chosen: kind(name=name, **{argument: chosen, **rest}))

    return [
        one(Filter, "predicate", PREDICATES),
        one(Filter, "predicate", PREDICATES, negate=True),
        one(Map, "mapper", PAIR_MAPPERS),
        one(MapValues, "mapper", VALUE_MAPPERS),
        one(SelectKey, "mapper", KEY_MAPPERS),
        one(FlatMap, "mapper", FLAT_MAPPERS),
        one(FlatMapValues, "mapper", FLAT_VALUE_MAPPERS),
        one(Peek, "action", [function(repr), function(lambda key, value: None, "key", "value")]),
        one(ForEach, "action", [function(repr)]),
        *[st.just(Merge(name=name))] * 3,
    ]


def aggregates(name: str) -> st.SearchStrategy[Node]:
    formats = st.fixed_dictionaries({"key": st.sampled_from([TEXT, ANGLED]), "value": st.sampled_from([NUMBER, int64])})
    initial = UserFunction(call=lambda: 5, arguments=())
    return st.one_of(
        formats.map(lambda chosen: aggregate(name, "count", **chosen)),
        st.tuples(formats, st.sampled_from(ADDERS)).map(lambda c: aggregate(name, "reduce", adder=c[1], **c[0])),
        st.tuples(formats, st.sampled_from(ADDERS)).map(
            lambda c: aggregate(name, "aggregate", initializer=initial, adder=c[1], **c[0])
        ),
    )


def sinks(name: str) -> st.SearchStrategy[Node]:
    return st.builds(
        lambda key, value, internal: sink(name, key=key, value=value, internal=internal),
        st.sampled_from([TEXT, ANGLED, None]),
        st.sampled_from([NUMBER, int64, None]),
        st.booleans(),
    )


@st.composite
def topologies(draw: st.DrawFn, *, nested_aggregates: bool = True) -> SubTopology:
    """Connected graphs of all kinds of nodes, with branches that meet again, over one or two sources."""
    edges: list[tuple[Node, tuple[str, ...]]] = [(source("in"), ())]
    streams = ["in"]
    after_aggregate: set[str] = set()
    if draw(st.booleans()):
        edges += [(source("other", value=draw(st.sampled_from([NUMBER, int64]))), ())]
        edges += [(Merge(name="joined"), ("in", "other"))]
        streams += ["other", "joined"]
    for index in range(draw(st.integers(0, 7))):
        name = f"n{index}"
        # The first and the latest more often: whole-column code is for chains, inner functions for diamonds.
        parents = draw(st.lists(st.sampled_from([*streams, *streams[:1], *streams[-3:]]), min_size=1, max_size=3))
        may_aggregate = nested_aggregates or not after_aggregate & set(parents)
        node = draw(st.one_of(*kinds(name), *([aggregates(name)] * 3 if may_aggregate else [])))
        edges.append((node, tuple(parents) if isinstance(node, Merge) else (parents[0],)))
        if isinstance(node, Aggregate):
            edges.append((ToStream(name=f"{name}-changes"), (name,)))
            after_aggregate.add(name := f"{name}-changes")
            if draw(st.booleans()):
                edges.append((draw(sinks(f"{name}-out")), (name,)))
        elif after_aggregate & set(edges[-1][1]):
            after_aggregate.add(name)
        if not isinstance(node, ForEach):
            streams.append(name)
    for index in range(draw(st.integers(1, 3))):
        edges.append((draw(sinks(f"out{index}")), (draw(st.sampled_from(streams)),)))
    return sub_topology(*edges)


Event = tuple[str, bytes | None, int | None, int, Headers]

EVENTS: st.SearchStrategy[list[Event]] = st.lists(
    st.tuples(
        st.sampled_from(["in", "other"]),
        st.sampled_from([None, b"a", b"b", b"c"]),
        st.one_of(st.none(), st.integers(-3, 30)),
        st.integers(-1, 40),
        st.sampled_from([(), (("h", b"1"),), (("x", None), ("y", b""))]),
    ),
    max_size=25,
)


@dataclass
class Interpreter:
    """One record at a time, through the graph as it stands."""

    sub: SubTopology
    outputs: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    stores: dict[str, dict[bytes, tuple[bytes, int]]] = field(default_factory=lambda: defaultdict(dict))
    dropped: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    def __post_init__(self) -> None:
        self.nodes = {node.name: node for node in self.sub.nodes}

    def send(self, topic: str, key: bytes | None, value: bytes | None, timestamp: int, headers: Headers) -> None:
        node = self.nodes[topic]
        assert isinstance(node, Source)
        if timestamp < 0:
            self.dropped[topic, "negative timestamp"] += 1
            return
        decoded = None if key is None else node.key_serde.decode(key)
        self.forward(node, decoded, None if value is None else node.value_serde.decode(value), timestamp, headers)

    def forward(self, node: Node, *record: Any) -> None:
        for child in self.sub.children[node.name]:
            self.receive(self.nodes[child], *record)

    def receive(self, node: Node, key: Any, value: Any, timestamp: int, headers: Headers) -> None:
        rest = (timestamp, headers)
        match node:
            case Filter():
                if bool(_called(node.predicate, key=key, value=value)) is not node.negate:
                    self.forward(node, key, value, *rest)
            case Map():
                self.forward(node, *_called(node.mapper, key=key, value=value), *rest)
            case MapValues():
                self.forward(node, key, _called(node.mapper, key=key, value=value), *rest)
            case SelectKey():
                self.forward(node, _called(node.mapper, key=key, value=value), value, *rest)
            case FlatMap():
                for pair in _called(node.mapper, key=key, value=value):
                    self.forward(node, *pair, *rest)
            case FlatMapValues():
                for made in _called(node.mapper, key=key, value=value):
                    self.forward(node, key, made, *rest)
            case Peek() | Merge() | ToStream():
                self.forward(node, key, value, *rest)
            case Aggregate():
                self.aggregate(node, key, value, *rest)
            case Sink():
                if key is None and node.internal:
                    self.dropped[node.name, "null key"] += 1
                else:
                    row = (_written(node.key_serde, key, TEXT), _written(node.value_serde, value, NUMBER), *rest)
                    self.outputs[node.name].append(row)

    def aggregate(self, node: Aggregate, key: Any, value: Any, timestamp: int, headers: Headers) -> None:
        if key is None or value is None:
            self.dropped[node.name, "null key" if key is None else "null value"] += 1
            return
        rows = self.stores[node.store.name]
        raw_key = node.key_serde.encode(key)
        stored = rows.get(raw_key)
        old = None if stored is None else node.value_serde.decode(stored[0])
        if node.kind == "count":
            new = _number(old) + 1
        elif node.kind == "reduce" and old is None:
            new = value
        else:
            assert node.adder is not None
            start = old if old is not None else _called(node.initializer)
            new = _called(node.adder, key=key, aggregate=start, value=value)
        latest = timestamp if stored is None else max(timestamp, stored[1])
        if new is None:
            rows.pop(raw_key, None)
        else:
            rows[raw_key] = (node.value_serde.encode(new), latest)
        self.forward(node, key, new, latest, headers)


def _called(function: UserFunction | None, **given: Any) -> Any:
    assert function is not None
    return function.call(*(given[name] for name in function.arguments))


def _written(serde: Serde[Any] | None, value: Any, own: Serde[Any]) -> bytes | None:
    """A sink without a serde writes the value in its own type's format (``_normal`` makes passed-on bytes so)."""
    return None if value is None else (serde or own).encode(value)


def _normal(node: Sink, column: list[bytes | None], name: str) -> list[bytes | None]:
    """Without a serde a sink passes bytes on in whatever format they have; compare those as plain text and JSON."""
    if getattr(node, f"{name}_serde") is not None:
        return column
    if name == "key":
        return [raw if raw is None or not raw.startswith(b"<") else raw[1:-1] for raw in column]
    return [raw if raw is None or len(raw) < 8 else b"%d" % int64.decode(raw) for raw in column]


def outputs_of(runner: Runner) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for columns in runner.bound.drain_outputs():
        (node,) = (node for node in runner.sub.nodes if node.name == columns.topic)
        assert isinstance(node, Sink)
        headers = columns.headers or [()] * len(columns.keys)
        keys, values = _normal(node, columns.keys, "key"), _normal(node, columns.values, "value")
        found[columns.topic] = list(zip(keys, values, columns.timestamps, headers, strict=True))
    return found


def encoded(sub: SubTopology, events: list[Event]) -> list[tuple[str, bytes | None, bytes | None, int, Headers]]:
    """The events that this topology has a source for, as bytes."""
    sources = {node.name: node for node in sub.nodes if isinstance(node, Source)}
    return [
        (topic, key, None if value is None else sources[topic].value_serde.encode(value), timestamp, headers)
        for topic, key, value, timestamp, headers in events
        if topic in sources
    ]


def feed(runner: Runner, events: list[tuple[str, bytes | None, bytes | None, int, Headers]], sizes: list[int]) -> None:
    """As batches of the given sizes in turn (of one topic each), every other one in two calls."""
    position = turn = 0
    while position < len(events):
        topic = events[position][0]
        end = position
        while end < len(events) and events[end][0] == topic and end - position < sizes[turn % len(sizes)]:
            end += 1
        some = events[position:end]
        headers = [event[4] for event in some] if any(event[4] for event in some) else None
        batch = batch_of(topic, [event[1:4] for event in some], headers=headers)
        middle = len(some) // 2 if turn % 2 else 0
        for start, stop in ((0, middle), (middle, len(some))):
            if start < stop:
                runner.bound.process[topic](batch, start, stop)
        position, turn = end, turn + 1


SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=4)


@settings(max_examples=150, deadline=None)
@given(sub=topologies(), events=EVENTS, sizes=SIZES)
def test_equals_the_interpreter_wherever_batches_end(sub: SubTopology, events: list[Event], sizes: list[int]) -> None:
    """With the cache off: outputs with headers, in order; dropped records; stored rows."""
    interpreter, runner = Interpreter(sub), Runner(sub)
    records = encoded(sub, events)
    for record in records:
        interpreter.send(*record)
    feed(runner, records, sizes)
    assert outputs_of(runner) == dict(interpreter.outputs)
    assert runner.dropped == dict(interpreter.dropped)
    for spec in sub.stores:
        assert _rows(runner, spec.name) == interpreter.stores[spec.name]


@settings(max_examples=100, deadline=None)
@given(
    sub=topologies(nested_aggregates=False),
    events=EVENTS,
    sizes=SIZES,
    cache_max_bytes=st.sampled_from([0, 900, 1 << 20]),
)
def test_the_cache_changes_no_last_value(
    sub: SubTopology, events: list[Event], sizes: list[int], cache_max_bytes: int
) -> None:
    """Stores, last values sent on or logged, and drops are the same with the cache on, full or not, whenever flushed.

    Nodes below an aggregate see fewer changes with the cache, so there is none among them that counts.
    """
    plain, cached = Runner(sub), Runner(sub, cache=True, cache_max_bytes=cache_max_bytes)
    records = encoded(sub, events)
    for part in (records[: len(records) // 2], records[len(records) // 2 :]):
        feed(plain, part, sizes)
        feed(cached, part, sizes)
        cached.flush()
    kept = [node for node in sub.nodes if isinstance(node, Aggregate)]
    for node in kept:
        name = node.store.name
        assert _rows(cached, name) == _rows(plain, name)
        for reason in ("null key", "null value"):
            assert plain.dropped.get((node.name, reason), 0) == cached.dropped.get((node.name, reason), 0)
    sent, expected = outputs_of(cached), outputs_of(plain)
    for node in kept:
        for name in sub.children[f"{node.name}-changes"]:
            if name.endswith("-out"):
                assert _last(sent.get(name, [])) == _last(expected.get(name, []))
    for changed, reference in zip(cached.stores.changelogs().values(), plain.stores.changelogs().values(), strict=True):
        mine, others = changed.drain(), reference.drain()
        assert _present(dict(zip(mine.keys, mine.values, strict=True))) == _present(
            dict(zip(others.keys, others.values, strict=True))
        )


def _last(rows: list[Any]) -> dict[bytes, Any]:
    """Value and timestamp by key; a row that was never seen to exist is as good as a deleted one."""
    last = {key: (value, timestamp) for key, value, timestamp, _ in rows}
    return {key: row for key, row in last.items() if row[0] is not None}


def _rows(runner: Runner, store: str) -> dict[bytes, Any]:
    rows = runner.stores.store(store)
    return {key: rows.get_with_timestamp(key) for key, _ in rows.range()}


def _present(rows: dict[bytes, bytes | None]) -> dict[bytes, bytes]:
    return {key: value for key, value in rows.items() if value is not None}
