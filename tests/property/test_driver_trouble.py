"""Under the test driver, crashes, rebalances and commits at any moment change no output and no state."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams import App
from streams.testing import TopologyTestDriver

TROUBLE = ("crash", "rebalance", "commit", "process")
LINES = st.lists(st.sampled_from(["a", "b", "c", "a b", "b b c", ""]), max_size=12)


def application() -> App:
    """Two sub-topologies and two stores, one of them with deletions."""
    app = App("trouble")
    words = app.stream("lines", key=str, value=str).flat_map_values(str.split, value=str)
    counts = words.group_by(lambda word: word, key=str).count(store="counts")
    counts.to_stream().to("counted")
    odd = counts.to_stream().group_by_key().reduce(lambda old, new: None if new % 3 == 0 else old + new, store="odd")
    odd.to_stream().to("reduced")
    return app


def results(driver: TopologyTestDriver) -> tuple[Any, ...]:
    found: dict[tuple[str, str], list[Any]] = {}
    for topic in ("counted", "reduced"):
        for record in driver.read(topic):
            found.setdefault((topic, record.key), []).append((record.value, record.timestamp))
    return found, dict(driver.store("counts").all()), dict(driver.store("odd").all())


@given(
    lines=LINES,
    trouble=st.lists(st.tuples(st.integers(0, 12), st.sampled_from(TROUBLE)), max_size=8),
    enqueued=st.sets(st.integers(0, 11)),
    partitions=st.integers(1, 3),
)
def test_trouble_changes_nothing(
    lines: list[str], trouble: list[tuple[int, str]], enqueued: set[int], partitions: int
) -> None:
    app = application()
    calm = TopologyTestDriver(app, partitions=partitions)
    for number, line in enumerate(lines):
        calm.send("lines", None, line, timestamp=number)
    troubled = TopologyTestDriver(app, partitions=partitions, commit_every=None)
    for number, line in enumerate([*lines, None]):
        for moment, what in trouble:
            if moment == number:
                getattr(troubled, what)()
        if line is not None:
            (troubled.enqueue if number in enqueued else troubled.send)("lines", None, line, timestamp=number)
    troubled.process()
    troubled.commit()
    assert results(troubled) == results(calm)
