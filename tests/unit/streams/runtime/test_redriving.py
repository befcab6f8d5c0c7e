"""Redrive: the record as it was, to the partition that it came from, once, whatever dies in between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from streams import App, ConfigError, dead_letter
from streams.errors import StreamsError
from streams.runtime.access import caller
from streams.runtime.redriving import Redriven, redrive, redrive_group, redrive_positions
from streams.runtime.run import run_app

HEADERS = (("trace", b"1"), ("trace", None))


def failing(path: Path) -> App:
    def refuse(value: str) -> str:
        raise ValueError(value)

    app = App("app", data_dir=path, partitions=3)
    app.stream("in", key=str, value=str).map_values(refuse, on_error=dead_letter("dlq")).to("out")
    return app


def redriven(app: App, **options: Any) -> Redriven:
    with caller(app.config(), None) as call:
        done: Redriven = call(lambda client: redrive(client, "dlq", **options))
        return done


@pytest.fixture
def app(tmp_path: Path) -> App:
    app = failing(tmp_path)
    for key in ("a", "b", "c", "d"):
        app.send("in", key, f"value {key}", timestamp=42, headers=HEADERS)
    run_app(app, until_end=True, quiet=True)
    return app


def test_letters_go_back_as_they_were(app: App) -> None:
    assert redriven(app) == Redriven(sent=4)
    found = [(r.partition, r.key, r.value, r.timestamp, r.headers) for r in app.read("in")]
    assert len(found) == 8
    assert sorted(found)[::2] == sorted(found)[1::2], "each twice, in its own partition"
    assert {headers for *_, headers in found} == {HEADERS}
    assert redriven(app) == Redriven()


def test_a_limit_stops_in_the_middle_of_a_batch(app: App) -> None:
    assert [redriven(app, limit=limit).sent for limit in (1, 2, 5, 5)] == [1, 2, 1, 0]
    assert len(list(app.read("in"))) == 8


def test_letters_that_fail_again_come_back_again(app: App) -> None:
    redriven(app)
    run_app(failing(Path(app.config().data_dir)), until_end=True, quiet=True)
    assert redriven(app).sent == 4


def test_records_without_an_origin_stay(app: App) -> None:
    app.send("dlq", "x", "put here by hand")
    assert redriven(app) == Redriven(sent=4, left=1)
    assert len(list(app.read("dlq"))) == 5


def test_progress_is_a_groups(app: App) -> None:
    redriven(app)
    with caller(app.config(), None) as call:
        positions = call(lambda client: redrive_positions(client, "dlq"))
        committed = call(lambda client: _committed(client, positions))
    assert sum(positions.values()) >= 4
    assert {partition: entry.offset for partition, entry in committed.items() if entry} == {
        partition: position for partition, position in positions.items() if position
    }


def _committed(client: Any, partitions: Any) -> Any:
    from streams.runtime.activity import wait

    return (yield from wait(client.admin.committed(redrive_group("dlq"), list(partitions))))


def test_a_topic_that_is_gone_sends_nothing(app: App) -> None:
    with caller(app.config(), None) as call:
        from streams.runtime.activity import wait

        call(lambda client: wait(client.admin.delete_topics(["in"])))
    with pytest.raises(ConfigError, match="came from topic 'in', which is not there any more"):
        redriven(app)
    with pytest.raises(StreamsError):
        list(app.read("in"))


def test_a_topic_that_never_was(app: App) -> None:
    with caller(app.config(), None) as call, pytest.raises(ConfigError, match="there is no topic 'nowhere'"):
        call(lambda client: redrive(client, "nowhere"))
