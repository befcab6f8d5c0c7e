"""A table that restores from its source topic is the table that has a changelog: random lives under both."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams import App
from streams.testing import TopologyTestDriver

STORES = ("users-rows", "per-town", "upper")

KEYS = st.sampled_from(["ann", "bob", "eve", None])
TOWNS = st.sampled_from(["rome", "oslo", None])
ACTIONS = st.one_of(
    st.tuples(st.just("user"), KEYS, TOWNS, st.integers(-1, 50)),
    st.tuples(st.just("visit"), KEYS, TOWNS, st.integers(0, 50)),
    st.tuples(st.just("process"), st.integers(1, 3)),
    st.tuples(st.sampled_from(["commit", "crash", "rebalance"])),
)


def build(*, reuse: bool) -> App:
    app = App("reused", reuse_source_topics=reuse)
    users = app.table("users", key=str, value=str, store="users-rows")
    users.map_values(str.upper, store="upper")
    users.group_by(lambda town: (town, town), key=str, value=str).count(store="per-town").to_stream().to("towns")
    visits = app.stream("visits", key=str, value=str)
    visits.left_join(users, lambda visited, home: f"{visited} from {home}", value=str).to("joined")
    assert (app.topology().stores["users-rows"].spec.source_topic == "users") is reuse
    return app


def live(life: list[tuple[Any, ...]], *, reuse: bool, partitions: int) -> Any:
    with TopologyTestDriver(build(reuse=reuse), partitions=partitions) as driver:
        for action, *rest in life:
            if action in ("user", "visit"):
                key, value, timestamp = rest
                driver.enqueue(f"{action}s", key, value, timestamp=timestamp)
            elif action == "process":
                driver.process(*rest)
            else:
                getattr(driver, action)()
        driver.process()
        driver.commit()
        written = {topic: list(driver.read(topic)) for topic in ("towns", "joined")}
        driver.rebalance()
        return written, {name: dict(driver.store(name).all()) for name in STORES}, driver.dropped


@settings(max_examples=120, deadline=None)
@given(life=st.lists(ACTIONS, max_size=40), partitions=st.integers(1, 2))
def test_no_crash_tells_them_apart(life: Any, partitions: int) -> None:
    """Tombstones, null keys, values that do not change, records without a time, and input beyond the last commit."""
    assert live(life, reuse=True, partitions=partitions) == live(life, reuse=False, partitions=partitions)
