"""Error policies in real runs: over the broker, while others commit, over restarts, and what a user sees of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from streams import App, ProcessingError, StreamsError, dead_letter, retry, skip, tumbling
from streams.dead_letters import origin_of
from streams.on_error import OnError
from streams.runtime.live import live_text
from streams.runtime.run import run_app
from tests.errors.kit import Flaky
from tests.unit.streams.runtime.machine import Machine


def shop(path: Path, function: Any, on_error: OnError) -> App:
    app = App("shop", data_dir=path, partitions=1)
    numbers = app.stream("in", key=str, value=int)
    numbers.map_values(function, value=int, name="parse", on_error=on_error).to("out")
    numbers.group_by_key().count(store="counts")
    return app


def values(app: App, topic: str) -> list[Any]:
    return [record.value for record in app.read(topic, value=int)]


def test_a_run_goes_on_and_tells_what_it_let_go_of(tmp_path: Path) -> None:
    app = shop(tmp_path, Flaky({2: -1, 4: -1}), dead_letter("dlq"))
    app.feed("in", range(6), value=int)
    heard: list[tuple[str, Any]] = []

    class Listener:
        def event(self, name: str, **fields: Any) -> None:
            if name.startswith("record."):
                heard.append((name, fields))

    run_app(app, until_end=True, quiet=True, observer=Listener())
    assert values(app, "out") == [0, 1, 3, 5]
    assert values(app, "dlq") == [2, 4]
    assert app.metrics.dead_lettered == {"parse": 2}
    failed = [fields for name, fields in heard if name == "record.failed"]
    assert [(fields["operator"], fields["topic"], fields["offset"]) for fields in failed] == [
        ("parse", "in", 2), ("parse", "in", 4),
    ]  # fmt: skip
    dropped = [fields for name, fields in heard if name == "record.dropped" and fields["operator"] == "parse"]
    assert sum(fields["count"] for fields in dropped) == 2
    assert {fields["reason"] for fields in dropped} == {"dead letter"}


def test_all_that_a_record_can_end_by_is_told_by_operator(tmp_path: Path) -> None:
    """Dropped, late, skipped and dead-lettered: in ``app.metrics``, to the observer, and in the live line."""
    app = App("told", data_dir=tmp_path, partitions=1)
    numbers = app.stream("in", key=str, value=int, timestamp=lambda value: 1_700_000_000_000 + value)
    numbers.map_values(Flaky({7: -1}), value=int, name="parse", on_error=skip).to("out")
    numbers.for_each(Flaky({8: -1}), name="watch", on_error=dead_letter("dlq"))
    numbers.group_by_key().windowed_by(tumbling("10ms")).count(store="windows")
    app.feed("in", [("a", 1), (None, 2), ("a", 25), ("a", 7), ("a", 8), ("a", 26)], value=int, keyed=True)
    told: Counter[tuple[str, str]] = Counter()

    class Listener:
        def event(self, name: str, **fields: Any) -> None:
            if name == "record.dropped":
                told[fields["operator"], fields["reason"]] += fields["count"]

    run_app(app, until_end=True, quiet=True, observer=Listener())
    metrics = app.metrics
    assert metrics.late == {"windows": 2}
    assert metrics.skipped == {"parse": 1}
    assert metrics.dead_lettered == {"watch": 1}
    assert metrics.dropped == {"windows: null key": 1}
    assert told == {
        ("windows", "late"): 2, ("windows", "null key"): 1, ("parse", "skipped"): 1, ("watch", "dead letter"): 1,
    }  # fmt: skip
    assert live_text("told", metrics, 0.0).endswith("dropped 1 | late 2 | skipped 1 | dead letters 1")


def test_a_second_run_repeats_nothing(tmp_path: Path) -> None:
    first = shop(tmp_path, Flaky({1: -1}), dead_letter("dlq"))
    first.feed("in", range(3), value=int)
    run_app(first, until_end=True, quiet=True)
    second = shop(tmp_path, Flaky({1: -1}), dead_letter("dlq"))
    run_app(second, until_end=True, quiet=True)
    assert (values(second, "out"), values(second, "dlq")) == ([0, 2], [1])
    (letter,) = second.read("dlq")
    origin = origin_of(letter.headers)
    assert origin is not None and (origin.application_id, origin.offset) == ("shop", 1)


def test_a_run_that_failed_goes_on_under_a_policy(tmp_path: Path) -> None:
    first = shop(tmp_path, Flaky({1: -1}), retry("1ms", attempts=2))
    first.feed("in", range(3), value=int)
    with pytest.raises(ProcessingError, match=r"parse .*offset 1"):
        run_app(first, until_end=True, quiet=True)
    second = shop(tmp_path, Flaky({1: -1}), skip)
    second.feed("in", range(3), value=int)
    run_app(second, until_end=True, quiet=True)
    assert values(second, "out") == [0, 2]
    assert second.metrics.skipped == {"parse": 1}


def test_retries_in_a_run_are_waited_for(tmp_path: Path) -> None:
    flaky = Flaky({1: 2})
    app = shop(tmp_path, flaky, retry("5ms"))
    app.feed("in", range(3), value=int)
    run_app(app, until_end=True, quiet=True)
    assert (values(app, "out"), flaky.calls) == ([0, 1, 2], [0, 1, 1, 1, 2])


def test_metrics_before_a_run_are_none(tmp_path: Path) -> None:
    with pytest.raises(StreamsError, match="has not run"):
        shop(tmp_path, int, skip).metrics


def test_commits_go_on_while_a_task_waits() -> None:
    """Two partitions: one waits for a minute, the other commits; the waiting one keeps its position at the record."""
    flaky = Flaky({"bad": 1})

    def build(**settings: Any) -> App:
        app = App("words", **{"partitions": 2, "commit_interval_ms": 5, **settings})
        app.stream("lines", key=str, value=str).map_values(flaky, value=str, on_error=retry("1m")).to("out")
        return app

    machine = Machine(build, lines=[("b", "good"), ("a", "bad"), ("a", "behind")])
    worker = machine.worker(stop_at_end=False)
    machine.turn(worker, lambda: worker.metrics().waiting == 1)
    now_ms = machine.world.now_ms
    machine.turn(worker, lambda: worker.totals.commits >= 1 and not worker._dirty)
    assert worker.metrics().records_processed == 1
    deadline = worker.next_deadline()
    assert deadline is not None and deadline <= now_ms + 60_000
    machine.world.now_ms += 60_000
    machine.turn(worker, lambda: worker.metrics().records_processed == 3 and worker.metrics().waiting == 0)
    assert flaky.calls.count("bad") == 2
