"""The writer of generated text: names, scopes, line table."""

from __future__ import annotations

import pytest

from streams.errors import TopologyError
from streams.operators.emitter import Action, Emitter, nullable
from streams.operators.flow import KEY, VALUE, Flow, Part
from streams.serde.binary import int64
from streams.topology.nodes import Peek
from tests.unit.streams.chains import NUMBER, TEXT, Runner, chain, function, sink, source


def emitter() -> Emitter:
    return Emitter(cache=False, forward=lambda node, flow: None)


def flow() -> Flow:
    return Flow(
        key=Part(raw="raw_key", serde=TEXT, origin="in"),
        value=Part(raw="raw_value", serde=NUMBER, origin="in"),
        timestamp="timestamp",
        headers=None,
    )


def test_a_part_is_decoded_once_within_a_block_and_again_outside_it() -> None:
    text = emitter()
    with text.block("if something:"):
        text.decode(flow(), VALUE)
        text.decode(flow(), VALUE)
    text.decode(flow(), VALUE)
    assert sum("decode_in_value(raw_value)" in line for line in text.lines) == 2


def test_a_part_in_the_wanted_format_is_not_touched() -> None:
    text = emitter()
    assert text.encode(flow(), KEY, TEXT, "out") == "raw_key"
    assert text.encode(flow(), KEY, None, "out") == "raw_key"
    assert text.lines == []


def test_a_part_in_another_format_is_encoded_once() -> None:
    text = emitter()
    first = text.encode(flow(), VALUE, int64, "out")
    assert text.encode(flow(), VALUE, int64, "other") == first
    assert [origin.action for origin in text.origins.values()] == [Action.DECODE, Action.ENCODE]


def test_a_function_for_objects_that_may_be_none() -> None:
    assert (nullable(str.encode)(None), nullable(str.encode)("a")) == (None, b"a")


def test_an_empty_block_is_still_a_block() -> None:
    text = emitter()
    with text.block("if x:"):
        pass
    assert text.lines == ["if x:", "    pass"]


def test_names_that_look_alike_stay_apart() -> None:
    text = emitter()
    assert text.named("to", "a-b") != text.named("to", "a_b")
    assert text.named("to", "a-b") == text.named("to", "a-b")
    assert text.constant("call_a-b", 1.5) != text.constant("call_a_b", 2.5)


def test_an_unknown_argument_is_a_build_error_that_names_the_operator() -> None:
    with pytest.raises(TopologyError, match=r"look.*'weather'"):
        Runner(chain(source(), Peek(name="look", action=function(lambda weather: None, "weather"))))


@pytest.mark.parametrize("name", ["ключ", "a'b\"c\\", "class", "1st", "x\ny", "out", "raw_key"])
def test_any_name_of_a_node_or_topic_gives_valid_code(name: str) -> None:
    runner = Runner(chain(source(name), sink(f"{name}!", topic="out")))
    assert runner.send((b"a", b"1", 1), topic=name).rows() == [(b"a", b"1", 1)]
