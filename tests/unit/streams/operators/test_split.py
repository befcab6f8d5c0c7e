"""split: the first branch that takes a record is the only one to get it."""

from __future__ import annotations

from streams.topology.nodes import Branch, Merge, Split
from tests.unit.streams.chains import Row, Runner, aggregate, chain, function, sink, source, sub_topology

ROWS: tuple[Row, ...] = ((b"a", b"1", 1), (b"b", b"20", 2), (b"c", b"300", 3), (b"d", None, 4))


def branch(name: str, limit: int, calls: list[str] | None = None) -> Branch:
    def reaches(value: int | None) -> bool:
        if calls is not None:
            calls.append(f"{name} {value}")
        return value is not None and value >= limit

    return Branch(name=name, split="split", predicate=function(reaches))


def test_the_first_branch_that_takes_a_record_is_the_only_one() -> None:
    calls: list[str] = []
    runner = Runner(
        sub_topology(
            (source(), ()),
            (Split(name="split"), ("in",)),
            (branch("large", 100, calls), ("split",)),
            (branch("medium", 10, calls), ("split",)),
            (Branch(name="rest", split="split"), ("split",)),
            (sink("large-out"), ("large",)),
            (sink("medium-out"), ("medium",)),
            (sink("rest-out"), ("rest",)),
        )
    ).send(*ROWS)
    written = {columns.topic: columns.keys for columns in runner.bound.drain_outputs()}
    assert written == {"large-out": [b"c"], "medium-out": [b"b"], "rest-out": [b"a", b"d"]}
    assert calls == [
        "large 1", "medium 1", "large 20", "medium 20", "large 300", "large None", "medium None",
    ]  # fmt: skip


def test_without_a_default_the_rest_goes_nowhere() -> None:
    assert Runner(chain(source(), Split(name="split"), branch("large", 100), sink())).send(*ROWS).rows() == [ROWS[2]]


def test_splits_deep_below_each_other_compile() -> None:
    """A branch stays in its split's function, however deep the nesting; more than CPython's 20 blocks here."""
    edges = [(source(), ())]
    parent = "in"
    for depth in range(12):
        split = f"split{depth}"
        edges += [(Split(name=split), (parent,)), (Branch(name=f"rest{depth}", split=split), (split,))]  # type: ignore[list-item]
        parent = f"rest{depth}"
    runner = Runner(sub_topology(*edges, (sink(), (parent,))))  # type: ignore[arg-type]
    assert runner.send(*ROWS).rows() == list(ROWS)


def test_branches_meet_again_and_split_below_a_cache() -> None:
    runner = Runner(
        sub_topology(
            (source(), ()),
            (aggregate("counts", "count"), ("in",)),
            (Split(name="split"), ("counts",)),
            (branch("twice", 2), ("split",)),
            (Branch(name="once", split="split"), ("split",)),
            (Merge(name="both"), ("once", "twice")),
            (sink(), ("both",)),
        ),
        cache=True,
    )
    runner.send((b"a", b"1", 1), (b"a", b"1", 2), (b"b", b"1", 3)).flush()
    assert runner.rows() == [(b"a", b"2", 2), (b"b", b"1", 3)]
