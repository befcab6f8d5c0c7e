"""What a user is told when a record fails: operator, topic, partition, offset, key, what to do; wherever it fails."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from state.errors import StateError
from streams.errors import ProcessingError
from streams.serde.binary import int32
from streams.topology.nodes import (
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
    ToStream,
    UserFunction,
)
from tests.unit.streams.chains import (
    NUMBER,
    TEXT,
    Runner,
    aggregate,
    batch_of,
    chain,
    function,
    sink,
    source,
    sub_topology,
)

BAD = 13
"""The value that makes the function under test fail."""


class Broken(Exception):
    """What the user's function raises."""


def failing(result: Callable[[int], Any]) -> Callable[[int], Any]:
    def user_function(value: int) -> Any:
        if value == BAD:
            raise Broken("unlucky")
        return result(value)

    return user_function


def failing_in_the_middle(value: int) -> Iterator[int]:
    yield value
    if value == BAD:
        raise Broken("unlucky")


def adder(old: int, value: int) -> int:
    if value == BAD:
        raise Broken("unlucky")
    return old + value


ADDER = function(adder, "aggregate", "value")
OPERATORS: dict[str, Node] = {
    "filter": Filter(name="node", predicate=function(failing(lambda value: True))),
    "filter_not": Filter(name="node", predicate=function(failing(lambda value: False)), negate=True),
    "map": Map(name="node", mapper=function(failing(lambda value: ("k", value)))),
    "map_values": MapValues(name="node", mapper=function(failing(lambda value: value))),
    "flat_map": FlatMap(name="node", mapper=function(failing(lambda value: [("k", value)]))),
    "flat_map_values": FlatMapValues(name="node", mapper=function(failing(lambda value: [value]))),
    "flat_map_values, in its generator": FlatMapValues(name="node", mapper=function(failing_in_the_middle)),
    "select_key": SelectKey(name="node", mapper=function(failing(str))),
    "peek": Peek(name="node", action=function(failing(str))),
    "for_each": ForEach(name="node", action=function(failing(str))),
    "reduce": aggregate("node", "reduce", adder=ADDER),
    "aggregate": aggregate("node", "aggregate", initializer=UserFunction(call=int, arguments=()), adder=ADDER),
}


CASES = [
    (operator, at)
    for operator in OPERATORS
    for at in (0, 2, 4)
    # The first value of a key is the aggregate as it is: reduce calls nothing.
    if (operator, at) != ("reduce", 0)
]


@pytest.mark.parametrize("cache", [False, True])
@pytest.mark.parametrize(("operator", "at"), CASES)
def test_the_first_a_middle_and_the_last_record_of_a_batch(operator: str, at: int, cache: bool) -> None:
    """Named exactly; those before it have had their effects, those after it none; the cause is the user's exception."""
    seen: list[int] = []
    first = Peek(name="before", action=function(seen.append))
    runner = Runner(chain(source(), first, OPERATORS[operator]), cache=cache)
    rows = [(b"key", b"%d" % (BAD if index == at else index), index) for index in range(5)]
    with pytest.raises(ProcessingError) as caught:
        runner.send(*rows, base=40)
    error = caught.value
    assert (error.operator, error.topic_partition, error.offset, error.key) == ("node", ("in", 3), 40 + at, "key")
    assert isinstance(error.__cause__, Broken)
    assert seen == [*range(at), BAD]
    for part in (
        "node failed at topic in, partition 3",
        f"offset {40 + at}",
        "key 'key'",
        "Broken: unlucky",
        "start again",
    ):
        assert part in str(error)


def test_part_of_a_batch_with_gaps_between_offsets() -> None:
    runner = Runner(chain(source(), OPERATORS["map_values"], sink()))
    rows = [(b"a", b"1", 1), (b"b", b"2", 2), (b"c", b"13", 3), (b"d", b"4", 4)]
    batch = batch_of("in", rows, offsets=[5, 7, 90, 91])
    with pytest.raises(ProcessingError) as caught:
        runner.bound.process["in"](batch, 1, 4)
    assert (caught.value.offset, caught.value.key) == (90, "c")
    assert runner.rows() == [(b"b", b"2", 2)]


@pytest.mark.parametrize("at", [0, 1, 2])
def test_an_undecodable_value_is_the_sources_failure(at: int) -> None:
    runner = Runner(chain(source(), MapValues(name="same", mapper=function(lambda value: value)), sink()))
    rows = [(b"k", b"{" if index == at else b"1", index) for index in range(3)]
    wanted = r"the value's 1 byte is not value=int: b'\{' .*declare its type"
    with pytest.raises(ProcessingError, match=wanted) as caught:
        runner.send(*rows)
    assert (caught.value.operator, caught.value.offset, caught.value.key) == ("in", at, "k")
    assert isinstance(caught.value.__cause__, ValueError)


def test_an_undecodable_key_is_shown_as_bytes() -> None:
    runner = Runner(chain(source(key=NUMBER), Peek(name="look", action=function(repr, "key")), sink()))
    with pytest.raises(ProcessingError, match=r"the key's 2 bytes are not key=int: b'\\xff\\x00'") as caught:
        runner.send((b"\xff\0", b"1", 1))
    assert (caught.value.operator, caught.value.key) == ("in", b"\xff\0")


def test_a_value_that_does_not_fit_is_the_writers_failure() -> None:
    runner = Runner(chain(source(), MapValues(name="text", mapper=function(str)), sink(value=int32)))
    wanted = r"the value '1' is of type str, but value=serde.int32 is declared. .* return an int32"
    with pytest.raises(ProcessingError, match=wanted) as caught:
        runner.send((b"a", b"1", 1))
    assert caught.value.operator == "out"
    assert runner.rows() == []


@pytest.mark.parametrize("cache", [False, True])
def test_an_aggregate_that_does_not_fit(cache: bool) -> None:
    node = aggregate("sums", "reduce", value=int32, adder=function(lambda old, value: "text", "aggregate", "value"))
    runner = Runner(chain(source(), node), cache=cache)
    if cache:
        runner.send((b"a", b"1", 1), (b"a", b"1", 1))
        runner.send((b"b", b"1", 1))
        place = "sums failed at a change of store sums-store, key 'a'"
        with pytest.raises(ProcessingError, match=f"{place}: the value 'text' is of type str"):
            runner.flush()
    else:
        wanted = r"the value 'text' is of type str, but value=serde.int32 is declared"
        with pytest.raises(ProcessingError, match=wanted) as caught:
            runner.send((b"a", b"1", 1), (b"a", b"1", 1))
        assert (caught.value.operator, caught.value.offset) == ("sums", 1)


@pytest.mark.parametrize(
    ("node", "wanted"),
    [
        (Map(name="node", mapper=function(lambda value: None)), r"\(key, value\)"),
        (Map(name="node", mapper=function(lambda value: (1, 2, 3))), r"\(key, value\)"),
        (FlatMap(name="node", mapper=function(lambda value: [1])), r"an iterable of \(key, value\)"),
        (FlatMap(name="node", mapper=function(lambda value: None)), r"an iterable of \(key, value\)"),
    ],
)
def test_a_result_of_the_wrong_shape(node: Node, wanted: str) -> None:
    with pytest.raises(ProcessingError, match=f"has to return {wanted}"):
        Runner(chain(source(), node, sink())).send((b"a", b"1", 1))


def test_a_type_error_inside_the_users_function_is_not_a_wrong_shape() -> None:
    node = Map(name="node", mapper=function(lambda value: (len(value), value)))
    with pytest.raises(ProcessingError, match=r"<lambda> raised \(traceback above\).*TypeError"):
        Runner(chain(source(), node, sink())).send((b"a", b"1", 1))


def test_downstream_of_a_cache_the_change_is_named() -> None:
    node = MapValues(name="node", mapper=function(failing(lambda value: value)))
    sums = aggregate("sums", "reduce", adder=function(int.__add__, "aggregate", "value"))
    runner = Runner(chain(source(), sums, ToStream(name="changes"), node, sink()), cache=True)
    runner.send((b"a", b"1", 1), (b"b", b"6", 2), (b"b", b"7", 3), (b"c", b"2", 4))
    with pytest.raises(ProcessingError) as caught:
        runner.flush()
    error = caught.value
    assert (error.operator, error.topic_partition, error.offset, error.key) == ("node", None, -1, "b")
    assert "node failed at a change of store sums-store, key 'b'" in str(error)
    assert isinstance(error.__cause__, Broken)
    assert runner.rows() == [(b"a", b"1", 1)]


def test_inside_a_shared_part_of_the_topology() -> None:
    runner = Runner(
        sub_topology(
            (source(), ()),
            (Filter(name="all", predicate=function(lambda value: True)), ("in",)),
            (Merge(name="both"), ("in", "all")),
            (OPERATORS["map_values"], ("both",)),
            (sink(), ("node",)),
        )
    )
    with pytest.raises(ProcessingError) as caught:
        runner.send((b"a", b"1", 1), (b"b", b"13", 2))
    assert (caught.value.operator, caught.value.offset) == ("node", 1)


def test_the_message_names_the_place_in_the_users_file() -> None:
    node = MapValues(name="node", location="app.py:12", mapper=function(failing(str)))
    with pytest.raises(ProcessingError, match=r"^node \(app.py:12\) failed at"):
        Runner(chain(source(), node)).send((b"a", b"13", 1))


def test_tracebacks_show_the_generated_line_and_the_users() -> None:
    runner = Runner(chain(source(), MapValues(name="shout", mapper=function(failing(str))), sink(value=TEXT)))
    with pytest.raises(ProcessingError) as caught:
        runner.send((b"a", b"13", 1))
    assert caught.value.__cause__ is not None
    text = "".join(traceback.format_exception(caught.value.__cause__))
    assert "call_shout(value)" in text
    assert 'raise Broken("unlucky")' in text


def test_trouble_with_the_store_blames_no_record() -> None:
    class FailingStores:
        def store(self, name: str) -> FailingStores:
            return self

        def get_with_timestamp(self, key: bytes) -> None:
            raise StateError("the disk is gone")

        put = None

    program = Runner(chain(source(), aggregate("counts", "count"))).program
    bound = program.bind(FailingStores())  # type: ignore[arg-type]
    with pytest.raises(StateError, match="the disk is gone"):
        bound.process["in"](batch_of("in", [(b"a", b"1", 1)]), 0, 1)


def test_keyboard_interrupts_are_not_failures() -> None:
    def interrupt(value: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Runner(chain(source(), Peek(name="stop", action=function(interrupt)))).send((b"a", b"1", 1))
