"""Values that are not of their type where an operator without a function writes them: tables, and topics in between.

What calls functions is in ``test_places`` and ``test_table_places``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from streams import App, KStream, ProcessingError, dead_letter, fail, retry, serde, skip, tumbling
from streams.dead_letters import origin_of
from streams.on_error import OnError
from streams.topology.nodes import Sink
from tests.errors.kit import Flaky, run
from tests.errors.test_places import LOOSE

CACHE = pytest.mark.parametrize("cache", [False, True], ids=["uncached", "cached"])
AT_ONCE = pytest.mark.parametrize("at_once", [False, True], ids=["one by one", "one batch"])
BAD = 3
POLICIES: dict[str, OnError] = {
    "skip": skip,
    "dead letter": dead_letter("dlq"),
    "whole record": skip(whole_record=True),
    "retry, then skip": retry("1s", attempts=2, then=skip),
    "function": lambda error: skip,
}
"""All but ``fail``; what is not of its type stays so, however often it is tried."""
Numbers = KStream[Any, Any]


def texts(app: App) -> Numbers:
    """Numbers, of which one has become a text on the way. A count shows what else a record has done."""
    numbers = app.stream("in", key=str, value=int)
    numbers.group_by_key().count(store="counts")
    return numbers.map_values(lambda value: "three" if value == BAD else value, value=int)


def moved(stream: Numbers) -> Numbers:
    return stream.select_key(lambda key, value: key, key=str)


def key_of(value: Any) -> Any:
    """One of another type than a text, for the value that is none of a number."""
    return 3 if value == "three" else "a"


def in_one_group(value: int) -> Any:
    return "a", "three" if value == BAD else value


TABLES: dict[str, Callable[[Numbers, OnError], Any]] = {
    "kept": lambda s, e: s.to_table(store="x", on_error=e),
    "kept for a join": lambda s, e: s.to_table(store="x", on_error=e).map_values(lambda value: value, value=int),
    "through a topic": lambda s, e: moved(s).to_table(store="x", on_error=e),
    "key through a topic": lambda s, e: s.select_key(key_of, key=str).to_table(store="x", on_error=e),
}


@CACHE
@AT_ONCE
@pytest.mark.parametrize("bad", [0, 2, 4])
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("table", TABLES)
def test_a_table_leaves_out_what_it_cannot_keep(
    table: str, policy: str, bad: int, cache: bool, at_once: bool
) -> None:  # fmt: skip
    """At the beginning, in the middle and at the end of a batch; the row is what it was, and the rest goes on."""
    app = App("app")
    made = TABLES[table](texts(app), POLICIES[policy])
    made.to_stream().map_values(lambda value: value, value=int).to("out")
    values = [1, 2, 4, 5]
    values.insert(bad, BAD)
    driver = run(app, values, cache=cache, at_once=at_once, waits=["1s", "1s"])
    assert driver.read_values("out") == [1, 2, 4, 5]
    assert driver.store("x")["a"] == 5
    assert driver.store("counts")["a"] == (4 if policy == "whole record" else 5)
    node = "x" if table.startswith("kept") else "x-repartition-sink"
    assert driver.drop_reasons == {(node, "dead letter" if policy == "dead letter" else "skipped"): 1}
    if policy == "dead letter":
        letter = driver.read_record("dlq", key=str, value=int)
        origin = origin_of(letter.headers)
        assert origin is not None
        assert (letter.key, letter.value, origin.operator, origin.offset) == ("a", BAD, node, bad)
    driver.crash()
    assert driver.store("x")["a"] == 5


@CACHE
@AT_ONCE
@pytest.mark.parametrize("table", TABLES)
def test_without_a_policy_the_application_stops_there(table: str, cache: bool, at_once: bool) -> None:
    app = App("app", on_error=skip)
    TABLES[table](texts(app), fail)
    with pytest.raises(ProcessingError, match=r"x.* \(test_written_rows.py:\d+\) failed .*offset 2, key 'a': "):
        run(app, range(1, 6), cache=cache, at_once=at_once)


@CACHE
@pytest.mark.parametrize("table", TABLES)
def test_the_applications_policy_holds_where_the_table_says_nothing(table: str, cache: bool) -> None:
    app = App("app", on_error=skip)
    TABLES[table](texts(app), None)  # type: ignore[arg-type]
    driver = run(app, range(1, 6), cache=cache)
    assert driver.store("x")["a"] == 5
    assert sum(driver.drop_reasons.values()) == 1


@CACHE
@AT_ONCE
@pytest.mark.parametrize("through_topic", [False, True])
def test_a_row_that_can_be_written_later(cache: bool, at_once: bool, through_topic: bool) -> None:
    """A format that asks a service which does not answer at first; the records behind wait, so that the order stays."""
    flaky = Flaky({BAD: 1}, lambda value: b"%d" % value)
    numbers: serde.Serde[int] = serde.of(flaky, int, id="asked")
    app = App("app")
    stream = app.stream("in", key=str, value=int)
    stream = moved(stream) if through_topic else stream
    table = stream.to_table(value=numbers, store="x", on_error=retry("1s"))
    table.to_stream().to("out", value=int)
    driver = run(app, range(1, 6), cache=cache, at_once=at_once)
    assert driver.read_values("out") == [1, 2]
    driver.advance_wall_clock("1s")
    assert driver.read_values("out") == [3, 4, 5]
    assert driver.store("x")["a"] == 5
    assert flaky.calls == [1, 2, BAD, BAD, 4, 5]
    assert driver.drop_reasons == {}


def test_bytes_that_cannot_be_read_are_the_sources_error() -> None:
    """Where a table keeps a value in another format than it came in, reading it is not the table's work."""
    app = App("app")
    app.stream("in", key=str, value=LOOSE).to_table(value=int, store="x", on_error=skip)
    with pytest.raises(ProcessingError, match=r"in-source .*offset 1"):
        run(app, [1, b"{"])


@pytest.mark.parametrize("policy", [fail, skip, dead_letter("dlq"), skip(whole_record=True), retry("1s")])
def test_a_table_that_keeps_nothing_cannot_fail(policy: OnError) -> None:
    """It writes nothing, so that there is nothing for a policy to do: the value passes, whatever it is."""
    app = App("app")
    seen: list[Any] = []
    texts(app).to_table(on_error=policy).to_stream().for_each(seen.append)
    driver = run(app, range(1, 6), cache=True)
    assert seen == [1, 2, "three", 4, 5]
    assert driver.drop_reasons == {}
    assert driver.store("counts")["a"] == 5


def test_bytes_in_their_format_pass_as_they_are() -> None:
    """What nobody changed is kept as it came, and not looked at."""
    app = App("app")
    loose = app.stream("in", key=str, value=LOOSE).to_table(store="x", on_error=dead_letter("dlq"))
    loose.to_stream().to("out")
    driver = run(app, [1, b"{"])
    assert driver.read_values("out", value=bytes) == [b"1", b"{"]
    assert driver.drop_reasons == {}


SENDS: dict[str, Callable[[App, Numbers, OnError], Any]] = {
    "group_by": lambda app, s, e: s.group_by(key_of, key=str, on_error=e).count(store="x"),
    "group_by, windowed": lambda app, s, e: (
        s.group_by(key_of, key=str, on_error=e).windowed_by(tumbling("1h")).count(store="x")
    ),
    "group_by_key": lambda app, s, e: s.select_key(key_of, key=str).group_by_key(on_error=e).count(store="x"),
    "repartition": lambda app, s, e: (
        s.select_key(key_of, key=str).repartition(name="r", on_error=e).group_by_key().count(store="x")
    ),
    "group_by of a table": lambda app, s, e: (
        s.filter(lambda value: True)
        .map_values(lambda value: 3 if value == "three" else value, value=int)
        .to_table()
        .group_by(in_one_group, key=str, value=int, on_error=e)
        .count(store="x")
    ),
    "join": lambda app, s, e: (
        s.select_key(key_of, key=str)
        .left_join(app.table("rows", key=str, value=int), lambda left, right: left, value=int, on_error=e)
        .group_by_key()
        .count(store="x")
    ),
}
"""Operators that send records through a topic of theirs, in which a key does not fit, or a grouped table's value."""


@CACHE
@AT_ONCE
@pytest.mark.parametrize("combiners", [False, True], ids=["", "combined"])
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("operator", SENDS)
def test_what_an_operator_cannot_send_is_its_own_error(
    operator: str, policy: str, cache: bool, at_once: bool, combiners: bool
) -> None:
    app = App("app", combiners=combiners)
    SENDS[operator](app, texts(app), POLICIES[policy])
    driver = run(app, range(1, 6), cache=cache, at_once=at_once, waits=["1s", "1s"])
    store = driver.store("x")
    counted = store.fetch("a", 0) if "windowed" in operator else store["a"]
    assert counted == (1 if operator == "group_by of a table" else 4)
    assert driver.store("counts")["a"] == (4 if policy == "whole record" else 5)
    # What cannot be sent as a new value cannot be sent as the old one either, unless the row is as before.
    again = operator == "group_by of a table" and policy != "whole record"
    assert sum(driver.drop_reasons.values()) == 1 + again


@pytest.mark.parametrize("operator", SENDS)
def test_nor_does_it_take_others_along(operator: str) -> None:
    """Without a policy of its own the application's holds, and with neither the application stops."""
    app = App("app")
    SENDS[operator](app, texts(app), None)  # type: ignore[arg-type]
    with pytest.raises(ProcessingError, match=r"-repartition-sink .*offset 2"):
        run(app, range(1, 6), cache=True)
    own = App("app")
    SENDS[operator](own, texts(own), skip)
    topology = own.topology()
    sinks = [sink for sub in topology.subtopologies for sink in sub.sinks if isinstance(sink, Sink) and sink.internal]
    assert [sink.on_error for sink in sinks] == [skip]
