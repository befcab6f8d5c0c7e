"""Everything the DSL rejects it rejects at build, with place, operator and fix; the rest is found before processing.

One list, from the top of a topology to its disk. The details of each are in the tests of its module.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import make_dataclass
from pathlib import Path
from typing import Any

import pytest

from streams import App, hopping, serde, tumbling
from streams.client.admin import NewTopic
from streams.errors import ConfigError, TopologyError
from streams.runtime.access import caller
from streams.runtime.activity import wait
from tests.trouble.kit import run


def lines(app: App, topic: str = "lines", key: Any = str) -> Any:
    return app.stream(topic, key=key, value=str)


def users(app: App, key: Any = str, **options: Any) -> Any:
    return app.table("users", key=key, value=str, **options)


def first(left: Any, right: Any) -> Any:
    return left


def first_partition(topic: str, key: str, value: str, partitions: int) -> int:
    return 0


AT_BUILD: dict[str, tuple[Callable[[App], Any], str]] = {
    "a missing type at a store": (
        lambda app: lines(app).map_values(lambda line: [line]).group_by_key().reduce(first),
        r"reduce\(.*map_values\(.*value=",
    ),
    "a missing type at a repartition": (
        lambda app: lines(app).select_key(lambda line: line[0]).group_by_key().count(),
        r"count\(.*select_key\(.*key=",
    ),
    "a missing type at a join": (
        lambda app: lines(app).select_key(lambda line: line[0]).join(users(app), first),
        r"join\(.*select_key\(.*key=",
    ),
    "joined keys of two formats": (
        lambda app: lines(app, key=int).join(users(app), first),
        r"join\(...\): the keys of the stream have the format json:int .*utf8.*select_key\(..., key=...\)",
    ),
    "joined tables of two formats": (
        lambda app: users(app).join(app.table("ages", key=serde.int64, value=int), first),
        r"join\(...\): the keys of the table .*int64.*read both topics with the same key type",
    ),
    "merged keys of two formats": (
        lambda app: lines(app).merge(lines(app, "more", key=int)),
        r"merge\(...\): the keys of the two streams have different formats, utf8 and json:int.*select_key",
    ),
    "a join of a topic with a partitioner of its own": (
        lambda app: (
            lines(app).join(users(app), first).to("out"),
            lines(app, "in").to("users", partitioner=first_partition),
            app.topology(),
        ),
        r"brings equal keys of 'users' and 'lines' together.*partitioner=first_partition.*repartition\(\)",
    ),
    "negative grace": (lambda app: tumbling("10s", grace="-1s"), r"tumbling\(\): grace='-1s' is no duration"),
    "windows with gaps": (lambda app: hopping("1s", advance="2s"), r"hopping\(.*leave gaps.*advance='1s' or less"),
    "retention shorter than a window": (
        lambda app: lines(app).group_by_key().windowed_by(tumbling("1h", grace="1h")).count(retention="1h"),
        r"count\(retention='1h'\) is shorter than a window takes records.*retention='2h' or more",
    ),
    "one store's name twice": (
        lambda app: [lines(app).group_by_key().count(store="s") for _ in range(2)],
        r"two stores are called 's'.*Add another store='...'",
    ),
    "one name by default twice": (
        lambda app: [lines(app).group_by_key().count() for _ in range(2)],
        r"two stores are called 'lines-count' by default.*Add another store='...'",
    ),
    "one node's name twice": (
        lambda app: [lines(app).filter(bool, name="n") for _ in range(2)],
        r"two nodes are called 'n'.*give one of them another name",
    ),
    "one repartition topic's name twice": (
        lambda app: [lines(app, topic).repartition(name="r") for topic in ("lines", "more")],
        r"two repartition topics are called 'app-r-repartition'.*Add another name='...'",
    ),
    "one topic read in two ways": (
        lambda app: (lines(app), app.stream("lines", key=str, value=int)),
        "topic 'lines' is read at .* already, with other topics, types.*read it once",
    ),
    "a stream where a table is needed": (
        lambda app: users(app).join(lines(app), first), r"join\(...\) of a table takes a table.*to_table\(\)"
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", AT_BUILD)
def test_at_build(mistake: str) -> None:
    declare, message = AT_BUILD[mistake]
    with pytest.raises(TopologyError, match=rf"(?s)^test_refusals.py:\d+: .*{message}"):
        declare(App("app"))


def start(data_dir: Path, *topics: str, configs: dict[str, str] | None = None, partitions: int = 2) -> None:
    """Make topics, as somebody with a command line would."""
    with caller(App("app", data_dir=data_dir).config(), None) as call:
        new = {topic: NewTopic(partitions=partitions, configs=configs or {}) for topic in topics}
        call(lambda client: wait(client.admin.create_topics(new)))


def test_a_table_over_a_deleting_topic(tmp_path: Path) -> None:
    """Known at start: the policy is the topic's."""
    start(tmp_path, "users", configs={"cleanup.policy": "compact,delete", "retention.ms": "86400000"})
    app = App("app", data_dir=tmp_path)
    users(app, store="s")
    with pytest.raises(
        ConfigError, match=r"'users' is read as a table, but its cleanup.policy is 'compact,delete'.*Set"
    ):
        run(app)


@pytest.mark.parametrize("brings", ["join", "count"])
def test_topics_of_two_partition_counts(tmp_path: Path, brings: str) -> None:
    start(tmp_path, "lines")
    start(tmp_path, "users", partitions=3, configs={"cleanup.policy": "compact"})
    app = App("app", data_dir=tmp_path)
    if brings == "join":
        lines(app).join(users(app), first, name="x").to("out")
    else:
        lines(app).merge(lines(app, "users")).group_by_key().count(store="x")
    with pytest.raises(ConfigError, match=r"test_refusals.py:\d+: 'x' .*'lines' has 2, 'users' has 3.*partitions=3"):
        run(app)


def test_a_partition_count_that_changed(tmp_path: Path) -> None:
    app = App("app", data_dir=tmp_path)
    lines(app).group_by_key().count(store="s")
    start(tmp_path, "lines")
    app.send("lines", "a", "x")
    run(app)
    with caller(app.config(), None) as call:
        call(lambda client: wait(client.admin.delete_topics(["lines"])))
    start(tmp_path, "lines", partitions=5)
    with pytest.raises(ConfigError, match="'app-s-changelog' has 2 partitions, but the topology needs 5 now"):
        run(app)


def test_values_that_an_evolved_model_cannot_read(tmp_path: Path) -> None:
    """Under the same name: the manifest knows types by their names. Undone, it goes on."""

    def declare(*fields: tuple[str, type]) -> App:
        app = App("app", data_dir=tmp_path)
        model = make_dataclass("Total", fields, namespace={"__module__": __name__})
        grouped: Any = lines(app).group_by_key()
        grouped.aggregate(lambda: model(0), lambda total, line: model(total.count + 1), value=model, store="s")
        return app

    before = declare(("count", int))
    before.send("lines", "a", "x")
    run(before)
    evolved = declare(("amount", int))
    evolved.send("lines", "a", "y")
    with pytest.raises(ConfigError, match=r"store 's' of task 0_\d has rows that 's' cannot read any more.*`amount`"):
        run(evolved)
    run(before)
    with before.query("s") as store:
        assert store["a"].count == 2
