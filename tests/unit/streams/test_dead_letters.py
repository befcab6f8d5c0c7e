"""Headers of dead letters: Kafka Streams' names and forms, read back; the record's own are kept."""

from __future__ import annotations

import pytest

from streams import ErrorContext
from streams.dead_letters import MAX_TRACE_CHARACTERS, Origin, dead_letter_headers, origin_of, own_headers
from streams.model import Headers

OWN: Headers = (("trace", b"1"), ("empty", None), ("trace", b"2"))


def context(headers: Headers = OWN) -> ErrorContext:
    return ErrorContext(
        operator="parse", topic="orders", partition=3, offset=17, timestamp=5, key=b"k", value=None, headers=headers,
        attempt=1,
    )  # fmt: skip


def test_the_names_are_those_of_kip_1034() -> None:
    found = dead_letter_headers(context(), ValueError("no ü"), "shop")
    assert found[:3] == OWN
    assert {name: value for name, value in found[3:] if name != "__streams.errors.stacktrace"} == {
        "__streams.errors.exception": b"ValueError: no \xc3\xbc",
        "__streams.errors.message": b"no \xc3\xbc",
        "__streams.errors.topic": b"orders",
        "__streams.errors.partition": b"3",
        "__streams.errors.offset": b"17",
        "__streams.errors.operator": b"parse",
        "__streams.errors.application.id": b"shop",
    }


def test_they_are_read_back() -> None:
    assert origin_of(dead_letter_headers(context(), KeyError("x"), "shop")) == Origin(
        topic="orders", partition=3, offset=17, operator="parse", application_id="shop", exception="KeyError: 'x'",
        message="'x'",
    )  # fmt: skip


def test_a_letter_that_fails_again_has_one_set_of_them() -> None:
    once = dead_letter_headers(context(), ValueError("first"), "shop")
    twice = dead_letter_headers(context(once), ValueError("second"), "shop")
    assert len(twice) == len(once)
    assert own_headers(twice) == OWN
    origin = origin_of(twice)
    assert origin is not None and origin.message == "second"


@pytest.mark.parametrize("headers", [(), OWN, (("__streams.errors.topic", b"t"), ("__streams.errors.partition", b"x"))])
def test_other_records_are_none(headers: Headers) -> None:
    assert origin_of(headers) is None


def test_a_letter_of_kafka_streams_is_one() -> None:
    names = ("exception", "message", "stacktrace", "topic", "partition", "offset")
    headers = tuple((f"__streams.errors.{name}", b"7" if name in ("partition", "offset") else b"x") for name in names)
    origin = origin_of(headers)
    assert origin is not None and (origin.topic, origin.offset, origin.operator) == ("x", 7, "")


def test_long_traces_lose_their_beginning() -> None:
    def deep(left: int) -> None:
        if not left:
            raise ValueError("x" * MAX_TRACE_CHARACTERS)
        deep(left - 1)

    with pytest.raises(ValueError) as caught:
        deep(3)
    trace = dict(dead_letter_headers(context(()), caught.value, "shop"))["__streams.errors.stacktrace"]
    assert trace is not None and len(trace) == MAX_TRACE_CHARACTERS and trace.endswith(b"x\n")
